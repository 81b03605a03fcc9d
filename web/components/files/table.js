// The table of the results: the rows as they arrive, in the order that the visitor chose. It is built as DOM and not as
// a template, because a row contains the name of an uploaded file.

const STATES = ['not_read', 'uncertain', 'certain'];  // in ascending order
const hasNoValue = {  // per column: such rows are last in either order
  file: () => false,
  number: (row) => !row.reading?.text,
  probability: (row) => row.probability === undefined || row.probability === null,
  result: () => false,
};
const collator = new Intl.Collator(undefined, {numeric: true});
const numberText = (row) => (row.reading?.text ?? '').replaceAll('\n', ' / ');
const comparisons = {
  file: (a, b) => collator.compare(a.file, b.file),
  number: (a, b) => collator.compare(numberText(a), numberText(b)),
  probability: (a, b) => a.probability - b.probability,
  result: (a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state),
};

/** The rows, their elements and their order. */
class Table {
  constructor(element) {
    this.body = element.querySelector('.rows');
    this.sortButtons = [...element.querySelectorAll('[data-sort]')];
    this.rows = [];  // in the order of the files
    this.rowElements = new Map();
    this.order = null;  // {column, sign}, or null for the order of the files
    for (const button of this.sortButtons) button.addEventListener('click', () => this.sortBy(button.dataset.sort));
  }

  /** Add rows and show them. @param {object[]} rows */
  add(rows) {
    this.rows.push(...rows);
    for (const row of rows) this.rowElements.set(row, createRow(row));
    this.order ? this.showRows() : this.body.append(...rows.map((row) => this.rowElements.get(row)));
  }

  clear() {
    this.rows = [];
    this.rowElements.clear();
    this.body.replaceChildren();
  }

  /** Return the number of rows in a state. @param {string} state one of STATES */
  count(state) {
    return this.rows.filter((row) => row.state === state).length;
  }

  /** Sort by a column: ascending at first, then descending, then in the order of the files. @param {string} column */
  sortBy(column) {
    const sign = this.order?.column !== column ? 1 : -this.order.sign;
    this.order = sign === 1 && this.order?.column === column ? null : {column, sign};
    for (const button of this.sortButtons) {
      const isSorted = button.dataset.sort === this.order?.column;
      button.parentElement.setAttribute('aria-sort', !isSorted ? 'none' : sign > 0 ? 'ascending' : 'descending');
    }
    this.showRows();
  }

  /** Return the rows in the chosen order. */
  sortedRows() {
    if (!this.order) return this.rows;
    const {column, sign} = this.order, compare = comparisons[column], isLast = hasNoValue[column];
    return [...this.rows].sort((a, b) => isLast(a) - isLast(b) || (isLast(a) ? 0 : sign * compare(a, b)));
  }

  showRows() {
    this.body.replaceChildren(...this.sortedRows().map((row) => this.rowElements.get(row)));
  }
}

/** Create the element of a row. @param {object} row */
function createRow(row) {
  const rowElement = document.createElement('div');
  rowElement.className = `row ${row.state}`;
  rowElement.setAttribute('role', 'row');
  const addCell = (name, text = '') => {
    const cell = Object.assign(document.createElement('span'), {className: name, textContent: text});
    cell.setAttribute('role', 'cell');
    rowElement.append(cell);
    return cell;
  };
  const picture = addCell('picture');
  if (row.thumbnail) {
    picture.append(Object.assign(document.createElement('img'), {src: row.thumbnail, alt: '', decoding: 'async'}));
  }
  addCell('file', row.file);
  addCell('number', numberText(row) || '–');
  addCell('probability', row.percent === undefined || row.percent === null ? '–' : `${row.percent} %`);
  const result = addCell('result');
  result.append(Object.assign(document.createElement('strong'), {textContent: texts.files[row.state]}));
  const reason = row.error ?? (row.reading.digits.length ? '' : texts.files.no_digit);
  if (reason) result.append(Object.assign(document.createElement('span'), {textContent: reason}));
  return rowElement;
}

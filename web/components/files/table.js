// The table of what was read: its rows as they come, and in the order that the visitor chose. Built as DOM, not as a
// template: a row holds the name of a stranger's file.

const ORDER = ['not_read', 'unsure', 'sure'];
const isEmpty = {  // what has nothing in a column stands last, whichever way it is sorted
  file: () => false,
  number: (row) => !row.reading?.text,
  probability: (row) => row.probability === undefined || row.probability === null,
  result: () => false,
};
const collator = new Intl.Collator(undefined, {numeric: true});
const number = (row) => (row.reading?.text ?? '').replaceAll('\n', ' / ');
const comparisons = {
  file: (a, b) => collator.compare(a.file, b.file),
  number: (a, b) => collator.compare(number(a), number(b)),
  probability: (a, b) => a.probability - b.probability,
  result: (a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state),
};

class Table {
  constructor(element) {
    this.body = element.querySelector('.rows');
    this.headers = [...element.querySelectorAll('[data-sort]')];
    this.rows = [];  // in the order of the files
    this.drawn = new Map();
    this.order = null;  // {column, sign}, or null: as they came
    for (const button of this.headers) button.addEventListener('click', () => this.sortBy(button.dataset.sort));
  }

  add(rows) {
    this.rows.push(...rows);
    for (const row of rows) this.drawn.set(row, drawn(row));
    this.order ? this.arrange() : this.body.append(...rows.map((row) => this.drawn.get(row)));
  }

  clear() {
    this.rows = [];
    this.drawn.clear();
    this.body.replaceChildren();
  }

  count(state) {
    return this.rows.filter((row) => row.state === state).length;
  }

  sortBy(column) {  // up, down, and as they came
    const sign = this.order?.column !== column ? 1 : -this.order.sign;
    this.order = sign === 1 && this.order?.column === column ? null : {column, sign};
    for (const button of this.headers) {
      const own = button.dataset.sort === this.order?.column;
      button.parentElement.setAttribute('aria-sort', !own ? 'none' : sign > 0 ? 'ascending' : 'descending');
    }
    this.arrange();
  }

  arranged() {
    if (!this.order) return this.rows;
    const {column, sign} = this.order, compare = comparisons[column], empty = isEmpty[column];
    return [...this.rows].sort((a, b) => empty(a) - empty(b) || (empty(a) ? 0 : sign * compare(a, b)));
  }

  arrange() {
    this.body.replaceChildren(...this.arranged().map((row) => this.drawn.get(row)));
  }
}

function drawn(row) {
  const line = document.createElement('div');
  line.className = `row ${row.state}`;
  line.setAttribute('role', 'row');
  const cell = (name, text = '') => {
    const made = document.createElement('span');
    made.className = name;
    made.setAttribute('role', 'cell');
    made.textContent = text;
    line.append(made);
    return made;
  };
  const picture = cell('picture');
  if (row.thumbnail) {
    picture.append(Object.assign(document.createElement('img'), {src: row.thumbnail, alt: '', decoding: 'async'}));
  }
  cell('file', row.file);
  cell('number', number(row) || '–');
  cell('probability', row.percent === undefined || row.percent === null ? '–' : `${row.percent} %`);
  const result = cell('result');
  result.append(Object.assign(document.createElement('strong'), {textContent: texts.files[row.state]}));
  const why = row.error ?? (row.reading.digits.length ? '' : texts.files.no_digit);
  if (why) result.append(Object.assign(document.createElement('span'), {textContent: why}));
  return line;
}

// The answer: the numbers, with a percentage below every digit, and one sentence. A click or the arrow keys select a
// digit; the components that show the selected digit follow the value. Marks are shown and can't be selected. It is all
// built as DOM and not as a template, because a message may contain the name of an uploaded file.

const MARK_WIDTH = 0.5, NUMBER_GAP = 0.4;  // in widths of a digit, as in answer.css

const numbers = element.querySelector('.numbers'), sentence = element.querySelector('.sentence');
const saveTableButton = element.querySelector('.save');

/**
 * Create the button of a digit.
 * @param {object} digit an entry of the answer's digits
 * @param {number} index its index
 */
function createDigit(digit, index) {
  const button = document.createElement('button');
  const isSelected = index === props.value.selected;
  button.type = 'button';
  button.className = digit.certain ? 'digit' : 'digit uncertain';
  button.setAttribute('role', 'radio');
  button.setAttribute('aria-checked', isSelected);
  const certainty = digit.certain ? '' : `, ${texts.answer.uncertain}`;
  button.setAttribute('aria-label', `${digit.label}, ${digit.percent} %${certainty}`);
  button.tabIndex = isSelected ? 0 : -1;
  button.dataset.index = index;
  button.appendChild(document.createElement('span')).textContent = digit.label;
  const percent = button.appendChild(document.createElement('small'));
  percent.append(digit.percent, createElement('span', 'unit', ' %'), digit.certain ? '' : ' ?');
  return button;
}

/**
 * Create an element.
 * @param {string} tag
 * @param {string} className
 * @param {...(Node|string)} content its children
 */
function createElement(tag, className, ...content) {
  const created = Object.assign(document.createElement(tag), {className});
  created.append(...content);
  return created;
}

function createMark(text) {
  const mark = createElement('span', 'mark', createElement('span', '', text));
  mark.setAttribute('aria-hidden', true);  // the sentence contains the whole number
  return mark;
}

/**
 * Create the element of a number.
 * @param {object} number an entry of one of the answer's lines
 */
function createNumber({characters, uncertain}) {
  const {digits} = props.value;
  return createElement('div', uncertain ? 'number uncertain' : 'number', ...characters.map(
    (character) => (typeof character === 'string' ? createMark(character) : createDigit(digits[character], character)),
  ));
}

/**
 * Return the width of a line in widths of a digit.
 * @param {object[]} line its numbers
 */
function lineWidth(line) {
  const characters = line.flatMap((number) => number.characters);
  const widths = characters.map((character) => (typeof character === 'string' ? MARK_WIDTH : 1));
  return widths.reduce((sum, width) => sum + width, NUMBER_GAP * (line.length - 1));
}

function render() {
  const {digits, lines, table, tone} = props.value;
  numbers.style.setProperty('--longest', Math.max(1, ...lines.map(lineWidth)));
  numbers.dataset.count = digits.length;
  numbers.toggleAttribute('data-table', !!table);
  numbers.replaceChildren(...lines.map((line) => createElement('div', 'line', ...line.map(createNumber))));
  saveTableButton.hidden = !table;
  sentence.textContent = tone === 'empty' ? texts.answer.empty : props.value.sentence;
  element.dataset.tone = tone;  // empty, certain, uncertain or problem
}

/**
 * Select a digit here and in all other components that show the selected digit, and focus it.
 * @param {number} index
 */
function selectDigit(index) {
  document.dispatchEvent(new CustomEvent('digits:digit-selected', {detail: index}));
  numbers.querySelector(`[data-index="${index}"]`).focus();
}

saveTableButton.addEventListener('click', () => saveFile(tableToCsv(props.value.table), 'text/csv', 'csv'));

document.addEventListener('digits:digit-selected', ({detail: index}) => {
  if (index === props.value.selected) return;
  props.value = {...props.value, selected: index};
  render();
});

numbers.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (button) selectDigit(Number(button.dataset.index));
});

numbers.addEventListener('keydown', (event) => {
  const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
  if (!step) return;
  event.preventDefault();
  const {digits, selected} = props.value;
  selectDigit((selected + step + digits.length) % digits.length);
});

// Until the new answer arrives, this one belongs to the previous content of the pad.
document.addEventListener('digits:read-started', () => element.toggleAttribute('data-waiting', true));

document.addEventListener('digits:read-finished', ({detail: {answer, isPhoto}}) => {
  element.removeAttribute('data-waiting');
  props.value = answer;
  render();
  document.dispatchEvent(new CustomEvent('digits:digit-selected', {detail: answer.selected}));
  // On a phone the answer to a photo may be below the screen. While a visitor draws, the page must not move.
  if (isPhoto) sentence.scrollIntoView({block: 'nearest'});
});
render();

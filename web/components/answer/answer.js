// The answer: the numbers with a percentage under every digit, and one sentence. A digit that is clicked, or reached with
// the arrow keys, is the chosen one; what else shows it follows the value. Marks are shown and can't be chosen. Built as
// DOM, not as a template: a message may hold the name of a stranger's file.

const MARK_WIDTH = 0.5, NUMBER_GAP = 0.4;  // in widths of a digit, as in answer.css

const number = element.querySelector('.number'), sentence = element.querySelector('.sentence');
const saveTable = element.querySelector('.save');

function figure(digit, index) {
  const button = document.createElement('button');
  const chosen = index === props.value.chosen;
  button.type = 'button';
  button.className = digit.certain ? 'digit' : 'digit unsure';
  button.setAttribute('role', 'radio');
  button.setAttribute('aria-checked', chosen);
  button.setAttribute('aria-label', `${digit.label}, ${digit.percent} %${digit.certain ? '' : `, ${texts.answer.unsure}`}`);
  button.tabIndex = chosen ? 0 : -1;
  button.dataset.index = index;
  button.appendChild(document.createElement('span')).textContent = digit.label;
  const small = button.appendChild(document.createElement('small'));
  small.append(digit.percent, Object.assign(document.createElement('span'), {className: 'unit', textContent: ' %'}), digit.certain ? '' : ' ?');
  return button;
}

function made(tag, className, ...content) {
  const part = Object.assign(document.createElement(tag), {className});
  part.append(...content);
  return part;
}

function mark(text) {
  const part = made('span', 'mark', made('span', '', text));
  part.setAttribute('aria-hidden', true);  // the sentence says the whole number
  return part;
}

function widthOf(line) {
  const widths = line.flatMap(({parts}) => parts.map((part) => (typeof part === 'string' ? MARK_WIDTH : 1)));
  return widths.reduce((sum, width) => sum + width, NUMBER_GAP * (line.length - 1));
}

function render() {
  const {digits, lines, table, tone} = props.value;
  number.style.setProperty('--longest', Math.max(1, ...lines.map(widthOf)));
  number.dataset.count = digits.length;
  number.toggleAttribute('data-table', !!table);
  number.replaceChildren(...lines.map((line) => made('div', 'line', ...line.map(({parts, unsure}) => made(
    'div', unsure ? 'one unsure' : 'one', ...parts.map((part) => (typeof part === 'string' ? mark(part) : figure(digits[part], part))),
  )))));
  saveTable.hidden = !table;
  sentence.textContent = tone === 'empty' ? texts.answer.empty : props.value.sentence;
  element.dataset.tone = tone;  // empty, sure, unsure or problem
}

// Every part of the page that shows the chosen digit hears of it, this one too.
function choose(index) {
  document.dispatchEvent(new CustomEvent('digits:choose', {detail: index}));
  number.querySelector(`[data-index="${index}"]`).focus();
}

saveTable.addEventListener('click', () => save(tableAsCsv(props.value.table), 'text/csv', 'csv'));

document.addEventListener('digits:choose', ({detail: index}) => {
  if (index === props.value.chosen) return;
  props.value = {...props.value, chosen: index};
  render();
});

number.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (button) choose(Number(button.dataset.index));
});

number.addEventListener('keydown', (event) => {
  const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
  if (!step) return;
  event.preventDefault();
  const {digits, chosen} = props.value;
  choose((chosen + step + digits.length) % digits.length);
});

// What stands here is of what lay on the pad before.
document.addEventListener('digits:asked', () => element.toggleAttribute('data-waiting', true));

document.addEventListener('digits:read', ({detail: {answer, isPhoto}}) => {
  element.removeAttribute('data-waiting');
  props.value = answer;
  render();
  document.dispatchEvent(new CustomEvent('digits:choose', {detail: answer.chosen}));
  // On a phone it may be below the screen. A drawing stays under the hand.
  if (isPhoto) sentence.scrollIntoView({block: 'nearest'});
});
render();

// The answer: the number with a percentage under every digit, and one sentence. A digit that is clicked, or reached with
// the arrow keys, is the chosen one; what else shows it follows the value. Built as DOM, not as a template: a message
// may hold the name of a stranger's file.

const number = element.querySelector('.number'), sentence = element.querySelector('.sentence');

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

function render() {
  const {digits, tone} = props.value;
  const lines = [];
  digits.forEach((digit, index) => {
    lines[digit.line] ??= Object.assign(document.createElement('div'), {className: 'line'});
    lines[digit.line].appendChild(figure(digit, index));
  });
  const longest = Math.max(1, ...lines.map((line) => line.childElementCount));
  number.style.setProperty('--longest', longest);
  number.dataset.count = digits.length;
  number.replaceChildren(...lines);
  sentence.textContent = tone === 'empty' ? texts.answer.empty : props.value.sentence;
  element.dataset.tone = tone;  // empty, sure, unsure or problem
}

// Every part of the page that shows the chosen digit hears of it, this one too.
function choose(index) {
  document.dispatchEvent(new CustomEvent('digits:choose', {detail: index}));
  number.querySelector(`[data-index="${index}"]`).focus();
}

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

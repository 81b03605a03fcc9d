// How it sees. The value is what to look at: {image, chosen}; the server answers with pictures of it. Nothing is asked of
// it while the strip is folded.

const details = element.querySelector('details'), strip = element.querySelector('.strip');
const about = element.querySelector('.about');

let seen = {};
let asking = false;

// As the pad asks, and why: see pad.js. Without an answer there is nothing to show; the answer says why.
async function ask() {
  if (!details.open || !props.value || asking) return;
  asking = true;
  let asked;
  do {
    asked = props.value;
    seen = await server.see(asked).catch(() => null) ?? {};  // a lost connection answers nothing
  } while (asked !== props.value);
  asking = false;
  render();
}

function figure(title, text, ...content) {
  const shown = document.createElement('figure');
  const caption = document.createElement('figcaption');
  caption.append(Object.assign(document.createElement('strong'), {textContent: title}), text);
  shown.append(...content, caption);
  return shown;
}

function picture(url, className, alt) {
  return Object.assign(document.createElement('img'), {src: url, className, alt});
}

function sheet(url, alt, boxes = []) {
  const shown = Object.assign(document.createElement('div'), {className: 'sheet'});
  shown.append(picture(url, 'page', alt), ...boxes.map(([left, top, width, height], index) => {
    const box = document.createElement('span');
    box.className = index === seen.chosen ? 'box chosen' : 'box';
    Object.assign(box.style, {left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * width}%`, height: `${100 * height}%`});
    return box;
  }));
  return shown;
}

// The frames of all digits: a click looks at one closely.
function frames({frames: urls, labels, chosen}) {
  const shown = Object.assign(document.createElement('div'), {className: 'frames'});
  shown.append(...urls.map((url, index) => {
    const button = Object.assign(document.createElement('button'), {type: 'button', ariaLabel: labels[index]});
    button.setAttribute('aria-pressed', index === chosen);
    button.append(picture(url, 'frame', ''));
    button.addEventListener('click', () => document.dispatchEvent(new CustomEvent('digits:choose', {detail: index})));
    return button;
  }));
  return shown;
}

function render() {
  const {steps: said} = texts;
  about.textContent = seen.pixels ? said.about : said.nothing;
  if (!seen.pixels) return strip.replaceChildren();
  const steps = [
    figure(said.pixels, said.pixels_more, sheet(seen.pixels, said.pixels)),
    figure(said.found, seen.searched ? said.found_more : said.found_tiny, sheet(seen.found, said.found)),
  ];
  if (seen.labels.length) {
    const label = seen.labels[seen.chosen];
    steps.push(
      figure(said.boxes, said.boxes_more, sheet(seen.found, said.boxes, seen.boxes)),
      figure(said.frame, said.frame_more, picture(seen.frames[seen.chosen], 'frame large', said.frame), ...(seen.labels.length > 1 ? [frames(seen)] : [])),
      figure(said.decisive, said.decisive_more.replaceAll('{digit}', label), picture(seen.decisive, 'frame large', said.decisive)),
    );
  }
  strip.replaceChildren(...steps);
  const pressed = strip.querySelector('[aria-pressed=true]');
  // The frames alone scroll, and not the page.
  if (pressed) pressed.parentElement.scrollTop = pressed.offsetTop - pressed.parentElement.firstElementChild.offsetTop;
}

details.addEventListener('toggle', ask);
watch('value', ask);
render();

// How it works. The value is {image, selected}; the server returns pictures of the steps that led to the reading of
// that image. While the strip is folded, nothing is requested.

const details = element.querySelector('details'), strip = element.querySelector('.strip');
const about = element.querySelector('.about');

let pictures = {};  // of the last reply; empty without an image
let isRequesting = false;

/** Request the pictures of the value, one request at a time as in pad.js, and show them. Without a reply, show none. */
async function requestPictures() {
  if (!details.open || !props.value || isRequesting) return;
  isRequesting = true;
  let sent;
  do {
    sent = props.value;
    pictures = await server.render_steps(sent).catch(() => null) ?? {};  // a lost connection returns nothing
  } while (sent !== props.value);
  isRequesting = false;
  render();
}

/**
 * Create the figure of a step.
 * @param {string} title
 * @param {string} text
 * @param {...Node} content its pictures
 */
function createFigure(title, text, ...content) {
  const figure = document.createElement('figure');
  const caption = document.createElement('figcaption');
  caption.append(Object.assign(document.createElement('strong'), {textContent: title}), text);
  figure.append(...content, caption);
  return figure;
}

function createPicture(url, className, alt) {
  return Object.assign(document.createElement('img'), {src: url, className, alt});
}

/**
 * Create a picture of the whole image, with boxes drawn over it.
 * @param {string} url
 * @param {string} alt
 * @param {number[][]} boxes left, top, width and height of each, as fractions of the image
 */
function createImageView(url, alt, boxes = []) {
  const view = Object.assign(document.createElement('div'), {className: 'image-view'});
  view.append(createPicture(url, 'whole-image', alt), ...boxes.map(([left, top, width, height], index) => {
    const box = document.createElement('span');
    box.className = index === pictures.selected ? 'box selected' : 'box';
    box.style.left = `${100 * left}%`;
    box.style.top = `${100 * top}%`;
    box.style.width = `${100 * width}%`;
    box.style.height = `${100 * height}%`;
    return box;
  }));
  return view;
}

/** Create a list with the frames of all digits, in which a click selects a digit. @param {object} pictures */
function createFrameList({frames, labels, selected}) {
  const list = Object.assign(document.createElement('div'), {className: 'frames'});
  list.append(...frames.map((url, index) => {
    const button = Object.assign(document.createElement('button'), {type: 'button', ariaLabel: labels[index]});
    button.setAttribute('aria-pressed', index === selected);
    button.append(createPicture(url, 'frame', ''));
    button.addEventListener('click', () => {
      document.dispatchEvent(new CustomEvent('digits:digit-selected', {detail: index}));
    });
    return button;
  }));
  return list;
}

function render() {
  const {steps} = texts;
  about.textContent = pictures.image ? steps.about : steps.empty;
  if (!pictures.image) return strip.replaceChildren();
  const heatmapText = pictures.has_heatmap ? steps.heatmap_more : steps.heatmap_skipped;
  const figures = [
    createFigure(steps.image, steps.image_more, createImageView(pictures.image, steps.image)),
    createFigure(steps.heatmap, heatmapText, createImageView(pictures.heatmap, steps.heatmap)),
  ];
  if (pictures.labels.length) {
    const label = pictures.labels[pictures.selected];
    const frame = createPicture(pictures.frames[pictures.selected], 'frame large', steps.frame);
    const decisiveInk = createPicture(pictures.decisive_ink, 'frame large', steps.decisive_ink);
    const frameLists = pictures.labels.length > 1 ? [createFrameList(pictures)] : [];
    figures.push(
      createFigure(steps.boxes, steps.boxes_more, createImageView(pictures.heatmap, steps.boxes, pictures.boxes)),
      createFigure(steps.frame, steps.frame_more, frame, ...frameLists),
      createFigure(steps.decisive_ink, steps.decisive_ink_more.replaceAll('{digit}', label), decisiveInk),
    );
  }
  strip.replaceChildren(...figures);
  scrollToSelectedFrame();
}

/** Scroll the list of frames to the selected one. scrollIntoView would also scroll the page. */
function scrollToSelectedFrame() {
  const selected = strip.querySelector('[aria-pressed=true]');
  if (!selected) return;
  const list = selected.parentElement;
  list.scrollTop = selected.offsetTop - list.firstElementChild.offsetTop;
}

details.addEventListener('toggle', requestPictures);
watch('value', requestPictures);
render();

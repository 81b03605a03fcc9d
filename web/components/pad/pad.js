// The pad: draw, erase and undo on it, and put photos on it. Its value is its content: null, a drawing or an example as
// the data: URL of a PNG, or an uploaded file. After each change the server reads the value once; the other components
// are notified by `digits:read-started` and `digits:read-finished`.

const $ = (selector) => element.querySelector(selector);
const PHOTO_TOP_MARGIN = 30;  // pixels above a photo, as in pad.css
// The kinds of labels, with the size in pixels that each needs beside and above its digit; as in pad.css.
const LABEL_KINDS = [
  {kind: 'line', width: 66, height: 22},
  {kind: 'stacked', width: 28, height: 28},
  {kind: 'digit', width: 14, height: 19},
];
const LABEL_OVERHANG = 6;  // pixels of a label to the left of its box
const MIN_PHOTO_SIDE = 240;  // pixels; a smaller photo is enlarged by a whole number towards this size
const RETRY_DELAY = 5000;  // milliseconds
const STYLUS_ERASER = 32;  // in PointerEvent.buttons

const canvas = $('canvas'), photo = $('.photo'), video = $('.camera'), boxes = $('.boxes'), problem = $('.problem');

let content = {strokes: [], photo: null};  // a photo, {value, url}, covers the strokes
let undoStack = [];  // earlier contents
let redoStack = [];  // contents that were undone
let stroke = null;  // the one that is being drawn
let width = PEN_WIDTHS.medium;
let colour = PEN_COLOURS.black;
let isErasing = false;
let digitBoxes = [];  // of the last answer
let selectedIndex = 0;
let isReading = false;  // whether a request is in progress
let retryTimer;
let version = 0;  // of what is shown: an upload that ends after it has changed is obsolete

// ---- content

/**
 * Show the elements of a mode, and enable the buttons that it allows.
 * @param {string} mode empty, drawing, photo or camera; pad.css shows what belongs to it
 */
function showMode(mode) {
  version++;
  element.dataset.mode = mode;
  delete element.dataset.uploading;
  problem.textContent = '';
  const isDrawing = mode === 'empty' || mode === 'drawing';
  for (const button of element.querySelectorAll('[data-width], [data-colour], [data-action=eraser]')) {
    button.disabled = !isDrawing;
  }
  $('[data-action=undo]').disabled = mode === 'camera' || !undoStack.length;
  $('[data-action=redo]').disabled = mode === 'camera' || !redoStack.length;
  if (mode !== 'camera') stopCamera(video);
}

/** Set the value of the pad and read it. @param {?(string|object)} value */
function setValue(value) {
  props.value = value;
  readValue();
}

/**
 * Have the server read the value, and show its answer.
 *
 * There is one request at a time, and the last value is always read: an old answer can't replace a newer one. This is
 * not an event of Gradio's, because such an event doesn't report a refusal, and reloads the page, without the drawing,
 * after a lost connection.
 */
async function readValue() {
  clearTimeout(retryTimer);
  document.dispatchEvent(new CustomEvent('digits:read-started'));
  if (isReading) return;
  isReading = true;
  let sent, reply;
  do {
    sent = props.value;
    reply = await server.read(sent).catch(() => null);
  } while (sent !== props.value);
  isReading = false;
  if (!reply) retryTimer = setTimeout(readValue, RETRY_DELAY);
  const noAnswer = {sentence: texts.answer.none, tone: 'problem', selected: 0, lines: [], table: null, digits: []};
  digitBoxes = reply?.boxes ?? [];
  document.dispatchEvent(new CustomEvent('digits:read-finished', {
    detail: {answer: reply?.answer ?? noAnswer, isPhoto: !!content.photo},
  }));
}

/**
 * Show a content and read it.
 * @param {{strokes: object[], photo: ?object}} next
 */
function setContent(next) {
  content = next;
  if (content.photo) {
    showPhoto(content.photo.url);
    return setValue(content.photo.value);
  }
  showMode(content.strokes.length ? 'drawing' : 'empty');
  repaint();
  setValue(content.strokes.length ? drawingToUrl(content.strokes) : null);
}

/** Change the content in a way that can be undone. @param {object} change the properties that change */
function changeContent(change) {
  undoStack.push(content);
  redoStack = [];
  setContent({...content, ...change});
}

/** Remove the photo from the drawing below it, or return from the camera to the content before it. */
function close() {
  content.photo && element.dataset.mode === 'photo' ? changeContent({photo: null}) : setContent(content);
}

function undo() {
  if (!undoStack.length) return;
  redoStack.push(content);
  setContent(undoStack.pop());
}

function redo() {
  if (!redoStack.length) return;
  undoStack.push(content);
  setContent(redoStack.pop());
}

function clear() {
  setErasing(false);  // nothing is left to erase
  content.strokes.length || content.photo ? changeContent({strokes: [], photo: null}) : setContent(content);
}

function repaint() {
  paint(canvas, stroke ? [...content.strokes, stroke] : content.strokes);
}

new ResizeObserver(() => {
  if (!canvas.clientWidth) return;  // hidden behind a photo
  canvas.width = canvas.clientWidth * devicePixelRatio;
  canvas.height = canvas.clientHeight * devicePixelRatio;
  repaint();
}).observe(canvas);

// ---- pen

/** Return the position of a pointer in widths of the pad. @param {PointerEvent} event */
function pointerPosition(event) {
  const area = canvas.getBoundingClientRect();
  return [(event.clientX - area.left) / area.width, (event.clientY - area.top) / area.width];
}

canvas.addEventListener('pointerdown', (event) => {
  if (!event.isPrimary || (event.pointerType === 'mouse' && event.button !== 0)) return;
  canvas.setPointerCapture(event.pointerId);
  const erases = isErasing || (event.buttons & STYLUS_ERASER) !== 0;
  stroke = {points: [pointerPosition(event)], width: erases ? ERASER_WIDTH : width, colour, erases};
  showMode('drawing');
  repaint();
});

canvas.addEventListener('pointermove', (event) => {
  if (!stroke || !event.isPrimary) return;
  const moves = event.getCoalescedEvents?.() ?? [];
  for (const move of moves.length ? moves : [event]) stroke.points.push(pointerPosition(move));
  repaint();
});

for (const type of ['pointerup', 'pointercancel']) {
  canvas.addEventListener(type, (event) => {
    if (!stroke || !event.isPrimary) return;
    const finished = stroke;
    stroke = null;
    changeContent({strokes: [...content.strokes, finished]});
  });
}

// ---- photos

/** Show a file, upload it, and make it the content. @param {File} file */
async function openFile(file) {
  const preview = URL.createObjectURL(file);
  showPhoto(preview);
  element.dataset.uploading = '';
  const uploadVersion = version;
  try {
    const {path, url} = await upload(file);
    if (uploadVersion !== version) return;
    const value = {path, url, orig_name: file.name, meta: {_type: 'gradio.FileData'}};
    changeContent({photo: {url: preview, value}});
  } catch {
    if (uploadVersion !== version) return;
    setContent(content);
    problem.textContent = texts.pad.not_sent;
  }
}

function showPhoto(url) {
  if (photo.src !== url) {
    delete element.dataset.noPreview;
    photo.src = url;
  }
  showMode('photo');
}

photo.addEventListener('load', () => {
  const factor = Math.floor(MIN_PHOTO_SIDE / Math.max(photo.naturalWidth, photo.naturalHeight));
  photo.toggleAttribute('data-enlarged', factor > 1);
  photo.style.width = factor > 1 ? `${factor * photo.naturalWidth}px` : '';
  drawBoxes();
});
photo.addEventListener('error', () => { element.dataset.noPreview = ''; });

for (const input of element.querySelectorAll('input[type=file]')) {
  input.addEventListener('change', () => {
    if (input.files.length) openFile(input.files[0]);
    input.value = '';  // lets the visitor choose the same file again
  });
}

// The pad takes files and keys only while its tab is open.
const isVisible = () => element.checkVisibility();
const firstFile = (transfer) => isVisible() && [...(transfer?.files ?? [])][0];

// These listen on the whole document: the browser would replace the page by a file that is dropped beside the pad.
document.addEventListener('paste', (event) => {
  const file = firstFile(event.clipboardData);
  if (file) openFile(file);
});
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  element.dataset.dragover = '';
});
document.addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) delete element.dataset.dragover;
});
document.addEventListener('drop', (event) => {
  event.preventDefault();
  delete element.dataset.dragover;
  const file = firstFile(event.dataTransfer);
  if (file) openFile(file);
});

/** Open the camera, or close it if it is open. */
async function toggleCamera() {
  if (element.dataset.mode === 'camera') return setContent(content);
  // A phone's own camera app takes better photos than a live picture in a page.
  if (matchMedia('(pointer: coarse)').matches) return $('.camera-input').click();
  showMode('camera');
  $('.shutter').disabled = true;  // until there is a picture
  const hasStarted = await startCamera(video);
  if (element.dataset.mode !== 'camera') return stopCamera(video);  // closed before the visitor gave permission
  if (hasStarted) {
    $('.shutter').disabled = false;
    return;
  }
  setContent(content);
  problem.textContent = texts.pad.no_camera;
}

document.addEventListener('digits:example-selected', ({detail: url}) => {
  // On a phone the examples are a screen below the pad.
  photo.addEventListener('load', () => element.scrollIntoView({block: 'nearest'}), {once: true});
  changeContent({photo: {url, value: url}});
});

// ---- the boxes of the answer

/** Draw the boxes of the last answer over the image. */
function drawBoxes() {
  const isPhoto = element.dataset.mode === 'photo';
  const [imageWidth, imageHeight] = isPhoto ? [photo.naturalWidth, photo.naturalHeight] : [IMAGE_WIDTH, IMAGE_HEIGHT];
  element.dataset.single = !isPhoto && digitBoxes.length === 1;  // one drawn digit needs no box
  if (!imageWidth) return boxes.replaceChildren();  // no preview, or a photo that draws the boxes once it is loaded
  const pixels = boxes.clientWidth / imageWidth;  // on the screen, per pixel of the image
  boxes.replaceChildren(...digitBoxes.map(({box: [left, top, right, bottom], label, percent, certain}, index) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.tabIndex = -1;  // keyboards and screen readers select digits in the answer
    button.className = certain ? 'box' : 'box uncertain';
    button.classList.toggle('selected', index === selectedIndex && digitBoxes.length > 1);
    button.addEventListener('click', () => {
      document.dispatchEvent(new CustomEvent('digits:digit-selected', {detail: index}));
    });
    button.style.left = `${100 * left / imageWidth}%`;
    button.style.top = `${100 * top / imageHeight}%`;
    button.style.width = `${100 * (right - left) / imageWidth}%`;
    button.style.height = `${100 * (bottom - top) / imageHeight}%`;
    const nextLeft = digitBoxes[index + 1]?.box[0] ?? imageWidth;
    const spaceBeside = ((nextLeft > left ? nextLeft : imageWidth) - left) * pixels;
    // At the top edge of a drawing there is less space for a label.
    const spaceAbove = top * boxes.clientHeight / imageHeight + (isPhoto ? PHOTO_TOP_MARGIN : 0);
    button.style.setProperty('--above', `${Math.min(20, spaceAbove - 2)}px`);
    button.dataset.label = labelKind(index, spaceBeside, spaceAbove, imageHeight);
    button.innerHTML = `<span>${label} <small>${percent}</small></span>`;
    return button;
  }));
}

/**
 * Return the largest kind of label that fits a digit, or none.
 * @param {number} index of the digit
 * @param {number} spaceBeside pixels on the screen up to the next digit
 * @param {number} spaceAbove pixels on the screen up to the edge
 * @param {number} imageHeight pixels of the image
 */
function labelKind(index, spaceBeside, spaceAbove, imageHeight) {
  const fits = ({kind, width, height}) => (
    kind === 'digit' || (width <= spaceBeside && (kind === 'line' || height <= spaceAbove))
  );
  return LABEL_KINDS.find((label) => fits(label) && !coversLineAbove(index, label, imageHeight))?.kind ?? 'none';
}

/**
 * Return whether a label would cover a digit of the line above, as on closely written pages.
 * @param {number} index of the digit
 * @param {{width: number, height: number}} label its size in pixels on the screen
 * @param {number} imageHeight pixels of the image
 */
function coversLineAbove(index, label, imageHeight) {
  const scale = imageHeight / boxes.clientHeight;  // pixels of the image per pixel on the screen
  const [left, top] = digitBoxes[index].box;
  const labelLeft = left - LABEL_OVERHANG * scale, labelRight = left + label.width * scale;
  const labelTop = top - label.height * scale;
  return digitBoxes.some(({box}) => (
    box[0] < labelRight && labelLeft < box[2] && labelTop < box[3] && (box[1] + box[3]) / 2 < top
  ));
}

new ResizeObserver(drawBoxes).observe(boxes);
document.addEventListener('digits:digit-selected', ({detail: index}) => {
  selectedIndex = index;
  drawBoxes();
});

// ---- buttons and keys

const actions = {
  close,
  undo,
  redo,
  clear,
  'camera': toggleCamera,
  'take-photo': async () => openFile(await takePhoto(video)),
  'choose-photo': () => $('.file-input').click(),
  'eraser': () => setErasing(!isErasing),
};

/** Set aria-pressed on the buttons of a selector. @param {string} selector @param {boolean} isPressed */
function setPressed(selector, isPressed) {
  for (const button of element.querySelectorAll(selector)) button.setAttribute('aria-pressed', isPressed);
}

element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (!button) return;
  if (button.dataset.action) return actions[button.dataset.action]();
  if (button.dataset.colour) return setColour(button.dataset.colour);
  if (button.dataset.width) setWidth(button.dataset.width);
});

function setErasing(value) {
  isErasing = value;
  setPressed('[data-action=eraser]', value);
  element.toggleAttribute('data-erasing', value);
}

function setWidth(name) {
  width = PEN_WIDTHS[name];
  setPressed('[data-width]', false);
  setPressed(`[data-width=${name}]`, true);
  setErasing(false);
}

function setColour(name) {
  colour = PEN_COLOURS[name];
  setPressed('[data-colour]', false);
  setPressed(`[data-colour=${name}]`, true);
  setErasing(false);
}

const KEY_BUTTONS = {
  'ctrl+z': '[data-action=undo]',
  'ctrl+shift+z': '[data-action=redo]',
  'ctrl+y': '[data-action=redo]',
  'delete': '[data-action=clear]',
  'e': '[data-action=eraser]',
  '1': '[data-width=thin]',
  '2': '[data-width=medium]',
  '3': '[data-width=thick]',
};

document.addEventListener('keydown', (event) => {
  if (!isVisible() || event.target.closest('input, textarea, [contenteditable]')) return;
  const control = event.ctrlKey || event.metaKey ? 'ctrl+' : '', shift = event.shiftKey ? 'shift+' : '';
  const alt = event.altKey ? 'alt+' : '';
  const selector = KEY_BUTTONS[control + shift + alt + event.key.toLowerCase()];
  if (!selector) return;
  event.preventDefault();
  $(selector).click();  // has no effect on a disabled button
});

showMode('empty');

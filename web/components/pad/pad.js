// The pad: writing, erasing and undoing on it, and photos laid on it. Its value is what lies there: null, a drawing or an
// example as a PNG data URL, or an uploaded file. Each change asks the server once what that is; the rest of the page hears
// of it by `digits:asked` and `digits:read`.

const $ = (selector) => element.querySelector(selector);
const EDGE = 30;  // pixels of room above a photo, as in pad.css
// The kinds of labels, each with how far it reaches beside and above its digit, pixels; as in pad.css.
const LABELS = [{kind: 'line', width: 66, height: 22}, {kind: 'stacked', width: 28, height: 28}, {kind: 'digit', width: 14, height: 19}];
const LABEL_LEFT = 6;  // pixels that a label stands out to the left
const READABLE = 240;  // pixels: what is shown of a photo that is much smaller
const ASK_AGAIN = 5000;  // milliseconds

const canvas = $('canvas'), photo = $('.photo'), video = $('.camera'), boxes = $('.boxes'), problem = $('.problem');

let sheet = {strokes: [], photo: null};  // what lies here; a photo, {value, url}, lies on the strokes
let earlier = [];  // the sheets before this one, for undo
let later = [];  // those that were undone, for redo
let stroke = null;  // the one under the pen
let width = PEN_WIDTHS.medium;
let colour = PEN_COLOURS.black;
let erasing = false;
let found = [];  // the boxes of what was read
let chosen = 0;  // which digit is looked at closely
let asking = false;
let again;  // the timer of a question that got no answer
let turn = 0;  // counts what was laid on the pad: an upload that ends in a later turn is out of date

// ---- what lies on the pad

function show(mode) {
  turn++;
  element.dataset.mode = mode;  // empty, drawing, photo or camera: pad.css shows what belongs to it
  delete element.dataset.busy;
  problem.textContent = '';
  const isDrawing = mode === 'empty' || mode === 'drawing';
  for (const button of element.querySelectorAll('[data-width], [data-colour], [data-do=eraser]')) {
    button.disabled = !isDrawing;
  }
  $('[data-do=undo]').disabled = mode === 'camera' || !earlier.length;
  $('[data-do=redo]').disabled = mode === 'camera' || !later.length;
  if (mode !== 'camera') stopCamera(video);
}

function submit(value) {
  props.value = value;
  ask();
}

// One question at a time, and the last one always: an old answer can't overtake a newer one. Not as an event of
// Gradio's, which says nothing of a refusal, and after a lost connection loads the page anew, without the drawing.
async function ask() {
  clearTimeout(again);
  document.dispatchEvent(new CustomEvent('digits:asked'));
  if (asking) return;
  asking = true;
  let asked, reply;
  do {
    asked = props.value;
    reply = await server.read(asked).catch(() => null);
  } while (asked !== props.value);
  asking = false;
  if (!reply) again = setTimeout(ask, ASK_AGAIN);
  const {answer, boxes} = reply ?? {answer: {sentence: texts.answer.none, tone: 'problem', chosen: 0, lines: [], table: null, digits: []}, boxes: []};
  found = boxes;
  document.dispatchEvent(new CustomEvent('digits:read', {detail: {answer, isPhoto: !!sheet.photo}}));
}

function lay(next) {
  sheet = next;
  const {strokes, photo} = sheet;
  if (photo) {
    showPhoto(photo.url);
    return submit(photo.value);
  }
  show(strokes.length ? 'drawing' : 'empty');
  repaint();
  submit(strokes.length ? asImage(strokes) : null);
}

function put(change) {
  earlier.push(sheet);
  later = [];
  lay({...sheet, ...change});
}

// The drawing beneath a photo, or what lay here before the camera was opened, comes back.
function close() {
  sheet.photo && element.dataset.mode === 'photo' ? put({photo: null}) : lay(sheet);
}

function undo() {
  if (!earlier.length) return;
  later.push(sheet);
  lay(earlier.pop());
}

function redo() {
  if (!later.length) return;
  earlier.push(sheet);
  lay(later.pop());
}

function clear() {
  useEraser(false);  // there is nothing left to erase
  sheet.strokes.length || sheet.photo ? put({strokes: [], photo: null}) : lay(sheet);
}

function repaint() {
  paint(canvas, stroke ? [...sheet.strokes, stroke] : sheet.strokes);
}

new ResizeObserver(() => {
  if (!canvas.clientWidth) return;  // hidden behind a photo
  canvas.width = canvas.clientWidth * devicePixelRatio;
  canvas.height = canvas.clientHeight * devicePixelRatio;
  repaint();
}).observe(canvas);

// ---- the pen

function place(event) {
  const area = canvas.getBoundingClientRect();
  return [(event.clientX - area.left) / area.width, (event.clientY - area.top) / area.width];
}

canvas.addEventListener('pointerdown', (event) => {
  if (!event.isPrimary || (event.pointerType === 'mouse' && event.button !== 0)) return;
  canvas.setPointerCapture(event.pointerId);
  const erases = erasing || (event.buttons & 32) !== 0;  // 32: the eraser end of a stylus
  stroke = {points: [place(event)], width: erases ? ERASER_WIDTH : width, colour, erases};
  show('drawing');
  repaint();
});

canvas.addEventListener('pointermove', (event) => {
  if (!stroke || !event.isPrimary) return;
  const steps = event.getCoalescedEvents?.() ?? [];
  for (const step of steps.length ? steps : [event]) stroke.points.push(place(step));
  repaint();
});

for (const end of ['pointerup', 'pointercancel']) {
  canvas.addEventListener(end, (event) => {
    if (!stroke || !event.isPrimary) return;
    const finished = stroke;
    stroke = null;
    put({strokes: [...sheet.strokes, finished]});
  });
}

// ---- photos

async function openFile(file) {
  const preview = URL.createObjectURL(file);
  showPhoto(preview);
  element.dataset.busy = '';
  const own = turn;
  try {
    const {path, url} = await upload(file);
    if (own !== turn) return;
    put({photo: {url: preview, value: {path, url, orig_name: file.name, meta: {_type: 'gradio.FileData'}}}});
  } catch {
    if (own !== turn) return;
    lay(sheet);
    problem.textContent = texts.pad.not_sent;
  }
}

function showPhoto(url) {
  if (photo.src !== url) {
    delete element.dataset.broken;
    photo.src = url;
  }
  show('photo');
}

photo.addEventListener('load', () => {
  const times = Math.floor(READABLE / Math.max(photo.naturalWidth, photo.naturalHeight));
  photo.toggleAttribute('data-tiny', times > 1);
  photo.style.width = times > 1 ? `${times * photo.naturalWidth}px` : '';
  showBoxes();
});
photo.addEventListener('error', () => { element.dataset.broken = ''; });

for (const input of element.querySelectorAll('input[type=file]')) {
  input.addEventListener('change', () => {
    if (input.files.length) openFile(input.files[0]);
    input.value = '';  // so that the same file can be chosen again
  });
}

// Files and keys are the pad's while its room is the open one.
const isOpen = () => element.checkVisibility();
const imageIn = (transfer) => isOpen() && [...(transfer?.files ?? [])][0];

// Anywhere on the page: a file that misses the pad would otherwise replace the page in the browser.
document.addEventListener('paste', (event) => {
  const file = imageIn(event.clipboardData);
  if (file) openFile(file);
});
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  element.dataset.dropping = '';
});
document.addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) delete element.dataset.dropping;
});
document.addEventListener('drop', (event) => {
  event.preventDefault();
  delete element.dataset.dropping;
  const file = imageIn(event.dataTransfer);
  if (file) openFile(file);
});

async function openCamera() {
  if (element.dataset.mode === 'camera') return lay(sheet);
  // A phone's own camera app takes better photos than a live picture in a page.
  if (matchMedia('(pointer: coarse)').matches) return $('.from-camera').click();
  show('camera');
  $('.shutter').disabled = true;  // until there is a picture
  const started = await startCamera(video);
  if (element.dataset.mode !== 'camera') return stopCamera(video);  // closed while the visitor was being asked
  if (started) {
    $('.shutter').disabled = false;
    return;
  }
  lay(sheet);
  problem.textContent = texts.pad.no_camera;
}

async function pressShutter() {
  openFile(await takePhoto(video));
}

document.addEventListener('digits:example', ({detail: picture}) => {
  // On a phone the examples are a screen below.
  photo.addEventListener('load', () => element.scrollIntoView({block: 'nearest'}), {once: true});
  put({photo: {url: picture, value: picture}});
});

// ---- the answer, drawn over what was read

function showBoxes() {
  const isPhoto = element.dataset.mode === 'photo';
  const [across, down] = isPhoto ? [photo.naturalWidth, photo.naturalHeight] : [SENT_WIDTH, SENT_HEIGHT];
  element.dataset.single = !isPhoto && found.length === 1;  // a digit alone on the pad needs no box to be found
  if (!across) return boxes.replaceChildren();  // no preview, or a photo that is on its way and shows them itself
  const frames = found.map(({box: [left, top, right, bottom], label, percent, certain}, index) => {
    const frame = document.createElement('button');
    frame.type = 'button';
    frame.tabIndex = -1;  // the number offers the same choice to the keyboard and to screen readers
    frame.className = certain ? 'box' : 'box unsure';
    frame.classList.toggle('chosen', index === chosen && found.length > 1);
    frame.addEventListener('click', () => {
      document.dispatchEvent(new CustomEvent('digits:choose', {detail: index}));
    });
    frame.style.left = `${100 * left / across}%`;
    frame.style.top = `${100 * top / down}%`;
    frame.style.width = `${100 * (right - left) / across}%`;
    frame.style.height = `${100 * (bottom - top) / down}%`;
    const next = found[index + 1]?.box[0] ?? across;
    const room = (next > left ? next - left : across - left) * boxes.clientWidth / across;
    // At the upper edge of a drawing there is less room above it for its label.
    const free = top * boxes.clientHeight / down + (isPhoto ? EDGE : 0);
    const above = Math.min(20, free - 2);
    frame.style.setProperty('--above', `${above}px`);
    const fits = ({kind, width, height}) => kind === 'digit' || (width <= room && (kind === 'line' || height <= free));
    frame.dataset.room = LABELS.find((label) => fits(label) && !coversAnother(index, label, down))?.kind ?? 'none';
    frame.innerHTML = `<span>${label} <small>${percent}</small></span>`;
    return frame;
  });
  boxes.replaceChildren(...frames);
}

// Whether a label would lie on a digit of the line above, as on pages that are written closely.
function coversAnother(index, label, down) {
  const pixel = down / boxes.clientHeight;
  const [left, top] = found[index].box;
  const start = left - LABEL_LEFT * pixel, end = left + label.width * pixel, upper = top - label.height * pixel;
  return found.some(({box}) => box[0] < end && start < box[2] && upper < box[3] && (box[1] + box[3]) / 2 < top);
}

new ResizeObserver(showBoxes).observe(boxes);
document.addEventListener('digits:choose', ({detail: index}) => {
  chosen = index;
  showBoxes();
});

// ---- buttons and keys

const actions = {
  close,
  undo,
  redo,
  clear,
  camera: openCamera,
  shutter: pressShutter,
  photo: () => $('.from-files').click(),
  eraser: () => useEraser(!erasing),
};

function press(selector, pressed) {
  for (const button of element.querySelectorAll(selector)) button.setAttribute('aria-pressed', pressed);
}

element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (!button) return;
  if (button.dataset.do) return actions[button.dataset.do]();
  if (button.dataset.colour) return useColour(button.dataset.colour);
  if (button.dataset.width) useWidth(button.dataset.width);
});

function useEraser(used) {
  erasing = used;
  press('[data-do=eraser]', used);
  element.toggleAttribute('data-erasing', used);
}

function useWidth(name) {
  width = PEN_WIDTHS[name];
  press('[data-width]', false);
  press(`[data-width=${name}]`, true);
  useEraser(false);
}

function useColour(name) {
  colour = PEN_COLOURS[name];
  press('[data-colour]', false);
  press(`[data-colour=${name}]`, true);
  useEraser(false);
}

const keys = {
  'ctrl+z': '[data-do=undo]',
  'ctrl+shift+z': '[data-do=redo]',
  'ctrl+y': '[data-do=redo]',
  'delete': '[data-do=clear]',
  'e': '[data-do=eraser]',
  '1': '[data-width=thin]',
  '2': '[data-width=medium]',
  '3': '[data-width=thick]',
};

document.addEventListener('keydown', (event) => {
  if (!isOpen() || event.target.closest('input, textarea, [contenteditable]')) return;
  const held = [event.ctrlKey || event.metaKey ? 'ctrl+' : '', event.shiftKey ? 'shift+' : '', event.altKey ? 'alt+' : ''];
  const button = keys[held.join('') + event.key.toLowerCase()];
  if (!button) return;
  event.preventDefault();
  $(button).click();  // which a disabled one ignores
});

show('empty');

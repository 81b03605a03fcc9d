// The strokes of a drawing, and how they are painted. A stroke is {points: [[x, y], ...], width, colour, erases}, with
// points and width in widths of the pad: a drawing keeps its shape when the page is resized, turned or zoomed, on any
// screen.

const PEN_WIDTHS = {thin: 0.015, medium: 0.028, thick: 0.045};
const PEN_COLOURS = {black: '#000000', blue: '#1d4ed8', red: '#dc2626'};
const ERASER_WIDTH = 0.1;

// Pixels of the drawing that the server reads: large enough to keep the shape of every stroke, small enough for one
// short request.
const IMAGE_WIDTH = 560;
const IMAGE_HEIGHT = 420;

/**
 * Paint a stroke.
 * @param {CanvasRenderingContext2D} context
 * @param {object} stroke
 * @param {number} scale width of the canvas in pixels
 */
function paintStroke(context, stroke, scale) {
  const points = stroke.points.map(([x, y]) => [x * scale, y * scale]);
  context.globalCompositeOperation = stroke.erases ? 'destination-out' : 'source-over';
  context.strokeStyle = stroke.colour;
  context.lineWidth = stroke.width * scale;
  context.lineCap = context.lineJoin = 'round';
  context.beginPath();
  context.moveTo(...points[0]);
  // Curves through the midpoints of the segments: the reported points are corners, handwriting has none.
  for (let i = 1; i < points.length - 1; i++) {
    const [x, y] = points[i], [nextX, nextY] = points[i + 1];
    context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  const [endX, endY] = points.at(-1);
  context.lineTo(endX + 0.01, endY);  // makes a tap a dot, because the canvas paints no line of length zero
  context.stroke();
}

/**
 * Clear a canvas and paint strokes on it.
 * @param {HTMLCanvasElement} canvas
 * @param {object[]} strokes
 */
function paint(canvas, strokes) {
  const context = canvas.getContext('2d');
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (const stroke of strokes) paintStroke(context, stroke, canvas.width);
  context.globalCompositeOperation = 'source-over';
}

/**
 * Return a drawing on white as the data: URL of a PNG.
 * @param {object[]} strokes
 */
function drawingToUrl(strokes) {
  const canvas = document.createElement('canvas');
  canvas.width = IMAGE_WIDTH;
  canvas.height = IMAGE_HEIGHT;
  paint(canvas, strokes);
  const context = canvas.getContext('2d');
  context.globalCompositeOperation = 'destination-over';
  context.fillStyle = 'white';
  context.fillRect(0, 0, IMAGE_WIDTH, IMAGE_HEIGHT);
  return canvas.toDataURL('image/png');
}

// The strokes of a drawing and how they are painted. A stroke is {points: [[x, y], ...], width, colour, erases},
// measured in widths of the pad: a drawing keeps its shape when the page is resized, turned or zoomed, whatever the
// screen's pixels.

const PEN_WIDTHS = {thin: 0.015, medium: 0.028, thick: 0.045};
const PEN_COLOURS = {black: '#000000', blue: '#1d4ed8', red: '#dc2626'};
const ERASER_WIDTH = 0.1;

// What the reader is sent: large enough that no stroke loses its shape, small enough for one short request.
const SENT_WIDTH = 560;
const SENT_HEIGHT = 420;

function paintStroke(context, stroke, scale) {
  const points = stroke.points.map(([x, y]) => [x * scale, y * scale]);
  context.globalCompositeOperation = stroke.erases ? 'destination-out' : 'source-over';
  context.strokeStyle = stroke.colour;
  context.lineWidth = stroke.width * scale;
  context.lineCap = context.lineJoin = 'round';
  context.beginPath();
  context.moveTo(...points[0]);
  // Curves through the middles of the steps: a pen reports corners, a hand makes none.
  for (let i = 1; i < points.length - 1; i++) {
    const [x, y] = points[i], [nextX, nextY] = points[i + 1];
    context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  const [endX, endY] = points.at(-1);
  context.lineTo(endX + 0.01, endY);  // so that a tap is a dot: a line of no length is not painted
  context.stroke();
}

function paint(canvas, strokes) {
  const context = canvas.getContext('2d');
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (const stroke of strokes) paintStroke(context, stroke, canvas.width);
  context.globalCompositeOperation = 'source-over';
}

function asImage(strokes) {
  const canvas = document.createElement('canvas');
  canvas.width = SENT_WIDTH;
  canvas.height = SENT_HEIGHT;
  paint(canvas, strokes);
  const context = canvas.getContext('2d');
  context.globalCompositeOperation = 'destination-over';
  context.fillStyle = 'white';
  context.fillRect(0, 0, SENT_WIDTH, SENT_HEIGHT);
  return canvas.toDataURL('image/png');
}

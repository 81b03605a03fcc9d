"""Draw digits for tests, from strokes through points of a unit box, x to the right and y down."""

import numpy as np
from PIL import Image, ImageDraw

Point = tuple[float, float]

_RING = [(0.5 + 0.36 * np.sin(t), 0.5 - 0.5 * np.cos(t)) for t in np.linspace(0, 2 * np.pi, 40)]


def _arc(centre: Point, radius: Point, start: float, end: float, count: int = 16) -> list[Point]:
    """Return points on an elliptical arc; angles are in degrees."""
    angles = np.radians(np.linspace(start, end, count))
    return [(centre[0] + radius[0] * np.cos(a), centre[1] + radius[1] * np.sin(a)) for a in angles]


STROKES = {
    "0": [_RING],
    "1": [[(0.5, 0.0), (0.48, 1.0)]],
    "2": [[*_arc((0.5, 0.27), (0.36, 0.27), 190, 380), (0.08, 0.98), (0.92, 0.98)]],
    "3": [[*_arc((0.45, 0.25), (0.36, 0.25), 200, 440), *_arc((0.45, 0.74), (0.4, 0.26), 280, 510)]],
    "4": [[(0.3, 0.0), (0.1, 0.58), (0.92, 0.58)], [(0.7, 0.22), (0.66, 1.0)]],
    "5": [[(0.85, 0.02), (0.26, 0.02), (0.22, 0.42), *_arc((0.45, 0.7), (0.4, 0.3), 260, 500)]],
    "6": [[(0.7, 0.0), (0.32, 0.35), *_arc((0.5, 0.72), (0.35, 0.28), 180, 540, 30)]],
    "7": [[(0.08, 0.04), (0.9, 0.04), (0.4, 1.0)]],
    "8": [[*_arc((0.5, 0.25), (0.3, 0.25), 90, 450, 30), *_arc((0.5, 0.74), (0.36, 0.26), 270, 630, 30)]],
    "9": [[*_arc((0.48, 0.28), (0.34, 0.28), 0, 360, 30), (0.8, 0.3), (0.7, 1.0)]],
}

# For anti-aliasing, pictures are drawn larger by this factor and then reduced.
_SUPERSAMPLING = 4


def draw(
    number: str,
    size: tuple[int, int] = (280, 280),
    height: float = 180,
    pen: int = 18,
    left: float | None = None,
    top: float | None = None,
    spacing: float = 0.35,
    ink: int = 0,
    paper: int = 255,
) -> Image.Image:
    """Draw the lines of a number.

    Args:
        number: digits, with a line feed between lines.
        size: width and height of the picture, pixels.
        height: height of a digit, pixels.
        pen: stroke width, pixels.
        left, top: position of the text, pixels; centred where None.
        spacing: distance between digits, in heights.
        ink: gray level of the ink.
        paper: gray level of the background.

    Returns:
        The picture, of mode L.
    """
    lines = number.split("\n")
    advance = height * (0.8 + spacing)
    page = Image.new("L", (size[0] * _SUPERSAMPLING, size[1] * _SUPERSAMPLING), paper)
    canvas = ImageDraw.Draw(page)
    for row, line in enumerate(lines):
        line_left = (size[0] - (len(line) - 1) * advance - 0.8 * height) / 2 if left is None else left
        line_top = (size[1] - height * (1.4 * len(lines) - 0.4)) / 2 if top is None else top
        for column, digit in enumerate(line):
            for stroke in STROKES[digit]:
                points = [
                    (
                        (line_left + column * advance + 0.8 * height * x) * _SUPERSAMPLING,
                        (line_top + height * (1.4 * row + y)) * _SUPERSAMPLING,
                    )
                    for x, y in stroke
                ]
                canvas.line(points, fill=ink, width=pen * _SUPERSAMPLING, joint="curve")
                for x, y in (points[0], points[-1]):
                    r = pen * _SUPERSAMPLING / 2
                    canvas.ellipse((x - r, y - r, x + r, y + r), fill=ink)
    return page.reduce(_SUPERSAMPLING)

"""Digits that the tests draw themselves: strokes through points of a unit box, x to the right and y down."""

import numpy as np
from PIL import Image, ImageDraw

_RING = [(0.5 + 0.36 * np.sin(t), 0.5 - 0.5 * np.cos(t)) for t in np.linspace(0, 2 * np.pi, 40)]


def _arc(centre, radius, start, end, count=16):
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

# Anti-aliasing: drawn so many times larger, then reduced.
_OVER = 4


def draw(number, size=(280, 280), height=180, pen=18, left=None, top=None, spacing=0.35, ink=0, paper=255):
    """A picture (L) with the lines of `number` written on it; centred unless `left` and `top` say where."""
    lines = number.split("\n")
    advance = height * (0.8 + spacing)
    page = Image.new("L", (size[0] * _OVER, size[1] * _OVER), paper)
    pencil = ImageDraw.Draw(page)
    for row, line in enumerate(lines):
        line_left = (size[0] - (len(line) - 1) * advance - 0.8 * height) / 2 if left is None else left
        line_top = (size[1] - height * (1.4 * len(lines) - 0.4)) / 2 if top is None else top
        for place, digit in enumerate(line):
            for stroke in STROKES[digit]:
                points = [
                    (
                        (line_left + place * advance + 0.8 * height * x) * _OVER,
                        (line_top + height * (1.4 * row + y)) * _OVER,
                    )
                    for x, y in stroke
                ]
                pencil.line(points, fill=ink, width=pen * _OVER, joint="curve")
                for x, y in (points[0], points[-1]):
                    r = pen * _OVER / 2
                    pencil.ellipse((x - r, y - r, x + r, y + r), fill=ink)
    return page.reduce(_OVER)

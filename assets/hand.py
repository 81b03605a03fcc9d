"""A hand that writes digits on the page: strokes as a person makes them, sent as real pointer events.

Each digit is a few strokes through points of a unit box (x to the right, y down); a spline makes them smooth, and a
slant, a stretch and a slow tremor make no two alike. It knows Playwright's mouse, and of the page only its canvas.
"""

import math
import random

from playwright.sync_api import Page

Point = tuple[float, float]

# fmt: off
STROKES: dict[str, list[list[Point]]] = {
    "0": [[(0.55, 0.02), (0.2, 0.15), (0.08, 0.55), (0.25, 0.92), (0.6, 0.98), (0.88, 0.7), (0.85, 0.25), (0.5, 0.02)]],
    "1": [[(0.38, 0.2), (0.55, 0.02), (0.53, 0.5), (0.5, 1.0)]],
    "2": [
        [(0.12, 0.25), (0.35, 0.03), (0.75, 0.1), (0.78, 0.38), (0.45, 0.72), (0.08, 0.98)],
        [(0.08, 0.98), (0.5, 0.95), (0.92, 0.97)],
    ],
    "3": [
        [(0.15, 0.12), (0.5, 0.0), (0.8, 0.16), (0.68, 0.4), (0.36, 0.48)],
        [(0.36, 0.48), (0.76, 0.55), (0.86, 0.78), (0.55, 1.0), (0.12, 0.9)],
    ],
    "4": [
        [(0.42, 0.02), (0.25, 0.32), (0.08, 0.62), (0.5, 0.64), (0.95, 0.6)],
        [(0.7, 0.28), (0.68, 0.65), (0.64, 1.0)],
    ],
    "5": [
        [(0.3, 0.05), (0.26, 0.25), (0.2, 0.46), (0.55, 0.4), (0.86, 0.62), (0.68, 0.92), (0.15, 0.95)],
        [(0.3, 0.05), (0.55, 0.05), (0.85, 0.02)],
    ],
    "6": [[(0.72, 0.03), (0.35, 0.25), (0.14, 0.65), (0.3, 0.96), (0.68, 0.95), (0.82, 0.7), (0.6, 0.53), (0.2, 0.68)]],
    "7": [[(0.08, 0.08), (0.45, 0.06), (0.88, 0.05)], [(0.88, 0.05), (0.62, 0.45), (0.4, 1.0)]],
    "8": [
        [
            (0.72, 0.14),
            (0.45, 0.0),
            (0.2, 0.2),
            (0.45, 0.46),
            (0.8, 0.72),
            (0.55, 0.99),
            (0.2, 0.82),
            (0.4, 0.52),
            (0.74, 0.28),
            (0.72, 0.14),
        ]
    ],
    "9": [
        [(0.8, 0.2), (0.5, 0.02), (0.18, 0.22), (0.34, 0.48), (0.68, 0.42), (0.8, 0.18)],
        [(0.8, 0.18), (0.78, 0.55), (0.68, 1.0)],
    ],
}
# fmt: on

# Digits are narrower than high, and a one narrower still.
ASPECT = 0.62
STEPS_BETWEEN_POINTS = 9


def write(
    page: Page, number: str, left: float, top: float, height: float, seed: int = 0, spacing: float = 0.28
) -> None:
    """Writes a number on the pad.

    Args:
        page: the open page.
        number: the digits, from left to right.
        left: where the first one begins, in widths of the pad.
        top: where they begin, in widths of the pad.
        height: how high they are, in widths of the pad.
        seed: another hand for every seed.
        spacing: the gap between two digits, in heights.
    """
    area = page.locator("canvas").first.bounding_box()
    hand = random.Random(f"{seed}/{number}")
    x = left
    for digit in number:
        slant, stretch, drop = hand.uniform(-0.04, 0.14), hand.uniform(0.92, 1.08), hand.uniform(-0.03, 0.03)
        for stroke in STROKES[digit]:
            placed = [
                (x + height * ASPECT * stretch * (u + slant * (1 - v)), top + height * (v + drop))
                for u, v in _trembling(_smooth(stroke), hand)
            ]
            draw(page, [(area["x"] + px * area["width"], area["y"] + py * area["width"]) for px, py in placed])
        x += height * (ASPECT * stretch + spacing)


def draw(page: Page, points: list[Point]) -> None:
    """One stroke of the mouse through points of the window."""
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
    page.mouse.up()


def _smooth(points: list[Point]) -> list[Point]:
    """A Catmull-Rom spline through the points."""
    ends = [points[0], *points, points[-1]]
    curve = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:]):
        for step in range(STEPS_BETWEEN_POINTS):
            t = step / STEPS_BETWEEN_POINTS
            curve.append(
                tuple(
                    0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t**2 + (3 * q - p - 3 * r + s) * t**3)
                    for p, q, r, s in zip(a, b, c, d)
                )
            )
    return [*curve, points[-1]]


def _trembling(points: list[Point], hand: random.Random) -> list[Point]:
    """Bends a stroke a little, slowly, as a hand does: one wave along each axis."""
    waves = [(hand.uniform(0.008, 0.022), hand.uniform(0.8, 1.8), hand.uniform(0, math.tau)) for _ in range(2)]
    bent = []
    for index, point in enumerate(points):
        along = index / len(points)
        bent.append(
            tuple(
                value + size * math.sin(math.tau * turns * along + phase)
                for value, (size, turns, phase) in zip(point, waves)
            )
        )
    return bent

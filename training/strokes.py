"""Digits and marks as pen strokes: control points of how people write them, drawn with any pen at any size.

The shapes are ways of writing that MNIST lacks or blurs when it is enlarged: fine pens, ones with flag and foot,
crossed sevens, fours in two strokes. It knows shapes only, and nothing of pages.
"""

import math

import cv2
import numpy as np

# Control points (x, y) of each stroke in a box of height 1, y down. A stroke is drawn as a Catmull-Rom spline; "line"
# strokes (first element True) keep their corners.
Stroke = tuple[bool, tuple[tuple[float, float], ...]]


def _curve(*points: tuple[float, float]) -> Stroke:
    return False, points


def _line(*points: tuple[float, float]) -> Stroke:
    return True, points


DIGIT_STROKES: dict[str, tuple[tuple[Stroke, ...], ...]] = {
    "0": (
        (_curve((0.32, 0.0), (0.06, 0.25), (0.03, 0.65), (0.28, 1.0), (0.56, 0.7), (0.58, 0.25), (0.32, 0.0)),),
        (
            _curve(
                (0.5, 0.06), (0.1, 0.2), (0.02, 0.7), (0.35, 1.0), (0.68, 0.6), (0.55, 0.1), (0.3, 0.02), (0.4, 0.14)
            ),
        ),
        (_curve((0.5, 0.1), (0.2, 0.02), (0.0, 0.5), (0.3, 1.0), (0.7, 0.6), (0.6, 0.12), (0.3, 0.06)),),
        (_curve((0.12, 0.08), (0.0, 0.5), (0.22, 1.0), (0.56, 0.75), (0.52, 0.28), (0.34, 0.12)),),
        (_curve((0.42, 0.0), (0.1, 0.2), (0.02, 0.7), (0.3, 1.0), (0.6, 0.7), (0.6, 0.2)),),
    ),
    "1": (
        (_line((0.1, 0.0), (0.08, 1.0)),),
        (_line((0.25, 0.0), (0.0, 1.0)),),
        (_line((0.0, 0.28), (0.3, 0.0), (0.28, 1.0)),),
        (_line((0.0, 0.5), (0.36, 0.0), (0.3, 1.0)),),
        (_curve((0.0, 0.6), (0.2, 0.35), (0.42, 0.0)), _line((0.42, 0.0), (0.3, 1.0))),
        (_line((0.05, 0.22), (0.3, 0.0), (0.3, 1.0)), _line((0.02, 1.0), (0.58, 0.99))),
        (_line((0.0, 0.12), (0.26, 0.0), (0.24, 1.0)), _line((0.0, 1.0), (0.5, 1.0))),
        (_curve((0.0, 0.42), (0.14, 0.48), (0.34, 0.0)), _line((0.34, 0.0), (0.33, 1.0))),
        (_curve((0.1, 0.0), (0.06, 0.5), (0.12, 0.92), (0.28, 0.96)),),
        (_line((0.5, 0.0), (0.0, 1.0)),),
    ),
    "2": (
        (_curve((0.03, 0.25), (0.25, 0.0), (0.5, 0.2), (0.35, 0.6), (0.0, 1.0)), _line((0.0, 1.0), (0.6, 0.97))),
        (
            _curve(
                (0.05, 0.2), (0.3, 0.0), (0.5, 0.25), (0.2, 0.75), (0.02, 0.95), (0.12, 0.8), (0.4, 0.97), (0.65, 0.9)
            ),
        ),
        (_curve((0.1, 0.3), (0.12, 0.05), (0.45, 0.05), (0.45, 0.4), (0.05, 0.98), (0.35, 0.95), (0.62, 1.0)),),
        (_line((0.0, 0.05), (0.5, 0.02), (0.02, 0.98), (0.55, 0.96)),),
    ),
    "3": (
        (_curve((0.03, 0.15), (0.3, 0.0), (0.48, 0.2), (0.2, 0.45), (0.52, 0.7), (0.3, 1.0), (0.0, 0.88)),),
        (_line((0.0, 0.03), (0.5, 0.0), (0.22, 0.4)), _curve((0.22, 0.4), (0.52, 0.6), (0.4, 0.95), (0.0, 0.95))),
        (
            _curve((0.0, 0.1), (0.4, 0.02), (0.38, 0.35), (0.16, 0.46)),
            _curve((0.16, 0.46), (0.55, 0.6), (0.4, 0.98), (0.02, 0.9)),
        ),
    ),
    "4": (
        (_line((0.15, 0.0), (0.02, 0.55), (0.6, 0.55)), _line((0.42, 0.25), (0.38, 1.0))),
        (_line((0.45, 0.0), (0.0, 0.65), (0.65, 0.62)), _line((0.46, 0.0), (0.44, 1.0))),
        (_curve((0.08, 0.0), (0.06, 0.45), (0.3, 0.55), (0.55, 0.45)), _line((0.52, 0.05), (0.5, 1.0))),
        (_line((0.2, 0.02), (0.0, 0.5), (0.42, 0.48)), _line((0.55, 0.0), (0.4, 1.0))),
        (_line((0.4, 0.0), (0.0, 0.6), (0.62, 0.58)), _line((0.38, 0.38), (0.3, 1.0))),
        (_line((0.46, 0.02), (0.04, 0.5), (0.56, 0.47)), _line((0.5, 0.0), (0.42, 1.0))),
        (_curve((0.42, 0.02), (0.1, 0.3), (0.02, 0.5), (0.3, 0.52), (0.62, 0.46)), _line((0.44, 0.03), (0.4, 1.0))),
        (_line((0.5, 0.45), (0.03, 0.48), (0.44, 0.0), (0.4, 1.0)),),
    ),
    "5": (
        (
            _line((0.5, 0.02), (0.1, 0.03), (0.06, 0.42)),
            _curve((0.06, 0.42), (0.4, 0.38), (0.5, 0.7), (0.3, 0.98), (0.0, 0.9)),
        ),
        (
            _curve((0.12, 0.05), (0.08, 0.4), (0.4, 0.42), (0.48, 0.75), (0.25, 1.0), (0.0, 0.9)),
            _line((0.12, 0.04), (0.58, 0.0)),
        ),
        (_curve((0.55, 0.02), (0.2, 0.05), (0.12, 0.4), (0.45, 0.5), (0.42, 0.92), (0.0, 0.95)),),
        (_curve((0.14, 0.14), (0.1, 0.45), (0.42, 0.5), (0.4, 0.95), (0.0, 0.92)), _line((0.2, 0.06), (0.6, 0.02))),
    ),
    "6": (
        (_curve((0.45, 0.0), (0.12, 0.35), (0.02, 0.75), (0.25, 1.0), (0.5, 0.78), (0.3, 0.55), (0.05, 0.75)),),
        (_curve((0.38, 0.02), (0.05, 0.45), (0.08, 0.92), (0.42, 0.95), (0.45, 0.62), (0.15, 0.6), (0.06, 0.8)),),
        (_curve((0.5, 0.08), (0.3, 0.0), (0.05, 0.4), (0.08, 0.9), (0.45, 0.9), (0.42, 0.55), (0.1, 0.62)),),
        (_curve((0.3, 0.0), (0.02, 0.6), (0.25, 1.0), (0.48, 0.75), (0.25, 0.6)),),
        (
            _curve(
                (0.5, 0.06),
                (0.5, 0.0),
                (0.16, 0.2),
                (0.0, 0.7),
                (0.2, 0.98),
                (0.5, 0.84),
                (0.46, 0.56),
                (0.2, 0.5),
                (0.18, 0.62),
            ),
        ),
    ),
    "7": (
        (_line((0.0, 0.03), (0.52, 0.0), (0.2, 1.0)),),
        (_line((0.0, 0.05), (0.52, 0.02), (0.2, 1.0)), _line((0.1, 0.52), (0.52, 0.48))),
        (_line((0.02, 0.18), (0.04, 0.03), (0.55, 0.02)), _curve((0.55, 0.02), (0.35, 0.45), (0.25, 1.0))),
        (
            _curve((0.0, 0.12), (0.15, 0.02), (0.4, 0.08), (0.55, 0.0)),
            _curve((0.55, 0.0), (0.3, 0.5), (0.22, 1.0)),
            _line((0.08, 0.5), (0.5, 0.5)),
        ),
        (_line((0.0, 0.0), (0.5, 0.04), (0.36, 0.5), (0.34, 1.0)),),
    ),
    "8": (
        (
            _curve(
                (0.45, 0.12),
                (0.2, 0.0),
                (0.06, 0.25),
                (0.3, 0.48),
                (0.52, 0.75),
                (0.25, 1.0),
                (0.02, 0.78),
                (0.25, 0.5),
                (0.46, 0.22),
                (0.4, 0.08),
            ),
        ),
        (
            _curve(
                (0.3, 0.46),
                (0.08, 0.3),
                (0.22, 0.0),
                (0.45, 0.15),
                (0.32, 0.44),
                (0.04, 0.7),
                (0.2, 1.0),
                (0.5, 0.85),
                (0.34, 0.5),
            ),
        ),
        (
            _curve((0.28, 0.0), (0.1, 0.22), (0.28, 0.44), (0.46, 0.22), (0.28, 0.0)),
            _curve((0.28, 0.44), (0.02, 0.72), (0.28, 1.0), (0.54, 0.72), (0.28, 0.44)),
        ),
        (
            _curve(
                (0.55, 0.05),
                (0.25, 0.02),
                (0.08, 0.22),
                (0.4, 0.6),
                (0.3, 0.98),
                (0.04, 0.85),
                (0.2, 0.55),
                (0.52, 0.2),
            ),
        ),
        (
            _curve(
                (0.5, 0.02),
                (0.2, 0.04),
                (0.1, 0.24),
                (0.36, 0.5),
                (0.46, 0.8),
                (0.2, 1.0),
                (0.0, 0.8),
                (0.15, 0.55),
                (0.5, 0.28),
            ),
        ),
        (
            _curve(
                (0.16, 0.1),
                (0.34, 0.0),
                (0.44, 0.2),
                (0.22, 0.5),
                (0.02, 0.8),
                (0.24, 1.0),
                (0.46, 0.78),
                (0.3, 0.52),
                (0.08, 0.26),
            ),
        ),
        (
            _curve((0.36, 0.02), (0.1, 0.16), (0.24, 0.42), (0.46, 0.26), (0.4, 0.04)),
            _curve((0.26, 0.5), (0.0, 0.72), (0.26, 1.0), (0.52, 0.76), (0.34, 0.48)),
        ),
    ),
    "9": (
        (
            _curve((0.48, 0.15), (0.2, 0.0), (0.04, 0.3), (0.22, 0.52), (0.46, 0.3), (0.48, 0.15)),
            _line((0.48, 0.12), (0.42, 1.0)),
        ),
        (
            _curve((0.46, 0.18), (0.22, 0.0), (0.02, 0.28), (0.24, 0.5), (0.46, 0.2)),
            _curve((0.46, 0.2), (0.5, 0.6), (0.35, 0.98), (0.05, 0.9)),
        ),
        (_line((0.46, 0.06), (0.06, 0.05), (0.05, 0.44), (0.44, 0.42), (0.46, 0.04), (0.44, 1.0)),),
        (
            _curve((0.4, 0.05), (0.08, 0.1), (0.1, 0.45), (0.45, 0.35), (0.5, 0.05)),
            _curve((0.5, 0.05), (0.4, 0.6), (0.2, 1.0)),
        ),
        (_curve((0.42, 0.1), (0.1, 0.02), (0.06, 0.42), (0.4, 0.4)), _line((0.5, 0.0), (0.38, 1.0))),
        (
            _line((0.44, 0.08), (0.1, 0.1), (0.06, 0.36), (0.24, 0.44), (0.46, 0.12)),
            _line((0.46, 0.1), (0.42, 0.96), (0.08, 0.98), (0.06, 0.86)),
        ),
        (
            _curve((0.5, 0.16), (0.24, 0.02), (0.0, 0.24), (0.2, 0.46), (0.46, 0.3)),
            _curve((0.5, 0.06), (0.46, 0.6), (0.5, 1.0)),
        ),
    ),
}

# Marks and what stands beside numbers, in the same box of one digit's height: its baseline is at y = 1.
MARK_STROKES: dict[str, tuple[tuple[Stroke, ...], ...]] = {
    ".": ((_line((0.0, 0.98), (0.02, 0.99)),), (_line((0.0, 0.96), (0.04, 1.0)),)),
    ",": ((_line((0.06, 0.93), (0.0, 1.15)),), (_curve((0.06, 0.92), (0.1, 1.02), (0.0, 1.2)),), (_line((0.1, 0.9), (0.0, 1.1)),)),
    "-": ((_line((0.0, 0.55), (0.4, 0.53)),), (_line((0.0, 0.5), (0.6, 0.48)),), (_curve((0.0, 0.56), (0.2, 0.5), (0.4, 0.55)),)),
    "/": ((_line((0.45, -0.05), (0.0, 1.08)),), (_line((0.3, -0.1), (0.0, 1.15)),), (_line((0.6, 0.0), (0.0, 1.0)),), (_line((0.5, -0.3), (0.0, 1.25)),), (_line((0.75, -0.15), (0.0, 1.1)),), (_line((0.35, -0.35), (0.0, 1.3)),)),
    ":": ((_line((0.0, 0.4), (0.02, 0.42)), _line((0.0, 0.86), (0.02, 0.88))),),
    "+": ((_line((0.0, 0.52), (0.5, 0.5)), _line((0.25, 0.25), (0.24, 0.78))),),
    "=": ((_line((0.0, 0.42), (0.5, 0.4)), _line((0.0, 0.62), (0.5, 0.62))),),
    "x": ((_line((0.0, 0.3), (0.45, 0.8)), _line((0.42, 0.28), (0.02, 0.82))),),
    "(": ((_curve((0.25, -0.1), (0.03, 0.3), (0.02, 0.75), (0.22, 1.1)),), (_line((0.3, -0.05), (0.02, -0.05), (0.02, 1.05), (0.3, 1.05)),)),
    ")": ((_curve((0.0, -0.1), (0.22, 0.3), (0.22, 0.75), (0.0, 1.1)),), (_line((0.0, -0.05), (0.28, -0.05), (0.28, 1.05), (0.0, 1.05)),)),
    "%": ((_line((0.6, 0.0), (0.1, 1.0)), _curve((0.15, 0.05), (0.02, 0.2), (0.15, 0.36), (0.28, 0.2), (0.15, 0.05)), _curve((0.58, 0.62), (0.44, 0.8), (0.58, 0.97), (0.72, 0.8), (0.58, 0.62))),),
    "$": ((_curve((0.45, 0.15), (0.2, 0.05), (0.08, 0.3), (0.4, 0.6), (0.35, 0.92), (0.02, 0.85)), _line((0.27, -0.1), (0.24, 1.1))),),
    "#": ((_line((0.2, 0.1), (0.1, 0.95)), _line((0.45, 0.1), (0.36, 0.95)), _line((0.02, 0.36), (0.6, 0.34)), _line((0.0, 0.7), (0.56, 0.68))),),
    "÷": ((_line((0.0, 0.52), (0.5, 0.5)), _line((0.24, 0.24), (0.25, 0.26)), _line((0.24, 0.78), (0.25, 0.8))),),
    "→": ((_line((0.0, 0.55), (0.9, 0.5)), _line((0.65, 0.3), (0.9, 0.5), (0.68, 0.75))),),
    "~": ((_curve((0.0, 0.6), (0.15, 0.45), (0.35, 0.62), (0.5, 0.5)),),),
    "v": ((_line((0.0, 0.5), (0.18, 0.95), (0.6, 0.0)),),),
    "*": ((_line((0.0, 0.2), (0.3, 0.6)), _line((0.3, 0.2), (0.0, 0.6)), _line((0.15, 0.12), (0.15, 0.68))),),
}  # fmt: skip

# Strokes that lead into a digit, from its first point, and out of it, from its last one: least and most (x, y).
LEAD_IN = {
    "1": ((-0.5, 0.3), (-0.15, 0.75)),
    "2": ((-0.1, 0.05), (0.12, 0.2)),
    "3": ((-0.1, 0.05), (0.12, 0.2)),
    "4": ((-0.15, 0.02), (-0.05, 0.15)),
    "7": ((-0.1, 0.08), (0.06, 0.25)),
    "8": ((0.05, -0.15), (0.25, 0.05)),
    "9": ((0.02, -0.12), (0.15, 0.08)),
}
LEAD_OUT = {
    "0": ((0.1, -0.05), (0.45, 0.18)),
    "1": ((0.1, -0.2), (0.25, 0.02)),
    "2": ((0.05, -0.15), (0.4, 0.1)),
    "5": ((-0.2, -0.12), (-0.05, 0.02)),
    "6": ((0.02, -0.08), (0.4, 0.12)),
    "7": ((-0.25, -0.05), (0.2, 0.2)),
    "8": ((0.02, -0.2), (0.3, 0.0)),
    "9": ((-0.35, -0.12), (0.1, 0.15)),
}


def flourished(label: str, strokes: tuple[Stroke, ...], random) -> tuple[Stroke, ...]:
    """Add strokes that lead into a digit or out of it, as in running writing."""
    first, *rest = strokes
    # A one that has its flag gets no other.
    has_flag = label == "1" and first[1][0][1] > 0.1
    if label in LEAD_IN and not has_flag and random.random() < 0.6:
        is_line, points = first
        middle, end = _led_to(points[0], LEAD_IN[label], random)
        first = is_line, (end, middle, *points)
    *others, last = first, *rest
    if label in LEAD_OUT and random.random() < 0.6:
        is_line, points = last
        last = is_line, (*points, *_led_to(points[-1], LEAD_OUT[label], random))
    return (*others, last)


def _led_to(start: tuple[float, float], reach, random) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the middle and the end of a short stroke from a point; `reach` is the least and most of its (x, y)."""
    end = np.add(start, random.uniform(*reach))
    middle = np.add(start, end) / 2 + random.normal(0, 0.03, 2)
    return tuple(middle.tolist()), tuple(end.tolist())


def smooth(points: np.ndarray, steps: int = 8) -> np.ndarray:
    """Return points on a Catmull-Rom spline through points (N, 2)."""
    padded = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None, None]
    a, b, c, d = (padded[i : len(padded) - 3 + i][None] for i in range(4))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.concatenate([curve.transpose(1, 0, 2).reshape(-1, 2), points[-1:]])


def draw_strokes(
    strokes: tuple[Stroke, ...],
    height: float,
    pen: float,
    slant: float,
    stretch: float,
    turn: float,
    jitter: float,
    random,
) -> tuple[np.ndarray, float]:
    """Draw strokes with one pen.

    Args:
        strokes: control points in a box of height 1.
        height: height of that box, pixels.
        pen: stroke width, pixels.
        slant: horizontal shear, as a slope; positive leans to the right.
        stretch: factor of the width.
        turn: angle, radians, clockwise, about the middle.
        jitter: standard deviation of every control point, in heights.
        random: random generator.

    Returns:
        The ink, uint8 (h, w), cropped to the strokes with the pen's margin; and the y of its first row, in pixels from
        the box's top.
    """
    outlines = []
    turned = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    for is_line, points in strokes:
        bent = np.array(points) + random.normal(0, jitter, (len(points), 2))
        bent = np.stack([bent[:, 0] * stretch + slant * (0.5 - bent[:, 1]), bent[:, 1]], 1)
        bent = ((bent - (0.25, 0.5)) @ turned + (0.25, 0.5)) * height
        outlines.append(bent if is_line else smooth(bent))
    margin = pen / 2 + 1
    low = np.min([outline.min(0) for outline in outlines], 0) - margin
    size = np.ceil(np.max([outline.max(0) for outline in outlines], 0) + margin - low).astype(int)
    ink = np.zeros((size[1], size[0]), np.uint8)
    sixteenths = [np.round((outline - low) * 16).astype(np.int32) for outline in outlines]
    width = max(1, round(pen))
    cv2.polylines(ink, sixteenths, False, 255, width, cv2.LINE_AA, 4)
    if pen < 1:
        ink = (ink * max(pen, 0.4)).astype(np.uint8)
    return ink, float(low[1])

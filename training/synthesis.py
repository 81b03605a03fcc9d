"""Synthesize training images that MNIST lacks, from MNIST's digits: other ways to write a digit, and non-digits.

Everything is drawn at four times the size and framed by the reader's own `frame`, so that training images look like the
crops of the reader. This module knows nothing of networks.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from digits.frame import FRAME_SIDE, frame
from training.data import Digits
from training.non_digit_glyphs import draw_symbol

# Images are drawn at this factor of their size.
UPSCALING = 4
CANVAS_SIDE = FRAME_SIDE * UPSCALING  # pixels

# Probability that a writing variant is drawn with a fine pen as well.
FINE_PEN_PROBABILITY = 0.35

# Directions of a zero's slash: probability, lowest and highest angle from the horizontal in degrees. Most slashes rise
# to the right or are vertical; a few are horizontal or fall.
SLASH_ANGLES = ((0.6, 25, 80), (0.2, 80, 105), (0.15, -15, 15), (0.05, 105, 165))

# The label of a frame that does not show exactly one digit.
NOT_A_DIGIT = 10


def synthesize_variants(digits: Digits, count: int, random: np.random.Generator) -> Digits:
    """Synthesize digits in other ways of writing: slashed zeros, ones with flag and foot, crossed sevens, fine pens.

    Args:
        digits: source images float32 (N, 28, 28, 1) in 0..1 and their labels (N,).
        count: number of images to synthesize.
        random: random generator.
    """
    canvases: list[np.ndarray] = []
    labels: list[int] = []
    candidates = [np.flatnonzero(np.isin(digits.labels, variant.labels)) for variant in VARIANTS]
    probabilities = [variant.probability for variant in VARIANTS]
    while len(canvases) < count:
        kind = random.choice(len(VARIANTS), p=probabilities)
        if len(candidates[kind]):
            index = random.choice(candidates[kind])
            canvas = VARIANTS[kind].draw(_upscale(digits.images[index]), random)
            if random.random() < FINE_PEN_PROBABILITY:
                canvas = _thin_strokes(canvas, random)
            canvases.append(canvas)
            labels.append(digits.labels[index])
    return _frame_all(canvases, labels)


def synthesize_non_digits(digits: Digits, count: int, random: np.random.Generator) -> Digits:
    """Synthesize images that do not show exactly one digit, labelled NOT_A_DIGIT.

    They are cut digits, touching digits, mirrored and rotated digits, scribbles, letters and signs. The arguments are
    those of `synthesize_variants`.
    """
    canvases: list[np.ndarray] = []
    while len(canvases) < count:
        chosen = random.integers(len(digits.labels), size=3)
        canvas: np.ndarray | None
        canvas, label = _upscale(digits.images[chosen[0]]), int(digits.labels[chosen[0]])
        kind = random.choice(5, p=(0.1, 0.25, 0.15, 0.15, 0.35))
        # Half of an eight is a three. No half of a one or a seven is clearly not a digit.
        if kind == 0 and label not in (1, 7, 8):
            canvas = _cut(canvas, random)
        elif kind == 1:
            neighbours = 1 if random.random() < 0.85 else 2
            canvas = _join([canvas, *(_upscale(digits.images[i]) for i in chosen[1 : 1 + neighbours])], random)
        # A rotated zero is a zero and a mirrored one a one; a mirrored two looks like a five.
        elif kind == 2 and label in (3, 4, 6, 7, 9) and random.random() < 0.5:
            canvas = canvas[:, ::-1].copy()
        elif kind == 2 and label not in (0, 1):
            canvas = np.rot90(canvas, random.choice((1, 3))).copy()
        elif kind == 3:
            canvas = _draw_scribble(random)
        elif kind == 4:
            canvas = draw_symbol(random, CANVAS_SIDE)
        else:
            canvas = None
        if canvas is not None and random.random() < 0.15:
            canvas = _thin_strokes(canvas, random)
        if canvas is not None:
            canvases.append(canvas)
    return _frame_all(canvases, [NOT_A_DIGIT] * count)


def _frame_all(canvases: list[np.ndarray], labels: list[int]) -> Digits:
    """Crop and scale the ink of each canvas to a frame, as the reader does."""
    frames = np.array([frame(canvas) for canvas in canvases], np.float32).reshape(-1, FRAME_SIDE, FRAME_SIDE, 1)
    return Digits(frames, np.array(labels, np.int64))


def _upscale(image: np.ndarray) -> np.ndarray:
    """Scale an image (28, 28, 1) to a canvas (CANVAS_SIDE, CANVAS_SIDE)."""
    return cv2.resize(image[..., 0], (CANVAS_SIDE, CANVAS_SIDE), interpolation=cv2.INTER_CUBIC).clip(0, 1)


def _stroke_width(canvas: np.ndarray) -> float:
    """Estimate the width of the strokes, in pixels, from the distances of ink pixels to the background."""
    distance = cv2.distanceTransform((canvas > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    return max(3.0, 4 * float(distance[distance > 0].mean())) if distance.any() else 8.0


def _draw_stroke(canvas: np.ndarray, points: np.ndarray, stroke_width: float) -> np.ndarray:
    """Return the canvas with a stroke through points (N, 2), x before y, in pixels."""
    ink = np.zeros(canvas.shape, np.uint8)
    cv2.polylines(
        ink, [np.round(points * 16).astype(np.int32)], False, 255, max(1, round(stroke_width)), cv2.LINE_AA, 4
    )
    return np.maximum(canvas, ink / np.float32(255))


def _pad(canvas: np.ndarray) -> np.ndarray:
    """Pad the canvas, for strokes that extend beyond it."""
    return np.pad(canvas, CANVAS_SIDE // 2)


def _ink_bounds(canvas: np.ndarray) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the ink, inclusive, in pixels."""
    rows, columns = (np.flatnonzero((canvas > 0.5).any(axis)) for axis in (1, 0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


def _slash_zero(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw a slash through a zero."""
    canvas, stroke_width = _pad(canvas), _stroke_width(canvas)
    left, top, right, bottom = _ink_bounds(canvas)
    half_length = (bottom - top) * random.uniform(0.35, 1.1)
    # Framing shrinks a zero whose slash extends far beyond it. Thicker strokes keep their width in the frame.
    thickening = max(
        0,
        min(
            stroke_width * random.uniform(0, 0.6) * (2 * half_length / (bottom - top) - 1),
            0.3 * (right - left) - stroke_width,
        ),
    )
    canvas = cv2.dilate(canvas, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (1 + round(thickening),) * 2))
    centre = np.array([(left + right) / 2, (top + bottom) / 2]) + random.normal(0, 3, 2)
    _, lowest, highest = SLASH_ANGLES[random.choice(len(SLASH_ANGLES), p=[angles[0] for angles in SLASH_ANGLES])]
    angle = np.radians(random.uniform(lowest, highest))
    along = half_length * np.array([np.cos(angle), -np.sin(angle)])
    return _draw_stroke(
        canvas, np.array([centre - along, centre + along]), (stroke_width + thickening) * random.uniform(0.7, 1.1)
    )


def _add_flag_and_foot(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Add a flag, a foot or both to a one."""
    canvas, stroke_width = _pad(canvas), _stroke_width(canvas)
    if random.random() < 0.7:
        # MNIST's ones are slanted; most ones with a flag are upright.
        canvas = _shear_to_slope(canvas, random.normal(0.05, 0.1))
    head, base = _stroke_ends(canvas, stroke_width)
    height = base[1] - head[1] + stroke_width
    if random.random() < 0.9:
        # The longer a flag, the steeper it is. The angle is from the vertical, in degrees. Some flags bend downwards.
        length = random.uniform(0.15, 1)
        angle = random.uniform(20, 95 - 45 * length)
        bend = random.uniform(0, 50) if random.random() < 0.4 else random.normal(0, 5)
        angles = np.radians((angle, max(10, angle - bend)))
        halves = length * height / 2 * np.stack([-np.sin(angles), np.cos(angles)], 1)
        canvas = _draw_stroke(canvas, _smooth_curve(head + np.cumsum([(0, 0), *halves], 0)), stroke_width)
    if random.random() < 0.5:
        reach = height * random.uniform(0.12, 0.45, 2)
        tilt = random.normal(0, 0.03) * height
        canvas = _draw_stroke(canvas, np.array([base - (reach[0], tilt), base + (reach[1], tilt)]), stroke_width)
    return canvas


def _stroke_ends(canvas: np.ndarray, stroke_width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the upper and the lower end of a stroke from top to bottom, x before y, in pixels."""
    _, top, _, bottom = _ink_bounds(canvas)
    head, base = (np.flatnonzero(canvas[row] > 0.4).mean() for row in (top + 2, bottom - 2))
    return np.array([head, top + stroke_width / 2]), np.array([base, bottom - stroke_width / 2])


def _shear_to_slope(canvas: np.ndarray, slope: float) -> np.ndarray:
    """Shear the canvas so that a stroke from top to bottom slants to the right by `slope` times its height."""
    head, base = _stroke_ends(canvas, 0)
    shear = (head[0] - base[0]) / max(base[1] - head[1], 1) - slope
    return cv2.warpAffine(canvas, np.array([[1, shear, -shear * len(canvas) / 2], [0, 1, 0]]), canvas.shape[::-1])


def _cross_seven(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw a bar through a seven."""
    canvas, stroke_width = _pad(canvas), _stroke_width(canvas)
    left, top, right, bottom = _ink_bounds(canvas)
    row = int(top + (bottom - top) * random.uniform(0.4, 0.65))
    stem = np.flatnonzero(canvas[row] > 0.4)
    centre = np.array([stem.mean() if len(stem) else (left + right) / 2, row])
    reach, tilt = (right - left) * random.uniform(0.2, 0.5, 2), random.normal(0, 0.06) * (bottom - top)
    return _draw_stroke(canvas, np.array([centre - (reach[0], -tilt), centre + (reach[1], -tilt)]), stroke_width)


def _thin_strokes(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Thin the strokes to a pixel or less in the frame, as a fine pen on a large drawing does."""
    distance = cv2.distanceTransform((canvas > 0.4).astype(np.uint8), cv2.DIST_L2, 5)
    # The ridge of the distance to the background is the centre line of the stroke.
    centre_line = (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8))) & (distance > 0)
    core = (distance > _stroke_width(canvas) / 2 * random.uniform(0.4, 1)) | centre_line
    reach = int(random.integers(2, 5))
    return cv2.GaussianBlur(cv2.dilate(core.astype(np.float32), np.ones((reach, reach), np.uint8)), (0, 0), 0.7)


class WritingVariant(NamedTuple):
    """A way of writing.

    Attributes:
        labels: the digits that are written in this way.
        probability: its share of all variants.
        draw: changes the canvas of a digit: (canvas, random generator) -> canvas.
    """

    labels: tuple[int, ...]
    probability: float
    draw: Callable[[np.ndarray, np.random.Generator], np.ndarray]


# Ways of writing that are common in the world and rare in MNIST.
VARIANTS = (
    WritingVariant((0,), 0.25, _slash_zero),
    WritingVariant((1,), 0.4, _add_flag_and_foot),
    WritingVariant((7,), 0.1, _cross_seven),
    WritingVariant(tuple(range(10)), 0.25, _thin_strokes),
)


def _cut(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray | None:
    """Keep one side of a digit that is cut by a steep line; return None where the rest could be a digit itself."""
    left, top, right, bottom = _ink_bounds(canvas)
    cut_x, slope = left + (right - left) * random.uniform(0.25, 0.75), np.tan(np.radians(random.uniform(-30, 30)))
    y, x = np.indices(canvas.shape)
    side = x - cut_x - slope * (y - (top + bottom) / 2)
    part = np.where(side < 0, canvas, 0) if random.random() < 0.5 else np.where(side > 0, canvas, 0)
    remaining = part.sum() / canvas.sum()
    if not 0.2 < remaining < 0.75 or not (part > 0.5).any():
        return None
    left, top, right, bottom = _ink_bounds(part)
    # A narrow part looks like a one.
    return part.astype(np.float32) if right - left > 0.45 * (bottom - top) else None


def _join(canvases: list[np.ndarray], random: np.random.Generator) -> np.ndarray:
    """Draw digits side by side, close or overlapping."""
    joined = np.zeros((2 * CANVAS_SIDE, 4 * CANVAS_SIDE), np.float32)
    edge = CANVAS_SIDE // 2
    for canvas in canvases:
        left, top, right, bottom = _ink_bounds(canvas)
        zoom = random.uniform(0.75, 1.1)
        digit = cv2.resize(canvas[top : bottom + 1, left : right + 1], None, fx=zoom, fy=zoom)
        height, width = digit.shape
        row = CANVAS_SIDE - height // 2 + int(random.normal(0, 6))
        area = joined[row : row + height, edge : edge + width]
        np.maximum(area, digit, out=area)
        edge += width + int(random.integers(-12, 14))
    return joined.clip(0, 1)


def _draw_scribble(random: np.random.Generator) -> np.ndarray:
    """Draw a few random strokes, straight or curved."""
    canvas = np.zeros((CANVAS_SIDE, CANVAS_SIDE), np.float32)
    stroke_width = random.uniform(5, 14)
    strokes = int(random.integers(1, 5))
    for _ in range(strokes):
        # A single stroke must be long to be a scribble: a short one is a one.
        count = int(random.integers(5, 9)) if strokes == 1 else int(random.integers(2, 6))
        points = random.uniform(0.1, 0.9, (count, 2)) * CANVAS_SIDE
        if count > 2 and random.random() < 0.7:
            points = _smooth_curve(points)
        canvas = _draw_stroke(canvas, points, stroke_width)
    return canvas


def _smooth_curve(points: np.ndarray) -> np.ndarray:
    """Return points on a Catmull-Rom spline through points (N, 2)."""
    padded = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, 10, endpoint=False)[:, None]
    curves = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:]):
        curves.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate([*curves, points[-1:]])

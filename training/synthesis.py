"""Training images that MNIST lacks, made from MNIST's own: other ways to write a digit, and what is not one digit.

Everything is drawn at four times the size and framed by the reader's own `frame`, so that the network is trained on
what it will be shown. It knows how people write and how segmenting goes wrong, and nothing of networks.
"""

import cv2
import numpy as np

from digits.frame import FRAME_SIDE, frame
from training.data import Digits
from training.symbols import symbol

ZOOM = 4
SIDE = FRAME_SIDE * ZOOM

# This part of all other ways of writing is written with a fine pen as well.
FINE = 0.35

# How a zero's slash may lie: how often so, and between which degrees from the horizontal. Mostly it rises to the right,
# or stands; now and then it lies across, or falls.
SLASHES = ((0.6, 25, 80), (0.2, 80, 105), (0.15, -15, 15), (0.05, 105, 165))

# The label of a frame that shows no digit, or more than one.
NOT_A_DIGIT = 10


def variants(digits: Digits, count: int, random: np.random.Generator) -> Digits:
    """Digits in other ways of writing: slashed zeros, ones with flag and foot, crossed sevens, fine pens.

    Args:
        digits: images float32 (N, 28, 28, 1) in 0..1 and their labels (N,), to make them from.
        count: how many.
        random: where chance comes from.
    """
    pages, labels = [], []
    can_be = [np.flatnonzero(np.isin(digits.labels, of)) for of, _, _ in VARIANTS]
    shares = [share for _, share, _ in VARIANTS]
    while len(pages) < count:
        kind = random.choice(len(VARIANTS), p=shares)
        if len(can_be[kind]):
            index = random.choice(can_be[kind])
            page = VARIANTS[kind][2](_enlarged(digits.images[index]), random)
            if random.random() < FINE:
                page = _thin_stroke(page, random)
            pages.append(page)
            labels.append(digits.labels[index])
    return _framed(pages, labels)


def others(digits: Digits, count: int, random: np.random.Generator) -> Digits:
    """What is not one digit, labelled NOT_A_DIGIT: pieces of digits, digits that touch, mirrored and turned digits,
    scribbles, letters and signs. Arguments as for `variants`."""
    pages: list[np.ndarray] = []
    while len(pages) < count:
        chosen = random.integers(len(digits.labels), size=3)
        page, label = _enlarged(digits.images[chosen[0]]), int(digits.labels[chosen[0]])
        kind = random.choice(5, p=(0.1, 0.25, 0.15, 0.15, 0.35))
        # Half of an eight is a three; one and seven have no half that is clearly neither.
        if kind == 0 and label not in (1, 7, 8):
            page = _piece(page, random)
        elif kind == 1:
            neighbours = 1 if random.random() < 0.85 else 2
            page = _touching([page, *(_enlarged(digits.images[i]) for i in chosen[1 : 1 + neighbours])], random)
        # A turned zero is a zero and a mirrored one a one; a mirrored two is much like a five.
        elif kind == 2 and label in (3, 4, 6, 7, 9) and random.random() < 0.5:
            page = page[:, ::-1].copy()
        elif kind == 2 and label not in (0, 1):
            page = np.rot90(page, random.choice((1, 3))).copy()
        elif kind == 3:
            page = _scribble(random)
        elif kind == 4:
            page = symbol(random, SIDE)
        else:
            page = None
        if page is not None and random.random() < 0.15:
            page = _thin_stroke(page, random)
        if page is not None:
            pages.append(page)
    return _framed(pages, [NOT_A_DIGIT] * count)


def _framed(pages: list[np.ndarray], labels: list[int]) -> Digits:
    frames = np.array([frame(page) for page in pages], np.float32).reshape(-1, FRAME_SIDE, FRAME_SIDE, 1)
    return Digits(frames, np.array(labels, np.int64))


def _enlarged(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image[..., 0], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).clip(0, 1)


def _pen(page: np.ndarray) -> float:
    """The width of the strokes on a page, in its pixels: the middle of a stroke lies half of it from the paper."""
    distance = cv2.distanceTransform((page > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    return max(3.0, 4 * float(distance[distance > 0].mean())) if distance.any() else 8.0


def _stroke(page: np.ndarray, points: np.ndarray, pen: float) -> np.ndarray:
    """The page with a stroke through points (N, 2), x before y, in its pixels."""
    ink = np.zeros(page.shape, np.uint8)
    cv2.polylines(ink, [np.round(points * 16).astype(np.int32)], False, 255, max(1, round(pen)), cv2.LINE_AA, 4)
    return np.maximum(page, ink / np.float32(255))


def _margin(page: np.ndarray) -> np.ndarray:
    """Room for strokes that reach beyond the frame."""
    return np.pad(page, SIDE // 2)


def _extent(page: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = (np.flatnonzero((page > 0.5).any(axis)) for axis in (1, 0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


def _slashed_zero(page: np.ndarray, random: np.random.Generator) -> np.ndarray:
    page, pen = _margin(page), _pen(page)
    left, top, right, bottom = _extent(page)
    half = (bottom - top) * random.uniform(0.35, 1.1)
    # Where the slash reaches far beyond, the frame shows the zero small; its pen is no finer for that.
    grown = max(0, min(pen * random.uniform(0, 0.6) * (2 * half / (bottom - top) - 1), 0.3 * (right - left) - pen))
    page = cv2.dilate(page, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (1 + round(grown),) * 2))
    centre = np.array([(left + right) / 2, (top + bottom) / 2]) + random.normal(0, 3, 2)
    _, lowest, highest = SLASHES[random.choice(len(SLASHES), p=[share for share, _, _ in SLASHES])]
    angle = np.radians(random.uniform(lowest, highest))
    along = half * np.array([np.cos(angle), -np.sin(angle)])
    return _stroke(page, np.array([centre - along, centre + along]), (pen + grown) * random.uniform(0.7, 1.1))


def _one_with_flag(page: np.ndarray, random: np.random.Generator) -> np.ndarray:
    page, pen = _margin(page), _pen(page)
    if random.random() < 0.7:
        # MNIST's ones lean; those with a flag mostly stand.
        page = _leaning(page, random.normal(0.05, 0.1))
    head, base = _ends(page, pen)
    height = base[1] - head[1] + pen
    if random.random() < 0.9:
        # The longer a flag, the more steeply it falls: from straight down, in degrees. Some bend down on their way.
        length = random.uniform(0.15, 1)
        angle = random.uniform(20, 95 - 45 * length)
        bend = random.uniform(0, 50) if random.random() < 0.4 else random.normal(0, 5)
        angles = np.radians((angle, max(10, angle - bend)))
        halves = length * height / 2 * np.stack([-np.sin(angles), np.cos(angles)], 1)
        page = _stroke(page, _smooth(head + np.cumsum([(0, 0), *halves], 0)), pen)
    if random.random() < 0.5:
        reach = height * random.uniform(0.12, 0.45, 2)
        tilt = random.normal(0, 0.03) * height
        page = _stroke(page, np.array([base - (reach[0], tilt), base + (reach[1], tilt)]), pen)
    return page


def _ends(page: np.ndarray, pen: float) -> tuple[np.ndarray, np.ndarray]:
    """Where a stroke from top to bottom begins and ends: x before y."""
    _, top, _, bottom = _extent(page)
    head, base = (np.flatnonzero(page[row] > 0.4).mean() for row in (top + 2, bottom - 2))
    return np.array([head, top + pen / 2]), np.array([base, bottom - pen / 2])


def _leaning(page: np.ndarray, slope: float) -> np.ndarray:
    """The page sheared, so that a stroke from top to bottom leans to the right by so much of its height."""
    head, base = _ends(page, 0)
    shear = (head[0] - base[0]) / max(base[1] - head[1], 1) - slope
    return cv2.warpAffine(page, np.array([[1, shear, -shear * len(page) / 2], [0, 1, 0]]), page.shape[::-1])


def _crossed_seven(page: np.ndarray, random: np.random.Generator) -> np.ndarray:
    page, pen = _margin(page), _pen(page)
    left, top, right, bottom = _extent(page)
    row = int(top + (bottom - top) * random.uniform(0.4, 0.65))
    stem = np.flatnonzero(page[row] > 0.4)
    centre = np.array([stem.mean() if len(stem) else (left + right) / 2, row])
    reach, tilt = (right - left) * random.uniform(0.2, 0.5, 2), random.normal(0, 0.06) * (bottom - top)
    return _stroke(page, np.array([centre - (reach[0], -tilt), centre + (reach[1], -tilt)]), pen)


def _thin_stroke(page: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """As with a fine pen on a large drawing: a stroke of a pixel or less, once it is framed."""
    distance = cv2.distanceTransform((page > 0.4).astype(np.uint8), cv2.DIST_L2, 5)
    # The ridge of the distance to the paper is the middle of the stroke.
    ridge = (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8))) & (distance > 0)
    core = (distance > _pen(page) / 2 * random.uniform(0.4, 1)) | ridge
    reach = int(random.integers(2, 5))
    return cv2.GaussianBlur(cv2.dilate(core.astype(np.float32), np.ones((reach, reach), np.uint8)), (0, 0), 0.7)


# Ways of writing that are common in the world and rare in MNIST: the digits each is a way of writing, how often it is
# drawn, and how.
VARIANTS = (
    ((0,), 0.25, _slashed_zero),
    ((1,), 0.4, _one_with_flag),
    ((7,), 0.1, _crossed_seven),
    (tuple(range(10)), 0.25, _thin_stroke),
)


def _piece(page: np.ndarray, random: np.random.Generator) -> np.ndarray | None:
    """What is left of a digit on one side of a steep cut; None where that could pass for a digit itself."""
    left, top, right, bottom = _extent(page)
    at, lean = left + (right - left) * random.uniform(0.25, 0.75), np.tan(np.radians(random.uniform(-30, 30)))
    y, x = np.indices(page.shape)
    side = x - at - lean * (y - (top + bottom) / 2)
    part = np.where(side < 0, page, 0) if random.random() < 0.5 else np.where(side > 0, page, 0)
    share = part.sum() / page.sum()
    if not 0.2 < share < 0.75 or not (part > 0.5).any():
        return None
    left, top, right, bottom = _extent(part)
    # A narrow piece is what a one looks like.
    return part.astype(np.float32) if right - left > 0.45 * (bottom - top) else None


def _touching(pages: list[np.ndarray], random: np.random.Generator) -> np.ndarray:
    """Digits side by side, close or overlapping."""
    whole = np.zeros((2 * SIDE, 4 * SIDE), np.float32)
    edge = SIDE // 2
    for page in pages:
        left, top, right, bottom = _extent(page)
        zoom = random.uniform(0.75, 1.1)
        digit = cv2.resize(page[top : bottom + 1, left : right + 1], None, fx=zoom, fy=zoom)
        height, width = digit.shape
        row = SIDE - height // 2 + int(random.normal(0, 6))
        area = whole[row : row + height, edge : edge + width]
        np.maximum(area, digit, out=area)
        edge += width + int(random.integers(-12, 14))
    return whole.clip(0, 1)


def _scribble(random: np.random.Generator) -> np.ndarray:
    """A few strokes of chance, straight or bent."""
    page = np.zeros((SIDE, SIDE), np.float32)
    pen = random.uniform(5, 14)
    strokes = int(random.integers(1, 5))
    for _ in range(strokes):
        # A single stroke must be long to be a scribble: a short one is a one.
        count = int(random.integers(5, 9)) if strokes == 1 else int(random.integers(2, 6))
        points = random.uniform(0.1, 0.9, (count, 2)) * SIDE
        if count > 2 and random.random() < 0.7:
            points = _smooth(points)
        page = _stroke(page, points, pen)
    return page


def _smooth(points: np.ndarray) -> np.ndarray:
    """A curve through points (N, 2): Catmull and Rom's spline."""
    padded = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, 10, endpoint=False)[:, None]
    curves = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:]):
        curves.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate([*curves, points[-1:]])

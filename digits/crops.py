"""A box on a picture -> the ink of the digit in it, framed as MNIST frames its digits.

Paper and ink are told apart within the neighbourhood of the box: paper is a plane through what surrounds the box, ink
is what departs from it in the direction in which the box's inside departs most. No polarity and no colour is assumed.
It knows nothing of how the box was found.
"""

import cv2
import numpy as np

from digits.frame import FRAME_SIDE, frame

Box = tuple[float, float, float, float]  # left, top, right, bottom, pixels

# The neighbourhood reaches so far beyond the box, as a part of its longer side.
NEIGHBOURHOOD = 0.25

# A piece of which this part lies in the box is wholly of its character; one shared with a neighbour lies half out.
MOSTLY = 0.75

# A tiny picture whose levels differ less, of 255, shows nothing: so much is noise of cameras and of JPEG.
MIN_CONTRAST = 12

# So much ink belongs to a stroke, and less to its soft rim.
INK = 0.35

# Digits are cut out of a copy on which their longer side is at most so many pixels: three times what the frame shows.
MOST_DETAIL = 64


def crop(pixels: np.ndarray, box: Box) -> np.ndarray:
    """Frame the digit in a box: float32 (28, 28), see `crop_and_box`."""
    return crop_and_box(pixels, box)[0]


def crop_and_box(pixels: np.ndarray, box: Box) -> tuple[np.ndarray, Box]:
    """Frame the digit in a box, and draw the box close round its ink.

    Args:
        pixels: uint8 (H, W, 3).
        box: (left, top, right, bottom), pixels; may reach beyond the picture.

    Returns:
        float32 (28, 28) in 0..1, 1 = ink; all zero where the box holds nothing that departs from its surroundings. And
        the box of the ink; the same one as came in where there is none.
    """
    left, top, right, bottom = box
    side = max(right - left, bottom - top, 1.0)
    margin = NEIGHBOURHOOD * side + 1
    height, width = pixels.shape[:2]
    x0, y0 = max(0, int(left - margin)), max(0, int(top - margin))
    x1, y1 = min(width, int(np.ceil(right + margin))), min(height, int(np.ceil(bottom + margin)))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return np.zeros((FRAME_SIDE, FRAME_SIDE), np.float32), box
    patch = pixels[y0:y1, x0:x1]
    zoom = min(4.0, MOST_DETAIL / side)
    size = (max(2, round((x1 - x0) * zoom)), max(2, round((y1 - y0) * zoom)))
    patch = cv2.resize(patch, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC).astype(np.float32)
    inner = [(left - x0) * zoom, (top - y0) * zoom, (right - x0) * zoom, (bottom - y0) * zoom]
    ink = own_ink(ink_of(patch, inner), inner)
    x, y, width, height = cv2.boundingRect((ink > INK).view(np.uint8))
    if width:
        across, down = (x1 - x0) / size[0], (y1 - y0) / size[1]
        box = (x0 + x * across, y0 + y * down, x0 + (x + width) * across, y0 + (y + height) * down)
    return frame(ink), box


def around(boxes: list[Box]) -> Box:
    """The smallest box round several, at least one."""
    lefts, tops, rights, bottoms = zip(*boxes)
    return min(lefts), min(tops), max(rights), max(bottoms)


def tiny_crops(pixels: np.ndarray) -> list[tuple[np.ndarray, Box]]:
    """Frame a tiny picture of one digit, which may touch all its sides: once as dark ink, once as light.

    Args:
        pixels: uint8 (H, W, 3).

    Returns:
        Two frames, float32 (28, 28), and the boxes of their ink: which one shows a digit is for the digit network to
        say.
    """
    whole = (0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0]))
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    low, high = np.quantile(grey, (0.02, 0.98)) if grey.size > 400 else (grey.min(), grey.max())
    if high - low < MIN_CONTRAST:
        low, high = grey.min(), grey.max()
    if high - low < MIN_CONTRAST:
        return [(np.zeros((FRAME_SIDE, FRAME_SIDE), np.float32), whole)] * 2
    light = ((grey - low) / (high - low)).clip(0, 1).astype(np.float32)
    framed = []
    for ink in (light, 1 - light):
        x, y, width, height = (float(side) for side in cv2.boundingRect((ink > INK).view(np.uint8)))
        framed.append((frame(ink), (x, y, x + width, y + height) if width else whole))
    return framed


def ink_of(patch: np.ndarray, inner: list[float]) -> np.ndarray:
    """How much ink each pixel of a patch is, float32 (h, w) in 0..1.

    Args:
        patch: float32 (h, w, 3).
        inner: the box in it, pixels; what lies outside it is mostly paper.
    """
    height, width = patch.shape[:2]
    inside = np.zeros((height, width), bool)
    left, top, right, bottom = (max(0, round(side)) for side in inner)
    inside[top:bottom, left:right] = True
    if not inside.any():
        inside[:] = True
    departures = patch - _paper_plane(patch, ~inside)
    strength = cv2.transform(np.abs(departures), np.ones((1, 3), np.float32))
    strongest = (strength >= _quantile(strength[inside], 0.9)) & inside
    direction = departures[strongest].sum(0)
    length = float(np.linalg.norm(direction))
    if not length:
        return np.zeros((height, width), np.float32)
    along = cv2.transform(departures, direction[None] / length)
    full = float(np.median(along[strongest]))
    if full < 1:  # rounding: no level of 255
        return np.zeros((height, width), np.float32)
    scaled = (along / full).clip(0, 1)
    level, _ = cv2.threshold((scaled * 255).astype(np.uint8), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    floor = 0.5 * level / 255  # half of what parts ink from paper is a stroke's soft rim
    return ((scaled - floor) / (1 - 1.2 * floor)).clip(0, 1).astype(np.float32)


def _paper_plane(patch: np.ndarray, is_paper: np.ndarray) -> np.ndarray:
    """Fit a plane to the paper of a patch, in each colour: float32 (h, w, 3).

    Args:
        patch: float32 (h, w, 3).
        is_paper: bool (h, w): where there is mostly paper; where that is next to nowhere, all counts.
    """
    height, width = patch.shape[:2]
    y, x = np.linspace(-0.5, 0.5, height, dtype=np.float32), np.linspace(-0.5, 0.5, width, dtype=np.float32)
    # A plane needs few points.
    step = max(1, min(height, width) // 16)
    points = np.s_[::step, ::step]
    rows, columns = np.nonzero(is_paper[points])
    if len(rows) < 20:
        rows, columns = np.indices(is_paper[points].shape).reshape(2, -1)
    colours = patch[points][rows, columns]
    basis = np.stack([np.ones(len(rows), np.float32), x[::step][columns], y[::step][rows]], 1)
    # Neighbours and printed lines stand in the surroundings too: the plane is fitted again to what is near it.
    for _ in range(2):
        plane = np.linalg.solve(basis.T @ basis + np.diag([0, 1e-3, 1e-3]), basis.T @ colours)
        departure = np.abs(colours - basis @ plane).sum(1)
        kept = departure <= _quantile(departure, 0.75)
        colours, basis = colours[kept], basis[kept]
    return plane[0] + x[:, None] * plane[1] + (y[:, None] * plane[2])[:, None]


def _quantile(values: np.ndarray, share: float) -> float:
    """The value that this part of the values, at least one, does not exceed; eight times as fast as numpy's own."""
    at = int(share * (len(values) - 1))
    return np.partition(values, at)[at]


def own_ink(ink: np.ndarray, inner: list[float]) -> np.ndarray:
    """Keep the ink of the character in the box: the pieces that are its own, and what lies in the box of shared ones.

    Args:
        ink: float32 (h, w) in 0..1, of the neighbourhood.
        inner: the box in it, pixels.

    Returns:
        float32 (h, w): the ink that is kept, and 0 elsewhere.
    """
    height, width = ink.shape
    left, top, right, bottom = inner
    x0, y0 = max(0, int(left)), max(0, int(top))
    x1, y1 = min(width, int(np.ceil(right))), min(height, int(np.ceil(bottom)))
    count, labels, stats, _ = cv2.connectedComponentsWithStats((ink > INK).view(np.uint8), connectivity=8)
    area = np.zeros((height, width), bool)
    area[y0:y1, x0:x1] = True
    inside = np.bincount(labels[area], minlength=count)
    largest = inside[1:].max(initial=0)
    # A piece that reaches the end of the neighbourhood goes on there: how much of it lies outside is not known.
    goes_on = np.zeros(count, bool)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        goes_on[side] = True
    kept = np.zeros(count, bool)
    # What lies half outside belongs to a neighbour, unless most of the box's ink is of that piece.
    kept[1:] = (~goes_on[1:] & (inside[1:] >= 0.5 * stats[1:, cv2.CC_STAT_AREA])) | (inside[1:] >= 0.5 * largest)
    # What lies in it but for an end is all this character's: the box was found a little too small.
    is_own = kept & ~goes_on & (inside >= MOSTLY * stats[:, cv2.CC_STAT_AREA])
    mask = kept[labels] & area | is_own[labels]
    # Strokes keep their soft rims.
    mask |= cv2.dilate(mask.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool) & (labels == 0)
    return np.where(mask, ink, np.float32(0))

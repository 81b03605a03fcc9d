"""Crop a box of a picture to the ink of its digit, framed as MNIST frames its digits.

Ink and paper are separated within the neighbourhood of the box: paper is a plane fitted to the surroundings of the box,
ink is what departs from that plane in the direction in which the inside of the box departs most. No polarity and no
colour is assumed. It knows nothing of how the box was found.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from digits.boxes import Box
from digits.frame import FRAME_SIDE, frame


@dataclass(frozen=True)
class CropSettings:
    """Settings of a crop.

    Attributes:
        neighbourhood_share: how far the neighbourhood reaches beyond the box, as a share of the box's longer side.
        max_side: digits are cropped from a copy on which their longer side has at most this many pixels: three times
            the resolution of the frame.
        max_zoom: that copy is enlarged at most by this factor.
        min_ink: this much ink, 0..1, belongs to a stroke; less belongs to its soft edge.
        min_kept_share: a component belongs to the character where the box holds this share of its pixels, or where it
            has this share of the pixels of the largest component in the box. The box holds less of a neighbour.
        min_own_share: where the box holds this share of its pixels, a component also keeps its pixels beyond the box.
            Half of a component that is shared with a neighbour lies outside.
        min_contrast: a tiny picture whose grey levels, 0..255, differ less is blank: noise of cameras and JPEG reaches
            this.
    """

    neighbourhood_share: float = 0.25
    max_side: int = 64
    max_zoom: float = 4.0
    min_ink: float = 0.35
    min_kept_share: float = 0.5
    min_own_share: float = 0.75
    min_contrast: float = 12


CROP = CropSettings()


def crop(pixels: np.ndarray, box: Box) -> np.ndarray:
    """Frame the digit in a box: float32 (28, 28), see `crop_and_box`."""
    return crop_and_box(pixels, box)[0]


def crop_and_box(pixels: np.ndarray, box: Box) -> tuple[np.ndarray, Box]:
    """Frame the digit in a box, and fit the box to its ink.

    Args:
        pixels: uint8 (H, W, 3).
        box: (left, top, right, bottom), pixels; may reach beyond the picture.

    Returns:
        float32 (28, 28) in 0..1, 1 = ink; all zero where nothing in the box departs from its surroundings. And the box
        of the ink; the given box where there is none.
    """
    left, top, right, bottom = box
    side = max(right - left, bottom - top, 1.0)
    margin = CROP.neighbourhood_share * side + 1
    height, width = pixels.shape[:2]
    x0, y0 = max(0, int(left - margin)), max(0, int(top - margin))
    x1, y1 = min(width, int(np.ceil(right + margin))), min(height, int(np.ceil(bottom + margin)))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return np.zeros((FRAME_SIDE, FRAME_SIDE), np.float32), box
    patch = pixels[y0:y1, x0:x1]
    zoom = min(CROP.max_zoom, CROP.max_side / side)
    size = (max(2, round((x1 - x0) * zoom)), max(2, round((y1 - y0) * zoom)))
    patch = cv2.resize(patch, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC).astype(np.float32)
    inner = [(left - x0) * zoom, (top - y0) * zoom, (right - x0) * zoom, (bottom - y0) * zoom]
    ink = keep_own_ink(extract_ink(patch, inner), inner)
    x, y, width, height = cv2.boundingRect((ink > CROP.min_ink).view(np.uint8))
    if width:
        x_scale, y_scale = (x1 - x0) / size[0], (y1 - y0) / size[1]
        box = (x0 + x * x_scale, y0 + y * y_scale, x0 + (x + width) * x_scale, y0 + (y + height) * y_scale)
    return frame(ink), box


def enclosing_box(boxes: list[Box]) -> Box:
    """Return the smallest box that encloses all of several boxes, at least one."""
    lefts, tops, rights, bottoms = zip(*boxes)
    return min(lefts), min(tops), max(rights), max(bottoms)


def crop_tiny_picture(pixels: np.ndarray) -> list[tuple[np.ndarray, Box]]:
    """Frame a tiny picture of one digit, which may touch all its sides, in both polarities.

    Args:
        pixels: uint8 (H, W, 3).

    Returns:
        Two frames, float32 (28, 28), with the boxes of their ink: light ink first, then dark ink. The digit network
        decides which one shows a digit.
    """
    whole = (0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0]))
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    low, high = np.quantile(grey, (0.02, 0.98)) if grey.size > 400 else (grey.min(), grey.max())
    if high - low < CROP.min_contrast:
        low, high = grey.min(), grey.max()
    if high - low < CROP.min_contrast:
        return [(np.zeros((FRAME_SIDE, FRAME_SIDE), np.float32), whole)] * 2
    light = ((grey - low) / (high - low)).clip(0, 1).astype(np.float32)
    framed = []
    for ink in (light, 1 - light):
        x, y, width, height = (float(side) for side in cv2.boundingRect((ink > CROP.min_ink).view(np.uint8)))
        framed.append((frame(ink), (x, y, x + width, y + height) if width else whole))
    return framed


def extract_ink(patch: np.ndarray, inner: list[float]) -> np.ndarray:
    """Measure how much ink each pixel of a patch holds.

    Args:
        patch: float32 (h, w, 3), levels 0..255.
        inner: (left, top, right, bottom) of the box in it, pixels; most of the patch outside it is paper.

    Returns:
        float32 (h, w) in 0..1.
    """
    height, width = patch.shape[:2]
    inside = np.zeros((height, width), bool)
    left, top, right, bottom = (max(0, round(side)) for side in inner)
    inside[top:bottom, left:right] = True
    if not inside.any():
        inside[:] = True
    departures = patch - _fit_paper(patch, ~inside)
    strength = cv2.transform(np.abs(departures), np.ones((1, 3), np.float32))
    strongest = (strength >= _quantile(strength[inside], 0.9)) & inside
    direction = departures[strongest].sum(0)
    length = float(np.linalg.norm(direction))
    if not length:
        return np.zeros((height, width), np.float32)
    along = cv2.transform(departures, direction[None] / length)
    full = float(np.median(along[strongest]))
    if full < 1:  # less than one grey level of 255 is rounding
        return np.zeros((height, width), np.float32)
    scaled = (along / full).clip(0, 1)
    level, _ = cv2.threshold((scaled * 255).astype(np.uint8), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    floor = 0.5 * level / 255  # the soft edge of a stroke begins at half of the level that separates ink from paper
    return ((scaled - floor) / (1 - 1.2 * floor)).clip(0, 1).astype(np.float32)


def _fit_paper(patch: np.ndarray, is_paper: np.ndarray) -> np.ndarray:
    """Fit a plane to the paper of a patch, in each colour: float32 (h, w, 3).

    Args:
        patch: float32 (h, w, 3).
        is_paper: bool (h, w): where most pixels are paper; with too few of these, all pixels are used.
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
    # The surroundings hold neighbours and printed lines too: the plane is fitted again to the points close to it.
    for _ in range(2):
        plane = np.linalg.solve(basis.T @ basis + np.diag([0, 1e-3, 1e-3]), basis.T @ colours)
        departure = np.abs(colours - basis @ plane).sum(1)
        is_close = departure <= _quantile(departure, 0.75)
        colours, basis = colours[is_close], basis[is_close]
    return plane[0] + x[:, None] * plane[1] + (y[:, None] * plane[2])[:, None]


def _quantile(values: np.ndarray, share: float) -> float:
    """Return the value that this share of the values, at least one, does not exceed; eight times as fast as numpy's."""
    at = int(share * (len(values) - 1))
    return np.partition(values, at)[at]


def keep_own_ink(ink: np.ndarray, inner: list[float]) -> np.ndarray:
    """Keep the ink of the character in the box: its own components, and the part in the box of shared components.

    Args:
        ink: float32 (h, w) in 0..1, of the neighbourhood.
        inner: (left, top, right, bottom) of the box in it, pixels.

    Returns:
        float32 (h, w): the ink of the character, and 0 elsewhere.
    """
    height, width = ink.shape
    left, top, right, bottom = inner
    x0, y0 = max(0, int(left)), max(0, int(top))
    x1, y1 = min(width, int(np.ceil(right))), min(height, int(np.ceil(bottom)))
    count, labels, stats, _ = cv2.connectedComponentsWithStats((ink > CROP.min_ink).view(np.uint8), connectivity=8)
    in_box = np.zeros((height, width), bool)
    in_box[y0:y1, x0:x1] = True
    inside = np.bincount(labels[in_box], minlength=count)
    largest = inside[1:].max(initial=0)
    sizes = stats[:, cv2.CC_STAT_AREA]
    # A component that reaches the border of the neighbourhood continues there: how much lies outside is unknown.
    is_cut_off = np.zeros(count, bool)
    for border in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        is_cut_off[border] = True
    is_kept = np.zeros(count, bool)
    # A component that lies half outside belongs to a neighbour, unless it holds a large part of the ink in the box.
    is_kept[1:] = (~is_cut_off[1:] & (inside[1:] >= CROP.min_kept_share * sizes[1:])) | (
        inside[1:] >= CROP.min_kept_share * largest
    )
    # A component that lies in the box except for an end is the character's as a whole: its box is a little too small.
    is_own = is_kept & ~is_cut_off & (inside >= CROP.min_own_share * sizes)
    mask = is_kept[labels] & in_box | is_own[labels]
    # Strokes keep their soft edges.
    mask |= cv2.dilate(mask.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool) & (labels == 0)
    return np.where(mask, ink, np.float32(0))

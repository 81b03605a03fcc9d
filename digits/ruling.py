"""Contrast of a page -> the same without the lines that were printed on it, ruled or squared.

A printed line is thin, straight, and runs from side to side, or is one of several that do; no stroke of a digit is like
that. It knows nothing of digits: where a stroke crosses a line, the ink above and below it is joined again.
"""

from typing import NamedTuple

import cv2
import numpy as np

# Lines are looked for on a copy of this size, and may lean by so much, as a slope.
SEARCH_SIDE = 640
MOST_LEAN = 0.32

# Contrast under which nothing counts as a line, in 0..255.
MIN_CONTRAST = 10

# A line shows along this part of its way across the picture; a line that is the only one, along this part.
COVERAGE = 0.55
UNBROKEN = 0.93
COVERAGE_ALONE = 0.9
FEW = 3

# A line that leaves the picture at the top or below is looked for where it passes this part of the width.
SHORTEST = 0.2

# Ink over a line is darker than the line by this factor.
DARKER = 1.35


class _Line(NamedTuple):
    """A line through the rows of a picture `width` wide: its row at the left and right side, and how much of it shows."""

    left: float
    right: float
    coverage: float


def without_ruling(contrast: np.ndarray) -> np.ndarray:
    """Takes printed lines away.

    Args:
        contrast: uint8 (H, W), how much darker than the paper each pixel is.
    """
    page, turned = contrast.copy(), np.ascontiguousarray(contrast.T)
    rows, columns = _lines(page), _lines(turned)
    for line in columns:
        _erase(turned, line)
    page = turned.T
    for line in rows:
        _erase(page, line)
    if rows:
        # What was kept of a crossing, as a stroke across, can go now.
        for line in columns:
            _erase(page.T, line)
    return np.ascontiguousarray(page)


def _lines(contrast: np.ndarray) -> list[_Line]:
    """The lines that run from left to right, in rows of the picture."""
    if (contrast.max(0) > MIN_CONTRAST).mean() < COVERAGE:
        return []
    factor = max(1, -(-max(contrast.shape) // SEARCH_SIDE))
    small = contrast
    if factor > 1:
        height, width = (max(1, side // factor) for side in contrast.shape)
        small = cv2.resize(contrast[: height * factor, : width * factor], (width, height), interpolation=cv2.INTER_AREA)
    height, width = small.shape
    rows, columns = _crests(small)
    tolerance = 1 + height / 200

    # Hough's transform: for each slope the rows at which a line with that slope passes most crests.
    slopes = np.linspace(-MOST_LEAN, MOST_LEAN, 2 * int(MOST_LEAN * width) + 1)
    lowest = int(MOST_LEAN * width / 2 / tolerance) + 1
    middles = (np.arange(-lowest, int(height / tolerance) + lowest) + 1) * tolerance
    candidates = []
    for slope in slopes:
        at = np.floor((rows - slope * (columns - width / 2)) / tolerance).astype(int) + lowest
        votes = np.bincount(at, minlength=len(middles) + 1)
        votes = votes[:-1] + votes[1:]
        # The columns that the line passes within the picture.
        ends = np.sort([(-middles) / slope, (height - middles) / slope], 0) if slope else np.array([[-np.inf], [np.inf]])
        inside = np.diff(np.clip(ends + width / 2, 0, width), axis=0)[0]
        for at in np.flatnonzero((votes[:len(middles)] > COVERAGE * inside) & (inside > SHORTEST * width)):
            lean = slope * width / 2
            candidates.append(_Line(middles[at] - lean, middles[at] + lean, votes[at] / width))
    lines: list[_Line] = []
    for line in sorted(candidates, key=lambda line: -line.coverage):
        # Lines of one family don't meet in the picture.
        gaps = [(line.left - other.left, line.right - other.right) for other in lines]
        if all(left * right > 0 and min(abs(left), abs(right)) > 3 * tolerance for left, right in gaps):
            if _is_unbroken(small, line, tolerance):
                lines.append(line)
    is_whole = [0 < line.left < height and 0 < line.right < height for line in lines]
    if sum(is_whole) < FEW:
        return []
    return [_Line(line.left * factor, line.right * factor, line.coverage) for line in lines]


def _is_unbroken(contrast: np.ndarray, line: _Line, tolerance: float) -> bool:
    """Whether there is ink on nearly all of the line's way, its own or another stroke's."""
    height, width = contrast.shape
    row = np.linspace(line.left, line.right, width)
    inside = (row >= 0) & (row < height)
    reach = int(tolerance) + 1
    rows = np.clip(np.round(row[inside]).astype(int) + np.arange(-reach, reach + 1)[:, None], 0, height - 1)
    darkest = contrast[rows, np.flatnonzero(inside)].max(0)
    return bool((darkest > 0.4 * np.median(darkest)).mean() > UNBROKEN)


def _crests(contrast: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows and columns of pixels that are darker than those above and below: the middles of thin lines."""
    height = len(contrast)
    reach = max(2, height // 100)
    page = cv2.copyMakeBorder(contrast, reach, reach, 0, 0, cv2.BORDER_REPLICATE)
    paper = np.maximum(page[:-2*reach], page[2*reach:])
    above, below = page[reach - 1 : reach - 1 + height], page[reach + 1 : reach + 1 + height]
    return np.nonzero((contrast > above) & (contrast >= below) & (contrast > cv2.add(paper, MIN_CONTRAST)[0:height] ))


def _erase(contrast, line):
    height, width = contrast.shape
    reach = max(3, height // 60)
    row = np.linspace(line.left, line.right, width)
    columns = np.flatnonzero((row > -0.5) & (row < height - 0.5))
    row, width = row[columns], len(columns)
    offsets = np.arange(-reach, reach + 1)[:, None]

    def band(row, offsets):
        return contrast[np.clip(np.round(row).astype(int) + offsets, 0, height - 1), columns]

    # The line may bend a little: its middle is where the most of a long stretch of it lies.
    near = band(row, offsets)
    level = max(1.0, float(np.median(near.max(0))))
    stretch = max(3, width // 24) | 1
    smooth = cv2.blur(np.minimum(near, level).astype(np.float32), (stretch, 1))
    row = row + _running_median((smooth.argmax(0)).astype(np.uint8), width // 12) - reach

    aligned = band(row, offsets)
    profile = np.median(aligned, 1)
    thin = profile > 0.25 * profile[reach]
    above = reach - int(np.argmin(thin[reach::-1])) if not thin[: reach + 1].all() else 0
    below = reach + int(np.argmin(thin[reach:])) if not thin[reach:].all() else 2 * reach
    above, below = min(above, reach - 1), max(below, reach + 1)
    darkest = aligned[above + 1 : below].max(0)
    level = np.minimum(_running_median(darkest, width // 6).astype(np.float32), 1.5 * np.median(darkest))
    half = below - above
    ends = [cv2.dilate(aligned[max(0, a) : a + 2].max(0)[None], np.ones((1, half // 2 | 1), np.uint8))[0] for a in (above - 1, min(below, 2*reach))]
    bridge = np.minimum(*ends)
    rows = np.clip(np.round(row).astype(int) + np.arange(above - reach, below - reach + 1)[:, None], 0, height - 1)
    values = contrast[rows, columns]
    contrast[rows, columns] = np.where(values > DARKER * level + MIN_CONTRAST, values, np.minimum(values, bridge))


def _running_median(values: np.ndarray, window: int) -> np.ndarray:
    return cv2.medianBlur(np.ascontiguousarray(values, np.uint8)[None], min(window, 253) | 1)[0]

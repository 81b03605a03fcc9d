"""Contrast of a page -> the same without the lines that were printed on it, ruled or squared.

A printed line is thin, straight, and runs from side to side, or is one of several that do; no stroke of a digit is like
that. It knows nothing of digits: where a stroke crosses a line, the ink above and below it is joined again.
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from digits.images import shrunk

# Lines are looked for on a copy of this size, and may lean by so much, as a slope.
SEARCH_SIDE = 640
MOST_LEAN = 0.32

# In a picture smaller than this a straight stroke is as long as a line.
SMALLEST = 24

# Contrast under which nothing counts as a line, in 0..255.
MIN_CONTRAST = 10

# A line's middle shows along this part of its way across the picture, and there is ink of some kind along that part.
COVERAGE = 0.55
UNBROKEN = 0.93

# So many lines make a ruled page: a single one may be a stroke.
FEW = 2

# So many are lines for certain; fewer must be paler than the ink by this factor.
MANY = 5
PALER = 0.8

# Where more than this part of all pixels are middles of strokes, the page is no ruled one, and the search is long.
TOO_MANY = 0.15

# Of all that may be lines, so many are looked at, the clearest first.
MOST_CANDIDATES = 2000

# Each of a page's crests votes for a line of every slope: so many votes are held in memory at a time.
VOTES_AT_A_TIME = 100_000

# A line that leaves the picture at the top or below is looked for where it passes this part of the width, and so many
# pixels.
SHORTEST = 0.08
SHORTEST_PIXELS = 12

# Most of a line is crossed by nothing: this percentile of its darkness is its own.
UNCROSSED = 35

# Ink over a line is darker than the line by this factor.
DARKER = 1.25

# What is left beside the lines, their soft rims, is no darker than this part of them.
RESIDUE = 0.25

# A line's own darkness may rise by this factor along its way.
UNEVEN = 1.2


class _Line(NamedTuple):
    """A line: its row at the left and right side, perhaps outside; the part of it inside; how much of that shows."""

    left: float
    right: float
    inside: float
    coverage: float


def without_ruling(contrast: np.ndarray) -> tuple[np.ndarray, float]:
    """Takes printed lines away.

    Args:
        contrast: uint8 (H, W), how much darker than the paper each pixel is.

    Returns:
        The same without the lines, and up to which contrast it may be what is left of them; 0 where there were none.
    """
    # Most pictures have too many empty columns and rows to go on.
    _, _, width, height = cv2.boundingRect((contrast > MIN_CONTRAST).view(np.uint8))
    rows = _lines(contrast) if width >= COVERAGE * contrast.shape[1] else []
    columns = _lines(contrast.T) if height >= COVERAGE * contrast.shape[0] else []
    if not rows and not columns:
        return contrast, 0.0
    page = contrast.copy()
    # Columns twice: what was kept of a crossing, as a stroke across, can go once the rows are gone.
    levels = [_erase(page.T, line) for line in columns] + [_erase(page, line) for line in rows]
    for line in columns if rows else []:
        _erase(page.T, line)
    level = float(np.median(levels))
    rest = page[page > RESIDUE * level]
    # A few lines as dark as all else are strokes: those of a letter that fills the picture.
    if max(len(rows), len(columns)) < MANY and (not len(rest) or np.percentile(rest, 90) * PALER < level):
        return contrast, 0.0
    return page, RESIDUE * level


def _lines(contrast: np.ndarray) -> list[_Line]:
    """The lines that run from left to right, in rows of the picture."""
    if min(contrast.shape) < SMALLEST or (contrast.max(0) - contrast.min(0) > MIN_CONTRAST).mean() < COVERAGE:
        return []
    small = np.ascontiguousarray(shrunk(contrast, SEARCH_SIDE))
    factor = contrast.shape[0] // small.shape[0]
    height, width = small.shape
    rows, columns = _crests(small)
    tolerance = 1 + height / 200

    if len(rows) > TOO_MANY * small.size:
        return []
    lines: list[_Line] = []
    candidates = sorted(_candidates(rows, columns, height, width, tolerance), key=lambda line: -line.coverage)
    for line in candidates[:MOST_CANDIDATES]:
        # Lines of one family don't meet in the picture.
        gaps = [(line.left - other.left, line.right - other.right) for other in lines]
        is_apart = all(left * right > 0 and min(abs(left), abs(right)) > 3 * tolerance for left, right in gaps)
        if is_apart and _is_unbroken(small, line, tolerance):
            lines.append(line)
    # What runs along the border may be the bar of a digit that fills the picture.
    rim = max(2, height // 16)
    if sum(line.inside > 0.5 and rim <= (line.left + line.right) / 2 < height - rim for line in lines) < FEW:
        return []
    half = (factor - 1) / 2  # from the middle of a pixel to that of the first one that it was averaged from
    return [line._replace(left=line.left * factor + half, right=line.right * factor + half) for line in lines]


def _candidates(rows: np.ndarray, columns: np.ndarray, height: int, width: int, tolerance: float) -> Iterator[_Line]:
    """Hough's transform: for each slope, the lines that pass enough of the crests at rows and columns."""
    lowest = int(MOST_LEAN * width / 2 / tolerance) + 1
    middles = (np.arange(-lowest, int(height / tolerance) + lowest) + 1) * tolerance
    count = 2 * int(MOST_LEAN * width / tolerance) + 2  # an even number: none is zero
    slopes = np.linspace(-MOST_LEAN, MOST_LEAN, count)
    # The columns that each line passes within the picture, of every slope at once.
    ends = np.sort([-middles / slopes[:, None], (height - middles) / slopes[:, None]], 0)
    passed = np.diff(np.clip(ends + width / 2, 0, width), axis=0)[0]
    is_long = passed > max(SHORTEST * width, SHORTEST_PIXELS)
    from_middle = columns - width / 2
    # Many slopes at a time, as memory allows.
    for some in np.array_split(np.arange(count), -(-count * max(len(rows), 1) // VOTES_AT_A_TIME)):
        at = np.floor((rows - slopes[some, None] * from_middle) / tolerance).astype(int) + lowest
        at += np.arange(len(some))[:, None] * (len(middles) + 1)
        votes = np.bincount(at.ravel(), minlength=len(some) * (len(middles) + 1)).reshape(len(some), -1)
        votes = votes[:, :-1] + votes[:, 1:]
        for number, line in zip(*np.nonzero(is_long[some] & (votes > COVERAGE * passed[some]))):
            inside = passed[some[number], line]
            middle, lean = middles[line], slopes[some[number]] * width / 2
            yield _Line(middle - lean, middle + lean, inside / width, votes[number, line] / inside)


def _is_unbroken(contrast: np.ndarray, line: _Line, tolerance: float) -> bool:
    """Whether there is ink on nearly all of the line's way, its own or another stroke's."""
    height, width = contrast.shape
    row = np.linspace(line.left, line.right, width)
    inside = (row >= 0) & (row < height)
    reach = int(tolerance) + 1
    darkest = contrast[_along(contrast, row[inside], np.flatnonzero(inside), -reach, reach)].max(0)
    return bool((darkest > 0.4 * np.median(darkest)).mean() > UNBROKEN)


def _crests(contrast: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows and columns of pixels that are darker than those above and below: the middles of thin lines."""
    height = len(contrast)
    reach = max(2, height // 60)
    page = cv2.copyMakeBorder(contrast, reach, reach, 0, 0, cv2.BORDER_CONSTANT, value=0)
    paper = np.maximum(page[: -2 * reach], page[2 * reach :])
    above, below = page[reach - 1 : reach - 1 + height], page[reach + 1 : reach + 1 + height]
    is_dark = contrast.astype(np.int16) - paper > MIN_CONTRAST
    rows, columns = np.nonzero((contrast > above) & (contrast >= below) & is_dark)
    return rows, columns


def _erase(contrast: np.ndarray, line: _Line) -> float:
    """Takes a line away, in place, and leaves the strokes that cross it; returns how dark it was."""
    height, width = contrast.shape
    row = np.linspace(line.left, line.right, width)
    columns = np.flatnonzero((row > -0.5) & (row < height - 0.5))
    if not len(columns):
        return 0.0
    row, typical = _followed(contrast, row[columns], columns)
    first, last = _thickness(contrast, row, columns, typical)
    if last < first:  # as pale as what lies beside it
        return typical

    where = _along(contrast, row, columns, first, last)
    inked = contrast[where]
    level = np.minimum(_running_median(inked.max(0), len(columns) // 4), UNEVEN * typical)
    # A stroke that crosses the line shows on both sides of it, a little shifted if it leans.
    lean = np.ones((1, (last - first) // 2 | 1), np.uint8)
    above, below = (
        cv2.dilate(contrast[_along(contrast, row, columns, *rows)].max(0)[None], lean)[0]
        for rows in ((first - 2, first - 1), (last + 1, last + 2))
    )
    crossing = np.minimum(above, below)
    contrast[where] = np.where(inked > DARKER * level + MIN_CONTRAST, inked, np.minimum(inked, crossing))
    return typical


def _followed(contrast: np.ndarray, row: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, float]:
    """The row of a line's middle in each column, since it may bend a little, and how dark the line is."""
    reach = _reach(contrast)
    near = contrast[_along(contrast, row, columns, -reach, reach)]
    typical = float(np.percentile(near.max(0), UNCROSSED))
    # The middle is where the most of a long stretch of the line lies.
    stretch = max(3, len(columns) // 24) | 1
    near = np.minimum(near, typical).astype(np.float32)
    shift = cv2.blur(near, (stretch, 1)).argmax(0).astype(np.uint8)
    return row + _running_median(shift, 2 * stretch) - reach, typical


def _thickness(contrast: np.ndarray, row: np.ndarray, columns: np.ndarray, typical: float) -> tuple[int, int]:
    """The first and last row of a line, counted from its middle."""
    reach = _reach(contrast)
    # What crosses the line darkens its neighbours just as much as itself.
    profile = np.minimum(contrast[_along(contrast, row, columns, -reach - 1, reach + 1)], typical).mean(1)
    is_pale = profile - profile.min() < 0.2 * (profile.max() - profile.min())
    middle = reach + int(profile[reach : reach + 3].argmax())
    top = middle - int(np.argmax(is_pale[middle::-1])) if is_pale[:middle].any() else -1
    bottom = middle + int(np.argmax(is_pale[middle:])) if is_pale[middle:].any() else len(profile)
    rim = reach // 4  # where a line is many pixels thick, its rim is soft
    return top - reach - rim, bottom - reach - 2 + rim


def _reach(contrast: np.ndarray) -> int:
    """How far from where it was found a line may lie, and half of how thick it may be, in pixels."""
    return 1 + len(contrast) // 150


def _along(
    contrast: np.ndarray, row: np.ndarray, columns: np.ndarray, first: int, last: int
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the pixels that lie from `first` to `last` rows below the line at row (N,) and columns (N,)."""
    rows = np.round(row).astype(int) + np.arange(first, last + 1)[:, None]
    return np.clip(rows, 0, len(contrast) - 1), columns


def _running_median(values: np.ndarray, window: int) -> np.ndarray:
    """The median of each value and its neighbours, window of them (or 255 at most)."""
    return cv2.medianBlur(values[None], min(window, 254) | 1)[0]

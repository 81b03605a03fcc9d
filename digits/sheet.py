"""A photo -> the sheet of paper that lies in it, and nothing of the table beside it.

A sheet has straight sides, and along nearly all of each it is lighter than what lies beyond. Both are compared where
they meet, so that the edge of a shadow may cross sheet and table. It knows nothing of ink, nor of sheets that are
darker than their table.
"""

import math
from functools import reduce

import cv2
import numpy as np

# A picture with a shorter side is no photo of a table.
SMALLEST = 100

# Writing is closed over with squares of this part of the picture's shorter side.
CLOSED = 0.06

# Whether there may be a sheet is asked of every so many rows and columns of the survey first.
SAMPLED = 4

# A pixel may belong to a side where it grows lighter by so many grey levels, and by this part of what is there, to
# one side.
RISE = 4
RISE_PART = 0.06

# A side is this part of the picture's shorter side at least, and looked for among so many lines.
SHORTEST = 0.25
MOST_LINES = 7
MOST_FOUND = 100

# Lines are the same that differ by so many pixels at the picture's middle, and by so many radians.
SAME_PLACE = 4
SAME_ANGLE = 0.06

# A line is moved to where it grows lightest within so many pixels of it.
REACH = 4

# Table and sheet are compared so many pixels from where they meet; the table is darker by this part at least, along
# that part of the side at least.
NEAR = (2, 4, 6)
DARKER = 0.08
LEAST_DARKER = 8
ALONG = 0.88

# By so much more it is darker than any shadow makes it.
MUCH_DARKER = 0.7
NONE, SOME, MUCH = range(3)

# Beyond a corner, along this part of the shortest side, the difference has an end; else it is a shadow's.
BEYOND = 0.6
MOST_BEYOND = 0.7

# A sheet takes this part of the picture at least, and the table that of the picture's border.
LEAST_AREA = 0.15
LEAST_TABLE = 0.15

# Two sides meet at an angle of this sine at least.
LEAST_TURN = 0.3

# What a table hides begins so many pixels inside the sheet, of a survey of 256.
MARGIN = 2

# The sheet's colour is taken from a copy of this size, without strokes narrower than half of so many of its pixels.
FILL_SIDE = 128
FILL_MEDIAN = 21

Line = np.ndarray  # a, b, c of all points with ax + by = c, where (a, b) has length 1 and points into the sheet

# Left, top, right and bottom: where the sheet lies from that side, as x and y.
INWARDS = np.array([(1.0, 0), (0, 1), (-1, 0), (0, -1)])


def find_sheet(survey: np.ndarray) -> np.ndarray | None:
    """Finds a sheet that is lighter, or less coloured, than what it lies on.

    Args:
        survey: uint8 (H, W, 3), a copy of the picture with some 256 pixels at its longer side.

    Returns:
        Its corners as parts of the picture's width and height, float64 (4, 2), clockwise from the bottom left; where a
        side lies beyond the picture, the picture's border is that side. None where there is no sheet, or none whose
        edge can be told from a shadow's.
    """
    height, width = survey.shape[:2]
    if min(height, width) < SMALLEST:
        return None
    # Part of the picture's border is table.
    border = np.concatenate([survey[0], survey[-1], survey[:, 0], survey[:, -1]])
    sample = _white(survey[::SAMPLED, ::SAMPLED])
    if _quantile(_white(border), LEAST_TABLE) >= (1 - DARKER) * _quantile(sample, 1 - LEAST_AREA):
        return None
    # And between table and sheet the light doesn't fade, as it does on most pictures that come as far as this.
    closed_over = int(CLOSED * min(height, width))
    if not _may_have_sides(_closed(sample, -(-closed_over // SAMPLED))):
        return None
    paper = _closed(_white(survey), closed_over)
    lines = _lines(cv2.GaussianBlur(paper, (0, 0), 1))
    if not any(lines):
        return None

    # A sheet has one line of each kind, which may be the picture's border, the last of each. Everything is worked out
    # for all of them at once: first the corners, then which sides hold between two corners, then which sheets are left.
    borders = np.array([(1.0, 0, 0), (0, 1, 0), (-1, 0, 1 - width), (0, -1, 1 - height)])
    kinds = [np.vstack([*of_kind, border]) for of_kind, border in zip(lines, borders)]
    corners = [_crossings(kinds[at - 1], kinds[at]) for at in range(4)]
    darkness = np.full([len(kind) for kind in kinds], MUCH)
    area = np.zeros(darkness.shape)
    for at, kind in enumerate(kinds):
        axes = [(at - 1) % 4, at, (at + 1) % 4]
        starts, ends = corners[at][:, :, None], corners[(at + 1) % 4][None]
        darkness = np.minimum(darkness, _spread(_darkness(paper, kind, starts, ends), axes))
        area += _spread((starts[..., 0] * ends[..., 1] - starts[..., 1] * ends[..., 0]) / 2, axes)
    # An edge that has an end is none of a shadow's, so two that meet are enough; else it must be darker than shadows.
    is_line = [_spread(np.arange(len(kind)) < len(kind) - 1, [at]) for at, kind in enumerate(kinds)]
    shown = sum(one.astype(int) for one in is_line)
    has_corner = reduce(np.logical_or, [is_line[at - 1] & is_line[at] for at in range(4)])
    may_be = (darkness >= np.where(has_corner, SOME, MUCH)) & (shown > 0) & (area > LEAST_AREA * height * width)
    if not may_be.any():
        return None
    # The more sides show, the better; a sheet that a shadow seems to cut is the larger one.
    best = np.unravel_index(np.where(may_be, shown + area / area[may_be].max() / 2, 0).argmax(), may_be.shape)
    return np.array([corners[at][best[at - 1], best[at]] for at in range(4)]) / (width, height)


def _white(pixels: np.ndarray) -> np.ndarray:
    """How white pixels (..., 3) are: wood may be as light as a sheet, but not in blue."""
    return np.minimum(np.minimum(pixels[..., 0], pixels[..., 1]), pixels[..., 2])


def _quantile(values: np.ndarray, part: float) -> float:
    at = int(part * (values.size - 1))
    return float(np.partition(values, at, None)[at])


def _spread(values: np.ndarray, axes: list[int]) -> np.ndarray:
    """Values with one axis for each of some kinds of side, as an array with an axis for each of the four."""
    order = np.argsort(axes)
    return np.expand_dims(values.transpose(order), tuple(set(range(4)) - set(axes)))


def _closed(paper: np.ndarray, side: int) -> np.ndarray:
    """Without what is darker than all that lies round it and fits into a square of this side."""
    return cv2.morphologyEx(paper, cv2.MORPH_CLOSE, np.ones((side | 1, side | 1), np.uint8))


def _may_have_sides(sample: np.ndarray) -> bool:
    """Whether enough pixels of a sample differ from their neighbours as they do along half of the shortest side."""
    least = SHORTEST * min(sample.shape) / 2
    steps = cv2.absdiff(sample[1:], sample[:-1]), cv2.absdiff(sample[:, 1:], sample[:, :-1])
    return any(np.count_nonzero(step > RISE) >= least for step in steps)


def _lines(paper: np.ndarray) -> list[list[Line]]:
    """Of each kind of side, the lines that most pixels lie on which may belong to it."""
    dx, dy = (cv2.Sobel(paper, cv2.CV_16S, *order, ksize=3) for order in ((1, 0), (0, 1)))
    # Sobel's mask counts the difference of the neighbours to both sides four times.
    least = np.maximum(4 * RISE, 4 * RISE_PART * paper.astype(np.float32)).astype(np.int16)
    is_steep, is_flat = abs(dx) >= abs(dy), abs(dy) >= abs(dx)
    kinds = zip(INWARDS, (dx, dy, -dx, -dy), (is_steep, is_flat, is_steep, is_flat))
    return [_lines_of_kind(inwards, rise, is_along & (rise > least)) for inwards, rise, is_along in kinds]


def _lines_of_kind(inwards: np.ndarray, rise: np.ndarray, may_be: np.ndarray) -> list[Line]:
    """The lines that most pixels lie on which may belong to a side, given how much lighter it grows to the inside."""
    least = int(SHORTEST * min(may_be.shape))
    if np.count_nonzero(may_be) < least:
        return []
    found = cv2.HoughLines(may_be.astype(np.uint8), 1, np.pi / 180, least)
    lines: list[Line] = []
    for rho, theta in [] if found is None else found[:MOST_FOUND, 0].tolist():
        line = np.array((np.cos(theta), np.sin(theta), rho))
        line *= np.sign(line[:2] @ inwards)
        if _is_new(line, lines, may_be.shape):
            lines.append(line)
        if len(lines) == MOST_LINES:
            break
    return [_moved(_moved(line, rise), rise) for line in lines]


def _is_new(line: Line, lines: list[Line], shape: tuple[int, ...]) -> bool:
    middle = np.array((shape[1] / 2, shape[0] / 2, -1))
    return not any(
        abs((line - other) @ middle) < SAME_PLACE and abs(line[0] * other[1] - line[1] * other[0]) < SAME_ANGLE
        for other in lines
    )


def _moved(line: Line, rise: np.ndarray) -> Line:
    """The line through where it rises most near this one."""
    along = _along(line, rise.shape)
    if len(along) < 2:
        return line
    points = _points(line, along)
    steps = np.arange(-REACH, REACH + 1)
    near = _at(rise, points + steps[:, None, None] * line[:2])
    edge = points + steps[near.argmax(0)][:, None] * line[:2]
    # What rises little belongs to no side: squared, it hardly counts.
    weights = np.square(near.max(0).clip(1e-3))
    middle = np.average(edge, 0, weights)
    dx, dy = np.linalg.eigh(np.cov(edge.T, aweights=weights))[1][:, -1]
    moved = np.array((-dy, dx, dx * middle[1] - dy * middle[0]))
    return moved * np.sign(moved[:2] @ line[:2])


def _along(line: Line, shape: tuple[int, ...]) -> np.ndarray:
    """How far along a line, a pixel apart, its points lie that are in the picture."""
    furthest = int(math.hypot(*shape))
    along = np.arange(-furthest, furthest + 1)
    points = _points(line, along)
    return along[((points >= 0) & (points <= (shape[1] - 1, shape[0] - 1))).all(1)]


def _points(line: Line, along: np.ndarray) -> np.ndarray:
    """Points of a line, (N, 2), so far along it, clockwise round the sheet."""
    a, b, c = line
    return c * line[:2] + along[:, None] * np.array((b, -a))


def _at(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    x, y = np.moveaxis(np.round(points).astype(int), -1, 0)
    return picture[y.clip(0, picture.shape[0] - 1), x.clip(0, picture.shape[1] - 1)]


def _crossings(lines: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Where each line (N, 3) crosses each of the others (M, 3): (N, M, 2), NaN where they hardly do."""
    (a, b, c), (d, e, f) = lines.T[:, :, None], others.T[:, None]
    turn = a * e - b * d
    turn = np.where(abs(turn) > LEAST_TURN, turn, np.nan)
    return np.stack([(c * e - b * f) / turn, (a * f - c * d) / turn], -1)


def _darkness(paper: np.ndarray, lines: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """How dark it is beyond each of the lines (N, 3), from a start (B, N, 1, 2) to an end (1, N, A, 2): (B, N, A).

    NONE, SOME or MUCH, along nearly all of the way; NONE as well where that is short or leaves the picture, and where
    it is darker beyond the corners too: the edge of a shadow goes on over the table. Beyond the last line, the
    picture's border, it may be as dark as you like.
    """
    size = np.array(paper.shape[::-1])
    shortest = SHORTEST * min(paper.shape)
    furthest, nearest = BEYOND * shortest, NEAR[-1]
    darkness = np.full((len(starts), len(lines), ends.shape[2]), NONE)
    starts_within, ends_within = (np.all((at > -REACH) & (at < size + REACH), -1) for at in (starts, ends))
    for number, line in enumerate(lines):
        forward = np.array((line[1], -line[0]))
        start, end = starts[:, number] @ forward, ends[:, number] @ forward
        may_be = starts_within[:, number] & ends_within[:, number] & (end - start > shortest)
        if number == len(lines) - 1:
            darkness[:, number] = np.where(may_be, MUCH, NONE)
        elif may_be.any():
            along = _along(line, paper.shape)
            points = _points(line, along)
            inside, outside = (
                np.median([_at(paper, points + sign * near * line[:2]) for near in NEAR], 0) for sign in (1, -1)
            )
            some, much = (
                np.append(0, np.cumsum(inside - outside > np.maximum(LEAST_DARKER, part * inside)))
                for part in (DARKER, MUCH_DARKER)
            )

            for low, high in ((start - furthest, start - nearest), (end + nearest, end + furthest)):
                share, length = _part(some, low - along[0], high - along[0])
                may_be &= (share < MOST_BEYOND) | (length < (furthest - nearest) / 2)
            is_some, is_much = (_part(so, start - along[0], end - along[0])[0] > ALONG for so in (some, much))
            darkness[:, number] = np.where(may_be & is_some, np.where(is_much, MUCH, SOME), NONE)
    return darkness


def _part(counts: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of what part of the pixels from low to high something is so, given how many are up to each; and their number."""
    first, last = (np.nan_to_num(at).round().astype(int).clip(0, len(counts) - 1) for at in (low, high))
    return (counts[last] - counts[first]) / np.maximum(last - first, 1), last - first


def sheet_mask(corners: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Where the sheet with these corners lies in a picture of that shape: uint8 (H, W), 1 or 0."""
    height, width = shape[:2]
    mask = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(mask, np.round(corners * (width, height)).astype(np.int32), 1)
    margin = max(1, MARGIN * max(height, width) // 256)
    return cv2.erode(mask, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8), borderValue=1)


def on_sheet_alone(pixels: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Goes on with the colour of the sheet beyond its sides: uint8 (H, W, 3) as pixels are."""
    height, width = pixels.shape[:2]
    factor = max(1, max(height, width) // FILL_SIDE)
    small = cv2.resize(pixels, (-(-width // factor), -(-height // factor)), interpolation=cv2.INTER_AREA)
    outside = 1 - sheet_mask(corners, small.shape)
    _, nearest = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    colours = np.zeros((nearest.max() + 1, 3), np.uint8)
    colours[nearest[outside == 0]] = small[outside == 0]
    sheet = cv2.resize(cv2.medianBlur(colours[nearest], FILL_MEDIAN), (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.copyTo(pixels, sheet_mask(corners, pixels.shape), sheet)

"""Boxes of symbols -> lines, numbers and a table.

It finds the lines of writing on a page, tells the numbers of a line apart, decides which marks belong to a number, and
recognizes numbers that stand in rows and columns. It is geometry on boxes: it knows nothing of pixels or networks.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from statistics import fmean, median
from typing import NamedTuple

import numpy as np

Box = tuple[float, float, float, float]

DIGITS = frozenset("0123456789")
SIGNS = frozenset("+-")
DIVIDERS = frozenset("/:")
JOINTS = DIVIDERS | frozenset(".,")
MARKS = SIGNS | JOINTS

# Up to this many digits all pairs are compared. Above it, only pairs on about the same level are, whose centres are at
# most so many heights apart, and of those only the ones that are not much worse than the best. This bounds the time.
MAX_DIGITS_ALL_PAIRS = 96
MAX_PAIR_DISTANCE = 30

# Fewer gaps have no standard deviation to speak of.
MIN_GAPS_OF_A_KIND = 4

# The level of a line at its end is the mean of so many digits.
END_DIGITS = 3

# A cell is looked for under so many cells of its column; a column of fewer cells than this cannot lean by itself.
RECENT_CELLS = 3
MIN_CELLS_LEANING = 5


class Symbol(NamedTuple):
    """One thing that was written.

    Attributes:
        text: a digit "0" to "9", one of the marks . , - / : +, or "" for other writing (letters, brackets, scribbles).
        box: (left, top, right, bottom), pixels.
    """

    text: str
    box: Box


@dataclass(frozen=True)
class LayoutLimits:
    """Limits of the layout, in heights of a digit where no other unit is named.

    Attributes:
        max_offset: the part of the lower one's height by which one of two neighbours may lie outside the other's.
            Lines that fall by 35 degrees come to 0.8; rows of a page lie at least 1 apart.
        max_far_offset: the same where the gap between them is wider than `wide_gap`. A nine that hangs below its line
            comes to 0.5.
        offset_cost: how many heights of gap an offset of one height is worth when a neighbour is chosen.
        max_size_ratio: the heights of two neighbours differ by this factor at most. A small zero beside a long seven
            comes to 2.8.
        slope_prior: the spread of digits along a line, in squared heights, at which its own tilt counts as much as the
            page's, and the page's as much as none. Six digits in a row have a spread of 12.
        min_split_gap: the smallest gap between two numbers. Single gaps inside tightly written numbers reach 0.5.
        wide_gap: the smallest gap between two numbers where most gaps on the line are wide or the evidence comes from
            other lines; the gap from which evenly written digits may be cells of a table; and the distance at which
            other writing stands beside a number. The width of a digit and a space.
        max_gap, max_even_gap: the largest gap inside a number; and the largest where gaps are wide on the whole page.
            Evenly written rows came to 2.8 in photographs.
        gap_jump, gap_base: a gap that separates numbers is this many times as large as the gaps inside, once the base
            is added to both, which keeps the ratio finite where digits touch. Evenly written numbers came to 1.5
            in photographs.
        gap_separation: the same for many gaps: their means are this many standard deviations apart, those of both
            kinds added. Halves of one even distribution come to 1.7, evenly written numbers to 2.0 if their means are
            `gap_jump` apart, too. No unit.
        pitch_jump: by this factor the centres of digits are farther apart, too. In the cells of a form the gap beside
            a one is wide and the distance of centres is not.
        mark_gap: the largest gap between a mark in a number and the digits beside it, and how far its centre may lie
            above or below them.
        max_sign_offset: how far the centre of a sign may lie above or below that of its digit.
        touch_gap: other writing this close touches a number.
        max_misalignment: the mean distance of a column's cells from their median, by the left, the centre or the right.
        min_filled: the part of a table's cells that hold a number.
    """

    max_offset: float = 0.8
    max_far_offset: float = 0.6
    offset_cost: float = 2.0
    max_size_ratio: float = 3.0
    slope_prior: float = 10.0
    min_split_gap: float = 0.6
    wide_gap: float = 1.0
    max_gap: float = 2.0
    max_even_gap: float = 3.5
    gap_jump: float = 1.8
    gap_base: float = 0.3
    gap_separation: float = 2.4
    pitch_jump: float = 1.25
    mark_gap: float = 0.5
    max_sign_offset: float = 0.35
    touch_gap: float = 0.2
    max_misalignment: float = 0.35
    min_filled: float = 0.8


LIMITS = LayoutLimits()


@dataclass(frozen=True)
class Group:
    """The symbols of one number.

    Attributes:
        symbols: indices of its digits and of the marks inside it, in reading order.
        touched: True where other writing touches the number or stands inside it, or where a mark before or behind it
            shows that a part is missing (".5", "12/").
    """

    symbols: tuple[int, ...]
    touched: bool


@dataclass(frozen=True)
class Layout:
    """How the symbols of a page stand.

    Attributes:
        lines: from top to bottom; each the numbers of one line, from left to right.
        line_of: for each symbol the number of its line, from 0; -1 for other writing, and for marks beside no line.
        loose_marks: indices of the marks that belong to no number, in reading order.
        table: rows of cells as text, "" for an empty cell, where the numbers stand in rows and columns; else None.
        complete: False where other writing stands beside a number, touches it or stands inside it.
        slope: the page's tilt: how many pixels a line falls in one pixel to the right.
    """

    lines: tuple[tuple[Group, ...], ...]
    line_of: tuple[int, ...]
    loose_marks: tuple[int, ...]
    table: tuple[tuple[str, ...], ...] | None
    complete: bool
    slope: float


def arrange(symbols: Sequence[Symbol]) -> Layout:
    """Lay symbols out in lines, numbers and a table.

    Args:
        symbols: in any order; each a text and a box (see `Symbol`), in pixels of an upright page.

    Returns:
        The layout. Every digit is in exactly one number.

    Raises:
        ValueError: a text is neither a digit, a mark nor empty, or a box is empty or not finite.
    """
    boxes = np.array([symbol.box for symbol in symbols], float).reshape(-1, 4)
    digits = [index for index, symbol in enumerate(symbols) if symbol.text in DIGITS]
    marks = [index for index, symbol in enumerate(symbols) if symbol.text in MARKS]
    others = [index for index, symbol in enumerate(symbols) if not symbol.text]
    if len(digits) + len(marks) + len(others) < len(symbols):
        raise ValueError("a symbol's text is a digit, one of the marks . , - / : + or empty")
    if not (np.isfinite(boxes).all() and (boxes[:, 2:] > boxes[:, :2]).all()):
        raise ValueError("a symbol's box is (left, top, right, bottom) with left < right and top < bottom")
    line_of = [-1] * len(symbols)
    if not digits:
        loose = sorted(marks, key=lambda index: (symbols[index].box[1], symbols[index].box[0]))
        return Layout((), tuple(line_of), tuple(loose), None, True, 0.0)

    chains, slope = _find_lines(boxes[digits])
    lines = [_Line([digits[at] for at in chain], symbols) for chain in chains]
    for number, line in enumerate(lines):
        for index in line.digits:
            line_of[index] = number
    touched: set[int] = set()
    complete = True
    if marks or others:
        neighbours, touched = _find_neighbours(symbols, marks + others, boxes, digits, slope)
        for index, nearest, is_level in neighbours:
            line = lines[line_of[nearest]]
            if is_level and symbols[index].text:
                line_of[index] = line_of[nearest]
            if is_level and not line.is_crossed(index):
                line.insert(index)
            complete &= bool(symbols[index].text) or not (is_level and line.is_beside(index))
    usual_gap, page_split_gap = _page_gaps(lines)
    numbers = [line.split(usual_gap, page_split_gap) for line in lines]
    touched.update(*(line.dangling for line in lines))
    table = _find_table(numbers, symbols, slope)
    if not table and (single := _wide_digits(numbers, symbols)):
        # Digits that are written far apart are read as one number a line, and may be cells all the same.
        table = _find_table(single, symbols, slope)
        if table and any(len(line) > 1 for line in numbers):
            numbers = single
    groups = tuple(tuple(Group(tuple(part), not touched.isdisjoint(part)) for part in parts) for parts in numbers)
    inside = {index for parts in numbers for part in parts for index in part}
    loose = [index for index in marks if index not in inside]
    loose.sort(key=lambda index: (line_of[index], symbols[index].box[0]))
    return Layout(
        lines=groups,
        line_of=tuple(line_of),
        loose_marks=tuple(loose),
        table=table,
        complete=complete and not touched,
        slope=slope,
    )


# Lines


def _find_lines(boxes: np.ndarray) -> tuple[list[list[int]], float]:
    """Chain digits into lines: first without a tilt, then along the tilt that the first lines have.

    Args:
        boxes: float (N, 4), N >= 1.

    Returns:
        The lines from top to bottom, each the indices of its digits from left to right, and the page's slope.
    """
    count = len(boxes)
    if count == 1:
        return [[0]], 0.0
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    heights = boxes[:, 3] - boxes[:, 1]
    # Close neighbours are the surest evidence of the tilt, and the ones farther apart need it.
    level = np.zeros(count)
    chains = _chain(boxes, boxes, level, level, LIMITS.max_gap)
    if 2 * len(chains) > count:
        chains = _chain(boxes, boxes, level, level)
    while True:
        links = count - len(chains)
        slopes, slope = _measure_slopes(chains, x, y, heights)
        chains = _chain(boxes, boxes, slopes, slopes)
        # Longer lines measure the tilt better.
        if count - len(chains) <= links:
            break
    # Parts of one line stand beside one another.
    if len(chains) > 1 and x[[chain[-1] for chain in chains]].min() < x[[chain[0] for chain in chains]].max():
        chains = _join_parts(chains, boxes, slopes)
    if len(chains) > 1:
        chains = _insert_skipped(chains, boxes, x, slope)
        fallen = (y - slope * x).tolist()
        chains.sort(key=lambda chain: fmean([fallen[at] for at in chain]))
    return chains, slope


def _chain(
    ends: np.ndarray,
    starts: np.ndarray,
    end_slopes: np.ndarray,
    start_slopes: np.ndarray,
    max_gap: float = np.inf,
    max_far_offset: np.ndarray | None = None,
) -> list[list[int]]:
    """Link each part of a line to the part on its right: the pair with the lowest cost first.

    Args:
        ends: float (N, 4), the box at the right end of each part; for single digits their box.
        starts: float (N, 4), the box at the left end of each part.
        end_slopes, start_slopes: float (N,), the tilt of the line there.
        max_gap: in heights of the taller box.
        max_far_offset: float (N,), of each part, in place of `LIMITS.max_far_offset`; a pair may have the larger one.

    Returns:
        Chains of parts from left to right, as indices; each part is in exactly one.
    """
    count = len(ends)
    i, j = _candidate_pairs(ends, starts, end_slopes)
    left, top, right, bottom = ends[i].T
    other_left, other_top, other_right, other_bottom = starts[j].T
    distance = (other_left + other_right - left - right) / 2
    fall = (end_slopes[i] + start_slopes[j]) / 2 * distance
    height, other_height = bottom - top, other_bottom - other_top
    lower, taller = np.minimum(height, other_height), np.maximum(height, other_height)
    overlap = np.minimum(bottom, other_bottom - fall) - np.maximum(top, other_top - fall)
    outside = np.maximum(lower - overlap, 0)
    gap = np.maximum(other_left - right, 0)
    far = LIMITS.max_far_offset if max_far_offset is None else np.maximum(max_far_offset[i], max_far_offset[j])
    max_outside = np.where(gap > LIMITS.wide_gap * taller, far, LIMITS.max_offset) * lower
    # A neighbour does not stand below: the line to it falls by 45 degrees at most.
    is_possible = (
        (outside <= max_outside)
        & (outside <= distance)
        & (taller <= LIMITS.max_size_ratio * lower)
        & (gap <= max_gap * taller)
    )
    i, j = i[is_possible], j[is_possible]
    cost = (gap / taller + LIMITS.offset_cost * outside / lower)[is_possible]
    if count > MAX_DIGITS_ALL_PAIRS and len(cost):
        best_right, best_left = np.full(count, np.inf), np.full(count, np.inf)
        np.minimum.at(best_right, i, cost)
        np.minimum.at(best_left, j, cost)
        is_good = cost <= np.maximum(best_right[i], best_left[j]) + LIMITS.max_gap
        i, j, cost = i[is_good], j[is_good], cost[is_good]
    following, has_left = [-1] * count, [False] * count
    order = cost.argsort(kind="stable")
    for one, other in zip(i[order].tolist(), j[order].tolist()):
        if following[one] < 0 and not has_left[other]:
            following[one] = other
            has_left[other] = True
    chains = []
    for at in range(count):
        if not has_left[at]:
            chain = [at]
            while (at := following[at]) >= 0:
                chain.append(at)
            chains.append(chain)
    return chains


def _candidate_pairs(ends: np.ndarray, starts: np.ndarray, slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find pairs that may be neighbours: indices of the left ones and of the right ones, int (P,) each."""
    x, other_x = ends[:, 0] + ends[:, 2], starts[:, 0] + starts[:, 2]
    if len(ends) <= MAX_DIGITS_ALL_PAIRS:
        i, j = (x[:, None] < other_x).nonzero()
        return i, j
    slope = float(np.median(slopes)) / 2
    level = (ends[:, 1] + ends[:, 3]) / 2 - slope * x
    other_level = (starts[:, 1] + starts[:, 3]) / 2 - slope * other_x
    heights = ends[:, 3] - ends[:, 1]
    # Boxes overlap where their centres are at most half of both heights apart.
    reach = (heights + np.minimum(LIMITS.max_size_ratio * heights, (starts[:, 3] - starts[:, 1]).max())) / 2
    i, j = _pairs_within(level, other_level, reach)
    distance = other_x[j] - x[i]
    is_right = (distance > 0) & (distance < 2 * MAX_PAIR_DISTANCE * float(np.median(heights)))
    return i[is_right], j[is_right]


def _join_parts(chains: list[list[int]], boxes: np.ndarray, slopes: np.ndarray) -> list[list[int]]:
    """Join parts of one line where single digits stand too high or low to be linked, and several do not."""
    ends, starts = np.empty((2, len(chains), 4))
    for number, chain in enumerate(chains):
        # The box of the last or first digit, raised or lowered to the level of those beside it.
        for box, inner in ((ends, chain[: -1 - END_DIGITS : -1]), (starts, chain[:END_DIGITS])):
            near = boxes[inner]
            box[number, ::2] = near[0, ::2]
            fall = slopes[inner] * (near[:, 0] + near[:, 2] - near[0, 0] - near[0, 2]) / 2
            box[number, 1::2] = (near[:, 1::2] - fall[:, None]).mean(0)
    last, first = [chain[-1] for chain in chains], [chain[0] for chain in chains]
    max_far_offset = np.array([LIMITS.max_offset if len(chain) > 1 else LIMITS.max_far_offset for chain in chains])
    joined = _chain(ends, starts, slopes[last], slopes[first], max_far_offset=max_far_offset)
    return [[at for number in numbers for at in chains[number]] for numbers in joined]


def _measure_slopes(
    chains: list[list[int]], x: np.ndarray, y: np.ndarray, heights: np.ndarray
) -> tuple[np.ndarray, float]:
    """Measure the slope of the line at each digit, float (N,), and of the page, where longer lines count more."""
    line = np.empty(len(x), int)
    for number, chain in enumerate(chains):
        line[chain] = number
    sizes = np.bincount(line)
    x = x - (np.bincount(line, x) / sizes)[line]
    squares, products = np.bincount(line, x * x), np.bincount(line, x * y)
    slopes = products / np.maximum(squares, 1e-9)
    # Through two digits there is always a line: they are no evidence.
    spreads = squares * (sizes / np.bincount(line, heights)) ** 2 * np.maximum(1 - 2 / sizes, 0)
    order = slopes.argsort()
    summed = spreads[order].cumsum()
    total = float(summed[-1])
    page = float(slopes[order[np.searchsorted(summed, total / 2)]]) * total / (total + LIMITS.slope_prior)
    slopes = (spreads * slopes + LIMITS.slope_prior * page) / (spreads + LIMITS.slope_prior)
    return slopes[line], page


def _insert_skipped(chains: list[list[int]], boxes: np.ndarray, x: np.ndarray, slope: float) -> list[list[int]]:
    """Put digits that a longer line has passed over into it: those on its level, between two of its digits."""
    fall = slope * x
    tops, bottoms, places = (boxes[:, 1] - fall).tolist(), (boxes[:, 3] - fall).tolist(), x.tolist()
    # The extent of each line that is kept: its first and last place, its top and bottom.
    extents = np.empty((len(chains), 4))
    kept: list[list[int]] = []
    for chain in sorted(chains, key=len, reverse=True):
        first, last = places[chain[0]], places[chain[-1]]
        top, bottom = min([tops[at] for at in chain]), max([bottoms[at] for at in chain])
        lefts, rights, highest, lowest = extents[: len(kept)].T
        for at in ((lefts < first) & (rights > last) & (highest < bottom) & (lowest > top)).nonzero()[0]:
            if _is_on_level(chain, kept[at], tops, bottoms, boxes, places):
                kept[at] = sorted(kept[at] + chain, key=places.__getitem__)
                break
        else:
            extents[len(kept)] = first, last, top, bottom
            kept.append(chain)
    return kept


def _is_on_level(
    chain: list[int], line: list[int], tops: list[float], bottoms: list[float], boxes: np.ndarray, places: list[float]
) -> bool:
    """Return True where every digit of the chain is level with its neighbours in the line, and stands beside them."""
    for index in chain:
        at = bisect_left(line, places[index], key=places.__getitem__)
        for neighbour in (line[at - 1], line[at]):
            lower = min(bottoms[index] - tops[index], bottoms[neighbour] - tops[neighbour])
            overlap = min(bottoms[index], bottoms[neighbour]) - max(tops[index], tops[neighbour])
            narrower = min(boxes[index, 2] - boxes[index, 0], boxes[neighbour, 2] - boxes[neighbour, 0])
            covered = min(boxes[index, 2], boxes[neighbour, 2]) - max(boxes[index, 0], boxes[neighbour, 0])
            if lower - overlap > LIMITS.max_offset * lower or covered > 0.5 * narrower:
                return False
    return True


# Marks and other writing


def _find_neighbours(
    symbols: Sequence[Symbol], indices: list[int], boxes: np.ndarray, digits: list[int], slope: float
) -> tuple[list[tuple[int, int, bool]], set[int]]:
    """Find what digits marks and other writing stand beside.

    Args:
        symbols: all symbols.
        indices: those of the marks and the other writing.
        boxes: float (N, 4), of all symbols.
        digits: indices of the digits.
        slope: the page's tilt.

    Returns:
        For each mark or other writing near a digit: its index, the nearest digit, and whether they are level. And the
        digits that other writing touches or a mark lies on; a frame or a circle round a digit does not touch it.
    """
    near, digit = _pairs_on_level(boxes[indices], boxes[digits], slope)
    if not len(near):
        return [], set()
    left, top, right, bottom = boxes[indices][near].T
    digit_left, digit_top, digit_right, digit_bottom = boxes[digits][digit].T
    width, height = digit_right - digit_left, digit_bottom - digit_top
    x, y = (left + right) / 2, (top + bottom) / 2
    level = y - slope * (x - (digit_left + digit_right) / 2)
    gap = np.maximum(np.maximum(digit_left - right, left - digit_right), 0) / height
    offset = np.maximum(np.maximum(digit_top - level, level - digit_bottom), 0) / height
    cost = gap + LIMITS.offset_cost * offset
    is_level = offset <= LIMITS.mark_gap
    order = np.lexsort((cost, near))
    _, firsts = np.unique(near[order], return_index=True)
    nearest = [(indices[near[at]], digits[digit[at]], bool(is_level[at])) for at in order[firsts]]

    is_other = np.array([not symbols[index].text for index in indices])[near]
    meets = (gap < LIMITS.touch_gap) & (top < digit_bottom) & (bottom > digit_top)
    surrounds = (left < digit_left) & (right > digit_right) & (top < digit_top) & (bottom > digit_bottom)
    lies_on = (np.abs(2 * x - digit_left - digit_right) < width / 2) & (
        np.abs(2 * y - digit_top - digit_bottom) < height / 2
    )
    is_touched = np.where(is_other, meets & ~surrounds, lies_on)
    return nearest, {digits[at] for at in digit[is_touched]}


def _pairs_on_level(own: np.ndarray, others: np.ndarray, slope: float) -> tuple[np.ndarray, np.ndarray]:
    """Find pairs of boxes (M, 4) and (N, 4) that overlap in height, or nearly: indices of the two, int (P,) each."""
    levels = [(boxes[:, 1] + boxes[:, 3] - slope * (boxes[:, 0] + boxes[:, 2])) / 2 for boxes in (own, others)]
    heights = [boxes[:, 3] - boxes[:, 1] for boxes in (own, others)]
    tallest = heights[1].max()
    return _pairs_within(levels[0], levels[1], heights[0] / 2 + (0.5 + LIMITS.mark_gap) * tallest)


def _pairs_within(own: np.ndarray, others: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find pairs of which the second lies within the reach of the first: indices of the two, int (P,) each."""
    order = others.argsort(kind="stable")
    ordered = others[order]
    first, last = np.searchsorted(ordered, own - reach), np.searchsorted(ordered, own + reach)
    sizes = last - first
    i = np.repeat(np.arange(len(own)), sizes)
    j = np.arange(len(i)) - np.repeat(sizes.cumsum() - sizes - first, sizes)
    return i, order[j]


# Numbers of a line


class _Line:
    """The digits of one line, and what stands between them.

    Attributes:
        digits: indices of its digits, from left to right.
        between: for each gap what stands in it, indices of marks and other writing, from left to right; the first is
            the gap before the first digit, the last is behind the last one.
        dangling: digits at whose side a mark shows that a part of their number is missing, once it is split.
    """

    def __init__(self, digits: list[int], symbols: Sequence[Symbol]):
        self.digits = digits
        self.between: list[list[int]] = [[] for _ in range(len(digits) + 1)]
        self.dangling: set[int] = set()
        self._symbols = symbols
        self._mark_gap = LIMITS.mark_gap
        self._boxes = [symbols[index].box for index in digits]
        self._height = median(bottom - top for _, top, _, bottom in self._boxes)
        self._centres = [(left + right) / 2 for left, _, right, _ in self._boxes]
        # Between neighbours, in heights: the empty space, and the distance of the centres.
        self._gaps = [(other[0] - one[2]) / self._height for one, other in zip(self._boxes, self._boxes[1:])]
        self._pitches = [(b - a) / self._height for a, b in zip(self._centres, self._centres[1:])]

    def insert(self, index: int) -> None:
        """Note a mark or other writing in the gap where its centre lies."""
        insort(self.between[bisect_left(self._centres, self._centre(index))], index, key=self._centre)

    def is_crossed(self, index: int) -> bool:
        """Return True where a mark or other writing lies on a digit of this line or round it, not in a gap."""
        left, top, right, bottom = self._symbols[index].box
        middle, is_mark = self._centre(index), bool(self._symbols[index].text)
        for box in self._boxes_near(left, right):
            width, height = box[2] - box[0], box[3] - box[1]
            if is_mark:
                is_on = box[1] + height / 4 < (top + bottom) / 2 < box[3] - height / 4
                if is_on and box[0] + width / 4 < middle < box[2] - width / 4:
                    return True
            elif min(right, box[2]) - max(left, box[0]) > width / 2:
                return True
        return False

    def is_beside(self, index: int) -> bool:
        """Return True where other writing stands beside a digit of this line, not round it as a frame does."""
        left, top, right, bottom = self._symbols[index].box
        margin = LIMITS.wide_gap * self._height
        near = [
            box
            for box in self._boxes_near(left - margin, right + margin)
            if left < box[2] + margin and right > box[0] - margin
        ]
        return bool(near) and not any(
            left < box[0] and top < box[1] and right > box[2] and bottom > box[3] for box in near
        )

    def open_gaps(self) -> list[tuple[float, float]]:
        """Return the gaps and the distances of centres, in heights, where nothing stands between two digits."""
        return [(gap, pitch) for gap, pitch, between in zip(self._gaps, self._pitches, self.between[1:]) if not between]

    @cached_property
    def jump(self) -> tuple[float, float] | None:
        """The largest gap inside numbers and the smallest between them, in heights; None where all are alike."""
        return _find_jump(sorted(self.open_gaps()))

    def split(self, page_gap: float, page_split_gap: float) -> list[list[int]]:
        """Tell the numbers of this line apart.

        Args:
            page_gap: the usual gap on the page, in heights; 0 where there are too few to tell.
            page_split_gap: the gap that separates numbers on other lines, in heights; infinite where none does.

        Returns:
            The numbers from left to right, each the indices of its digits and marks.
        """
        if self.jump:
            split_gap = sum(self.jump) / 2
        else:
            even_gap = min(LIMITS.max_even_gap, max(LIMITS.max_gap, LIMITS.gap_jump * page_gap))
            split_gap = min(page_split_gap, even_gap)
        inner = [gap for gap, _ in self.open_gaps() if gap <= split_gap]
        # Who writes digits far apart leaves as much space round a mark.
        self._mark_gap = max(LIMITS.mark_gap, min(LIMITS.wide_gap, 1.5 * median(inner or [0.0])))
        is_arithmetic = self._is_arithmetic()
        parts: list[list[int]] = []
        for at, digit in enumerate(self.digits):
            between = self.between[at]
            if at and not between and self._gaps[at - 1] <= split_gap:
                parts[-1].append(digit)
            elif at and self._is_inside(at, is_arithmetic):
                parts[-1] += [between[0], digit]
            else:
                parts.append([between[-1], digit] if self._is_sign(at) else [digit])
                if not is_arithmetic:
                    self._note_dangling(at)
        if not is_arithmetic:
            self._note_dangling(len(self.digits))
        return parts

    def _note_dangling(self, at: int) -> None:
        """Note digits beside the gap `at` that a mark close to them shows to be a part of a longer number."""
        if not self.between[at]:
            return
        first, last = self.between[at][0], self.between[at][-1]
        before = self.digits[at - 1] if at else None
        behind = self.digits[at] if at < len(self.digits) else None
        left_gap = np.inf if before is None else self._distance(before, first)
        right_gap = np.inf if behind is None else self._distance(last, behind)
        if self._symbols[last].text in JOINTS and right_gap <= self._mark_gap < left_gap and behind is not None:
            self.dangling.add(behind)
        if self._symbols[first].text in DIVIDERS and left_gap <= self._mark_gap < right_gap and before is not None:
            self.dangling.add(before)

    def _is_inside(self, at: int, is_arithmetic: bool) -> bool:
        """Return True where one mark stands before the digit `at`, and joins it to the digit before it."""
        if len(self.between[at]) != 1:
            return False
        (mark,) = self.between[at]
        text = self._symbols[mark].text
        if text in ("", "+") or (is_arithmetic and text not in ".,"):
            return False
        return max(self._distance(self.digits[at - 1], mark), self._distance(mark, self.digits[at])) <= self._mark_gap

    def _is_sign(self, at: int) -> bool:
        """Return True where a sign stands close before the digit `at`, at its middle, and nothing close on its left."""
        if not self.between[at] or self._symbols[self.between[at][-1]].text not in SIGNS:
            return False
        *others, sign = self.between[at]
        _, top, _, bottom = self._boxes[at]
        _, sign_top, _, sign_bottom = self._symbols[sign].box
        is_in_the_middle = abs(top + bottom - sign_top - sign_bottom) / 2 <= LIMITS.max_sign_offset * (bottom - top)
        right_gap = self._distance(sign, self.digits[at])
        if right_gap > self._mark_gap or not is_in_the_middle:
            return False
        if others:
            return self._distance(others[-1], sign) >= right_gap
        return at == 0 or self._distance(self.digits[at - 1], sign) >= max(LIMITS.wide_gap, 2 * right_gap)

    def _is_arithmetic(self) -> bool:
        """Return True where "+" or one other character of a digit's size stands between digits: "5 + 3", "5 x 3"."""
        for at, between in enumerate(self.between[1:-1], 1):
            if len(between) != 1:
                continue
            left, top, right, bottom = self._symbols[between[0]].box
            is_small = max(right - left, bottom - top) <= 1.5 * self._height
            text = self._symbols[between[0]].text
            if (text == "" and is_small) or (text == "+" and not self._is_sign(at)):
                return True
        return False

    def _boxes_near(self, left: float, right: float) -> list[Box]:
        """Return the boxes of the digits that reach between two places, and one more on either side."""
        first, last = bisect_left(self._centres, left), bisect_left(self._centres, right)
        return self._boxes[max(first - 1, 0) : last + 1]

    def _centre(self, index: int) -> float:
        left, _, right, _ = self._symbols[index].box
        return (left + right) / 2

    def _distance(self, one: int, other: int) -> float:
        """Return the empty space between two symbols, in heights; 0 where they overlap."""
        return max(self._symbols[other].box[0] - self._symbols[one].box[2], 0) / self._height


def _find_jump(gaps: list[tuple[float, float]]) -> tuple[float, float] | None:
    """Part the gaps of a line into two kinds: inside numbers and between them.

    Args:
        gaps: pairs of gap and distance of centres, in heights, the smallest gap first.

    Returns:
        The largest gap inside numbers and the smallest between them; None where all gaps are of one kind.
    """
    # Sums of the first gaps, of their squares and of their pitches, for the means of both kinds.
    sums = [list(accumulate(values, initial=0.0)) for values in zip(*((g, g * g, p) for g, p in gaps))]
    for count in range(1, len(gaps)):
        inside, outside = gaps[count - 1][0], gaps[count][0]
        # Where few gaps are small, digits of an evenly written number may touch.
        if outside < (LIMITS.min_split_gap if 2 * count >= len(gaps) else LIMITS.wide_gap):
            continue
        rest = len(gaps) - count
        small, small_square, small_pitch = (total[count] / count for total in sums)
        large, large_square, large_pitch = ((total[-1] - total[count]) / rest for total in sums)
        is_jump = _is_jump(inside, outside)
        if not is_jump and min(count, rest) >= MIN_GAPS_OF_A_KIND:
            spread = max(small_square - small**2, 0) ** 0.5 + max(large_square - large**2, 0) ** 0.5
            is_jump = _is_jump(small, large) and large - small >= LIMITS.gap_separation * spread
        if is_jump and large_pitch >= LIMITS.pitch_jump * small_pitch:
            return inside, outside
    return None


def _is_jump(inside: float, outside: float) -> bool:
    """Return True where one gap is much larger than another, both in heights."""
    return outside + LIMITS.gap_base >= LIMITS.gap_jump * (max(inside, 0.0) + LIMITS.gap_base)


def _page_gaps(lines: list[_Line]) -> tuple[float, float]:
    """Return the usual gap on the page and the one that separates numbers, in heights (see `_Line.split`)."""
    gaps = [gap for line in lines for gap, _ in line.open_gaps()]
    jumps = [line.jump for line in lines if line.jump]
    usual = median(gaps) if len(gaps) >= 3 else 0.0
    if not jumps:
        return usual, float("inf")
    # Cells of unlike width have unlike gaps between them.
    return usual, max(LIMITS.wide_gap, 0.75 * median(outside for _, outside in jumps))


# Tables


def _find_table(
    numbers: list[list[list[int]]], symbols: Sequence[Symbol], slope: float
) -> tuple[tuple[str, ...], ...] | None:
    """Read numbers as rows and columns.

    Args:
        numbers: for each line its numbers, each the indices of its symbols.
        symbols: all symbols.
        slope: the page's tilt.

    Returns:
        Rows of cells as text, or None where the numbers do not stand in rows and columns.
    """
    if len(numbers) < 2 or all(len(line) == 1 for line in numbers):
        return None
    rows = [[_Cell(part, symbols, slope) for part in line] for line in numbers]
    height = median(cell.height for row in rows for cell in row)
    # A heading or a total may stand above or below a table, across its columns.
    first = next((at for at, row in enumerate(rows) if len(row) > 1), 0)
    last = next((at for at in range(len(rows), 0, -1) if len(rows[at - 1]) > 1), len(rows))
    return _align(rows, height) or (_align(rows[first:last], height) if last - first < len(rows) else None)


def _wide_digits(numbers: list[list[list[int]]], symbols: Sequence[Symbol]) -> list[list[list[int]]] | None:
    """Return each digit as a number of its own where most gaps between digits on a line are wide, else None."""
    lines = [[index for part in line for index in part] for line in numbers]
    if len(lines) < 2 or any(symbols[index].text not in DIGITS for line in lines for index in line):
        return None
    boxes = [[symbols[index].box for index in line] for line in lines]
    gaps = [other[0] - one[2] for line in boxes for one, other in zip(line, line[1:])]
    height = median(box[3] - box[1] for line in boxes for box in line)
    if not gaps or median(gaps) < LIMITS.wide_gap * height:
        return None
    return [[[index] for index in line] for line in lines]


class _Cell:
    """A number as a cell: its text and its extent, along the rows of a page that may be tilted."""

    def __init__(self, part: list[int], symbols: Sequence[Symbol], slope: float):
        boxes = [symbols[index].box for index in part]
        top, bottom = min(box[1] for box in boxes), max(box[3] for box in boxes)
        # On a tilted page the columns lean by the same angle as the rows.
        lean = slope * (top + bottom) / 2
        self.text = "".join(symbols[index].text for index in part)
        self.left, self.right = min(box[0] for box in boxes) + lean, max(box[2] for box in boxes) + lean
        self.height = bottom - top


def _align(rows: list[list[_Cell]], height: float) -> tuple[tuple[str, ...], ...] | None:
    """Return the table of these rows, or None; `height` is that of a digit."""
    columns: list[dict[int, _Cell]] = []
    for number, row in enumerate(rows):
        # What the last cells of each column cover: columns may lean, as in a photograph taken from the side.
        recent = [list(column.values())[-RECENT_CELLS:] for column in columns]
        extents = [(min(cell.left for cell in cells), max(cell.right for cell in cells)) for cells in recent]
        for cell in row:
            covered = [min(cell.right, right) - max(cell.left, left) for left, right in extents]
            best = max(range(len(extents)), key=covered.__getitem__, default=None)
            if best is None or covered[best] < -LIMITS.min_split_gap * height:
                columns.append({number: cell})
            elif number in columns[best]:
                return None
            else:
                columns[best][number] = cell
    filled = sum(map(len, columns))
    if len(rows) < 2 or len(columns) < 2 or filled < LIMITS.min_filled * len(rows) * len(columns):
        return None
    if min(map(len, columns)) < 2 or max(map(_misalignment, columns)) > LIMITS.max_misalignment * height:
        return None
    columns.sort(key=lambda column: fmean(cell.left + cell.right for cell in column.values()))
    texts = [{number: cell.text for number, cell in column.items()} for column in columns]
    return tuple(tuple(column.get(number, "") for column in texts) for number in range(len(rows)))


def _misalignment(column: dict[int, _Cell]) -> float:
    """Return the mean distance of cells from the line through their sides or centres, the smallest of the three."""
    lefts, rights = [cell.left for cell in column.values()], [cell.right for cell in column.values()]
    sides = (lefts, rights, [(left + right) / 2 for left, right in zip(lefts, rights)])
    return min(_mean_deviation(list(column), places) for places in sides)


def _mean_deviation(rows: list[int], places: list[float]) -> float:
    """Return the mean distance of places from their median, or from a straight line where there are enough."""
    if len(places) >= MIN_CELLS_LEANING:
        row, place = fmean(rows), fmean(places)
        lean = sum((a - row) * (b - place) for a, b in zip(rows, places)) / sum((a - row) ** 2 for a in rows)
        places = [b - lean * (a - row) for a, b in zip(rows, places)]
    middle = median(places)
    return fmean(abs(place - middle) for place in places)

"""Chain the digits of a page into lines, and measure the page's slope.

It knows boxes of digits, and nothing of marks, numbers and tables.
"""

from bisect import bisect_left
from statistics import fmean

import numpy as np

from digits.layout.limits import LAYOUT_LIMITS
from digits.layout.pairs import find_pairs_within


def find_lines(boxes: np.ndarray) -> tuple[list[list[int]], float]:
    """Chain digits into lines: first without a slope, then along the slope of the first lines.

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
    # Close neighbours are the most reliable evidence of the slope, and neighbours farther apart need it.
    level = np.zeros(count)
    chains = _chain(boxes, boxes, level, level, LAYOUT_LIMITS.max_gap)
    if 2 * len(chains) > count:
        chains = _chain(boxes, boxes, level, level)
    while True:
        links = count - len(chains)
        slopes, slope = _measure_slopes(chains, x, y, heights)
        chains = _chain(boxes, boxes, slopes, slopes)
        # Longer lines measure the slope better.
        if count - len(chains) <= links:
            break
    # Segments of one line stand beside one another.
    if len(chains) > 1 and x[[chain[-1] for chain in chains]].min() < x[[chain[0] for chain in chains]].max():
        chains = _join_segments(chains, boxes, slopes)
    if len(chains) > 1:
        chains = _insert_skipped(chains, boxes, x, slope)
        levels = (y - slope * x).tolist()
        chains.sort(key=lambda chain: fmean([levels[at] for at in chain]))
    return chains, slope


def _chain(
    ends: np.ndarray,
    starts: np.ndarray,
    end_slopes: np.ndarray,
    start_slopes: np.ndarray,
    max_gap: float = np.inf,
    max_far_offset: np.ndarray | None = None,
) -> list[list[int]]:
    """Link each segment of a line to the segment on its right: the pair with the lowest cost first.

    Args:
        ends: float (N, 4), the box at the right end of each segment; for single digits their box.
        starts: float (N, 4), the box at the left end of each segment.
        end_slopes, start_slopes: float (N,), the slope of the line there.
        max_gap: in heights of the taller box.
        max_far_offset: float (N,), of each segment, in place of `LAYOUT_LIMITS.max_far_offset`; a pair may have the
            larger one.

    Returns:
        Chains of segments from left to right, as indices; each segment is in exactly one.
    """
    limits = LAYOUT_LIMITS
    count = len(ends)
    i, j = _find_candidate_pairs(ends, starts, end_slopes)
    left, top, right, bottom = ends[i].T
    other_left, other_top, other_right, other_bottom = starts[j].T
    distance = (other_left + other_right - left - right) / 2
    fall = (end_slopes[i] + start_slopes[j]) / 2 * distance
    height, other_height = bottom - top, other_bottom - other_top
    lower, taller = np.minimum(height, other_height), np.maximum(height, other_height)
    overlap = np.minimum(bottom, other_bottom - fall) - np.maximum(top, other_top - fall)
    offset = np.maximum(lower - overlap, 0)
    gap = np.maximum(other_left - right, 0)
    far = limits.max_far_offset if max_far_offset is None else np.maximum(max_far_offset[i], max_far_offset[j])
    max_offset = np.where(gap > limits.wide_gap * taller, far, limits.max_offset) * lower
    # A neighbour does not stand below: the line to it falls by 45 degrees at most.
    is_possible = (
        (offset <= max_offset)
        & (offset <= distance)
        & (taller <= limits.max_size_ratio * lower)
        & (gap <= max_gap * taller)
    )
    i, j = i[is_possible], j[is_possible]
    cost = (gap / taller + limits.offset_cost * offset / lower)[is_possible]
    if count > limits.max_digits_all_pairs and len(cost):
        best_right, best_left = np.full(count, np.inf), np.full(count, np.inf)
        np.minimum.at(best_right, i, cost)
        np.minimum.at(best_left, j, cost)
        is_good = cost <= np.maximum(best_right[i], best_left[j]) + limits.max_gap
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


def _find_candidate_pairs(ends: np.ndarray, starts: np.ndarray, slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find pairs that may be neighbours: indices of the left ones and of the right ones, int (P,) each."""
    x, other_x = ends[:, 0] + ends[:, 2], starts[:, 0] + starts[:, 2]
    if len(ends) <= LAYOUT_LIMITS.max_digits_all_pairs:
        i, j = (x[:, None] < other_x).nonzero()
        return i, j
    slope = float(np.median(slopes)) / 2
    level = (ends[:, 1] + ends[:, 3]) / 2 - slope * x
    other_level = (starts[:, 1] + starts[:, 3]) / 2 - slope * other_x
    heights = ends[:, 3] - ends[:, 1]
    # Boxes overlap where their centres are at most half of both heights apart.
    reach = (heights + np.minimum(LAYOUT_LIMITS.max_size_ratio * heights, (starts[:, 3] - starts[:, 1]).max())) / 2
    i, j = find_pairs_within(level, other_level, reach)
    distance = other_x[j] - x[i]
    is_right = (distance > 0) & (distance < 2 * LAYOUT_LIMITS.max_pair_distance * float(np.median(heights)))
    return i[is_right], j[is_right]


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
    # A line always fits two digits exactly: they are no evidence.
    spreads = squares * (sizes / np.bincount(line, heights)) ** 2 * np.maximum(1 - 2 / sizes, 0)
    order = slopes.argsort()
    summed = spreads[order].cumsum()
    total = float(summed[-1])
    page = float(slopes[order[np.searchsorted(summed, total / 2)]]) * total / (total + LAYOUT_LIMITS.slope_prior)
    slopes = (spreads * slopes + LAYOUT_LIMITS.slope_prior * page) / (spreads + LAYOUT_LIMITS.slope_prior)
    return slopes[line], page


def _join_segments(chains: list[list[int]], boxes: np.ndarray, slopes: np.ndarray) -> list[list[int]]:
    """Join segments of one line whose end digits stand too high or low to be linked, but whose mean levels do not."""
    limits = LAYOUT_LIMITS
    ends, starts = np.empty((2, len(chains), 4))
    for number, chain in enumerate(chains):
        # The box of the last or first digit, moved to the level of the digits beside it.
        for box, inner in ((ends, chain[: -1 - limits.level_digits : -1]), (starts, chain[: limits.level_digits])):
            near = boxes[inner]
            box[number, ::2] = near[0, ::2]
            fall = slopes[inner] * (near[:, 0] + near[:, 2] - near[0, 0] - near[0, 2]) / 2
            box[number, 1::2] = (near[:, 1::2] - fall[:, None]).mean(0)
    last, first = [chain[-1] for chain in chains], [chain[0] for chain in chains]
    max_far_offset = np.array([limits.max_offset if len(chain) > 1 else limits.max_far_offset for chain in chains])
    joined = _chain(ends, starts, slopes[last], slopes[first], max_far_offset=max_far_offset)
    return [[at for number in numbers for at in chains[number]] for numbers in joined]


def _insert_skipped(chains: list[list[int]], boxes: np.ndarray, x: np.ndarray, slope: float) -> list[list[int]]:
    """Insert digits that a longer line has skipped: those on its level, between two of its digits."""
    fall = slope * x
    tops, bottoms, centres = (boxes[:, 1] - fall).tolist(), (boxes[:, 3] - fall).tolist(), x.tolist()
    # The extent of each line so far: its first and last centre, its top and bottom.
    extents = np.empty((len(chains), 4))
    lines: list[list[int]] = []
    for chain in sorted(chains, key=len, reverse=True):
        first, last = centres[chain[0]], centres[chain[-1]]
        top, bottom = min([tops[at] for at in chain]), max([bottoms[at] for at in chain])
        lefts, rights, highest, lowest = extents[: len(lines)].T
        for at in ((lefts < first) & (rights > last) & (highest < bottom) & (lowest > top)).nonzero()[0]:
            if _is_on_level(chain, lines[at], tops, bottoms, boxes, centres):
                lines[at] = sorted(lines[at] + chain, key=centres.__getitem__)
                break
        else:
            extents[len(lines)] = first, last, top, bottom
            lines.append(chain)
    return lines


def _is_on_level(
    chain: list[int], line: list[int], tops: list[float], bottoms: list[float], boxes: np.ndarray, centres: list[float]
) -> bool:
    """Return whether every digit of the chain is level with its neighbours in the line, and stands beside them."""
    for index in chain:
        at = bisect_left(line, centres[index], key=centres.__getitem__)
        for neighbour in (line[at - 1], line[at]):
            lower = min(bottoms[index] - tops[index], bottoms[neighbour] - tops[neighbour])
            overlap = min(bottoms[index], bottoms[neighbour]) - max(tops[index], tops[neighbour])
            narrower = min(boxes[index, 2] - boxes[index, 0], boxes[neighbour, 2] - boxes[neighbour, 0])
            covered = min(boxes[index, 2], boxes[neighbour, 2]) - max(boxes[index, 0], boxes[neighbour, 0])
            if lower - overlap > LAYOUT_LIMITS.max_offset * lower or covered > 0.5 * narrower:
                return False
    return True

"""Find the digit that each mark and other writing stands beside, and the digits that they touch.

It knows nothing of lines and numbers.
"""

from collections.abc import Sequence

import numpy as np

from digits.layout.limits import LAYOUT_LIMITS
from digits.layout.pairs import find_pairs_within
from digits.layout.symbols import Symbol


def find_neighbours(
    symbols: Sequence[Symbol], indices: list[int], boxes: np.ndarray, digits: list[int], slope: float
) -> tuple[list[tuple[int, int, bool]], set[int]]:
    """Find the nearest digit of each mark and other writing.

    Args:
        symbols: all symbols.
        indices: those of the marks and the other writing.
        boxes: float (N, 4), of all symbols.
        digits: indices of the digits.
        slope: the page's slope.

    Returns:
        For each mark or other writing near a digit: its index, the nearest digit, and whether they are level. And the
        digits that other writing touches or a mark lies on; a frame or a circle round a digit does not touch it.
    """
    near, digit = _find_pairs_on_level(boxes[indices], boxes[digits], slope)
    if not len(near):
        return [], set()
    left, top, right, bottom = boxes[indices][near].T
    digit_left, digit_top, digit_right, digit_bottom = boxes[digits][digit].T
    width, height = digit_right - digit_left, digit_bottom - digit_top
    x, y = (left + right) / 2, (top + bottom) / 2
    level = y - slope * (x - (digit_left + digit_right) / 2)
    gap = np.maximum(np.maximum(digit_left - right, left - digit_right), 0) / height
    offset = np.maximum(np.maximum(digit_top - level, level - digit_bottom), 0) / height
    cost = gap + LAYOUT_LIMITS.offset_cost * offset
    is_level = offset <= LAYOUT_LIMITS.max_mark_gap
    order = np.lexsort((cost, near))
    _, firsts = np.unique(near[order], return_index=True)
    nearest = [(indices[near[at]], digits[digit[at]], bool(is_level[at])) for at in order[firsts]]

    is_other = np.array([not symbols[index].text for index in indices])[near]
    meets = (gap < LAYOUT_LIMITS.max_touch_gap) & (top < digit_bottom) & (bottom > digit_top)
    surrounds = (left < digit_left) & (right > digit_right) & (top < digit_top) & (bottom > digit_bottom)
    lies_on = (np.abs(2 * x - digit_left - digit_right) < width / 2) & (
        np.abs(2 * y - digit_top - digit_bottom) < height / 2
    )
    is_touched = np.where(is_other, meets & ~surrounds, lies_on)
    return nearest, {digits[at] for at in digit[is_touched]}


def _find_pairs_on_level(own: np.ndarray, others: np.ndarray, slope: float) -> tuple[np.ndarray, np.ndarray]:
    """Find pairs of boxes (M, 4) and (N, 4) that overlap in height, or nearly: indices of the two, int (P,) each."""
    levels = [(boxes[:, 1] + boxes[:, 3] - slope * (boxes[:, 0] + boxes[:, 2])) / 2 for boxes in (own, others)]
    heights = [boxes[:, 3] - boxes[:, 1] for boxes in (own, others)]
    tallest = heights[1].max()
    reach = heights[0] / 2 + (0.5 + LAYOUT_LIMITS.max_mark_gap) * tallest
    return find_pairs_within(levels[0], levels[1], reach)

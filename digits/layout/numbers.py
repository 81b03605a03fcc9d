"""Split a line of digits into numbers, and decide which marks belong to a number.

It knows one line at a time, and what gaps are usual on the page. It knows nothing of tables.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from statistics import median

import numpy as np

from digits.boxes import Box
from digits.layout.limits import LAYOUT_LIMITS
from digits.layout.symbols import JOINING_MARKS, SEPARATORS, SIGNS, Symbol


class Line:
    """The digits of one line, and the symbols between them.

    Attributes:
        digits: indices of its digits, from left to right.
        between: the symbols in each gap, indices of marks and other writing, from left to right; the first gap is
            before the first digit, the last one after the last digit.
        incomplete: digits beside a mark that shows that a part of their number is missing; filled by `split_numbers`.
    """

    def __init__(self, digits: list[int], symbols: Sequence[Symbol]):
        self.digits = digits
        self.between: list[list[int]] = [[] for _ in range(len(digits) + 1)]
        self.incomplete: set[int] = set()
        self._symbols = symbols
        self._max_mark_gap = LAYOUT_LIMITS.max_mark_gap
        self._boxes = [symbols[index].box for index in digits]
        self._height = median(bottom - top for _, top, _, bottom in self._boxes)
        self._centres = [(left + right) / 2 for left, _, right, _ in self._boxes]
        # Between neighbours, in heights: the empty space, and the distance of the centres.
        self._gaps = [(other[0] - one[2]) / self._height for one, other in zip(self._boxes, self._boxes[1:])]
        self._pitches = [(b - a) / self._height for a, b in zip(self._centres, self._centres[1:])]

    def insert(self, index: int) -> None:
        """Add a mark or other writing to the gap where its centre lies."""
        insort(self.between[bisect_left(self._centres, self._centre(index))], index, key=self._centre)

    def is_on_digit(self, index: int) -> bool:
        """Return whether a mark or other writing lies on a digit of this line or round it, not in a gap."""
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

    def is_beside_digit(self, index: int) -> bool:
        """Return whether other writing stands beside a digit of this line, not round it as a frame does."""
        left, top, right, bottom = self._symbols[index].box
        margin = LAYOUT_LIMITS.wide_gap * self._height
        near = [
            box
            for box in self._boxes_near(left - margin, right + margin)
            if left < box[2] + margin and right > box[0] - margin
        ]
        return bool(near) and not any(
            left < box[0] and top < box[1] and right > box[2] and bottom > box[3] for box in near
        )

    def empty_gaps(self) -> list[tuple[float, float]]:
        """Return the gaps and the distances of centres, in heights, where nothing stands between two digits."""
        return [(gap, pitch) for gap, pitch, between in zip(self._gaps, self._pitches, self.between[1:]) if not between]

    @cached_property
    def gap_limits(self) -> tuple[float, float] | None:
        """The largest gap inside numbers and the smallest between them, in heights; None where all are alike."""
        return _split_gaps(sorted(self.empty_gaps()))

    def split_numbers(self, page_gap: float, page_split_gap: float) -> list[list[int]]:
        """Split this line into its numbers.

        Args:
            page_gap: the usual gap on the page, in heights; 0 where there are too few to tell.
            page_split_gap: the gap that separates numbers on other lines, in heights; infinite where none does.

        Returns:
            The numbers from left to right, each the indices of its digits and marks.
        """
        if self.gap_limits:
            split_gap = sum(self.gap_limits) / 2
        else:
            even_gap = max(LAYOUT_LIMITS.max_gap, LAYOUT_LIMITS.min_gap_ratio * page_gap)
            split_gap = min(page_split_gap, min(LAYOUT_LIMITS.max_even_gap, even_gap))
        inner = [gap for gap, _ in self.empty_gaps() if gap <= split_gap]
        # A hand that writes digits far apart leaves as much space round a mark.
        wide_mark_gap = min(LAYOUT_LIMITS.wide_gap, 1.5 * median(inner or [0.0]))
        self._max_mark_gap = max(LAYOUT_LIMITS.max_mark_gap, wide_mark_gap)
        is_arithmetic = self._is_arithmetic()
        numbers: list[list[int]] = []
        for at, digit in enumerate(self.digits):
            between = self.between[at]
            if at and not between and self._gaps[at - 1] <= split_gap:
                numbers[-1].append(digit)
            elif at and self._is_inner_mark(at, is_arithmetic):
                numbers[-1] += [between[0], digit]
            else:
                numbers.append([between[-1], digit] if self._is_sign(at) else [digit])
                if not is_arithmetic:
                    self._find_incomplete(at)
        if not is_arithmetic:
            self._find_incomplete(len(self.digits))
        return numbers

    def _find_incomplete(self, at: int) -> None:
        """Note the digits beside the gap `at` that a mark close to them shows to be a part of a longer number."""
        if not self.between[at]:
            return
        first, last = self.between[at][0], self.between[at][-1]
        before = self.digits[at - 1] if at else None
        after = self.digits[at] if at < len(self.digits) else None
        left_gap = np.inf if before is None else self._distance(before, first)
        right_gap = np.inf if after is None else self._distance(last, after)
        is_joined_right = self._symbols[last].text in JOINING_MARKS and right_gap <= self._max_mark_gap < left_gap
        is_joined_left = self._symbols[first].text in SEPARATORS and left_gap <= self._max_mark_gap < right_gap
        if is_joined_right and after is not None:
            self.incomplete.add(after)
        if is_joined_left and before is not None:
            self.incomplete.add(before)

    def _is_inner_mark(self, at: int, is_arithmetic: bool) -> bool:
        """Return whether one mark stands before the digit `at`, and joins it to the digit before it."""
        if len(self.between[at]) != 1:
            return False
        (mark,) = self.between[at]
        text = self._symbols[mark].text
        if text in ("", "+") or (is_arithmetic and text not in ".,"):
            return False
        gaps = self._distance(self.digits[at - 1], mark), self._distance(mark, self.digits[at])
        return max(gaps) <= self._max_mark_gap

    def _is_sign(self, at: int) -> bool:
        """Return whether a sign stands close before the digit `at`, at its middle, and nothing close on its left."""
        if not self.between[at] or self._symbols[self.between[at][-1]].text not in SIGNS:
            return False
        *others, sign = self.between[at]
        _, top, _, bottom = self._boxes[at]
        _, sign_top, _, sign_bottom = self._symbols[sign].box
        max_offset = LAYOUT_LIMITS.max_sign_offset * (bottom - top)
        is_in_the_middle = abs(top + bottom - sign_top - sign_bottom) / 2 <= max_offset
        right_gap = self._distance(sign, self.digits[at])
        if right_gap > self._max_mark_gap or not is_in_the_middle:
            return False
        if others:
            return self._distance(others[-1], sign) >= right_gap
        return at == 0 or self._distance(self.digits[at - 1], sign) >= max(LAYOUT_LIMITS.wide_gap, 2 * right_gap)

    def _is_arithmetic(self) -> bool:
        """Return whether "+" or one other character of a digit's size stands between digits: "5 + 3", "5 x 3"."""
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
        """Return the boxes of the digits between two x coordinates, and one more on either side."""
        first, last = bisect_left(self._centres, left), bisect_left(self._centres, right)
        return self._boxes[max(first - 1, 0) : last + 1]

    def _centre(self, index: int) -> float:
        left, _, right, _ = self._symbols[index].box
        return (left + right) / 2

    def _distance(self, one: int, other: int) -> float:
        """Return the empty space between two symbols, in heights; 0 where they overlap."""
        return max(self._symbols[other].box[0] - self._symbols[one].box[2], 0) / self._height


def measure_page_gaps(lines: list[Line]) -> tuple[float, float]:
    """Return the usual gap on the page and the one that separates numbers, in heights (see `Line.split_numbers`)."""
    gaps = [gap for line in lines for gap, _ in line.empty_gaps()]
    limits = [line.gap_limits for line in lines if line.gap_limits]
    usual = median(gaps) if len(gaps) >= 3 else 0.0
    if not limits:
        return usual, float("inf")
    # Cells of unlike width have unlike gaps between them.
    return usual, max(LAYOUT_LIMITS.wide_gap, 0.75 * median(outside for _, outside in limits))


def _split_gaps(gaps: list[tuple[float, float]]) -> tuple[float, float] | None:
    """Split the gaps of a line into two kinds: inside numbers and between them.

    Args:
        gaps: pairs of gap and distance of centres, in heights, the smallest gap first.

    Returns:
        The largest gap inside numbers and the smallest between them; None where all gaps are of one kind.
    """
    limits = LAYOUT_LIMITS
    # Running sums of the gaps, of their squares and of their pitches, for the means of both kinds.
    sums = [list(accumulate(values, initial=0.0)) for values in zip(*((g, g * g, p) for g, p in gaps))]
    for count in range(1, len(gaps)):
        inside, outside = gaps[count - 1][0], gaps[count][0]
        # Where few gaps are small, digits of an evenly written number may touch.
        if outside < (limits.min_split_gap if 2 * count >= len(gaps) else limits.wide_gap):
            continue
        rest = len(gaps) - count
        small, small_square, small_pitch = (total[count] / count for total in sums)
        large, large_square, large_pitch = ((total[-1] - total[count]) / rest for total in sums)
        is_split = _is_much_larger(inside, outside)
        if not is_split and min(count, rest) >= limits.min_gaps_per_kind:
            spread = max(small_square - small**2, 0) ** 0.5 + max(large_square - large**2, 0) ** 0.5
            is_split = _is_much_larger(small, large) and large - small >= limits.min_gap_separation * spread
        if is_split and large_pitch >= limits.min_pitch_ratio * small_pitch:
            return inside, outside
    return None


def _is_much_larger(inside: float, outside: float) -> bool:
    """Return whether the second gap is much larger than the first, both in heights."""
    base = LAYOUT_LIMITS.gap_base
    return outside + base >= LAYOUT_LIMITS.min_gap_ratio * (max(inside, 0.0) + base)

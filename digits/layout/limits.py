"""Limits of the layout: the distances and ratios that separate lines, numbers and table cells.

It knows nothing of the code that compares boxes with them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class LayoutLimits:
    """Limits of the layout. Lengths are in heights of a digit where no other unit is named.

    Attributes:
        max_offset: how far one of two neighbours may lie above or below the other, as a share of the lower one's
            height. Lines that fall by 35 degrees reach 0.8; rows of a page lie at least 1 apart.
        max_far_offset: the same where the gap between them is wider than `wide_gap`. A nine that hangs below its line
            reaches 0.5.
        offset_cost: how many heights of gap an offset of one height costs when a neighbour is chosen.
        max_size_ratio: the largest ratio of the heights of two neighbours. A small zero beside a long seven has 2.8.
        slope_prior: the spread of digits along a line, in squared heights, at which the line's own slope counts as much
            as the page's, and the page's as much as no slope. Six digits in a row have a spread of 12.
        level_digits: how many digits at the end of a line are averaged to get its level there.
        max_digits_all_pairs: up to this many digits all pairs are compared. With more, only pairs on about the same
            level are compared, and of those only the pairs that are not much worse than the best. This bounds the time.
        max_pair_distance: with more digits, the largest distance of two centres in a pair.
        min_split_gap: the smallest gap between two numbers. Single gaps inside tightly written numbers reach 0.5.
        wide_gap: the smallest gap between two numbers where most gaps on the line are wide or the evidence comes from
            other lines; the gap from which evenly written digits may be cells of a table; and the distance at which
            other writing counts as beside a number. The width of a digit and a space.
        max_gap: the largest gap inside a number.
        max_even_gap: the same where gaps are wide on the whole page. Evenly written rows reached 2.8 in photographs.
        min_gap_ratio: a gap that separates numbers is this many times as large as the gaps inside them, once
            `gap_base` is added to both. Evenly written numbers reached 1.5 in photographs.
        gap_base: keeps that ratio finite where digits touch.
        min_gap_separation: the same for many gaps: the means of both kinds are this many standard deviations apart,
            those of both kinds added; no unit. Halves of one even distribution reach 1.7, evenly written numbers 2.0 if
            their means also differ by `min_gap_ratio`.
        min_gaps_per_kind: fewer gaps give no usable standard deviation.
        min_pitch_ratio: the centres of digits are farther apart by this factor, too. In the cells of a form the gap
            beside a one is wide and the distance of centres is not.
        max_mark_gap: the largest gap between a mark in a number and the digits beside it, and how far its centre may
            lie above or below them.
        max_sign_offset: how far the centre of a sign may lie above or below that of its digit.
        max_touch_gap: other writing closer than this touches a number.
        recent_cells: a cell is looked for under this many of the last cells of its column.
        min_cells_leaning: a column with fewer cells than this is not fitted with a lean of its own.
        max_misalignment: the largest mean distance of a column's cells from their median, by left side, centre or right
            side.
        min_filled_share: the smallest share of a table's cells that hold a number.
    """

    max_offset: float = 0.8
    max_far_offset: float = 0.6
    offset_cost: float = 2.0
    max_size_ratio: float = 3.0
    slope_prior: float = 10.0
    level_digits: int = 3
    max_digits_all_pairs: int = 96
    max_pair_distance: float = 30
    min_split_gap: float = 0.6
    wide_gap: float = 1.0
    max_gap: float = 2.0
    max_even_gap: float = 3.5
    min_gap_ratio: float = 1.8
    gap_base: float = 0.3
    min_gap_separation: float = 2.4
    min_gaps_per_kind: int = 4
    min_pitch_ratio: float = 1.25
    max_mark_gap: float = 0.5
    max_sign_offset: float = 0.35
    max_touch_gap: float = 0.2
    recent_cells: int = 3
    min_cells_leaning: int = 5
    max_misalignment: float = 0.35
    min_filled_share: float = 0.8


LAYOUT_LIMITS = LayoutLimits()

"""Arrange boxes of symbols in lines, numbers and a table.

`arrange` finds the lines of writing on a page, splits them into numbers, decides which marks belong to a number, and
recognizes numbers that stand in rows and columns. It is geometry on boxes: it knows nothing of pixels or networks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digits.layout.lines import find_lines
from digits.layout.neighbours import find_neighbours
from digits.layout.numbers import Line, measure_page_gaps
from digits.layout.symbols import DIGITS, MARKS, Symbol
from digits.layout.table import find_table, split_into_digits

__all__ = ["DIGITS", "MARKS", "Group", "Layout", "Symbol", "arrange"]


@dataclass(frozen=True)
class Group:
    """The symbols of one number.

    Attributes:
        symbols: indices of its digits and of the marks inside it, in reading order.
        is_touched: True where other writing touches the number or stands inside it, or where a mark before or after it
            shows that a part is missing (".5", "12/").
    """

    symbols: tuple[int, ...]
    is_touched: bool


@dataclass(frozen=True)
class Layout:
    """The arrangement of a page's symbols.

    Attributes:
        lines: from top to bottom; each the numbers of one line, from left to right.
        line_of: for each symbol the number of its line, from 0; -1 for other writing, and for marks beside no line.
        loose_marks: indices of the marks that belong to no number, in reading order.
        table: rows of cells as text, "" for an empty cell, where the numbers stand in rows and columns; else None.
        is_complete: False where other writing stands beside a number, touches it or stands inside it.
        slope: the page's slope: how many pixels a line falls in one pixel to the right.
    """

    lines: tuple[tuple[Group, ...], ...]
    line_of: tuple[int, ...]
    loose_marks: tuple[int, ...]
    table: tuple[tuple[str, ...], ...] | None
    is_complete: bool
    slope: float


def arrange(symbols: Sequence[Symbol]) -> Layout:
    """Arrange symbols in lines, numbers and a table.

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

    chains, slope = find_lines(boxes[digits])
    lines = [Line([digits[at] for at in chain], symbols) for chain in chains]
    for number, line in enumerate(lines):
        for index in line.digits:
            line_of[index] = number
    touched: set[int] = set()
    is_complete = True
    if marks or others:
        neighbours, touched = find_neighbours(symbols, marks + others, boxes, digits, slope)
        for index, nearest, is_level in neighbours:
            line = lines[line_of[nearest]]
            if is_level and symbols[index].text:
                line_of[index] = line_of[nearest]
            if is_level and not line.is_on_digit(index):
                line.insert(index)
            is_complete &= bool(symbols[index].text) or not (is_level and line.is_beside_digit(index))
    page_gap, page_split_gap = measure_page_gaps(lines)
    numbers = [line.split_numbers(page_gap, page_split_gap) for line in lines]
    touched.update(*(line.incomplete for line in lines))
    table = find_table(numbers, symbols, slope)
    if not table and (single := split_into_digits(numbers, symbols)):
        # Digits that are written far apart are read as one number a line, and may still be cells.
        table = find_table(single, symbols, slope)
        if table and any(len(line) > 1 for line in numbers):
            numbers = single
    groups = tuple(tuple(Group(tuple(part), not touched.isdisjoint(part)) for part in line) for line in numbers)
    inside = {index for line in numbers for part in line for index in part}
    loose = [index for index in marks if index not in inside]
    loose.sort(key=lambda index: (line_of[index], symbols[index].box[0]))
    return Layout(
        lines=groups,
        line_of=tuple(line_of),
        loose_marks=tuple(loose),
        table=table,
        is_complete=is_complete and not touched,
        slope=slope,
    )

"""Recognize numbers that stand in rows and columns.

It knows the numbers of each line, and nothing of how they were told apart.
"""

from collections.abc import Sequence
from statistics import fmean, median

from digits.layout.limits import LAYOUT_LIMITS
from digits.layout.symbols import DIGITS, Symbol

Numbers = list[list[list[int]]]  # for each line its numbers, each the indices of its symbols
Table = tuple[tuple[str, ...], ...]  # rows of cells as text, "" for an empty cell


def find_table(numbers: Numbers, symbols: Sequence[Symbol], slope: float) -> Table | None:
    """Read numbers as rows and columns.

    Args:
        numbers: the numbers of each line.
        symbols: all symbols.
        slope: the page's slope.

    Returns:
        Rows of cells as text, or None where the numbers do not stand in rows and columns.
    """
    if len(numbers) < 2 or all(len(line) == 1 for line in numbers):
        return None
    rows = [[_Cell(number, symbols, slope) for number in line] for line in numbers]
    height = median(cell.height for row in rows for cell in row)
    # A heading or a total may stand above or below a table, across its columns.
    first = next((at for at, row in enumerate(rows) if len(row) > 1), 0)
    last = next((at for at in range(len(rows), 0, -1) if len(rows[at - 1]) > 1), len(rows))
    return _align(rows, height) or (_align(rows[first:last], height) if last - first < len(rows) else None)


def split_into_digits(numbers: Numbers, symbols: Sequence[Symbol]) -> Numbers | None:
    """Return each digit as a number of its own where most gaps between digits on a line are wide, else None."""
    lines = [[index for number in line for index in number] for line in numbers]
    if len(lines) < 2 or any(symbols[index].text not in DIGITS for line in lines for index in line):
        return None
    boxes = [[symbols[index].box for index in line] for line in lines]
    gaps = [other[0] - one[2] for line in boxes for one, other in zip(line, line[1:])]
    height = median(box[3] - box[1] for line in boxes for box in line)
    if not gaps or median(gaps) < LAYOUT_LIMITS.wide_gap * height:
        return None
    return [[[index] for index in line] for line in lines]


class _Cell:
    """A number as a cell: its text and its extent, along the rows of a page that may be tilted."""

    def __init__(self, number: list[int], symbols: Sequence[Symbol], slope: float):
        boxes = [symbols[index].box for index in number]
        top, bottom = min(box[1] for box in boxes), max(box[3] for box in boxes)
        # On a tilted page the columns lean by the same angle as the rows.
        lean = slope * (top + bottom) / 2
        self.text = "".join(symbols[index].text for index in number)
        self.left, self.right = min(box[0] for box in boxes) + lean, max(box[2] for box in boxes) + lean
        self.height = bottom - top


def _align(rows: list[list[_Cell]], height: float) -> Table | None:
    """Return the table of these rows, or None; `height` is that of a digit, pixels."""
    limits = LAYOUT_LIMITS
    columns: list[dict[int, _Cell]] = []
    for number, row in enumerate(rows):
        # The extent of the last cells of each column: columns may lean, as in a photograph taken from the side.
        recent = [list(column.values())[-limits.recent_cells :] for column in columns]
        extents = [(min(cell.left for cell in cells), max(cell.right for cell in cells)) for cells in recent]
        for cell in row:
            overlaps = [min(cell.right, right) - max(cell.left, left) for left, right in extents]
            best = max(range(len(extents)), key=overlaps.__getitem__, default=None)
            if best is None or overlaps[best] < -limits.min_split_gap * height:
                columns.append({number: cell})
            elif number in columns[best]:
                return None
            else:
                columns[best][number] = cell
    filled = sum(map(len, columns))
    if len(rows) < 2 or len(columns) < 2 or filled < limits.min_filled_share * len(rows) * len(columns):
        return None
    if min(map(len, columns)) < 2 or max(map(_misalignment, columns)) > limits.max_misalignment * height:
        return None
    columns.sort(key=lambda column: fmean(cell.left + cell.right for cell in column.values()))
    texts = [{number: cell.text for number, cell in column.items()} for column in columns]
    return tuple(tuple(column.get(number, "") for column in texts) for number in range(len(rows)))


def _misalignment(column: dict[int, _Cell]) -> float:
    """Return the mean distance of cells from the line through their sides or centres, the smallest of the three."""
    lefts, rights = [cell.left for cell in column.values()], [cell.right for cell in column.values()]
    sides = (lefts, rights, [(left + right) / 2 for left, right in zip(lefts, rights)])
    return min(_mean_deviation(list(column), positions) for positions in sides)


def _mean_deviation(rows: list[int], positions: list[float]) -> float:
    """Return the mean distance of positions from their median, or from a straight line where there are enough."""
    if len(positions) >= LAYOUT_LIMITS.min_cells_leaning:
        row, position = fmean(rows), fmean(positions)
        lean = sum((a - row) * (b - position) for a, b in zip(rows, positions)) / sum((a - row) ** 2 for a in rows)
        positions = [b - lean * (a - row) for a, b in zip(rows, positions)]
    middle = median(positions)
    return fmean(abs(position - middle) for position in positions)

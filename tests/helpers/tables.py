"""What stands in the tables of benchmarks/*.md."""


def cell(table: str, row: str, *columns: str) -> str:
    """The figure of a row in the column that is there of these."""
    head, *rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    (found,) = [cells for cells in rows if cells[0] == row]
    (column,) = set(head) & set(columns)
    return found[head.index(column)]

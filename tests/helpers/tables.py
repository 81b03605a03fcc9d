"""Read cells of the tables in benchmarks/*.md."""


def cell(table: str, row: str, *columns: str) -> str:
    """Return the cell of a row in the one of these columns that the table has."""
    header, *rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    (found,) = [cells for cells in rows if cells[0] == row]
    (column,) = set(header) & set(columns)
    return found[header.index(column)]

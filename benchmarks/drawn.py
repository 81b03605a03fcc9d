"""Draw pictures for the benchmarks: numbers with marks, tables, forms with cells, and pages turned by 90, 180 or 270.

    python -m benchmarks.drawn FILE [--data DIR]    draw some of each into a contact sheet

The digits are real pen strokes (dev/pen_digits), the marks are strokes defined here. One page has one writer and one
pen. The training code does not use this module, and this module does not use the training code or the reader.

A digit of pen_digits is used only if its nearest neighbours among other writers' digits agree with its label: some
labels are wrong, and one such digit would make a page of a hundred wrong. The provider "ibm" is left out, because many
of its digits lack a stroke: a 4 without its vertical stroke, or only the slash of a slashed zero.
"""

import argparse
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks.paper import INK_COLOURS, PAPERS, Size, draw_light, draw_photo
from benchmarks.sets import draw_strokes, read_json_lines, scale_strokes

# Number of nearest neighbours of a digit, and how many of them must agree with its label.
NEIGHBOUR_COUNT, MIN_AGREEING_NEIGHBOURS = 7, 3
# Minimum number of digits of each label that a writer must have.
MIN_DIGITS_PER_LABEL = 3

# Strokes of the marks, in units of a digit's height; x to the right, y down from the baseline.
PEN_MARKS = {
    ".": [[(0.0, -0.02), (0.02, 0.0), (0.01, 0.02)]],
    ",": [[(0.07, -0.07), (0.07, 0.06), (0.0, 0.2)]],
    "-": [[(0.0, -0.42), (0.34, -0.44)]],
    "/": [[(0.62, -1.2), (0.0, 0.26)]],  # taller and more slanted than a 1
    ":": [[(0.02, -0.6), (0.03, -0.57)], [(0.0, -0.12), (0.01, -0.09)]],
}

# RGB of printed lines, as fractions of the paper's brightness.
PRINT_COLOURS = ((0.25, 0.25, 0.25), (0.55, 0.55, 0.55), (0.4, 0.55, 0.8), (0.9, 0.55, 0.35), (0.4, 0.65, 0.5))

# Printed beside the fields of a form. They contain no digits.
FIELD_NAMES = ("Date of birth", "Account", "Amount", "Postcode", "Telephone", "Customer", "Room", "Total", "Points")

# Bounds of the sides of a picture, pixels, except photos of pages, whose sizes are in benchmarks/paper.py.
MAX_DRAWN_SIDE, MIN_DRAWN_SIDE = 1600, 400

Strokes = list[np.ndarray]


@dataclass(frozen=True)
class Writer:
    """One writer.

    Attributes:
        digits: label -> its digits, each as strokes (N, 2): left edge at x = 0, bottom at y = 0, height about 1.
    """

    digits: dict[str, list[Strokes]]


@dataclass(frozen=True)
class Truth:
    """The true text of a drawn picture, and what of it is scored.

    Attributes:
        text: the lines, separated by a line feed; numbers in a line are separated by a space.
        with_marks: whether marks and spaces are scored in addition to the digits of each line.
        table: rows of cells; where it is given, only the table is scored.
        rotation: degrees by which the picture must be rotated clockwise to be upright: 0, 90, 180 or 270; None where
            the rotation is not scored.
    """

    text: str
    with_marks: bool = False
    table: tuple[tuple[str, ...], ...] | None = None
    rotation: int | None = None


@cache
def load_writers(data: Path) -> tuple[Writer, ...]:
    """Load the writers of dev/pen_digits who have enough legible digits of each label.

    Raises:
        FileNotFoundError: the set is not in the data folder.
    """
    rows = [row for row in read_json_lines(data / "dev/pen_digits.jsonl.gz") if row["provider"] != "ibm"]
    writers = np.array(["/".join(row["file"].split("/")[:3]) for row in rows])  # a folder, or a file next to folders
    labels = np.array([row["label"] for row in rows])
    legible = _is_legible([row["strokes"] for row in rows], labels, writers)
    found = []
    for writer in dict.fromkeys(writers):
        chosen = np.flatnonzero((writers == writer) & legible)
        if np.bincount(labels[chosen], minlength=10).min() >= MIN_DIGITS_PER_LABEL:
            found.append(_build_writer([(str(labels[at]), rows[at]["strokes"]) for at in chosen]))
    return tuple(found)


def draw_number_with_marks(writer: Writer, random: np.random.Generator) -> tuple[np.ndarray, Truth]:
    """Draw one to four lines of numbers with . , - / : inside them, on plain paper, scanned or photographed."""
    lines = [_random_marked_number(random) for _ in range(random.integers(1, 5))]
    if random.random() < 0.3:
        lines = [f"{line} {_random_marked_number(random)}" for line in lines]
    size = (int(random.integers(MIN_DRAWN_SIDE, 1000)), int(random.integers(480, 1400)))
    image = _capture(_write_lines(writer, lines, size, random.uniform(24, 110), random), random)
    return image, Truth("\n".join(lines), with_marks=True)


def draw_table(writer: Writer, random: np.random.Generator) -> tuple[np.ndarray, Truth]:
    """Draw a table of 3x3 to 20x8 numbers of one to four digits: without rules, with horizontal rules, or a grid."""
    rows, columns = (int(np.exp(random.uniform(np.log(3), np.log(highest + 0.99)))) for highest in (20, 8))
    max_digits = random.integers(1, 5, columns)
    cells = [[_random_digits(random, 1, int(count)) for count in max_digits] for _ in range(rows)]
    written = [[_write(writer, cell, random, random.uniform(0.15, 0.25)) for cell in row] for row in cells]
    widths = np.array([[width for _, width in row] for row in written]).max(0)

    # All lengths are in units of a digit's height, until the height is chosen so that the table fits.
    gap, pitch, margin = random.uniform(1.2, 2.5), random.uniform(1.8, 2.6), random.uniform(0.5, 2, 2)
    edges = margin[0] + np.concatenate([[0], np.cumsum(widths + gap)])
    bottom = margin[1] + rows * pitch
    height = min(
        random.uniform(22, 48),
        *(np.array([MAX_DRAWN_SIDE, MAX_DRAWN_SIDE]) / (edges[-1] + margin[0], bottom + margin[1])),
    )
    aligned = random.choice([0, 0.5, 1])
    strokes = []
    for row, line in enumerate(written):
        for column, (cell, width) in enumerate(line):
            left = edges[column] + gap / 2 + aligned * (widths[column] - width) + random.normal(0, 0.08)
            baseline = margin[1] + (row + 0.5) * pitch + 0.5 + random.normal(0, 0.05)
            strokes += [stroke + (left, baseline) for stroke in cell]
    size = tuple(max(MIN_DRAWN_SIDE, int(side * height)) for side in (bottom + margin[1], edges[-1] + margin[0]))
    printed = np.zeros(size, np.uint8)
    rules = random.choice(["none", "rows", "grid"])
    thickness = int(random.integers(1, 3))
    if rules != "none":
        for y in margin[1] + pitch * np.arange(rows + 1):
            _print_line(printed, (edges[0] * height, y * height), (edges[-1] * height, y * height), thickness)
    if rules == "grid":
        for x in edges:
            _print_line(printed, (x * height, margin[1] * height), (x * height, bottom * height), thickness)
    writing = draw_strokes(
        [stroke * height for stroke in strokes], (0, 0), _random_pen_width(height, random), size[::-1]
    )
    text = "\n".join(" ".join(row) for row in cells)
    return _capture(writing, random, printed), Truth(text, table=tuple(map(tuple, cells)))


def draw_form(writer: Writer, random: np.random.Generator) -> tuple[np.ndarray, Truth]:
    """Draw a form of two to six rows of fields, with a printed box or a comb cell for each digit."""
    cell = random.uniform(30, 64, 2) * (1, 1.15)  # width, height
    gap = random.choice([0, 0, random.uniform(0.1, 0.3)]) * cell[0]
    is_comb = random.random() < 0.3
    has_names = random.random() < 0.6
    margin = random.uniform(0.6, 2, 2) * cell
    pitch = random.uniform(1.9, 2.6) * cell[1]
    rows = [_random_fields(random) for _ in range(random.integers(2, 7))]
    row_cells = 1.5 + max(sum(count for _, count in fields) + 1.5 * (len(fields) - 1) for fields in rows)
    size = (int(2 * margin[1] + pitch * len(rows)), int(2 * margin[0] + row_cells * (cell[0] + gap)))
    size = tuple(min(MAX_DRAWN_SIDE, max(MIN_DRAWN_SIDE, side)) for side in size)
    printed, strokes = np.zeros(size, np.uint8), []
    thickness = int(random.integers(1, 4))
    for row, fields in enumerate(rows):
        left, top = margin + (0, row * pitch + 0.5 * cell[1])
        for text, count in fields:
            if has_names:
                name = str(random.choice(FIELD_NAMES))
                at = (round(left), round(top - 0.15 * cell[1]))
                cv2.putText(printed, name, at, cv2.FONT_HERSHEY_SIMPLEX, 0.012 * cell[1], 255, 1, cv2.LINE_AA)
            for position in range(count):
                corner = np.array([left + position * (cell[0] + gap), top])
                _print_cell(printed, corner, cell, is_comb, thickness)
                if position < len(text):
                    strokes += _write_in_cell(writer, text[position], corner, cell, random)
            left += (count + 1.5) * (cell[0] + gap)
    writing = draw_strokes(strokes, (0, 0), _random_pen_width(0.65 * cell[1], random), size[::-1])
    text = "\n".join(" ".join(text for text, _ in fields) for fields in rows)
    return _capture(writing, random, printed), Truth(text)


def draw_turned_page(writer: Writer, random: np.random.Generator) -> tuple[np.ndarray, Truth]:
    """Draw several lines of numbers on plain, ruled or squared paper, photographed and turned by 90, 180 or 270."""
    lines = [
        " ".join(_random_digits(random, 1, 5) for _ in range(random.integers(1, 4)))
        for _ in range(random.integers(3, 9))
    ]
    height, turns = random.uniform(30, 80), int(random.integers(1, 4))
    page = draw_photo(
        lambda size, _: _write_lines(writer, lines, size, height, random), PAPERS[random.integers(len(PAPERS))], random
    )
    # numpy rotates counter-clockwise; the reader must rotate clockwise by the same angle.
    return np.ascontiguousarray(np.rot90(page, turns)), Truth("\n".join(lines), rotation=90 * turns)


def draw_samples(
    draw: Callable[[Writer, np.random.Generator], tuple[np.ndarray, Truth]], count: int, data: Path
) -> Iterator[tuple[np.ndarray, Truth]]:
    """Draw `count` pictures, the same ones in every call, each with a random writer.

    Yields:
        The picture, uint8 (H, W, 3), RGB, and its true text.
    """
    random = np.random.default_rng(12)
    writers = load_writers(data)
    for _ in range(count):
        yield draw(writers[random.integers(len(writers))], random)


DRAWN_SETS: dict[str, Callable[[Path], Iterator[tuple[np.ndarray, Truth]]]] = {
    "drawn numbers with marks": partial(draw_samples, draw_number_with_marks, 100),
    "drawn tables": partial(draw_samples, draw_table, 60),
    "drawn forms": partial(draw_samples, draw_form, 100),
    "drawn turned pages": partial(draw_samples, draw_turned_page, 100),
}


def _is_legible(digits: list[list], labels: np.ndarray, writers: np.ndarray) -> np.ndarray:
    """Return which digits' labels agree with their nearest neighbours among other writers' digits: bool (N,)."""
    vectors = []
    for strokes in digits:
        strokes, extent = scale_strokes(strokes, 80)
        page = cv2.resize(
            255 - draw_strokes(strokes, 48 - extent / 2, 7, (96, 96)), (24, 24), interpolation=cv2.INTER_AREA
        )
        vectors.append(cv2.GaussianBlur(page, (0, 0), 0.8).ravel().astype(np.float32))
    vectors = np.array(vectors) / np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = vectors @ vectors.T
    similarity[writers[:, None] == writers] = -1
    nearest = np.argpartition(-similarity, NEIGHBOUR_COUNT, axis=1)[:, :NEIGHBOUR_COUNT]
    return (labels[nearest] == labels[:, None]).sum(1) >= MIN_AGREEING_NEIGHBOURS


def _build_writer(digits: list[tuple[str, list]]) -> Writer:
    """Build a writer from labels and raw strokes; relative heights are those of the raw strokes, within bounds."""
    heights = [
        np.ptp(np.concatenate([np.reshape(stroke, (-1, 2)) for stroke in strokes])[:, 1]) for _, strokes in digits
    ]
    by_label: dict[str, list[Strokes]] = {}
    for (label, strokes), height in zip(digits, heights):
        ratio = height / np.median(heights)
        relative = float(np.clip(ratio, 0.85, 1.2)) if ratio < 3 else 1.0  # some files use two units of length
        scaled, (_, extent) = scale_strokes(strokes, relative, by_height=True)
        by_label.setdefault(label, []).append([stroke - (0, extent) for stroke in scaled])
    return Writer(by_label)


def _random_digits(random: np.random.Generator, lowest: int, highest: int) -> str:
    """Return a number of `lowest` to `highest` digits, without a leading zero."""
    first = str(random.integers(1, 10))
    return first + "".join(map(str, random.integers(0, 10, random.integers(lowest, highest + 1) - 1)))


def _random_marked_number(random: np.random.Generator) -> str:
    """Return a number with marks as people write it: an amount, a date, a time and others."""
    day, month, year = random.integers(1, 29), random.integers(1, 13), random.integers(1950, 2031)
    kinds = (
        f"{_random_digits(random, 1, 3)}.{random.integers(0, 100):02}",
        f"{_random_digits(random, 1, 2)},{_random_digits(random, 1, 2)}",
        f"{_random_digits(random, 1, 3)},{random.integers(0, 1000):03}",
        f"{_random_digits(random, 1, 2)},{random.integers(0, 1000):03}.{random.integers(0, 100):02}",
        f"-{_random_digits(random, 1, 3)}",
        f"-{_random_digits(random, 1, 2)}.{random.integers(0, 10)}",
        f"{day:02}/{month:02}/{year}",
        f"{day}.{month}.{year}",
        f"{year}-{month:02}-{day:02}",
        f"{random.integers(0, 24)}:{random.integers(0, 60):02}",
        f"{_random_digits(random, 3, 3)}-{_random_digits(random, 4, 4)}",
        f"{_random_digits(random, 1, 2)}/{_random_digits(random, 1, 2)}",
    )
    return str(random.choice(kinds))


def _write(writer: Writer, text: str, random: np.random.Generator, spacing: float) -> tuple[Strokes, float]:
    """Write a text with baseline at y = 0 and left edge at x = 0, in units of a digit's height.

    Returns:
        The strokes, and the width of the text.
    """
    strokes: Strokes = []
    right = -spacing
    for character in text:
        if character == " ":
            right += random.uniform(1.2, 2)
            continue
        if character in string.digits:
            glyph = writer.digits[character][random.integers(len(writer.digits[character]))]
        else:
            glyph = [np.array(stroke) + random.normal(0, 0.015, (len(stroke), 2)) for stroke in PEN_MARKS[character]]
        transform = _rotation_matrix(random.normal(0, 2)) * random.uniform(0.94, 1.06, 2)
        glyph = [stroke @ transform for stroke in glyph]
        x = np.concatenate(glyph)[:, 0]
        shift = right + spacing * random.uniform(0.7, 1.4) - x.min()
        strokes += [stroke + (shift, random.normal(0, 0.02)) for stroke in glyph]
        right = shift + x.max()
    return strokes, right


def _write_lines(
    writer: Writer, lines: list[str], size: Size, height: float, random: np.random.Generator
) -> np.ndarray:
    """Write lines at a random position on a page, with digits of that height, or smaller ones if they don't fit.

    Returns:
        uint8 of `size` (height, width), black on white.
    """
    spacing, pitch = random.uniform(0.16, 0.3), random.uniform(1.7, 2.2)
    written = [_write(writer, line, random, spacing) for line in lines]
    wide, tall = max(width for _, width in written), pitch * len(lines)
    height = min(height, 0.88 * size[1] / wide, 0.88 * size[0] / tall)
    free = np.array([size[1] / height - wide, size[0] / height - tall])
    corner = random.uniform(0.25, 0.75, 2) * free
    strokes = []
    for row, (line, _) in enumerate(written):
        start = corner + (random.uniform(0, 0.3), (row + 0.5) * pitch + 0.5)
        strokes += [stroke + start for stroke in line]
    centre, transform = corner + (wide / 2, tall / 2), _rotation_matrix(random.normal(0, 0.8))
    strokes = [((stroke - centre) @ transform + centre) * height for stroke in strokes]
    return draw_strokes(strokes, (0, 0), _random_pen_width(height, random), size[::-1])


def _random_fields(random: np.random.Generator) -> list[tuple[str, int]]:
    """Return one or two fields of a form's row, each as its digits and its number of cells."""
    fields: list[tuple[str, int]] = []
    for _ in range(1 + (random.random() < 0.3)):
        count = int(random.integers(2, 6 if fields else 11))
        filled = count if random.random() < 0.7 else int(random.integers(1, count + 1))
        fields.append(("".join(map(str, random.integers(0, 10, filled))), count))
    return fields if sum(count for _, count in fields) <= 12 else fields[:1]


def _write_in_cell(
    writer: Writer, label: str, corner: np.ndarray, cell: np.ndarray, random: np.random.Generator
) -> Strokes:
    """Return the strokes of a digit in a cell, given by its upper left corner and size, in pixels."""
    (strokes, width) = _write(writer, label, random, 0)
    height = min(random.uniform(0.5, 0.72) * cell[1], 0.8 * cell[0] / max(width, 0.1))
    middle = corner + cell * (0.5 + random.normal(0, 0.05), 0.52 + random.normal(0, 0.05))
    return [stroke * height + middle + (-width * height / 2, height / 2) for stroke in strokes]


def _print_cell(printed: np.ndarray, corner: np.ndarray, cell: np.ndarray, is_comb: bool, thickness: int) -> None:
    """Print a box, or a comb cell, given by its upper left corner and size, in pixels."""
    left, top = corner
    right, bottom = corner + cell
    teeth = top + 0.65 * cell[1] if is_comb else top
    lines = [((left, bottom), (right, bottom)), ((left, teeth), (left, bottom)), ((right, teeth), (right, bottom))]
    for start, end in lines if is_comb else [*lines, ((left, top), (right, top))]:
        _print_line(printed, start, end, thickness)


def _print_line(printed: np.ndarray, start: Sequence[float], end: Sequence[float], thickness: int) -> None:
    """Print a line."""
    cv2.line(printed, [round(float(x)) for x in start], [round(float(x)) for x in end], 255, thickness, cv2.LINE_AA)


def _random_pen_width(height: float, random: np.random.Generator) -> float:
    """Return a stroke width for digits of that height, pixels."""
    return max(1.0, height * random.uniform(0.04, 0.1))


def _rotation_matrix(degrees: float) -> np.ndarray:
    """Return the matrix that rotates row vectors (x, y)."""
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _capture(writing: np.ndarray, random: np.random.Generator, printed: np.ndarray | None = None) -> np.ndarray:
    """Draw a scan or photo of writing on plain paper.

    Args:
        writing: uint8 (H, W), black on white.
        random: random generator.
        printed: uint8 (H, W), bright where lines are printed on the paper.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    height, width = writing.shape
    is_photo = random.random() < 0.6
    page = np.full((height, width, 3), random.uniform(150, 240) if is_photo else random.uniform(225, 255))
    page *= random.uniform(0.93, 1, 3)
    masks = [(255 - writing, INK_COLOURS[random.integers(len(INK_COLOURS))], random.uniform(0.75, 1))]
    if printed is not None:
        masks.insert(0, (printed, PRINT_COLOURS[random.integers(len(PRINT_COLOURS))], random.uniform(0.5, 1)))
    rotation_matrix = cv2.getRotationMatrix2D((width / 2, height / 2), random.normal(0, 0.7), 1)
    for mask, colour, strength in masks:
        mask = cv2.warpAffine(mask, rotation_matrix, (width, height), flags=cv2.INTER_LINEAR)[..., None] / 255
        page *= 1 - strength * mask * (1 - np.array(colour))
    if is_photo:
        page *= draw_light((height, width), random)[..., None]
        page = cv2.GaussianBlur(page, (0, 0), random.uniform(0.4, 1.1))
        page += random.normal(0, random.uniform(1, 5), (height, width, 1))
    return page.clip(0, 255).astype(np.uint8)


def save_preview(file: Path, data: Path, count: int = 6, side: int = 420) -> None:
    """Save a contact sheet with one row per set."""
    sheet = np.full((side * len(DRAWN_SETS), side * count, 3), 127, np.uint8)
    for row, pictures in enumerate(DRAWN_SETS.values()):
        for column, (image, _) in zip(range(count), pictures(data)):
            zoom = (side - 6) / max(image.shape[:2])
            small = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
            sheet[row * side :, column * side :][: small.shape[0], : small.shape[1]] = small
    cv2.imwrite(str(file), sheet[..., ::-1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", type=Path, help="the contact sheet, a picture file")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with dev/")
    args = parser.parse_args()
    save_preview(args.file, args.data)

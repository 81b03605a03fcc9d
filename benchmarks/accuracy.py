"""Measure the reader's accuracy, from image to text: python -m benchmarks.accuracy [--data DIR]

One row per set (see sets.py and drawn.py). The columns:

- exactly right: the digits of every line are correct, whatever marks or spaces are between them. For drawn numbers
  with marks the marks and spaces count as well, for drawn tables the rows of cells, for drawn turned pages the
  rotation.
- largest right: the largest digit is correct; only for sets of single digits.
- nothing found: no digit was found.
- characters wrong: edit distance to the true text, as a fraction of its characters; of digits and line ends only,
  unless marks count.
- vouched for: the reading is certain. For images without a digit: any number or digit is certain.
- vouched for and wrong: as a fraction of all images. For images without a digit: vouched for.
- right ones vouched for: certain and correct, as a fraction of all correct readings.
- calibration error: expected calibration error of the largest digit.

Then the accuracy on the corruptions of corruptions.py, and how well certainty separates digits from other symbols.
"""

import argparse
import re
import statistics
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from tqdm import tqdm

from benchmarks.corruptions import CORRUPTIONS
from benchmarks.drawn import DRAWN_SETS, Truth
from benchmarks.sets import SETS, Sample, mnist_frames
from benchmarks.tables import measured_with, show
from digits import Digit, DigitReader, Reading
from digits.classifier import DEFAULT_MODEL
from digits.images import load_pixels
from digits.pages import DEFAULT_PAGE_MODEL
from training.calibration import expected_calibration_error
from training.report import ACCURACY_TABLE, write_model_card

TABLE_HEADER = (
    "| set | images | exactly right | largest right | nothing found | characters wrong | vouched for "
    "| vouched for and wrong | right ones vouched for | calibration error | ms an image |"
    "\n|---|---|---|---|---|---|---|---|---|---|---|"
)

# Number of images that each corruption is applied to.
CORRUPTED_IMAGE_COUNT = 1000

# The true text of an image; None where there is no digit.
Text = str | Truth | None


def main() -> None:
    """Measure the selected sets and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="measure only sets whose name contains this")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with mnist.npz and dev/")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument(
        "--save",
        type=Path,
        metavar="FILE",
        help="also write the tables to this file; benchmarks/accuracy.md updates the model card as well",
    )
    parser.add_argument("--worst", type=int, metavar="N", help="draw N wrong readings of every set into runs/")
    args = parser.parse_args()

    reader = DigitReader(args.model)
    lines, table_sentence = [TABLE_HEADER], ""
    missing_sets: list[str] = []
    certainties: dict[str, np.ndarray] = {}
    for name, samples_of in {**SETS, **DRAWN_SETS}.items():
        if args.only not in name:
            continue
        try:
            readings, texts, milliseconds = read_set(reader, tqdm(samples_of(args.data), name, leave=False))
        except FileNotFoundError:
            missing_sets.append(name)
            continue
        lines.append(table_row(name, readings, texts, milliseconds))
        certainties[name] = np.array([lowest_certainty(reading) for reading in readings])
        if name == "drawn tables":
            table_sentence = describe_table_accuracy(readings, texts)
        if (
            args.worst and texts[0] is not None and not name.endswith("(count)")
        ):  # pictures of these sets must not be looked at
            sheet = Path("runs") / f"mistakes-{name.replace('/', '-')}.png"
            draw_mistakes(sheet, samples_of(args.data), readings, args.worst)
    if "MNIST test" in certainties:
        lines += ["", f"MNIST's first {CORRUPTED_IMAGE_COUNT} test images, corrupted, exactly right:", ""]
        lines += corruption_table(reader, args.data)
    if {"dev/single", "dev/not_digits"} <= set(certainties):
        area = area_under_roc(certainties["dev/single"], certainties["dev/not_digits"])
        lines += ["", f"dev/not_digits against dev/single, by certainty: area under the ROC curve {area:.3f}"]
    if table_sentence:
        lines += ["", table_sentence]
    if missing_sets:
        lines += ["", f"Left out, not found in the data folder: {', '.join(missing_sets)}."]
    show([*lines, "", measured_with(args.model, DEFAULT_PAGE_MODEL)], args.save)
    if args.save and args.save.resolve() == ACCURACY_TABLE:
        write_model_card(DEFAULT_MODEL.parent)


def read_set(reader: DigitReader, samples: Iterable[tuple[object, Text]]) -> tuple[list[Reading], list[Text], float]:
    """Read a set, without holding all images in memory.

    Returns:
        Readings, true texts, and milliseconds per image without the time to load or draw it.
    """
    texts: list[Text] = []
    loading_seconds = 0.0

    def images() -> Iterator[object]:
        nonlocal loading_seconds
        resumed = time.perf_counter()
        for image, text in samples:
            loading_seconds += time.perf_counter() - resumed
            texts.append(text)
            yield image
            resumed = time.perf_counter()

    started = time.perf_counter()
    readings = list(reader.read_many(images()))
    return readings, texts, 1000 * (time.perf_counter() - started - loading_seconds) / len(texts)


def table_row(name: str, readings: list[Reading], texts: list[Text], milliseconds: float) -> str:
    """Return a set's row of the table. Either all of its images have digits, or none."""
    nothing_found = statistics.mean(not reading.digits for reading in readings)
    exact = largest = characters = right_vouched = calibration = ""
    if texts[0] is None:
        vouched = wrong = statistics.mean(has_certain_part(reading) for reading in readings)
    else:
        right = np.array([is_right(reading, text) for reading, text in zip(readings, texts)])
        certain = np.array([reading.certain for reading in readings])
        exact, vouched, wrong = f"{right.mean():.2%}", certain.mean(), (certain & ~right).mean()
        right_vouched = f"{certain[right].mean():.2%}" if right.any() else ""
        pairs = [compared_texts(reading, text) for reading, text in zip(readings, texts)]
        characters = f"{character_error(pairs):.2%}"
        if all(isinstance(text, str) and len(text) == 1 for text in texts):
            found = [(largest_digit(reading), text) for reading, text in zip(readings, texts) if reading.digits]
            is_same = np.array([digit.label == text for digit, text in found])
            confidence = np.array([digit.probability for digit, _ in found])
            largest = f"{is_same.sum() / len(texts):.2%}"
            calibration = f"{expected_calibration_error(confidence, is_same):.4f}"
    shares = (
        exact,
        largest,
        f"{nothing_found:.2%}",
        characters,
        f"{vouched:.2%}",
        f"{wrong:.2%}",
        right_vouched,
        calibration,
    )
    return f"| {' | '.join(map(str, (name, len(texts), *shares)))} | {milliseconds:.1f} |"


def is_right(reading: Reading, text: str | Truth) -> bool:
    """Return whether everything that is scored of an image was read correctly."""
    if isinstance(text, Truth) and text.table is not None:
        return rows_of_cells(reading) == list(text.table)
    if isinstance(text, Truth) and text.rotation not in (None, reading.rotation):
        return False
    actual, truth = compared_texts(reading, text)
    return actual == truth


def compared_texts(reading: Reading, text: str | Truth) -> tuple[str, str]:
    """Return the text that was read and the true text, reduced to what is scored."""
    if isinstance(text, Truth):
        if text.with_marks:
            return reading.text, text.text
        text = text.text
    return digit_lines(reading.text), digit_lines(text)


def digit_lines(text: str) -> str:
    """Return the digits of each line, without marks, spaces and lines that have no digit."""
    lines = (re.sub(r"[^0-9]", "", line) for line in text.split("\n"))
    return "\n".join(filter(None, lines))


def character_error(pairs: Iterable[tuple[str, str]]) -> float:
    """Return the sum of all pairs' edit distances, as a fraction of all true characters.

    Args:
        pairs: the text read and the true text, each.
    """
    pairs = list(pairs)
    return sum(edit_distance(actual, truth) for actual, truth in pairs) / sum(len(truth) for _, truth in pairs)


def has_certain_part(reading: Reading) -> bool:
    """Return whether any number or digit is certain."""
    return any(part.certain for part in (*reading.numbers, *reading.digits))


def rows_of_cells(reading: Reading) -> list[tuple[str, ...]]:
    """Return the rows of the reading's table; none where it has no table."""
    return [tuple(row) for row in reading.table or ()]


def describe_table_accuracy(readings: list[Reading], truths: list[Truth]) -> str:
    """Return a sentence with the fraction of tables with correct rows and columns, and that of correct cells."""
    shapes, cells = [], []
    for reading, truth in zip(readings, truths):
        rows = rows_of_cells(reading)
        shapes.append([len(row) for row in rows] == [len(row) for row in truth.table])
        for y, true_row in enumerate(truth.table):
            cells += [y < len(rows) and rows[y][x : x + 1] == (cell,) for x, cell in enumerate(true_row)]
    return (
        f"Drawn tables: {statistics.mean(shapes):.1%} have the right rows and columns, "
        f"and {statistics.mean(cells):.2%} of all {len(cells):,} cells are right."
    )


def corruption_table(reader: DigitReader, data: Path, count: int = CORRUPTED_IMAGE_COUNT) -> Iterator[str]:
    """Yield the lines of the table of corruptions, measured on MNIST's first `count` test images."""
    samples: list[Sample] = [sample for sample, _ in zip(mnist_frames(data), range(count))]
    yield "| corruption | exactly right |\n|---|---|"
    rates = []
    for name, corrupt in tqdm(CORRUPTIONS.items(), "corruptions", leave=False):
        random = np.random.default_rng(0)
        readings = reader.read_many(corrupt(image, random) for image, _ in samples)
        rates.append(statistics.mean(is_right(reading, text) for reading, (_, text) in zip(readings, samples)))
        yield f"| {name} | {rates[-1]:.1%} |"
    yield f"| **mean** | **{statistics.mean(rates):.1%}** |"


def lowest_certainty(reading: Reading) -> float:
    """Return the certainty of the least certain digit; 0 where none was found."""
    return min((digit.certainty for digit in reading.digits), default=0.0)


def area_under_roc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Return the probability that a positive outranks a negative, with ties counted half (Mann-Whitney U)."""
    negative = np.sort(negative)
    below = np.searchsorted(negative, positive, "left") + np.searchsorted(negative, positive, "right")
    return float(below.mean() / 2 / len(negative))


def edit_distance(actual: str, truth: str) -> int:
    """Return the Levenshtein distance: the number of insertions, deletions and replacements."""
    previous = list(range(len(truth) + 1))
    for i, character in enumerate(actual, 1):
        current = [i]
        for j, true_character in enumerate(truth, 1):
            current.append(min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (character != true_character)))
        previous = current
    return previous[-1]


def draw_mistakes(path: Path, samples: Iterable[tuple[object, Text]], readings: list[Reading], count: int) -> None:
    """Draw a contact sheet of wrong readings: image, true text, text read, and the digit network's crops."""
    wrong = ((image, text, reading) for (image, text), reading in zip(samples, readings) if not is_right(reading, text))
    cell_side, columns = 170, 10  # cell_side in pixels
    shown = list(islice(wrong, count))
    sheet = Image.new("RGB", (cell_side * columns, (cell_side + 50) * max(1, -(-len(shown) // columns))), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (image, text, reading) in enumerate(shown):
        left, top = cell_side * (index % columns), (cell_side + 50) * (index // columns)
        pixels, size = load_pixels(image)
        picture = Image.fromarray(pixels)
        scale = max(picture.size) / max(size)
        boxes, width = ImageDraw.Draw(picture), max(1, picture.width // 150)
        for digit in reading.digits:
            boxes.rectangle([round(side * scale) for side in digit.box], outline="red", width=width)
        zoom = (cell_side - 8) / max(picture.size)
        picture = picture.resize([max(1, round(side * zoom)) for side in picture.size])
        sheet.paste(picture, (left + 4, top))
        actual, truth = compared_texts(reading, text)
        draw.text((left + 4, top + cell_side - 8), f"{truth!r} read {actual!r}"[:30], fill="red")
        for number, digit in enumerate(reading.digits[:5]):
            frame = Image.fromarray(np.uint8(255 - 255 * digit.frame))
            sheet.paste(frame, (left + 4 + 32 * number, top + cell_side + 8))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def largest_digit(reading: Reading) -> Digit:
    """Return the digit with the largest box."""

    def area(digit: Digit) -> int:
        left, top, right, bottom = digit.box
        return (right - left) * (bottom - top)

    return max(reading.digits, key=area)


if __name__ == "__main__":
    main()

"""Measure how often the reader is right, from image to text: python -m benchmarks.accuracy [--data DIR]

One row a set (see sets.py and drawn.py). The columns:

- exactly right: the digits of every line are as written, whatever marks or spaces stand between them. Of drawn numbers
  with marks the marks and spaces count as well, of drawn tables the rows of cells, of drawn turned pages the rotation.
- largest right: the largest digit is as written; sets of single digits only.
- nothing found: no digit was found.
- characters wrong: edit distance to the true text, as a part of its characters; of digits and line ends alone, unless
  marks count.
- vouched for: the reading is certain. Where there is no digit: any number or digit is certain.
- vouched for and wrong: as a part of all images. Where there is no digit: vouched for.
- right ones vouched for: certain and right, as a part of all that are right.
- calibration error: expected calibration error of the largest digit.

Then the corruptions of corruptions.py, and how well certainty tells digits from other symbols.
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
from training.report import ACCURACY, write_model_card

HEAD = (
    "| set | images | exactly right | largest right | nothing found | characters wrong | vouched for "
    "| vouched for and wrong | right ones vouched for | calibration error | ms an image |"
    "\n|---|---|---|---|---|---|---|---|---|---|---|"
)

# Images that each corruption is tried on.
CORRUPTED = 1000

# What an image says; None where there is no digit.
Text = str | Truth | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="measure only sets whose name contains this")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with mnist.npz and dev/")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument(
        "--save",
        type=Path,
        metavar="FILE",
        help="write the tables there as well; benchmarks/accuracy.md also brings the model card up to date",
    )
    parser.add_argument("--worst", type=int, metavar="N", help="draw N mistakes of every set into runs/")
    args = parser.parse_args()

    reader = DigitReader(args.model)
    lines, absent, certainties, table_parts = [HEAD], [], {}, ""
    for name, samples_of in {**SETS, **DRAWN_SETS}.items():
        if args.only not in name:
            continue
        try:
            readings, texts, milliseconds = read_set(reader, tqdm(samples_of(args.data), name, leave=False))
        except FileNotFoundError:
            absent.append(name)
            continue
        lines.append(row(name, readings, texts, milliseconds))
        certainties[name] = np.array([certainty(reading) for reading in readings])
        if name == "drawn tables":
            table_parts = tables_right_in_part(readings, texts)
        if args.worst and texts[0] is not None and not name.endswith("(count)"):  # those are never looked at
            sheet = Path("runs") / f"mistakes-{name.replace('/', '-')}.png"
            draw_mistakes(sheet, samples_of(args.data), readings, args.worst)
    if "MNIST test" in certainties:
        lines += ["", f"MNIST's first {CORRUPTED} test images, corrupted, exactly right:", ""]
        lines += corruption_table(reader, args.data)
    if {"dev/single", "dev/not_digits"} <= set(certainties):
        area = area_under_roc(certainties["dev/single"], certainties["dev/not_digits"])
        lines += ["", f"dev/not_digits against dev/single, by certainty: area under the ROC curve {area:.3f}"]
    if table_parts:
        lines += ["", table_parts]
    if absent:
        lines += ["", f"Left out, not found in the data folder: {', '.join(absent)}."]
    show([*lines, "", measured_with(args.model, DEFAULT_PAGE_MODEL)], args.save)
    if args.save and args.save.resolve() == ACCURACY:
        write_model_card(DEFAULT_MODEL.parent)


def read_set(reader: DigitReader, samples: Iterable[tuple[object, Text]]) -> tuple[list[Reading], list[Text], float]:
    """Readings, true texts, and milliseconds an image, without those that making it took; holds few images at once."""
    texts: list[Text] = []
    elsewhere = 0.0

    def images() -> Iterator[object]:
        nonlocal elsewhere
        left = time.perf_counter()
        for image, text in samples:
            elsewhere += time.perf_counter() - left
            texts.append(text)
            yield image
            left = time.perf_counter()

    began = time.perf_counter()
    readings = list(reader.read_many(images()))
    return readings, texts, 1000 * (time.perf_counter() - began - elsewhere) / len(texts)


def row(name: str, readings: list[Reading], texts: list[Text], milliseconds: float) -> str:
    """Return one row of the table. A set has digits in all of its images, or in none."""
    none = statistics.mean(not reading.digits for reading in readings)
    exact = largest = characters = right_vouched = calibration = ""
    if texts[0] is None:
        vouched = wrong = statistics.mean(vouches_for_anything(reading) for reading in readings)
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
    shares = (exact, largest, f"{none:.2%}", characters, f"{vouched:.2%}", f"{wrong:.2%}", right_vouched, calibration)
    return f"| {' | '.join(map(str, (name, len(texts), *shares)))} | {milliseconds:.1f} |"


def is_right(reading: Reading, text: str | Truth) -> bool:
    """Tell whether all that is scored of an image was read as it is."""
    if isinstance(text, Truth) and text.table is not None:
        return rows_of_cells(reading) == list(text.table)
    if isinstance(text, Truth) and text.rotation not in (None, reading.rotation):
        return False
    ours, truth = compared_texts(reading, text)
    return ours == truth


def compared_texts(reading: Reading, text: str | Truth) -> tuple[str, str]:
    """Return the text that was read and the true one, without what is not scored."""
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
    """Return the edit distances of all pairs (ours, truth), as a part of all characters of the truths."""
    pairs = list(pairs)
    return sum(edit_distance(ours, truth) for ours, truth in pairs) / sum(len(truth) for _, truth in pairs)


def vouches_for_anything(reading: Reading) -> bool:
    return any(part.certain for part in (*reading.numbers, *reading.digits))


def rows_of_cells(reading: Reading) -> list[tuple[str, ...]]:
    return [tuple(row) for row in reading.table or ()]


def tables_right_in_part(readings: list[Reading], truths: list[Truth]) -> str:
    """Return a sentence: how many tables have the right rows and columns, and how many cells of all are right."""
    shapes, cells = [], []
    for reading, truth in zip(readings, truths):
        ours = rows_of_cells(reading)
        shapes.append([len(row) for row in ours] == [len(row) for row in truth.table])
        for y, true_row in enumerate(truth.table):
            cells += [y < len(ours) and ours[y][x : x + 1] == (cell,) for x, cell in enumerate(true_row)]
    return (
        f"Drawn tables: {statistics.mean(shapes):.1%} have the right rows and columns, "
        f"and {statistics.mean(cells):.2%} of all {len(cells):,} cells are right."
    )


def corruption_table(reader: DigitReader, data: Path, count: int = CORRUPTED) -> Iterator[str]:
    """Line by line, over MNIST's first `count` test images."""
    samples: list[Sample] = [sample for sample, _ in zip(mnist_frames(data), range(count))]
    yield "| corruption | exactly right |\n|---|---|"
    rates = []
    for name, corrupt in tqdm(CORRUPTIONS.items(), "corruptions", leave=False):
        random = np.random.default_rng(0)
        readings = reader.read_many(corrupt(image, random) for image, _ in samples)
        rates.append(statistics.mean(is_right(reading, text) for reading, (_, text) in zip(readings, samples)))
        yield f"| {name} | {rates[-1]:.1%} |"
    yield f"| **mean** | **{statistics.mean(rates):.1%}** |"


def certainty(reading: Reading) -> float:
    """That of its least certain digit; 0 where none was found."""
    return min((digit.certainty for digit in reading.digits), default=0.0)


def area_under_roc(positive: np.ndarray, negative: np.ndarray) -> float:
    """How often a positive outranks a negative, ties counted half (Mann and Whitney's U)."""
    negative = np.sort(negative)
    below = np.searchsorted(negative, positive, "left") + np.searchsorted(negative, positive, "right")
    return float(below.mean() / 2 / len(negative))


def edit_distance(ours: str, truth: str) -> int:
    """Levenshtein's distance: insertions, deletions and replacements."""
    previous = list(range(len(truth) + 1))
    for i, mine in enumerate(ours, 1):
        current = [i]
        for j, theirs in enumerate(truth, 1):
            current.append(min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (mine != theirs)))
        previous = current
    return previous[-1]


def draw_mistakes(path: Path, samples, readings: list[Reading], count: int) -> None:
    """A contact sheet: each wrongly read image, its text and ours, and the frames that the network saw."""
    wrong = ((image, text, reading) for (image, text), reading in zip(samples, readings) if not is_right(reading, text))
    cell, columns = 170, 10
    shown = list(islice(wrong, count))
    sheet = Image.new("RGB", (cell * columns, (cell + 50) * max(1, -(-len(shown) // columns))), "white")
    draw = ImageDraw.Draw(sheet)
    for place, (image, text, reading) in enumerate(shown):
        left, top = cell * (place % columns), (cell + 50) * (place // columns)
        pixels, size = load_pixels(image)
        picture = Image.fromarray(pixels)
        scale = max(picture.size) / max(size)
        boxes, width = ImageDraw.Draw(picture), max(1, picture.width // 150)
        for digit in reading.digits:
            boxes.rectangle([round(side * scale) for side in digit.box], outline="red", width=width)
        zoom = (cell - 8) / max(picture.size)
        picture = picture.resize([max(1, round(side * zoom)) for side in picture.size])
        sheet.paste(picture, (left + 4, top))
        ours, truth = compared_texts(reading, text)
        draw.text((left + 4, top + cell - 8), f"{truth!r} read {ours!r}"[:30], fill="red")
        for number, digit in enumerate(reading.digits[:5]):
            frame = Image.fromarray(np.uint8(255 - 255 * digit.frame))
            sheet.paste(frame, (left + 4 + 32 * number, top + cell + 8))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def largest_digit(reading: Reading) -> Digit:
    def area(digit: Digit) -> int:
        left, top, right, bottom = digit.box
        return (right - left) * (bottom - top)

    return max(reading.digits, key=area)


if __name__ == "__main__":
    main()

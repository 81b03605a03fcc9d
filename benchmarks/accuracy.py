"""How often the reader is right, over the whole road: python -m benchmarks.accuracy [--data DIR]

One row a set (see sets.py): images, how many were read exactly right (one image, the very text), how many have their
largest digit right, in how many nothing was found, the rate of characters wrong, how many readings are certain, how
many of all are certain and right, and the expected calibration error of the largest digit. Then the corruptions of
corruptions.py, and how well certainty tells digits from what is none.
"""

import argparse
import statistics
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from tqdm import tqdm

from benchmarks.corruptions import CORRUPTIONS
from benchmarks.sets import SETS, Sample, mnist_frames
from benchmarks.tables import measured_with, show
from digits import Digit, DigitReader, Reading
from digits.classifier import DEFAULT_MODEL
from digits.images import load_pixels
from training.calibration import expected_calibration_error
from training.report import ACCURACY, write_model_card

HEAD = (
    "| set | images | exactly right | largest right | nothing found | characters wrong | certain | certain and right "
    "| calibration error | ms an image |\n|---|---|---|---|---|---|---|---|---|---|"
)

# Images that each corruption is tried on.
CORRUPTED = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
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
    lines, absent, certainties = [HEAD], [], {}
    for name, samples_of in SETS.items():
        try:
            readings, texts, milliseconds = read_set(reader, tqdm(samples_of(args.data), name, leave=False))
        except FileNotFoundError:
            absent.append(name)
            continue
        lines.append(row(name, readings, texts, milliseconds))
        certainties[name] = np.array([certainty(reading) for reading in readings])
        if args.worst and texts[0] is not None:
            sheet = Path("runs") / f"mistakes-{name.replace('/', '-')}.png"
            draw_mistakes(sheet, samples_of(args.data), readings, args.worst)
    if "MNIST test" not in absent:
        lines += ["", f"MNIST's first {CORRUPTED} test images, corrupted, exactly right:", ""]
        lines += corruption_table(reader, args.data)
    if {"dev/single", "dev/not_digits"} <= set(certainties):
        area = area_under_roc(certainties["dev/single"], certainties["dev/not_digits"])
        lines += ["", f"dev/not_digits against dev/single, by certainty: area under the ROC curve {area:.3f}"]
    if absent:
        lines += ["", f"Left out, not found in the data folder: {', '.join(absent)}."]
    show([*lines, "", measured_with(args.model)], args.save)
    if args.save and args.save.resolve() == ACCURACY:
        write_model_card(DEFAULT_MODEL.parent)


def read_set(reader: DigitReader, samples: Iterable[Sample]) -> tuple[list[Reading], list[str | None], float]:
    """Readings, true texts, and milliseconds an image, without those that making it took; holds few images at once."""
    texts: list[str | None] = []
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


def row(name: str, readings: list[Reading], texts: list[str | None], milliseconds: float) -> str:
    count = len(texts)
    certain = statistics.mean(reading.certain for reading in readings)
    none = statistics.mean(not reading.digits for reading in readings)
    exact = largest = characters = both = calibration = ""
    if texts[0] is not None:
        exact = f"{statistics.mean(reading.text == text for reading, text in zip(readings, texts)):.2%}"
        both = (
            f"{statistics.mean(reading.certain and reading.text == text for reading, text in zip(readings, texts)):.2%}"
        )
        wrong = sum(edit_distance(reading.text, text) for reading, text in zip(readings, texts))
        characters = f"{wrong / sum(map(len, texts)):.2%}"
        if max(map(len, texts)) == 1:
            found = [(largest_digit(reading), text) for reading, text in zip(readings, texts) if reading.digits]
            right = np.array([digit.label == text for digit, text in found])
            confidence = np.array([digit.probability for digit, _ in found])
            largest = f"{right.sum() / count:.2%}"
            calibration = f"{expected_calibration_error(confidence, right):.4f}"
    cells = (name, count, exact, largest, f"{none:.2%}", characters, f"{certain:.2%}", both, calibration)
    return f"| {' | '.join(map(str, cells))} | {milliseconds:.1f} |"


def corruption_table(reader: DigitReader, data: Path, count: int = CORRUPTED) -> Iterator[str]:
    """Line by line, over MNIST's first `count` test images."""
    samples: list[Sample] = [sample for sample, _ in zip(mnist_frames(data), range(count))]
    yield "| corruption | exactly right |\n|---|---|"
    rates = []
    for name, corrupt in tqdm(CORRUPTIONS.items(), "corruptions", leave=False):
        random = np.random.default_rng(0)
        readings = reader.read_many(corrupt(image, random) for image, _ in samples)
        rates.append(statistics.mean(reading.text == text for reading, (_, text) in zip(readings, samples)))
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
    wrong = ((image, text, reading) for (image, text), reading in zip(samples, readings) if reading.text != text)
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
        draw.text((left + 4, top + cell - 8), f"{text!r} read {reading.text!r}"[:30], fill="red")
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

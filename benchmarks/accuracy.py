"""How often the reader is right, over the whole road: python -m benchmarks.accuracy [--data DIR]

One row a set (see sets.py): images, how many were read exactly right (one image, the very text), how many have their
largest digit right, in how many nothing was found, and the rate of characters wrong.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from tqdm import tqdm

from benchmarks.sets import SETS
from digits import DigitReader, Reading
from digits.classifier import DEFAULT_MODEL
from digits.images import load_pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with mnist.npz and dev/")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--only", nargs="+", metavar="SET", choices=list(SETS), default=list(SETS))
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the table there as well")
    parser.add_argument("--worst", type=int, metavar="N", help="draw N mistakes of every set into runs/")
    args = parser.parse_args()

    reader = DigitReader(args.model)
    lines = [
        "| set | images | exactly right | largest right | nothing found | characters wrong | certain | ms an image |",
        "|---|---|---|---|---|---|---|---|",
    ]
    absent = []
    for name in args.only:
        try:
            samples = list(SETS[name](args.data))
        except FileNotFoundError:
            absent.append(name)
            continue
        began = time.perf_counter()
        readings = list(reader.read_many(tqdm((image for image, _ in samples), name, len(samples), leave=False)))
        milliseconds = 1000 * (time.perf_counter() - began) / len(samples)
        texts = [text for _, text in samples]
        lines.append(row(name, readings, texts, milliseconds))
        if args.worst:
            draw_mistakes(Path("runs") / f"mistakes-{name.replace('/', '-')}.png", samples, readings, args.worst)
    if absent:
        lines += ["", f"Left out, not found in the data folder: {', '.join(absent)}."]
    table = "\n".join(lines)
    print(table)
    if args.save:
        args.save.parent.mkdir(parents=True, exist_ok=True)
        args.save.write_text(table + "\n")


def row(name: str, readings: list[Reading], texts: list[str | None], milliseconds: float) -> str:
    count = len(texts)
    certain = sum(reading.certain for reading in readings) / count
    if texts[0] is None:
        return f"| {name} | {count} | | | {_none(readings):.2%} | | {certain:.2%} | {milliseconds:.1f} |"
    exact = sum(reading.text == text for reading, text in zip(readings, texts)) / count
    largest = sum(_largest(reading) in text for reading, text in zip(readings, texts)) / count
    wrong = sum(edit_distance(reading.text, text) for reading, text in zip(readings, texts))
    characters = sum(map(len, texts))
    return (
        f"| {name} | {count} | {exact:.2%} | {largest:.2%} | {_none(readings):.2%} | {wrong / characters:.2%} "
        f"| {certain:.2%} | {milliseconds:.1f} |"
    )


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
    wrong = [(image, text, reading) for (image, text), reading in zip(samples, readings) if reading.text != text]
    cell, columns = 170, 10
    shown = wrong[:count]
    sheet = Image.new("RGB", (cell * columns, (cell + 50) * max(1, -(-len(shown) // columns))), "white")
    draw = ImageDraw.Draw(sheet)
    for place, (image, text, reading) in enumerate(shown):
        left, top = cell * (place % columns), (cell + 50) * (place // columns)
        pixels, scale = load_pixels(image)
        picture = Image.fromarray(pixels)
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


def _largest(reading: Reading) -> str:
    def area(digit):
        left, top, right, bottom = digit.box
        return (right - left) * (bottom - top)

    return max(reading.digits, key=area).label if reading.digits else "none"


def _none(readings: list[Reading]) -> float:
    return statistics.mean(not reading.digits for reading in readings)


if __name__ == "__main__":
    main()

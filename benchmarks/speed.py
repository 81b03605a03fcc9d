"""How long reading takes, stage by stage, on one core: python -m benchmarks.speed [--save FILE]

Medians over many runs of one process, beside the most that each picture may take. Then a cold start, from a new process
to its answer; and folders of files, read on one core and on all.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.tables import measured_with, show
from digits import DigitReader, Reading
from digits.classifier import DEFAULT_MODEL, Classifier
from digits.crops import crop
from digits.images import load_pixels
from digits.layout import DIGITS, Symbol, arrange
from digits.pages import DEFAULT_PAGE_MODEL, PageNetwork
from digits.parallel.cores import ReaderPool, read_files

RUNS = 300
RUNS_OF_A_PAGE = 40
STARTS = 5

# Strokes through points of a unit box, x to the right and y down.
STROKES = {
    "0": [(0.5, 0), (0.15, 0.25), (0.15, 0.75), (0.5, 1), (0.85, 0.75), (0.85, 0.25), (0.5, 0)],
    "1": [(0.5, 0), (0.48, 1)],
    "2": [(0.15, 0.2), (0.45, 0), (0.8, 0.2), (0.7, 0.5), (0.1, 1), (0.9, 1)],
    "4": [(0.3, 0), (0.1, 0.6), (0.9, 0.6), (0.7, 0.6), (0.75, 0.2), (0.66, 1)],
    "5": [(0.85, 0), (0.25, 0), (0.2, 0.45), (0.6, 0.4), (0.85, 0.65), (0.7, 0.95), (0.15, 0.95)],
    "7": [(0.1, 0), (0.9, 0), (0.4, 1)],
    ".": [(0.45, 0.97), (0.5, 1)],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the tables there as well")
    args = parser.parse_args()

    cv2.setNumThreads(1)
    lines = [
        "| image | digits found | decode | page network | crops | digit network | layout | read() | after decoding "
        "| at most |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, (page, runs, bar) in pictures().items():
        (*stages, whole), found = measure(page, runs)
        cells = " | ".join(f"{1000 * seconds:.1f} ms" for seconds in (*stages, whole, whole - stages[0]))
        lines.append(f"| {name} | {found} | {cells} | {bar} |")
    lines += ["", "From the start of a process to its end:", "", "| cold start | whole time |", "|---|---|"]
    lines.append(f"| command line, one 480x480 drawing | {cold_start():.2f} s |")
    lines += ["", "A folder of files, the start of other processes included:", ""]
    lines += ["| files | one core | | all cores | | ratio |", "|---|---|---|---|---|---|"]
    lines += bulk()
    lines += ["", f"Medians of {RUNS} runs, of {RUNS_OF_A_PAGE} for 12 megapixels, and of {STARTS} starts, "]
    lines[-1] += f"on one of {os.cpu_count()} cores."
    show([*lines, "", measured_with(DEFAULT_MODEL, DEFAULT_PAGE_MODEL)], args.save)


def drawn_seven(width: int, height: int) -> np.ndarray:
    """Dark ink on paper that darkens to one side: uint8 (height, width, 3)."""
    page = np.repeat(np.linspace(200, 250, width, dtype=np.float32)[None], height, 0)
    points = np.array([(0.35, 0.3), (0.65, 0.3), (0.45, 0.75)]) * (width, height)
    ink = np.zeros(page.shape, np.uint8)
    cv2.polylines(ink, [points.astype(np.int32)], False, 255, max(4, height // 30), cv2.LINE_AA)
    page = page * (1 - 0.8 * (ink / np.float32(255)))
    return np.repeat(page.astype(np.uint8)[..., None], 3, 2)


def written(size: tuple[int, int], lines: list[str], height: float) -> np.ndarray:
    """Write lines of numbers on paper that darkens to one side: uint8 (height, width, 3).

    Args:
        size: width and height of the picture, pixels.
        lines: digits of STROKES, full stops and spaces.
        height: of a digit, pixels.
    """
    page = np.repeat(np.linspace(200, 250, size[0], dtype=np.float32)[None], size[1], 0)
    ink = np.zeros(page.shape, np.uint8)
    for row, line in enumerate(lines):
        for place, character in enumerate(line):
            if character != " ":
                corner = np.array([0.5 + 0.8 * place, 0.4 + 1.8 * row]) * height
                points = np.array(STROKES[character]) * (0.6 * height, height) + corner
                cv2.polylines(ink, [points.astype(np.int32)], False, 255, max(1, int(height / 12)), cv2.LINE_AA)
    page = page * (1 - 0.8 * (ink / np.float32(255)))
    return np.repeat(page.astype(np.uint8)[..., None], 3, 2)


def pictures() -> dict[str, tuple[np.ndarray, int, str]]:
    """Return the pictures that are read: name -> pixels, runs, and the most that reading may take."""
    random = np.random.default_rng(0)
    digits = [character for character in STROKES if character in DIGITS]
    rows = [" ".join("".join(random.choice(digits, 4)) for _ in range(4)) for _ in range(6)]
    return {
        "480x480 drawing of a 7": (drawn_seven(480, 480), RUNS, "6 ms"),
        "150x50 field of a cheque": (written((150, 50), ["1250.40"], 22), RUNS, "20 ms"),
        "12-megapixel photo of a 7": (drawn_seven(4000, 3000), RUNS_OF_A_PAGE, ""),
        "12-megapixel photo of a page of numbers": (
            written((4000, 3000), rows, 230),
            RUNS_OF_A_PAGE,
            "250 ms after decoding",
        ),
    }


def measure(image: np.ndarray, runs: int) -> tuple[list[float], int]:
    """Measure the median seconds of each stage and of DigitReader.read, and count the digits found."""
    reader, network, classifier = DigitReader(), PageNetwork(), Classifier()
    times: list[list[float]] = []
    digits: list = []
    for _ in range(runs):
        marks = [time.perf_counter()]
        pixels, _ = load_pixels(image)
        marks.append(time.perf_counter())
        characters, _, rotation = network.find_upright(pixels)
        marks.append(time.perf_counter())
        turned = np.rot90(pixels, -rotation // 90)
        digits = [found for found in characters if found.text in DIGITS]
        frames = np.array([crop(turned, found.box) for found in digits], np.float32)
        marks.append(time.perf_counter())
        classifier.classify(frames)
        marks.append(time.perf_counter())
        arrange([Symbol(found.text, found.box) for found in characters])
        marks.append(time.perf_counter())
        reader.read(image)
        marks.append(time.perf_counter())
        times.append(list(np.diff(marks)))
    return [statistics.median(stage) for stage in zip(*times)], len(digits)


def cold_start() -> float:
    """Median seconds from the start of the process to its end, reading one drawing."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "seven.png"
        cv2.imwrite(str(photo), drawn_seven(480, 480))
        seconds = []
        for _ in range(STARTS):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-m", "digits", photo], check=True, capture_output=True)
            seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def bulk() -> list[str]:
    """Rows of a table: how many files a second are read, on one core and on all."""
    reader = DigitReader()
    rows = []
    for name, paths in folders():
        rates = []
        for cores in (1, None):
            began = time.perf_counter()
            readings = list(read_files(paths, reader, ReaderPool(DEFAULT_MODEL, cores)))
            rates.append(len(paths) / (time.perf_counter() - began))
            assert all(isinstance(reading, Reading) for reading in readings)
        size = paths[0].stat().st_size
        cells = " | ".join(f"{rate:.0f}/s | {rate * size / 1e6:.1f} MB/s" for rate in rates)
        rows.append(f"| {len(paths):,} of a 7, {name} | {cells} | {rates[1] / rates[0]:.2f} |")
    return rows


def folders() -> Iterator[tuple[str, list[Path]]]:
    """Folders of one drawing many times, each gone before the next: what is in it, and its files."""
    for name, (suffix, page, count) in {
        "28x28 PNG": (".png", cv2.resize(drawn_seven(480, 480), (28, 28), interpolation=cv2.INTER_AREA), 10_000),
        "480x480 PNG": (".png", drawn_seven(480, 480), 2000),
        "12-megapixel JPEG": (".jpg", drawn_seven(4000, 3000), 100),
    }.items():
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{number}{suffix}" for number in range(count)]
            data = cv2.imencode(suffix, page)[1].tobytes()
            for path in paths:
                path.write_bytes(data)
            yield name, paths


if __name__ == "__main__":
    main()

"""Measure the time of reading, by stage, on one core: python -m benchmarks.speed [--save FILE]

The first table shows medians over many runs in one process, and the time limit of each picture. The others show a cold
start, from the start of a process to its end, and folders of files, read on one core and on all cores.
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
from digits.parallel.process_pool import ReaderPool, read_files

# Repetitions of which the median is taken.
RUNS_PER_PICTURE = 300
RUNS_PER_PHOTO = 40  # of 12 megapixels
COLD_STARTS = 5

# Points of each character's stroke in a unit box, x to the right and y down.
CHARACTER_STROKES = {
    "0": [(0.5, 0), (0.15, 0.25), (0.15, 0.75), (0.5, 1), (0.85, 0.75), (0.85, 0.25), (0.5, 0)],
    "1": [(0.5, 0), (0.48, 1)],
    "2": [(0.15, 0.2), (0.45, 0), (0.8, 0.2), (0.7, 0.5), (0.1, 1), (0.9, 1)],
    "4": [(0.3, 0), (0.1, 0.6), (0.9, 0.6), (0.7, 0.6), (0.75, 0.2), (0.66, 1)],
    "5": [(0.85, 0), (0.25, 0), (0.2, 0.45), (0.6, 0.4), (0.85, 0.65), (0.7, 0.95), (0.15, 0.95)],
    "7": [(0.1, 0), (0.9, 0), (0.4, 1)],
    ".": [(0.45, 0.97), (0.5, 1)],
}


def main() -> None:
    """Measure everything and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    parser.add_argument("--save", type=Path, metavar="FILE", help="also write the tables to this file")
    args = parser.parse_args()

    cv2.setNumThreads(1)
    lines = [
        "| image | digits found | decode | page network | crops | digit network | layout | read() | after decoding "
        "| at most |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, (page, runs, limit) in pictures().items():
        (*stages, total), digit_count = measure(page, runs)
        cells = " | ".join(f"{1000 * seconds:.1f} ms" for seconds in (*stages, total, total - stages[0]))
        lines.append(f"| {name} | {digit_count} | {cells} | {limit} |")
    lines += ["", "From the start of a process to its end:", "", "| cold start | whole time |", "|---|---|"]
    lines.append(f"| command line, one 480x480 drawing | {measure_cold_start():.2f} s |")
    lines += ["", "A folder of files, the start of other processes included:", ""]
    lines += ["| files | one core | | all cores | | ratio |", "|---|---|---|---|---|---|"]
    lines += measure_folders()
    lines += [
        "",
        f"Medians of {RUNS_PER_PICTURE} runs, of {RUNS_PER_PHOTO} for 12 megapixels, and of {COLD_STARTS} starts, ",
    ]
    lines[-1] += f"on one of {os.cpu_count()} cores."
    show([*lines, "", measured_with(DEFAULT_MODEL, DEFAULT_PAGE_MODEL)], args.save)


def draw_seven(width: int, height: int) -> np.ndarray:
    """Draw a 7 with dark ink on paper that darkens to one side: uint8 (height, width, 3)."""
    page = np.repeat(np.linspace(200, 250, width, dtype=np.float32)[None], height, 0)
    points = np.array([(0.35, 0.3), (0.65, 0.3), (0.45, 0.75)]) * (width, height)
    ink = np.zeros(page.shape, np.uint8)
    cv2.polylines(ink, [points.astype(np.int32)], False, 255, max(4, height // 30), cv2.LINE_AA)
    page = page * (1 - 0.8 * (ink / np.float32(255)))
    return np.repeat(page.astype(np.uint8)[..., None], 3, 2)


def draw_lines(size: tuple[int, int], lines: list[str], height: float) -> np.ndarray:
    """Draw lines of numbers on paper that darkens to one side: uint8 (height, width, 3).

    Args:
        size: width and height of the picture, pixels.
        lines: characters of CHARACTER_STROKES and spaces.
        height: height of a digit, pixels.
    """
    page = np.repeat(np.linspace(200, 250, size[0], dtype=np.float32)[None], size[1], 0)
    ink = np.zeros(page.shape, np.uint8)
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            if character != " ":
                corner = np.array([0.5 + 0.8 * column, 0.4 + 1.8 * row]) * height
                points = np.array(CHARACTER_STROKES[character]) * (0.6 * height, height) + corner
                cv2.polylines(ink, [points.astype(np.int32)], False, 255, max(1, int(height / 12)), cv2.LINE_AA)
    page = page * (1 - 0.8 * (ink / np.float32(255)))
    return np.repeat(page.astype(np.uint8)[..., None], 3, 2)


def pictures() -> dict[str, tuple[np.ndarray, int, str]]:
    """Return the pictures to read: name -> pixels, number of runs, time limit."""
    random = np.random.default_rng(0)
    digits = [character for character in CHARACTER_STROKES if character in DIGITS]
    rows = [" ".join("".join(random.choice(digits, 4)) for _ in range(4)) for _ in range(6)]
    return {
        "480x480 drawing of a 7": (draw_seven(480, 480), RUNS_PER_PICTURE, "6 ms"),
        "150x50 field of a cheque": (draw_lines((150, 50), ["1250.40"], 22), RUNS_PER_PICTURE, "20 ms"),
        "12-megapixel photo of a 7": (draw_seven(4000, 3000), RUNS_PER_PHOTO, ""),
        "12-megapixel photo of a page of numbers": (
            draw_lines((4000, 3000), rows, 230),
            RUNS_PER_PHOTO,
            "250 ms after decoding",
        ),
    }


def measure(image: np.ndarray, runs: int) -> tuple[list[float], int]:
    """Return the median seconds of each stage and of DigitReader.read, and the number of digits found."""
    reader, network, classifier = DigitReader(), PageNetwork(), Classifier()
    times: list[list[float]] = []
    digits: list = []
    for _ in range(runs):
        timestamps = [time.perf_counter()]
        pixels, _ = load_pixels(image)
        timestamps.append(time.perf_counter())
        characters, _, rotation = network.find_upright(pixels)
        timestamps.append(time.perf_counter())
        turned = np.rot90(pixels, -rotation // 90)
        digits = [found for found in characters if found.text in DIGITS]
        frames = np.array([crop(turned, found.box) for found in digits], np.float32)
        timestamps.append(time.perf_counter())
        classifier.classify(frames)
        timestamps.append(time.perf_counter())
        arrange([Symbol(found.text, found.box) for found in characters])
        timestamps.append(time.perf_counter())
        reader.read(image)
        timestamps.append(time.perf_counter())
        times.append(list(np.diff(timestamps)))
    return [statistics.median(stage) for stage in zip(*times)], len(digits)


def measure_cold_start() -> float:
    """Return the median seconds from the start of a process to its end, reading one drawing."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "seven.png"
        cv2.imwrite(str(photo), draw_seven(480, 480))
        seconds = []
        for _ in range(COLD_STARTS):
            started = time.perf_counter()
            subprocess.run([sys.executable, "-m", "digits", photo], check=True, capture_output=True)
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def measure_folders() -> list[str]:
    """Return table rows with the number of files that are read per second, on one core and on all cores."""
    reader = DigitReader()
    rows = []
    for name, paths in temporary_folders():
        rates = []
        for cores in (1, None):
            started = time.perf_counter()
            readings = list(read_files(paths, reader, ReaderPool(DEFAULT_MODEL, cores)))
            rates.append(len(paths) / (time.perf_counter() - started))
            assert all(isinstance(reading, Reading) for reading in readings)
        size = paths[0].stat().st_size
        cells = " | ".join(f"{rate:.0f}/s | {rate * size / 1e6:.1f} MB/s" for rate in rates)
        rows.append(f"| {len(paths):,} of a 7, {name} | {cells} | {rates[1] / rates[0]:.2f} |")
    return rows


def temporary_folders() -> Iterator[tuple[str, list[Path]]]:
    """Yield folders with many copies of one drawing, as a description and the files' paths.

    Each folder is deleted before the next one is written.
    """
    for name, (suffix, page, count) in {
        "28x28 PNG": (".png", cv2.resize(draw_seven(480, 480), (28, 28), interpolation=cv2.INTER_AREA), 10_000),
        "480x480 PNG": (".png", draw_seven(480, 480), 2000),
        "12-megapixel JPEG": (".jpg", draw_seven(4000, 3000), 100),
    }.items():
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{number}{suffix}" for number in range(count)]
            data = cv2.imencode(suffix, page)[1].tobytes()
            for path in paths:
                path.write_bytes(data)
            yield name, paths


if __name__ == "__main__":
    main()

"""How long reading takes, stage by stage, on one core: python -m benchmarks.speed [--save FILE]

Medians over many runs of one process; every stage beside the bare network, in the same run. Then a cold start, from a
new process to its answer; and folders of files, read on one core and on all.
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
from digits.assemble import assemble
from digits.classifier import DEFAULT_MODEL, Classifier
from digits.cores import ReaderPool, read_files
from digits.images import load_pixels
from digits.ink import find_ink
from digits.segment import segment

RUNS = 300
STARTS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the tables there as well")
    args = parser.parse_args()

    cv2.setNumThreads(1)
    classifier = Classifier()
    lines = [
        "| image | decode | ink | segment | frame and classify | whole road | of it the bare network | ratio |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, page in {
        "480x480 drawing of a 7": drawn_seven(480, 480),
        "12-megapixel photo of a 7": drawn_seven(4000, 3000),
    }.items():
        stages, network = measure(page, classifier)
        road = sum(stages)
        cells = " | ".join(f"{1000 * seconds:.1f} ms" for seconds in (*stages, road))
        lines.append(f"| {name} | {cells} | {1000 * network:.2f} ms | {road / network:.1f} |")
    lines += ["", "From the start of a process to its end:", "", "| cold start | whole time |", "|---|---|"]
    lines.append(f"| command line, one 480x480 drawing | {cold_start():.2f} s |")
    lines += ["", "A folder of files, the start of other processes included:", ""]
    lines += ["| files | one core | | all cores | | ratio |", "|---|---|---|---|---|---|"]
    lines += bulk()
    lines += ["", f"Medians of {RUNS} runs and {STARTS} starts, on one of {os.cpu_count()} cores."]
    show([*lines, "", measured_with(DEFAULT_MODEL)], args.save)


def drawn_seven(width: int, height: int) -> np.ndarray:
    """Dark ink on paper that darkens to one side: uint8 (height, width, 3)."""
    page = np.repeat(np.linspace(200, 250, width, dtype=np.float32)[None], height, 0)
    points = np.array([(0.35, 0.3), (0.65, 0.3), (0.45, 0.75)]) * (width, height)
    ink = np.zeros(page.shape, np.uint8)
    cv2.polylines(ink, [points.astype(np.int32)], False, 255, max(4, height // 30), cv2.LINE_AA)
    page = page * (1 - 0.8 * (ink / np.float32(255)))
    return np.repeat(page.astype(np.uint8)[..., None], 3, 2)


def measure(image: np.ndarray, classifier: Classifier) -> tuple[list[float], float]:
    """Median seconds of each stage of the road, and of the network alone on a ready frame."""
    times: list[list[float]] = []
    for _ in range(RUNS):
        marks = [time.perf_counter()]
        pixels, _ = load_pixels(image)
        marks.append(time.perf_counter())
        ink, _ = find_ink(pixels)
        marks.append(time.perf_counter())
        page = segment(ink)
        marks.append(time.perf_counter())
        ((digits,),) = assemble([page], classifier.classify)
        marks.append(time.perf_counter())
        ready = digits[0].frame[None]
        began = time.perf_counter()
        classifier.classify(ready)
        times.append([*np.diff(marks), time.perf_counter() - began])
    *stages, network = map(statistics.median, zip(*times))
    return stages, network


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

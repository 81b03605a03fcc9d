"""Fuzz the reader: python -m benchmarks.fuzz [--cases N] [--seed S] [--save FILE]

The cases are mutated files, odd arrays and hostile pages. Each must give a valid reading or one clear sentence, in
bounded time and memory. A case that fails is saved to runs/, named by its seed and number.
"""

import argparse
import io
import json
import os
import pickle
import re
import resource
import sys
import time
import traceback
import warnings
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import ExifTags, Image
from tqdm import tqdm

from benchmarks.hostile import INPUT_GENERATORS
from benchmarks.tables import measured_with, show
from digits import DigitReader, ImageError, Reading
from digits.classifier import DEFAULT_MODEL
from digits.images import FORMATS
from digits.layout import MARKS
from digits.pages import DEFAULT_PAGE_MODEL

MAX_CASE_CPU_SECONDS = 2.0  # of one case
MAX_MEMORY_GROWTH_MEGABYTES = 500  # of the process over all cases

# Proportion of each kind of case. The slow kinds are the rare ones.
CASE_PROPORTIONS = {"mutated files": 0.6, "arrays": 0.25, "pages": 0.15}

FAILURES_FOLDER = Path("runs")


def main() -> int:
    """Run the cases, print the table, and return the exit status: 1 if a case failed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--cases", type=int, default=100_000, metavar="N", help="how many (default: 100,000)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which ones (default: 0)")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the table there as well")
    args = parser.parse_args()

    results: dict[str, list[CaseResult]] = defaultdict(list)
    # One process on each core, which loads the reader once.
    with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=initialize_worker) as pool:
        cases = pool.map(partial(run_case, args.seed), range(args.cases), chunksize=50)
        for result in tqdm(cases, total=args.cases, unit="case"):
            results[result.kind].append(result)
            if result.problem:
                tqdm.write(f"{result.kind}: {result.problem}", file=sys.stderr)

    lines = ["| cases | number | answers | refusals | broken | median | slowest | peak memory over idle |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for kind, of_kind in results.items():
        readings, failures = (
            sum(result.is_reading for result in of_kind),
            sum(bool(result.problem) for result in of_kind),
        )
        seconds = [result.seconds for result in of_kind]
        lines.append(
            f"| {kind} | {len(of_kind)} | {readings} | {len(of_kind) - readings - failures} | {failures} "
            f"| {1000 * np.median(seconds):.1f} ms | {max(seconds):.2f} s "
            f"| {max(result.megabytes for result in of_kind):.0f} MB |"
        )
    lines += ["", f"Seed {args.seed}; seconds of the processor, on {os.cpu_count()} cores.", ""]
    show([*lines, measured_with(DEFAULT_MODEL, DEFAULT_PAGE_MODEL)], args.save)
    return 1 if any(result.problem for of_kind in results.values() for result in of_kind) else 0


class CaseResult(NamedTuple):
    """The result of a case.

    Attributes:
        kind: a key of CASE_PROPORTIONS.
        is_reading: whether the case was read; otherwise it was refused or failed.
        seconds: processor time.
        megabytes: peak memory of the process over its idle memory if this case raised the peak, else 0.
        problem: the failure in one line; "" if there is none.
    """

    kind: str
    is_reading: bool
    seconds: float
    megabytes: float
    problem: str


reader: DigitReader  # of this worker process
idle_megabytes: float  # peak memory of this worker process before its first case


def initialize_worker() -> None:
    """Load the reader of a worker process and measure its idle memory."""
    global reader, idle_megabytes
    cv2.setNumThreads(1)
    reader = DigitReader()
    reader.read(np.full((1600, 1600), 255, np.uint8))
    idle_megabytes = peak_megabytes()


def run_case(seed: int, number: int) -> CaseResult:
    """Read a case; save it if it fails."""
    kind, source = generate_case(seed, number)
    before = peak_megabytes()
    began = time.process_time()
    is_reading, problem = False, ""
    try:
        is_reading = check_case(reader, source)
    except Exception:
        problem = traceback.format_exc()
    seconds = time.process_time() - began
    if seconds > MAX_CASE_CPU_SECONDS:
        problem += f"It took {seconds:.1f} seconds."
    peak = peak_megabytes()
    if peak - idle_megabytes > MAX_MEMORY_GROWTH_MEGABYTES >= before - idle_megabytes:
        problem += f"It took {peak - idle_megabytes:.0f} MB."
    if problem:
        save_failure(kind, source, problem, seed, number)
        problem = f"{seed}-{number}: {problem.strip().splitlines()[-1]}"
    growth = peak - idle_megabytes if peak > before else 0.0
    return CaseResult(kind, is_reading and not problem, seconds, growth, problem)


def generate_case(seed: int, number: int) -> tuple[str, object]:
    """Return the kind of a case and its input, which depend on the seed and the number only."""
    random = np.random.default_rng((seed, number))
    kind = str(random.choice(list(CASE_PROPORTIONS), p=list(CASE_PROPORTIONS.values())))
    return kind, INPUT_GENERATORS[kind](random)


def check_case(reader: DigitReader, source: object) -> bool:
    """Read an input and return whether it was read; False means that it was refused.

    Raises:
        Exception: the result is neither a valid reading nor a refusal with one clear sentence.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)  # such as invalid values and overflows
            reading = reader.read(source)  # type: ignore[arg-type]
    except ImageError as error:
        message = str(error)
        if not message.endswith(".") or "\n" in message or "Traceback" in message or "/" in message:
            raise AssertionError(f"Not one clear sentence: {message!r}") from error
        return False
    assert_valid_reading(reading, source)
    return True


def assert_valid_reading(reading: Reading, source: object) -> None:
    """Raise AssertionError if the reading of a file's content or an array violates the contract of Reading."""
    plain = json.loads(json.dumps(reading.to_dict(), allow_nan=False))
    assert len(plain["digits"]) == len(reading.digits)
    assert "".join(digit.label for digit in reading.digits) == re.sub(r"[^0-9]", "", reading.text)
    assert " ".join(number.text for number in reading.numbers) == reading.text.replace("\n", " ")
    assert reading.rotation in (0, 90, 180, 270)
    assert reading.table is None or len({len(row) for row in reading.table}) == 1
    width, height = upright_size(source) if reading.digits or reading.marks else (0, 0)
    for left, top, right, bottom in (part.box for part in (*reading.digits, *reading.marks, *reading.numbers)):
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
    for mark in reading.marks:
        assert mark.mark in MARKS
        assert 0 <= mark.probability <= 1 + 1e-6
    for digit in reading.digits:
        assert digit.label in "0123456789"
        assert abs(float(digit.probabilities.sum()) - 1) < 1e-3
        assert 0 <= digit.certainty <= 1 + 1e-6
        assert digit.frame.shape == (28, 28)
        assert np.isfinite(digit.frame).all()
        assert digit.frame.min() >= 0
        assert digit.frame.max() <= 1


def upright_size(source: object) -> tuple[int, int]:
    """Return (width, height) of a readable file's content or array, upright by its EXIF orientation."""
    if isinstance(source, np.ndarray):
        return source.shape[1], source.shape[0]
    with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(source), formats=FORMATS) as image:
        size = image.size
        image.load()  # a PNG may store its EXIF after its pixels
        try:
            is_sideways = image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
        except Exception:  # unreadable EXIF is ignored
            is_sideways = False
    return size[::-1] if is_sideways else size


def peak_megabytes() -> float:
    """Return the peak memory of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def save_failure(kind: str, source: object, problem: str, seed: int, number: int) -> None:
    """Save a failed case to FAILURES_FOLDER: its input, as a file or pickled, and a description of the failure."""
    FAILURES_FOLDER.mkdir(exist_ok=True)
    name = f"fuzz-{seed}-{number}"
    if isinstance(source, bytes):
        (FAILURES_FOLDER / f"{name}.bin").write_bytes(source)
    else:
        (FAILURES_FOLDER / f"{name}.pickle").write_bytes(pickle.dumps(source))
    (FAILURES_FOLDER / f"{name}.txt").write_text(f"{kind}\n{problem}\n")


if __name__ == "__main__":
    sys.exit(main())

"""Whether anything breaks the reader: python -m benchmarks.fuzz [--cases N] [--seed S] [--save FILE]

Mutated files, odd arrays and hostile pages, each of which must give a valid reading or one clear sentence, in bounded
time and memory. A case that does not is saved to runs/, named by its seed and number.
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

from benchmarks.hostile import KINDS
from benchmarks.tables import measured_with, show
from digits import DigitReader, ImageError, Reading
from digits.classifier import DEFAULT_MODEL
from digits.images import FORMATS
from digits.layout import MARKS
from digits.pages import DEFAULT_PAGE_MODEL

# What one case may take of the processor, and what the process may grow by over all of them.
MOST_SECONDS = 2.0
MOST_MEGABYTES = 500

# Of so many cases, most are quick ones.
SHARES = {"mutated files": 0.6, "arrays": 0.25, "pages": 0.15}

RUNS = Path("runs")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--cases", type=int, default=100_000, metavar="N", help="how many (default: 100,000)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which ones (default: 0)")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the table there as well")
    args = parser.parse_args()

    results: dict[str, list[Result]] = defaultdict(list)
    # On every core, in processes that load the reader once.
    with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=begin) as pool:
        cases = pool.map(partial(tried, args.seed), range(args.cases), chunksize=50)
        for result in tqdm(cases, total=args.cases, unit="case"):
            results[result.kind].append(result)
            if result.problem:
                tqdm.write(f"{result.kind}: {result.problem}", file=sys.stderr)

    lines = ["| cases | number | answers | refusals | broken | median | slowest | peak memory over idle |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for kind, of_kind in results.items():
        answers, broken = sum(result.is_answer for result in of_kind), sum(bool(result.problem) for result in of_kind)
        seconds = [result.seconds for result in of_kind]
        lines.append(
            f"| {kind} | {len(of_kind)} | {answers} | {len(of_kind) - answers - broken} | {broken} "
            f"| {1000 * np.median(seconds):.1f} ms | {max(seconds):.2f} s "
            f"| {max(result.megabytes for result in of_kind):.0f} MB |"
        )
    lines += ["", f"Seed {args.seed}; seconds of the processor, on {os.cpu_count()} cores.", ""]
    show([*lines, measured_with(DEFAULT_MODEL, DEFAULT_PAGE_MODEL)], args.save)
    return 1 if any(result.problem for of_kind in results.values() for result in of_kind) else 0


class Result(NamedTuple):
    """How a case went.

    Attributes:
        kind: of SHARES.
        is_answer: whether it was read; else it was refused, or broke something.
        seconds: of the processor.
        megabytes: by how much it raised the peak of its process, over idle; 0 where it didn't.
        problem: what broke, in a line; "" if nothing.
    """

    kind: str
    is_answer: bool
    seconds: float
    megabytes: float
    problem: str


reader: DigitReader  # of this process
idle: float


def begin() -> None:
    """Makes a process ready."""
    global reader, idle
    cv2.setNumThreads(1)
    reader = DigitReader()
    reader.read(np.full((1600, 1600), 255, np.uint8))
    idle = megabytes()


def tried(seed: int, number: int) -> Result:
    """Reads a case; one that breaks something is saved."""
    kind, source = case(seed, number)
    before = megabytes()
    began = time.process_time()
    is_answer, problem = False, ""
    try:
        is_answer = check(reader, source)
    except Exception:
        problem = traceback.format_exc()
    seconds = time.process_time() - began
    if seconds > MOST_SECONDS:
        problem += f"It took {seconds:.1f} seconds."
    peak = megabytes()
    if peak - idle > MOST_MEGABYTES >= before - idle:
        problem += f"It took {peak - idle:.0f} MB."
    if problem:
        save(kind, source, problem, seed, number)
        problem = f"{seed}-{number}: {problem.strip().splitlines()[-1]}"
    return Result(kind, is_answer and not problem, seconds, peak - idle if peak > before else 0.0, problem)


def case(seed: int, number: int) -> tuple[str, object]:
    """The kind of a case and what is to be read: always the same for a seed and a number."""
    random = np.random.default_rng((seed, number))
    kind = str(random.choice(list(SHARES), p=list(SHARES.values())))
    return kind, KINDS[kind](random)


def check(reader: DigitReader, source: object) -> bool:
    """Reads a case; True for a reading, False for a refusal.

    Raises:
        Exception: whatever is neither a valid reading nor a clear refusal.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)  # numbers that went wrong
            reading = reader.read(source)  # type: ignore[arg-type]
    except ImageError as error:
        message = str(error)
        if not message.endswith(".") or "\n" in message or "Traceback" in message or "/" in message:
            raise AssertionError(f"Not one clear sentence: {message!r}") from error
        return False
    assert_valid(reading, source)
    return True


def assert_valid(reading: Reading, source: object) -> None:
    """Raises AssertionError where the reading of a file or an array does not keep its contract."""
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
    """Width and height of a file or an array that can be read, turned as its camera noted."""
    if isinstance(source, np.ndarray):
        return source.shape[1], source.shape[0]
    with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(source), formats=FORMATS) as image:
        size = image.size
        image.load()  # a PNG may say how it is turned after its pixels
        try:
            is_sideways = image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
        except Exception:  # notes that can't be read are none
            is_sideways = False
    return size[::-1] if is_sideways else size


def megabytes() -> float:
    """The most memory that this process has had so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def save(kind: str, source: object, problem: str, seed: int, number: int) -> None:
    """Writes down what broke: the case, pickled or as the file it is, and what happened."""
    RUNS.mkdir(exist_ok=True)
    name = f"fuzz-{seed}-{number}"
    if isinstance(source, bytes):
        (RUNS / f"{name}.bin").write_bytes(source)
    else:
        (RUNS / f"{name}.pickle").write_bytes(pickle.dumps(source))
    (RUNS / f"{name}.txt").write_text(f"{kind}\n{problem}\n")


if __name__ == "__main__":
    sys.exit(main())

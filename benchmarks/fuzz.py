"""Whether anything breaks the reader: python -m benchmarks.fuzz [--cases N] [--seed S]

Mutated files, odd arrays and hostile pages, each of which must give a valid reading or one clear sentence, in bounded
time and memory. A case that does not is saved to runs/, named by its seed and number.
"""

import argparse
import json
import pickle
import resource
import sys
import time
import traceback
import warnings
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from benchmarks.hostile import KINDS
from digits import DigitReader, ImageError, Reading

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
    args = parser.parse_args()

    cv2.setNumThreads(1)
    reader = DigitReader()
    reader.read(np.full((1600, 1600), 255, np.uint8))
    idle = megabytes()
    seconds: dict[str, list[float]] = defaultdict(list)
    peaks: dict[str, float] = defaultdict(float)
    answers: dict[str, int] = defaultdict(int)
    broken: dict[str, int] = defaultdict(int)
    for number in tqdm(range(args.cases), unit="case"):
        kind, source = case(args.seed, number)
        before = megabytes()
        began = time.process_time()
        try:
            answers[kind] += check(reader, source)
            problem = ""
        except Exception:
            problem = traceback.format_exc()
        seconds[kind].append(time.process_time() - began)
        if megabytes() > before:
            peaks[kind] = max(peaks[kind], megabytes() - idle)
        if seconds[kind][-1] > MOST_SECONDS:
            problem += f"It took {seconds[kind][-1]:.1f} seconds."
        if megabytes() - idle > MOST_MEGABYTES >= before - idle:
            problem += f"It took {megabytes() - idle:.0f} MB."
        if problem:
            broken[kind] += 1
            save(kind, source, problem, args.seed, number)

    print("| cases | number | answers | refusals | broken | median | slowest | peak memory over idle |")
    print("|---|---|---|---|---|---|---|---|")
    for kind, times in seconds.items():
        refusals = len(times) - answers[kind] - broken[kind]
        print(
            f"| {kind} | {len(times)} | {answers[kind]} | {max(refusals, 0)} | {broken[kind]} "
            f"| {1000 * np.median(times):.1f} ms | {max(times):.2f} s | {peaks[kind]:.0f} MB |"
        )
    print(f"\nSeed {args.seed}; seconds of the processor, on one core.")
    return 1 if broken else 0


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
    assert_valid(reading)
    return True


def assert_valid(reading: Reading) -> None:
    """Raises AssertionError where a reading does not keep its contract."""
    plain = json.loads(json.dumps(reading.to_dict(), allow_nan=False))
    assert len(plain["digits"]) == len(reading.digits) == len(reading.text.replace("\n", ""))
    for digit in reading.digits:
        left, top, right, bottom = digit.box
        assert 0 <= left <= right
        assert 0 <= top <= bottom
        assert digit.label in "0123456789"
        assert abs(float(digit.probabilities.sum()) - 1) < 1e-3
        assert 0 <= digit.certainty <= 1 + 1e-6
        assert digit.frame.shape == (28, 28)
        assert np.isfinite(digit.frame).all()
        assert digit.frame.min() >= 0
        assert digit.frame.max() <= 1


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
    tqdm.write(f"{name}: {kind}: {problem.strip().splitlines()[-1]}")


if __name__ == "__main__":
    sys.exit(main())

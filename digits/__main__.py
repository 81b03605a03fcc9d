"""python -m digits PHOTO... : the command line.

Prints one reading per file. It knows files, folders and formats of output; all reading is the reader's.
"""

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from digits import DigitReader, ImageError, ModelError, Reading
from digits.classifier import DEFAULT_MODEL
from digits.cores import ReaderPool, read_files
from digits.images import IMAGE_SUFFIXES

# From so many files on, a progress bar is shown.
MANY = 10

SOME_FAILED, NO_MODEL, NO_RAY = 1, 2, 2


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns its exit status: 0, 1 where a file could not be read, 2 where nothing could."""
    parser = argparse.ArgumentParser(prog="python -m digits", description="Read the handwritten digits in images.")
    parser.add_argument("images", nargs="+", metavar="PHOTO", help="image files, or folders of them")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print a JSON object per file, one a line")
    form.add_argument("--csv", action="store_true", help="print a CSV table: file, text, lowest probability, certain")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="another model than models/digits.onnx")
    parser.add_argument("--ray", metavar="ADDRESS", help="read on a Ray cluster: auto, ray://host:10001, or local")
    parser.add_argument("--out", metavar="DIR", help="with --ray: where the Parquet files go")
    args = parser.parse_args(arguments)
    if (args.ray is None) != (args.out is None) or (args.ray and (args.json or args.csv)):
        parser.error("--ray and --out go together, without --json and --csv")
    try:
        reader = DigitReader(args.model)
    except ModelError as error:
        print(error, file=sys.stderr)
        return NO_MODEL
    if args.ray:
        return _on_cluster(args)

    paths = list(_files(args.images))
    table = csv.writer(sys.stdout, lineterminator="\n")
    if args.csv:
        table.writerow(["file", "text", "lowest_probability", "certain"])
    failures = 0
    has_folder = any(map(os.path.isdir, args.images))
    if not paths:
        print(f"There are no images in {', '.join(args.images)}.", file=sys.stderr)
        return SOME_FAILED
    is_long, is_named = len(paths) >= MANY or has_folder, len(paths) > 1 or has_folder
    progress = tqdm(paths, unit="file", disable=not is_long, file=sys.stderr)
    for path, reading in zip(progress, read_files(paths, reader, ReaderPool(args.model))):
        if isinstance(reading, ImageError):
            failures += 1
            tqdm.write(f"{path}: {reading}", file=sys.stderr)
        elif args.json:
            # One file gets the very JSON of the API; of several, or of a folder, each line must say whose it is.
            name = {"file": str(path)} if is_named else {}
            print(json.dumps(name | reading.to_dict()), flush=True)
        elif args.csv:
            table.writerow([path, reading.text, _lowest(reading), str(reading.certain).lower()])
        else:
            print(_sentence(path, reading, is_named), flush=True)
    return SOME_FAILED if failures else 0


def _on_cluster(args: argparse.Namespace) -> int:
    try:
        from digits import bulk
    except ImportError:
        print("Reading on a cluster needs Ray: pip install -r requirements-ray.txt.", file=sys.stderr)
        return NO_RAY
    try:
        bulk.connect(args.ray)
        bulk.read_all(args.images, args.out, args.model)
        rows, failures = bulk.totals(args.out)
    except (bulk.BulkError, ConnectionError) as error:
        print(error, file=sys.stderr)
        return NO_RAY
    print(f"{rows} files are in {args.out}; {failures} of them could not be read, and say why.")
    return SOME_FAILED if failures else 0


def _files(names: list[str]) -> Iterator[Path]:
    for name in names:
        path = Path(name)
        # Path.is_dir raises where a name is too long to be one.
        if os.path.isdir(name):
            yield from sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
        else:
            yield path


def _lowest(reading: Reading) -> str:
    return f"{min(digit.probability for digit in reading.digits):.4f}" if reading.digits else ""


def _sentence(path: Path, reading: Reading, with_name: bool) -> str:
    """photo.jpg: 40  (4 99.8 %, 0 71.2 % unsure)"""
    name = f"{path}: " if with_name else ""
    if not reading.digits:
        return f"{name}no digit found"
    parts = [
        # Never rounded up to a certainty that nobody has.
        f"{digit.label} {min(100 * digit.probability, 99.9):.1f} %" + ("" if digit.certain else " unsure")
        for digit in reading.digits
    ]
    return f"{name}{reading.text.replace(chr(10), ' / ')}  ({', '.join(parts)})"


def _quiet_main() -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may hold what can't be printed
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return main()
    except BrokenPipeError:  # the reader of our output has gone, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SOME_FAILED
    except OSError as error:  # a full disk; what can't be read is told per file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"The readings could not be written: {error.strerror}.", file=sys.stderr)
        return SOME_FAILED
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(_quiet_main())

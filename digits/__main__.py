"""The command line: digits PHOTO... or python -m digits PHOTO...

It prints one reading per file; `digits serve` opens the page. It handles files, folders, standard input and output
formats; DigitReader reads the images.
"""

import argparse
import csv
import importlib.util
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from digits import DigitReader, ImageError, ModelError, Reading, __version__
from digits.classifier import DEFAULT_MODEL
from digits.images import IMAGE_LIMITS, IMAGE_SUFFIXES, ImageSource
from digits.parallel.process_pool import ReaderPool, read_files
from digits.resources import RESOURCE_ROOT, install_command

# A progress bar is shown from this number of files on.
MIN_FILES_FOR_PROGRESS = 10

# This name means standard input; a file of that name is ./-
STANDARD_INPUT = "-"

# As the first argument this opens the page; a file of that name is ./serve
SERVE_COMMAND = "serve"

CSV_HEADER = ("file", "text", "lowest_probability", "certain")

# A spreadsheet program evaluates a cell that begins with one of these as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t")

# Exit statuses.
EXIT_SOME_FAILED, EXIT_NO_MODEL, EXIT_NO_RAY, EXIT_NO_GRADIO = 1, 2, 2, 2
EXIT_INTERRUPTED = 130  # as shells report a program that ctrl-C ended


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status: 0, 1 where a file could not be read, 2 where none could."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == [SERVE_COMMAND]:
        return _serve(arguments[1:])
    parser = argparse.ArgumentParser(
        prog="digits",
        description="Read the handwritten numbers in images.",
        epilog="digits serve opens the page in place of this; its options: digits serve --help",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("images", nargs="+", metavar="PHOTO", help="image files, folders of them, - for standard input")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print a JSON object per file, one a line")
    form.add_argument(
        "--csv",
        action="store_true",
        help="print CSV: of one image that holds a table its rows and columns, else one row per file: "
        "file, text, lowest probability, certain",
    )
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
        return EXIT_NO_MODEL
    if args.ray:
        return _read_on_cluster(args)

    names, images = _find_images(args.images)
    has_folder = any(name != STANDARD_INPUT and os.path.isdir(name) for name in args.images)
    if not names:
        print(f"There are no images in {', '.join(args.images)}.", file=sys.stderr)
        return EXIT_SOME_FAILED
    is_long, is_named = len(names) >= MIN_FILES_FOR_PROGRESS or has_folder, len(names) > 1 or has_folder
    rows = csv.writer(sys.stdout, lineterminator="\n")
    if args.csv and is_named:
        rows.writerow(CSV_HEADER)
    failures = 0
    progress = tqdm(names, unit="file", disable=not is_long, file=sys.stderr)
    for name, reading in zip(progress, read_files(images, reader, ReaderPool(args.model))):
        if isinstance(reading, ImageError):
            failures += 1
            tqdm.write(f"{name}: {reading}", file=sys.stderr)
        elif args.json:
            # A single file gets the same JSON as from the API; with several, or a folder, each line names its file.
            file = {"file": name} if is_named else {}
            print(json.dumps(file | reading.to_dict()), flush=True)
        elif args.csv:
            rows.writerows(_csv_rows(name, reading, is_named))
        else:
            print(_text_line(name, reading, is_named), flush=True)
    return EXIT_SOME_FAILED if failures else 0


def _serve(arguments: list[str]) -> int:
    """Open the page with the options of demo.py, or print what to install; return the exit status."""
    if importlib.util.find_spec("gradio") is None:
        print(f"The page needs Gradio: {install_command('web')}", file=sys.stderr)
        return EXIT_NO_GRADIO
    sys.path.insert(0, str(RESOURCE_ROOT))
    return importlib.import_module("demo").main(arguments, prog="digits serve")


def _read_on_cluster(args: argparse.Namespace) -> int:
    """Read the images on a Ray cluster; return the exit status."""
    try:
        from digits.parallel import bulk
    except ImportError:
        print(f"Reading on a cluster needs Ray: {install_command('ray')}", file=sys.stderr)
        return EXIT_NO_RAY
    try:
        bulk.connect(args.ray)
        bulk.read_to_parquet(args.images, args.out, args.model)
        rows, failures = bulk.count_rows(args.out)
    except (bulk.BulkError, ConnectionError) as error:
        print(error, file=sys.stderr)
        return EXIT_NO_RAY
    print(f"{rows} files are in {args.out}; {failures} of them could not be read, and say why.")
    return EXIT_SOME_FAILED if failures else 0


def _find_images(arguments: list[str]) -> tuple[list[str], list[ImageSource]]:
    """Return the images that the arguments name: their names as they are printed, and the reader's inputs."""
    names: list[str] = []
    images: list[ImageSource] = []
    for argument in arguments:
        if argument == STANDARD_INPUT:
            names.append(argument)
            images.append(sys.stdin.buffer.read(IMAGE_LIMITS.max_stream_bytes))
        else:
            files = list(_list_files(argument))
            names += map(str, files)
            images += files
    return names, images


def _list_files(name: str) -> Iterator[Path]:
    """Yield a file, or all images in a folder and in its subfolders."""
    path = Path(name)
    # Unlike os.path.isdir, Path.is_dir raises where a name is too long.
    if os.path.isdir(name):
        yield from sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
    else:
        yield path


def _csv_rows(name: str, reading: Reading, is_named: bool) -> list[Sequence[str]]:
    """Return the rows of the CSV for one image: those of its table where it is the only image and holds one."""
    if not is_named and reading.table:
        return list(reading.table)
    row = (_name_cell(name), reading.text, _lowest_probability(reading), str(reading.certain).lower())
    return [row] if is_named else [CSV_HEADER, row]


def _name_cell(name: str) -> str:
    """Return the name of a file as a cell, marked as text where a spreadsheet program would evaluate it."""
    # csv does not quote a carriage return, at which a spreadsheet program begins a new row.
    name = name.replace("\r", "\\r")
    return f"'{name}" if name.startswith(FORMULA_STARTS) else name


def _lowest_probability(reading: Reading) -> str:
    return f"{min(digit.probability for digit in reading.digits):.4f}" if reading.digits else ""


def _text_line(file: str, reading: Reading, is_named: bool) -> str:
    """Return the reading as a line of text: photo.jpg: 40  (4 99.8 %, 0 71.2 % unsure)."""
    name = f"{file}: " if is_named else ""
    if not reading.digits:
        return f"{name}no digit found"
    parts = [
        # Not rounded up to 100 %, which no reading has.
        f"{digit.label} {min(100 * digit.probability, 99.9):.1f} %" + ("" if digit.certain else " unsure")
        for digit in reading.digits
    ]
    return f"{name}{reading.text.replace(chr(10), ' / ')}  ({', '.join(parts)})"


def run() -> int:
    """Run the command line as a program, without a traceback where output can't be written or after ctrl-C."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may hold characters that can't be printed
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return main()
    except BrokenPipeError:  # the program that reads our output has ended, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_SOME_FAILED
    except OSError as error:  # a full disk; errors of single files are reported above
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"The readings could not be written: {error.strerror}.", file=sys.stderr)
        return EXIT_SOME_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(run())

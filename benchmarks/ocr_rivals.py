"""Compare this reader with other OCR on handwritten numbers: RapidOCR and Tesseract.

    python -m benchmarks.ocr_rivals [--data DIR] [--limit N] [--save FILE]

Requires requirements-rivals.txt and Tesseract 5 (Debian: tesseract-ocr). A contestant that is not installed is left
out.

Each contestant reads the same decoded pictures, upright RGB, in its own process, on one core with one thread, and is
restricted to digits:

- RapidOCR: PP-OCRv6 small on ONNX Runtime with default settings, but without the classifier that rotates lines by 180
  degrees (it reads 95 as 56, and all pictures are upright). Its recognizer chooses among blank, space and 0-9.
  "detector and recognizer" joins boxes side by side into a line; "recognizer alone" reads the whole picture as one
  line of text.
- Tesseract: `eng`, LSTM, whitelist 0-9, through its C API, so that the time contains no process start and no file. It
  knows the layout of each set: one line (--psm 7), one character (10) or a block of text (6).

Exactly right and character error are defined as in benchmarks.accuracy: the digits of each line. Milliseconds are
medians, without decoding. Memory is the peak that a contestant adds to a process that has loaded numpy, OpenCV, Pillow
and the pictures. Disk is what it installs in addition to numpy, OpenCV, Pillow, ONNX Runtime and their dependencies.
"""

import argparse
import contextlib
import ctypes
import ctypes.util
import importlib.metadata
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from benchmarks.rivals import installed_megabytes
from benchmarks.sets import PARTED_FOLDERS, SET_PARTS, SETS, Sample
from benchmarks.tables import show

REPOSITORY = Path(__file__).resolve().parent.parent
DIGITS = "0123456789"

# Tesseract's page segmentation modes.
BLOCK_MODE, LINE_MODE, CHARACTER_MODE = 6, 7, 10

# Page segmentation mode of each set.
SET_LAYOUTS = {
    "cheque_amounts": LINE_MODE,
    "documents": BLOCK_MODE,
    "single_more": CHARACTER_MODE,
    "mixed": BLOCK_MODE,
    "pen_strings": LINE_MODE,
}

# Packages that all contestants except Tesseract share.
SHARED_PACKAGES = ("numpy", "onnxruntime", "opencv-python-headless", "pillow")

# Reads a picture: (uint8 RGB (H, W, 3), page segmentation mode) -> text.
Read = Callable[[np.ndarray, int], str]


def this_reader() -> Read:
    """Load this reader."""
    from digits import DigitReader

    reader = DigitReader()
    return lambda image, layout: reader.read(image).text


def rapid_ocr(with_detector: bool) -> Read:
    """Load RapidOCR, restricted to digits."""
    from rapidocr import RapidOCR

    engine = RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
    recognizer = engine._load_rec_model()
    decode = recognizer.postprocess_op
    allowed = np.isin(decode.character, ["blank", " ", *DIGITS])

    def decode_digits(scores: np.ndarray, *args: Any, **kwargs: Any) -> Any:
        """Decode probabilities (lines, steps, characters) with those of other characters set to 0."""
        return decode(np.where(allowed, scores, 0), *args, **kwargs)

    recognizer.postprocess_op = decode_digits

    def read(image: np.ndarray, layout: int) -> str:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        if not with_detector:
            return "".join(engine(image, use_det=False).txts or ())
        found = engine(image)
        return "" if found.txts is None else "\n".join(join_lines(np.array(found.boxes), found.txts))

    return read


def join_lines(boxes: np.ndarray, texts: tuple[str, ...]) -> Iterator[str]:
    """Join texts into lines, from top to bottom.

    A line consists of the boxes whose centre is within the height of its first box.

    Args:
        boxes: corners (N, 4, 2), x and y.
        texts: text of each box.
    """
    tops, bottoms, lefts = boxes[..., 1].min(1), boxes[..., 1].max(1), boxes[..., 0].min(1)
    middles = (tops + bottoms) / 2
    remaining = sorted(range(len(texts)), key=lambda index: middles[index])
    while remaining:
        first = remaining[0]
        line = [index for index in remaining if tops[first] < middles[index] < bottoms[first]] or [first]
        yield " ".join(texts[index] for index in sorted(line, key=lambda index: lefts[index]))
        remaining = [index for index in remaining if index not in line]


def tesseract() -> Read:
    """Load Tesseract, restricted to digits.

    Raises:
        ImportError: Tesseract or its English data is not installed.
    """
    name = ctypes.util.find_library("tesseract")
    if name is None:
        raise ImportError("libtesseract is not installed")
    library = ctypes.CDLL(name)
    library.TessBaseAPICreate.restype = library.TessBaseAPIGetUTF8Text.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(library.TessBaseAPICreate())
    if library.TessBaseAPIInit3(handle, None, b"eng"):
        raise ImportError("Tesseract finds no data for eng")
    library.TessBaseAPISetVariable(handle, b"tessedit_char_whitelist", DIGITS.encode())
    library.TessBaseAPISetVariable(handle, b"debug_file", b"/dev/null")

    def read(image: np.ndarray, layout: int) -> str:
        library.TessBaseAPISetPageSegMode(handle, layout)
        height, width = image.shape[:2]
        library.TessBaseAPISetImage(handle, image.tobytes(), width, height, 3, 3 * width)
        text = ctypes.c_void_p(library.TessBaseAPIGetUTF8Text(handle))
        decoded = ctypes.string_at(text).decode() if text else ""
        library.TessDeleteText(text)
        return decoded

    return read


CONTESTANTS: dict[str, Callable[[], Read]] = {
    "this reader": this_reader,
    "RapidOCR, detector and recognizer": partial(rapid_ocr, with_detector=True),
    "RapidOCR, recognizer alone": partial(rapid_ocr, with_detector=False),
    "Tesseract": tesseract,
}


def read_sets(contestant: str, data: Path, limit: int | None) -> dict:
    """Read all sets with one contestant, in this process, which should do nothing else.

    Returns:
        "texts": set -> texts read; "milliseconds": set -> median; "megabytes": peak of the added memory.
    """
    cv2.setNumThreads(1)
    pictures = {name: [decode(image) for image, _ in load_samples(name, data, limit)] for name in SET_LAYOUTS}
    bytes_before = _memory_bytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak to the current memory
    texts: dict[str, list[str]] = {}
    milliseconds: dict[str, float] = {}
    read = CONTESTANTS[contestant]()
    for name, images in pictures.items():
        read(images[0], SET_LAYOUTS[name])  # not timed: it may load models
        times = []
        for image in images:
            started = time.perf_counter()
            texts.setdefault(name, []).append(read(image, SET_LAYOUTS[name]))
            times.append(1000 * (time.perf_counter() - started))
        milliseconds[name] = statistics.median(times)
    return {"texts": texts, "milliseconds": milliseconds, "megabytes": (_memory_bytes("VmHWM") - bytes_before) / 1e6}


def load_samples(name: str, data: Path, limit: int | None) -> Iterator[Sample]:
    """Yield the pictures of both parts of a set, at most `limit` of each part if that is not None."""
    parts = [f"dev/{name} ({part})" for part in SET_PARTS] if name in PARTED_FOLDERS else [f"dev/{name}"]
    return chain.from_iterable(islice(SETS[part](data), limit) for part in parts)


def decode(image: Path | np.ndarray) -> np.ndarray:
    """Decode a picture, given as a path or an array, to upright RGB, uint8 (H, W, 3)."""
    picture = Image.open(image) if isinstance(image, Path) else Image.fromarray(image)
    picture = ImageOps.exif_transpose(picture)
    if picture.has_transparency_data:
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA"))
    return np.array(picture.convert("RGB"))


def read_sets_in_process(contestant: str, data: Path, limit: int | None) -> dict:
    """Run `read_sets` in a new process with one core and one thread."""
    code = (
        "import json, os, pathlib; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); "
        "from benchmarks.ocr_rivals import read_sets; "
        f"print(json.dumps(read_sets({contestant!r}, pathlib.Path({str(data)!r}), {limit})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1"},
    )
    return json.loads(done.stdout.splitlines()[-1])


def installed_size(contestant: str) -> float:
    """Return the megabytes of a contestant with its models and dependencies, without SHARED_PACKAGES."""
    if contestant == "this reader":
        files = [*(REPOSITORY / "digits").rglob("*.py"), *(REPOSITORY / "models").glob("*.onnx")]
        return sum(file.stat().st_size for file in files) / 1e6
    if contestant.startswith("RapidOCR"):
        return installed_megabytes(("rapidocr", *SHARED_PACKAGES)) - installed_megabytes(SHARED_PACKAGES)
    packages = ("tesseract-ocr", "tesseract-ocr-eng", "tesseract-ocr-osd", "libtesseract5", "liblept5")
    return sum(map(int, _debian_field("Installed-Size", *packages).split())) * 1024 / 1e6


def describe_versions() -> str:
    """Return a sentence with the versions of the contestants."""
    named = []
    for package in ("rapidocr", "onnxruntime"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            named.append(f"{package} {importlib.metadata.version(package)}")
    if version := _debian_field("Version", "tesseract-ocr").strip():
        named.append(f"tesseract-ocr {version}")
    return f"Versions: {', '.join(named)}."


def _debian_field(field: str, *packages: str) -> str:
    """Return a field of installed Debian packages, one per line; "" on other systems."""
    if shutil.which("dpkg-query") is None:
        return ""
    command = ["dpkg-query", "-W", f"-f=${{{field}}}\n", *packages]
    return subprocess.run(command, capture_output=True, text=True).stdout


def _memory_bytes(field: str) -> int:
    """Return this process's memory on Linux: VmRSS is the current, VmHWM the peak value."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition(f"{field}:")[2].split()[0])


def main() -> None:
    """Compare all contestants and print the tables."""
    from benchmarks.accuracy import character_error, digit_lines  # not needed by the contestants' processes

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with dev/")
    parser.add_argument("--limit", type=int, metavar="N", help="read only the first N pictures of each part of a set")
    parser.add_argument("--save", type=Path, metavar="FILE", help="also write the tables to this file")
    args = parser.parse_args()

    texts = {name: [digit_lines(text) for _, text in load_samples(name, args.data, args.limit)] for name in SET_LAYOUTS}
    accuracy = [
        "| set | images | contestant | exactly right | character error | ms a picture |",
        "|---|---|---|---|---|---|",
    ]
    costs = ["| contestant | memory added | on disk |", "|---|---|---|"]
    left_out: list[str] = []
    rows: dict[str, list[str]] = {name: [] for name in SET_LAYOUTS}
    for contestant in tqdm(CONTESTANTS, leave=False):
        try:
            figures = read_sets_in_process(contestant, args.data, args.limit)
        except subprocess.CalledProcessError as error:
            left_out.append(f"{contestant} does not run: {error.stderr.strip().splitlines()[-1][:120]}")
            continue
        for name, truths in texts.items():
            read = [digit_lines(text) for text in figures["texts"][name]]
            exact = statistics.mean(text == truth for text, truth in zip(read, truths))
            errors = character_error(zip(read, truths))
            rows[name].append(
                f"| {name} | {len(truths)} | {contestant} | {exact:.1%} | {errors:.1%} "
                f"| {figures['milliseconds'][name]:.1f} |"
            )
        costs.append(f"| {contestant} | {figures['megabytes']:.0f} MB | {installed_size(contestant):.1f} MB |")
    show([*accuracy, *chain.from_iterable(rows.values()), "", *costs, "", describe_versions(), *left_out], args.save)


if __name__ == "__main__":
    main()

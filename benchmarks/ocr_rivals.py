"""Compare this reader with other OCR on handwritten numbers: RapidOCR and Tesseract.

    python -m benchmarks.ocr_rivals [--data DIR] [--limit N] [--save FILE]

Needs requirements-rivals.txt, and Tesseract 5 (Debian: tesseract-ocr); a contestant that is not installed is left out.

Every contestant reads the same decoded pictures, upright RGB, in a process of its own, on one core with one thread, and
is told that there are digits only:

- RapidOCR: PP-OCRv6 small on ONNX Runtime, its own settings, without the classifier that turns lines upside down (it
  takes 56 for 95, and all pictures are upright). Its recognizer chooses among blank, space and 0-9. "detector and
  recognizer" joins boxes side by side into a line; "recognizer alone" takes the whole picture as one line of text.
- Tesseract: `eng`, LSTM, whitelist 0-9, through its C API, so that neither starting a process nor writing a file
  counts. It is told how each set is laid out: one line (--psm 7), one character (10) or a block of text (6).

Exactly right and character error are those of benchmarks.accuracy: the digits of each line. Milliseconds are a median,
without decoding. Memory is the peak that a contestant adds to a process that holds numpy, OpenCV, Pillow and the
pictures. Disk is what it installs besides numpy, OpenCV, Pillow, ONNX Runtime and what those need.
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

import cv2
import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from benchmarks.rivals import installed
from benchmarks.sets import FOLDERS, PARTS, SETS, Sample
from benchmarks.tables import show

ROOT = Path(__file__).resolve().parent.parent
DIGITS = "0123456789"

# Tesseract's page segmentation modes.
BLOCK, LINE, CHARACTER = 6, 7, 10

# Sets, each with the mode that suits its layout.
LAYOUTS = {
    "cheque_amounts": LINE,
    "documents": BLOCK,
    "single_more": CHARACTER,
    "mixed": BLOCK,
    "pen_strings": LINE,
}

# What all contestants but Tesseract share.
SHARED = ("numpy", "onnxruntime", "opencv-python-headless", "pillow")

# From a picture, uint8 RGB (H, W, 3), and its layout to a text.
Read = Callable[[np.ndarray, int], str]


def this_reader() -> Read:
    from digits import DigitReader

    reader = DigitReader()
    return lambda image, layout: reader.read(image).text


def rapid_ocr(detects: bool) -> Read:
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

    def decode_digits(scores: np.ndarray, *args, **kwargs):
        """Decode probabilities (lines, steps, characters) with those of all other characters set to 0."""
        return decode(np.where(allowed, scores, 0), *args, **kwargs)

    recognizer.postprocess_op = decode_digits

    def read(image: np.ndarray, layout: int) -> str:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        if not detects:
            return "".join(engine(image, use_det=False).txts or ())
        found = engine(image)
        return "" if found.txts is None else "\n".join(joined_lines(np.array(found.boxes), found.txts))

    return read


def joined_lines(boxes: np.ndarray, texts: tuple[str, ...]) -> Iterator[str]:
    """Join texts into lines, from the top: a box whose middle is within the height of a line's first box belongs to it.

    Args:
        boxes: corners, (N, 4, 2), x and y.
    """
    tops, bottoms, lefts = boxes[..., 1].min(1), boxes[..., 1].max(1), boxes[..., 0].min(1)
    middles = (tops + bottoms) / 2
    waiting = sorted(range(len(texts)), key=lambda at: middles[at])
    while waiting:
        first = waiting[0]
        line = [at for at in waiting if tops[first] < middles[at] < bottoms[first]] or [first]
        yield " ".join(texts[at] for at in sorted(line, key=lambda at: lefts[at]))
        waiting = [at for at in waiting if at not in line]


def tesseract() -> Read:
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
        said = ctypes.string_at(text).decode() if text else ""
        library.TessDeleteText(text)
        return said

    return read


CONTESTANTS: dict[str, Callable[[], Read]] = {
    "this reader": this_reader,
    "RapidOCR, detector and recognizer": partial(rapid_ocr, detects=True),
    "RapidOCR, recognizer alone": partial(rapid_ocr, detects=False),
    "Tesseract": tesseract,
}


def read_sets(contestant: str, data: Path, limit: int | None) -> dict:
    """Let one contestant read all sets, in a process that does nothing else.

    Returns:
        "texts": set -> what was read; "milliseconds": set -> median; "megabytes": peak of what was added.
    """
    cv2.setNumThreads(1)
    pictures = {name: [decoded(image) for image, _ in samples(name, data, limit)] for name in LAYOUTS}
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is held now
    texts: dict[str, list[str]] = {}
    milliseconds: dict[str, float] = {}
    read = CONTESTANTS[contestant]()
    for name, images in pictures.items():
        read(images[0], LAYOUTS[name])  # not timed: it may load models
        times = []
        for image in images:
            began = time.perf_counter()
            texts.setdefault(name, []).append(read(image, LAYOUTS[name]))
            times.append(1000 * (time.perf_counter() - began))
        milliseconds[name] = statistics.median(times)
    return {"texts": texts, "milliseconds": milliseconds, "megabytes": (_status("VmHWM") - before) / 1e6}


def samples(name: str, data: Path, limit: int | None) -> Iterator[Sample]:
    """Yield a set's pictures, both parts; of each part the first `limit`, if that is not None."""
    parts = [f"dev/{name} ({part})" for part in PARTS] if name in FOLDERS else [f"dev/{name}"]
    return chain.from_iterable(islice(SETS[part](data), limit) for part in parts)


def decoded(image) -> np.ndarray:
    """Return a picture, a path or an array, as upright RGB, uint8 (H, W, 3)."""
    picture = Image.open(image) if isinstance(image, Path) else Image.fromarray(image)
    picture = ImageOps.exif_transpose(picture)
    if picture.has_transparency_data:
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA"))
    return np.array(picture.convert("RGB"))


def in_a_process(contestant: str, data: Path, limit: int | None) -> dict:
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


def size_on_disk(contestant: str) -> float:
    """Return megabytes of a contestant with its models and what it needs besides SHARED."""
    if contestant == "this reader":
        files = [*(ROOT / "digits").rglob("*.py"), *(ROOT / "models").glob("*.onnx")]
        return sum(file.stat().st_size for file in files) / 1e6
    if contestant.startswith("RapidOCR"):
        return installed(("rapidocr", *SHARED)) - installed(SHARED)
    packages = ("tesseract-ocr", "tesseract-ocr-eng", "tesseract-ocr-osd", "libtesseract5", "liblept5")
    return sum(map(int, _debian("Installed-Size", *packages).split())) * 1024 / 1e6


def versions() -> str:
    """Return a sentence that names the versions of what was compared."""
    named = []
    for package in ("rapidocr", "onnxruntime"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            named.append(f"{package} {importlib.metadata.version(package)}")
    if version := _debian("Version", "tesseract-ocr").strip():
        named.append(f"tesseract-ocr {version}")
    return f"Versions: {', '.join(named)}."


def _debian(field: str, *packages: str) -> str:
    """Return a field of installed Debian packages, a line each; "" where there are none."""
    if shutil.which("dpkg-query") is None:
        return ""
    command = ["dpkg-query", "-W", f"-f=${{{field}}}\n", *packages]
    return subprocess.run(command, capture_output=True, text=True).stdout


def _status(field: str) -> int:
    """Return bytes of this process as Linux counts them: VmRSS is held now, VmHWM the peak."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition(f"{field}:")[2].split()[0])


def main() -> None:
    from benchmarks.accuracy import character_error, digit_lines  # imports more than the contestants' processes need

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with dev/")
    parser.add_argument("--limit", type=int, metavar="N", help="read only the first N pictures of each part of a set")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the tables there as well")
    args = parser.parse_args()

    texts = {name: [digit_lines(text) for _, text in samples(name, args.data, args.limit)] for name in LAYOUTS}
    accuracy = [
        "| set | images | contestant | exactly right | character error | ms a picture |",
        "|---|---|---|---|---|---|",
    ]
    costs = ["| contestant | memory added | on disk |", "|---|---|---|"]
    left_out, rows = [], {name: [] for name in LAYOUTS}
    for contestant in tqdm(CONTESTANTS, leave=False):
        try:
            figures = in_a_process(contestant, args.data, args.limit)
        except subprocess.CalledProcessError as error:
            left_out.append(f"{contestant} does not run: {error.stderr.strip().splitlines()[-1][:120]}")
            continue
        for name, truths in texts.items():
            said = [digit_lines(text) for text in figures["texts"][name]]
            right = statistics.mean(one == truth for one, truth in zip(said, truths))
            wrong = character_error(zip(said, truths))
            rows[name].append(
                f"| {name} | {len(truths)} | {contestant} | {right:.1%} | {wrong:.1%} "
                f"| {figures['milliseconds'][name]:.1f} |"
            )
        costs.append(f"| {contestant} | {figures['megabytes']:.0f} MB | {size_on_disk(contestant):.1f} MB |")
    show([*accuracy, *chain.from_iterable(rows.values()), "", *costs, "", versions(), *left_out], args.save)


if __name__ == "__main__":
    main()

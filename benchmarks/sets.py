"""The labelled images that the reader is measured on, each set as an iterator of (image, text).

Nothing here knows how images are read. `text` is the whole number, lines separated by a line feed, or None for what is
no digit. A set that is absent raises FileNotFoundError.
"""

import csv
import gzip
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks.paper import PAPERS, on_table, photo

Sample = tuple[object, str | None]

CANVAS = 480


def mnist_frames(data: Path) -> Iterator[Sample]:
    """MNIST's test images as they are, 28x28, white on black."""
    with np.load(data / "mnist.npz") as mnist:
        yield from zip(mnist["x_test"], map(str, mnist["y_test"]))


def mnist_pages(data: Path) -> Iterator[Sample]:
    """The same, each enlarged, recoloured and pasted somewhere on a big white page."""
    random = np.random.default_rng(0)
    for digit, text in mnist_frames(data):
        side = int(random.integers(80, 400))
        ink = cv2.resize(digit, (side, side), interpolation=cv2.INTER_CUBIC)[..., None] / np.float32(255)
        colour = random.integers(0, 120, 3)
        page = np.full((600, 800, 3), 255, np.uint8)
        top, left = int(random.integers(0, 601 - side)), int(random.integers(0, 801 - side))
        page[top : top + side, left : left + side] = (255 - ink * (255 - colour)).round()
        yield page, text


def single(data: Path) -> Iterator[Sample]:
    """Photos, scans and drawings of one digit."""
    for row in _rows(data / "dev/single/labels.csv"):
        yield data / "dev/single" / row["path"], row["label"]


def multi(data: Path) -> Iterator[Sample]:
    """Photos and drawings of several digits, without the one whose label is a description."""
    for row in _rows(data / "dev/multi/labels.csv"):
        if re.fullmatch(r"[\d |]+", row["label"]):
            yield data / "dev/multi" / row["path"], row["label"].replace("|", "\n")


def one_part(folder: str, part: str, data: Path) -> Iterator[Sample]:
    """Yield the pictures of a folder in dev/ that belong to one part, "look" or "count"; None is the text where the
    labels have none.
    """
    for row in _rows(data / "dev" / folder / "labels.csv"):
        if row["part"] == part:
            text = row["label"].replace("|", "\n") if "label" in row else None
            yield data / "dev" / folder / row["path"], text


def cvl_digits(part: str, data: Path) -> Iterator[Sample]:
    """Yield digits of CVL, 28x28, dark on light; the second half of the writers, in order, is the part "count"."""
    with np.load(data / "dev/cvl_digits.npz") as archive:
        writers = np.unique(archive["writers"])
        is_counted = np.isin(archive["writers"], writers[len(writers) // 2 :])
        chosen = is_counted if part == "count" else ~is_counted
        yield from zip(archive["images"][chosen], map(str, archive["labels"][chosen]))


def usps(data: Path) -> Iterator[Sample]:
    """Digits from US envelopes, 16x16, white on black."""
    with np.load(data / "dev/usps_train.npz") as archive:
        yield from zip(archive["images"], map(str, archive["labels"]))


def pen_digits(data: Path) -> Iterator[Sample]:
    """Real pen strokes, replayed on a canvas at random size, place and pen width."""
    random = np.random.default_rng(0)
    for row in _json_lines(data / "dev/pen_digits.jsonl.gz"):
        pen = random.uniform(6, 24)
        strokes, (width, height) = _scaled(row["strokes"], random.uniform(0.25, 0.85) * CANVAS)
        free = np.array([CANVAS - width - pen, CANVAS - height - pen]).clip(0)
        yield _drawn(strokes, random.uniform(0, 1, 2) * free + pen / 2, pen, (CANVAS, CANVAS)), str(row["label"])


def pen_strings(data: Path) -> Iterator[Sample]:
    """Numbers on one line, replayed likewise, each on a canvas that it fits on."""
    random = np.random.default_rng(0)
    for row in _json_lines(data / "dev/pen_strings.jsonl.gz"):
        height = random.uniform(80, 200)
        strokes, (width, _) = _scaled(row["strokes"], height, by_height=True)
        pen = random.uniform(6, max(6, height / 9))
        margin = random.uniform(20, 80, 2) + pen
        size = (int(width + 2 * margin[0]), int(height + 2 * margin[1]))
        yield _drawn(strokes, margin, pen, size), row["text"]


def pen_on_paper(paper: str, data: Path, count: int = 500, beside_things: bool = False) -> Iterator[Sample]:
    """Digits of pen_digits written on plain, ruled or squared paper and photographed, all of it simulated; one or two
    dark things may lie beside them."""
    random = np.random.default_rng(0)
    rows = list(_json_lines(data / "dev/pen_digits.jsonl.gz"))
    for row in random.choice(rows, count, replace=False):

        def written(size, pitch, strokes=row["strokes"]):
            side = random.uniform(0.3, 0.7) * min(size)
            if paper == "squared" and random.random() < 0.5:
                side = random.uniform(1.2, 4) * pitch
            strokes, extent = _scaled(strokes, side)
            free = (0.95 * np.array(size[::-1]) - extent).clip(0)
            return _drawn(strokes, random.uniform(0.05, 1, 2) * free, side * random.uniform(0.03, 0.1), size[::-1])

        things = int(random.integers(1, 3)) if beside_things else 0
        yield photo(written, paper, random, things), str(row["label"])


def pen_on_table(data: Path) -> Iterator[Sample]:
    """Digits of pen_digits written on a plain sheet that lies on a table, simulated likewise."""
    random = np.random.default_rng(0)
    for sheet, text in pen_on_paper("plain", data):
        yield on_table(sheet, random), text


def things_alone(data: Path, count: int = 500) -> Iterator[Sample]:
    """One to three dark things on plain paper, photographed likewise: no digit."""
    random = np.random.default_rng(0)
    for _ in range(count):
        yield photo(lambda size, pitch: np.full(size, 255, np.uint8), "plain", random, int(random.integers(1, 4))), None


def not_digits(data: Path) -> Iterator[Sample]:
    """Handwritten mathematical symbols, 32x32."""
    with np.load(data / "dev/not_digits.npz") as archive:
        yield from ((image, None) for image in archive["images"])


# Folders in dev/ whose labels divide them into two parts: pictures of "count" are counted, and never looked at.
FOLDERS = ("cheque_amounts", "documents", "single_more", "mixed", "no_digits")
PARTS = ("look", "count")

SETS: dict[str, Callable[[Path], Iterator[Sample]]] = {
    "MNIST test": mnist_frames,
    "MNIST test on pages": mnist_pages,
    "dev/single": single,
    "dev/pen_digits": pen_digits,
    "dev/usps_train": usps,
    "dev/pen_strings": pen_strings,
    "dev/multi": multi,
    **{f"dev/pen_digits on {paper} paper": partial(pen_on_paper, paper) for paper in PAPERS},
    "dev/pen_digits beside dark things": partial(pen_on_paper, "plain", beside_things=True),
    "dev/pen_digits on a table": pen_on_table,
    "dark things alone": things_alone,
    "dev/not_digits": not_digits,
    **{f"dev/{folder} ({part})": partial(one_part, folder, part) for folder in FOLDERS for part in PARTS},
    **{f"dev/cvl_digits ({part})": partial(cvl_digits, part) for part in PARTS},
}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _json_lines(path: Path) -> Iterator[dict]:
    with gzip.open(path, "rt") as file:
        yield from map(json.loads, file)


def _scaled(strokes, size: float, by_height: bool = False) -> tuple[list[np.ndarray], np.ndarray]:
    """Strokes moved to the origin and scaled so that their height, or longer side, is `size`; and their extent."""
    strokes = [np.array(stroke, np.float64).reshape(-1, 2) for stroke in strokes]
    points = np.concatenate(strokes)
    low, extent = points.min(0), points.max(0) - points.min(0)
    zoom = size / max(extent[1] if by_height else extent.max(), 1e-6)
    return [(stroke - low) * zoom for stroke in strokes], extent * zoom


def _drawn(strokes, offset, pen: float, size: tuple[int, int]) -> np.ndarray:
    """Black strokes with round ends on white, anti-aliased: uint8 (height, width)."""
    page = np.full(size[::-1], 255, np.uint8)
    sixteenths = 4  # OpenCV takes points in sixteenths of a pixel
    for stroke in strokes:
        points = np.round((stroke + offset) * 2**sixteenths).astype(np.int32)
        if len(points) == 1:
            points = np.repeat(points, 2, axis=0)
        cv2.polylines(page, [points], False, 0, max(1, round(pen)), cv2.LINE_AA, sixteenths)
    return page

"""Load the labelled images that the reader is measured on, each set as an iterator of (image, text).

`text` is the whole number, with lines separated by a line feed, or None for an image without a digit. A set that is not
in the data folder raises FileNotFoundError. This module knows nothing of the reader.
"""

import csv
import gzip
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike

from benchmarks.paper import PAPERS, Size, draw_photo, place_on_table

Sample = tuple[Path | np.ndarray, str | None]

PEN_CANVAS_SIDE = 480  # of drawings of single pen digits, pixels


def mnist_frames(data: Path) -> Iterator[tuple[np.ndarray, str]]:
    """Yield MNIST's test images, 28x28, white on black."""
    with np.load(data / "mnist.npz") as mnist:
        yield from zip(mnist["x_test"], map(str, mnist["y_test"]))


def invert(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Swap light and dark."""
    return 255 - image


def binarize(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Make each pixel black or white."""
    return np.where(image > 127, 255, 0).astype(np.uint8)


def enlarge_to_the_edges(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Crop to the ink and enlarge it to 28 pixels, so that it touches two sides at least."""
    rows, columns = (np.flatnonzero((image > 50).any(axis)) for axis in (1, 0))
    ink = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    zoom = max(image.shape) / max(ink.shape)
    size = [max(1, round(side * zoom)) for side in ink.shape[::-1]]
    return cv2.resize(ink, size, interpolation=cv2.INTER_CUBIC)


def add_bands(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Add a white band, 1 to 4 pixels wide, along two of the four sides."""
    widths = random.integers(1, 5, 4) * random.permutation([1, 1, 0, 0])
    top, bottom, left, right = widths.tolist()
    return cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=255)


def mnist_variant(
    change: Callable[[np.ndarray, np.random.Generator], np.ndarray], data: Path, count: int = 2000
) -> Iterator[tuple[np.ndarray, str]]:
    """Yield MNIST's first test images, each changed in a way that tiny pictures of other sources have.

    Args:
        change: one of MNIST_VARIANTS.
        data: the data folder.
        count: number of images.
    """
    random = np.random.default_rng(0)
    for image, text in islice(mnist_frames(data), count):
        yield change(image, random), text


def mnist_pages(data: Path) -> Iterator[Sample]:
    """Yield MNIST's test images, enlarged, recoloured and pasted at a random position on a large white page."""
    random = np.random.default_rng(0)
    for digit, text in mnist_frames(data):
        side = int(random.integers(80, 400))
        ink = cv2.resize(digit, (side, side), interpolation=cv2.INTER_CUBIC)[..., None] / np.float32(255)
        colour = random.integers(0, 120, 3)
        page = np.full((600, 800, 3), 255, np.uint8)
        top, left = int(random.integers(0, 601 - side)), int(random.integers(0, 801 - side))
        page[top : top + side, left : left + side] = (255 - ink * (255 - colour)).round()
        yield page, text


def single_digits(data: Path) -> Iterator[Sample]:
    """Yield photos, scans and drawings of one digit."""
    for row in _read_csv(data / "dev/single/labels.csv"):
        yield data / "dev/single" / row["path"], row["label"]


def several_digits(data: Path) -> Iterator[Sample]:
    """Yield photos and drawings of several digits, without the one whose label is a description."""
    for row in _read_csv(data / "dev/multi/labels.csv"):
        if re.fullmatch(r"[\d |]+", row["label"]):
            yield data / "dev/multi" / row["path"], row["label"].replace("|", "\n")


def folder_part(folder: str, part: str, data: Path) -> Iterator[Sample]:
    """Yield the pictures of one part of a folder in dev/; the text is None where the labels have no text.

    Args:
        folder: one of PARTED_FOLDERS.
        part: "look" or "count".
        data: the data folder.
    """
    for row in _read_csv(data / "dev" / folder / "labels.csv"):
        if row["part"] == part:
            text = row["label"].replace("|", "\n") if "label" in row else None
            yield data / "dev" / folder / row["path"], text


def cvl_digits(part: str, data: Path) -> Iterator[Sample]:
    """Yield digits of CVL, 28x28, dark on light; the part "count" is the second half of the writers, by number."""
    with np.load(data / "dev/cvl_digits.npz") as archive:
        writers = np.unique(archive["writers"])
        is_counted = np.isin(archive["writers"], writers[len(writers) // 2 :])
        chosen = is_counted if part == "count" else ~is_counted
        yield from zip(archive["images"][chosen], map(str, archive["labels"][chosen]))


def usps(data: Path) -> Iterator[Sample]:
    """Yield digits from US envelopes, 16x16, white on black."""
    with np.load(data / "dev/usps_train.npz") as archive:
        yield from zip(archive["images"], map(str, archive["labels"]))


def pen_digits(data: Path) -> Iterator[Sample]:
    """Yield drawings of digits from real pen strokes, with random size, position and pen width."""
    random = np.random.default_rng(0)
    for row in read_json_lines(data / "dev/pen_digits.jsonl.gz"):
        pen = random.uniform(6, 24)
        strokes, (width, height) = scale_strokes(row["strokes"], random.uniform(0.25, 0.85) * PEN_CANVAS_SIDE)
        free = np.array([PEN_CANVAS_SIDE - width - pen, PEN_CANVAS_SIDE - height - pen]).clip(0)
        yield (
            draw_strokes(strokes, random.uniform(0, 1, 2) * free + pen / 2, pen, (PEN_CANVAS_SIDE, PEN_CANVAS_SIDE)),
            str(row["label"]),
        )


def pen_strings(data: Path) -> Iterator[Sample]:
    """Yield drawings of one-line numbers from real pen strokes, with random size and pen width."""
    random = np.random.default_rng(0)
    for row in read_json_lines(data / "dev/pen_strings.jsonl.gz"):
        height = random.uniform(80, 200)
        strokes, (width, _) = scale_strokes(row["strokes"], height, by_height=True)
        pen = random.uniform(6, max(6, height / 9))
        margin = random.uniform(20, 80, 2) + pen
        size = (int(width + 2 * margin[0]), int(height + 2 * margin[1]))
        yield draw_strokes(strokes, margin, pen, size), row["text"]


def pen_on_paper(
    paper: str, data: Path, count: int = 500, with_objects: bool = False
) -> Iterator[tuple[np.ndarray, str]]:
    """Yield simulated photos of digits of pen_digits on paper.

    Args:
        paper: one of paper.PAPERS.
        data: the data folder.
        count: number of photos.
        with_objects: whether one or two dark objects are beside each digit.
    """
    random = np.random.default_rng(0)
    rows = list(read_json_lines(data / "dev/pen_digits.jsonl.gz"))
    for row in random.choice(rows, count, replace=False):

        def write(size: Size, pitch: float, strokes: list = row["strokes"]) -> np.ndarray:
            side = random.uniform(0.3, 0.7) * min(size)
            if paper == "squared" and random.random() < 0.5:
                side = random.uniform(1.2, 4) * pitch
            strokes, extent = scale_strokes(strokes, side)
            free = (0.95 * np.array(size[::-1]) - extent).clip(0)
            return draw_strokes(
                strokes, random.uniform(0.05, 1, 2) * free, side * random.uniform(0.03, 0.1), size[::-1]
            )

        object_count = int(random.integers(1, 3)) if with_objects else 0
        yield draw_photo(write, paper, random, object_count), str(row["label"])


def pen_on_table(data: Path) -> Iterator[Sample]:
    """Yield simulated photos of digits of pen_digits on a plain sheet on a table."""
    random = np.random.default_rng(0)
    for sheet, text in pen_on_paper("plain", data):
        yield place_on_table(sheet, random), text


def objects_only(data: Path, count: int = 500) -> Iterator[Sample]:
    """Yield simulated photos of one to three dark objects on plain paper, without a digit."""
    random = np.random.default_rng(0)
    for _ in range(count):
        yield (
            draw_photo(lambda size, pitch: np.full(size, 255, np.uint8), "plain", random, int(random.integers(1, 4))),
            None,
        )


def not_digits(data: Path) -> Iterator[Sample]:
    """Yield handwritten mathematical symbols, 32x32."""
    with np.load(data / "dev/not_digits.npz") as archive:
        yield from ((image, None) for image in archive["images"])


# Folders in dev/ whose labels assign each picture to a part: pictures of "look" may be looked at during development,
# those of "count" are only counted.
PARTED_FOLDERS = ("cheque_amounts", "documents", "single_more", "mixed", "no_digits")
SET_PARTS = ("look", "count")

MNIST_VARIANTS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "inverted": invert,
    "binarized": binarize,
    "enlarged to the edges": enlarge_to_the_edges,
    "with bands": add_bands,
}

SETS: dict[str, Callable[[Path], Iterator[Sample]]] = {
    "MNIST test": mnist_frames,
    **{f"MNIST test {name}": partial(mnist_variant, change) for name, change in MNIST_VARIANTS.items()},
    "MNIST test on pages": mnist_pages,
    "dev/single": single_digits,
    "dev/pen_digits": pen_digits,
    "dev/usps_train": usps,
    "dev/pen_strings": pen_strings,
    "dev/multi": several_digits,
    **{f"dev/pen_digits on {paper} paper": partial(pen_on_paper, paper) for paper in PAPERS},
    "dev/pen_digits beside dark things": partial(pen_on_paper, "plain", with_objects=True),
    "dev/pen_digits on a table": pen_on_table,
    "dark things alone": objects_only,
    "dev/not_digits": not_digits,
    **{f"dev/{folder} ({part})": partial(folder_part, folder, part) for folder in PARTED_FOLDERS for part in SET_PARTS},
    **{f"dev/cvl_digits ({part})": partial(cvl_digits, part) for part in SET_PARTS},
}


def _read_csv(path: Path) -> list[dict[str, str]]:
    """Read the rows of a CSV file with a header."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def read_json_lines(path: Path) -> Iterator[dict]:
    """Yield the values of a gzipped file with one JSON value per line."""
    with gzip.open(path, "rt") as file:
        yield from map(json.loads, file)


def scale_strokes(
    strokes: Iterable[ArrayLike], size: float, by_height: bool = False
) -> tuple[list[np.ndarray], np.ndarray]:
    """Move strokes to the origin and scale them.

    Args:
        strokes: points x, y of each stroke, in any shape.
        size: the new height, or the new longer side, pixels.
        by_height: whether `size` is the height.

    Returns:
        The strokes (N, 2), and their width and height.
    """
    curves = [np.array(stroke, np.float64).reshape(-1, 2) for stroke in strokes]
    points = np.concatenate(curves)
    corner, extent = points.min(0), points.max(0) - points.min(0)
    zoom = size / max(extent[1] if by_height else extent.max(), 1e-6)
    return [(curve - corner) * zoom for curve in curves], extent * zoom


def draw_strokes(strokes: Iterable[np.ndarray], offset: ArrayLike, pen: float, size: tuple[int, int]) -> np.ndarray:
    """Draw black strokes with round ends on white, anti-aliased.

    Args:
        strokes: points (N, 2) of each stroke, x before y, pixels.
        offset: x and y that are added to all points, pixels.
        pen: stroke width, pixels.
        size: width and height, pixels.

    Returns:
        uint8 (height, width).
    """
    page = np.full(size[::-1], 255, np.uint8)
    fraction_bits = 4  # OpenCV takes points in sixteenths of a pixel
    for stroke in strokes:
        points = np.round((stroke + offset) * 2**fraction_bits).astype(np.int32)
        if len(points) == 1:
            points = np.repeat(points, 2, axis=0)
        cv2.polylines(page, [points], False, 0, max(1, round(pen)), cv2.LINE_AA, fraction_bits)
    return page

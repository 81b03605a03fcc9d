"""Compose pages of handwritten numbers, with the class and box of every digit and mark on them.

    python -m training.pages --preview pages.png --data mnist.npz

A page has one writer, who writes numbers, words and signs in lines, tables, cells or at random positions on a
background of paper.py; a simulated camera takes the picture. A tile holds one page or several small ones. This module
knows nothing of networks.
"""

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training import page_layouts, paper
from training.canvas import MIN_READABLE_FRACTION, Canvas
from training.classes import CLASSES, IGNORED, OTHER
from training.data import load_mnist
from training.glyph_library import GlyphLibrary
from training.writer import Writer

TILE_SIDE = 256  # pixels

# The pictures of a tile lie on this gray, with which the reader pads pictures too, at least TILE_GAP pixels apart.
PADDING_GRAY = 128
TILE_GAP = 8

# Writing whose digits are lower than this is labelled too small to be read: the reader has to enlarge it.
TOO_SMALL_BELOW_PIXELS = 9.0

# From this digit height on writing is large enough. Between the two the flag of small writing does not count.
LARGE_ENOUGH_FROM_PIXELS = 12.0


@dataclass
class Page:
    """A picture and what is on it.

    Attributes:
        picture: uint8 (H, W, 3).
        boxes: float32 (N, 4): left, top, right, bottom of each character, pixels.
        labels: int (N,): index into CLASSES, OTHER or IGNORED.
        sizes: float32 (N,): height of the writer's digits, pixels.
    """

    picture: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    sizes: np.ndarray


def compose_page(size: tuple[int, int], library: GlyphLibrary, random: np.random.Generator) -> Page:
    """Compose one picture.

    Args:
        size: height and width, pixels.
        library: digits and fonts to write with.
        random: random generator.
    """
    height, width = size
    kind = random.random()
    has_print = random.random() < 0.12
    if kind < 0.06:
        picture = paper.draw_scene(size, random)
        return _capture(picture, Canvas(np.zeros(size, np.uint8)), random, min(size))
    picture = paper.draw_background(size, random) if random.random() < 0.96 else paper.draw_scene(size, random)
    writer = Writer(library, random)
    canvas = Canvas(np.zeros(size, np.uint8))
    if random.random() < 0.1:
        paper.print_security_pattern(picture, random)
    if kind < 0.19:
        digit_height = height * random.uniform(0.2, 0.97)
        page_layouts.write_single(canvas, writer, digit_height, random)
    elif kind < 0.26:
        digit_height = math.exp(random.uniform(math.log(14), math.log(max(16, min(0.7 * height, 0.4 * width)))))
        page_layouts.write_scattered(canvas, writer, digit_height, random)
    elif kind < 0.34:
        digit_height = random.uniform(0.4, 0.7) * page_layouts.write_cells(picture, canvas, writer, random)
        has_print = random.random() < 0.6  # labels of a form's fields
    elif min(size) < 150:
        digit_height = height * random.uniform(0.33, 1.0)
        if width < 1.3 * digit_height:
            digit_height = width * random.uniform(0.4, 0.7)
        page_layouts.write_field(picture, canvas, writer, digit_height, random)
    else:
        low = 3.0 if random.random() < 0.14 else 11.0
        digit_height = math.exp(random.uniform(math.log(low), math.log(9.5 if low < 4 else min(110.0, height / 2))))
        page_layouts.write_lines(picture, canvas, writer, digit_height, random)
    page_layouts.decorate(canvas, writer, digit_height, random)
    _paint_ink(picture, canvas, digit_height, random)
    if has_print:
        page_layouts.print_text(picture, canvas, library, random)
    return _capture(picture, canvas, random, digit_height)


def _paint_ink(picture: np.ndarray, canvas: Canvas, digit_height: float, random: np.random.Generator) -> None:
    """Blend the canvas's ink into the picture, in one colour and strength, in place."""
    ink = canvas.ink
    if random.random() < 0.25 and digit_height > 14:
        # A dry pen: strokes fade and break.
        coarse = random.uniform(0, 1, (max(2, ink.shape[0] // 5), max(2, ink.shape[1] // 5))).astype(np.float32)
        gaps = cv2.resize(coarse, ink.shape[::-1], interpolation=cv2.INTER_LINEAR)
        min_strength = random.uniform(0, 0.7)
        ink = cv2.multiply(ink, np.clip(gaps * 2 + min_strength - random.uniform(0, 0.3), 0, 1), dtype=cv2.CV_8U)
    is_faint = digit_height > 13 and random.random() < 0.3
    colour = paper.choose_contrasting_colour(picture, random, *((25, 90) if is_faint else (70, 235)))
    paper.blend(picture, ink, colour, random.uniform(0.8, 1))


def _capture(picture: np.ndarray, canvas: Canvas, random: np.random.Generator, digit_height: float) -> Page:
    """Add foreign objects, a table, a rotation and the camera's artifacts to a written picture."""
    boxes = np.array(canvas.boxes, np.float32).reshape(-1, 4)
    labels = np.array(canvas.labels, np.int64)
    sizes = np.array(canvas.sizes, np.float32)
    if random.random() < 0.1:
        free = cv2.erode(255 - canvas.ink, np.ones((9, 9), np.uint8))
        paper.place_objects(picture, free, random)
    if min(picture.shape[:2]) > 100 and random.random() < 0.1:
        picture, matrix = paper.place_on_table(picture, random)
        boxes, labels, sizes = _project(boxes, labels, sizes, matrix, picture.shape[:2])
    if random.random() < 0.06:
        # Sideways or upside down: characters, but not digits to be read in this orientation.
        quarter_turns = int(random.integers(1, 4))
        picture, boxes = _rotate(picture, boxes, quarter_turns)
        labels = np.array(
            [_ROTATED_LABELS[quarter_turns].get(label, OTHER) if label >= 0 else label for label in labels], np.int64
        )
    picture = paper.simulate_capture(np.ascontiguousarray(picture), random, max(12.0, digit_height))
    return Page(picture, boxes, labels, sizes)


# New label of a character after that many counter-clockwise quarter turns. Labels that are not listed become OTHER, and
# characters that can be read in both ways become IGNORED.
_ROTATED_LABELS = {
    1: {0: IGNORED, 1: IGNORED, 8: IGNORED, 10: 10, 12: IGNORED, 15: 15, **dict.fromkeys((11, 13, 14), IGNORED)},
    2: {
        0: 0,
        1: IGNORED,
        2: IGNORED,
        5: IGNORED,
        8: 8,
        6: 9,
        9: 6,
        10: 10,
        11: IGNORED,
        12: 12,
        13: 13,
        14: 14,
        15: 15,
    },
    3: {0: IGNORED, 1: IGNORED, 8: IGNORED, 10: 10, 12: IGNORED, 15: 15, **dict.fromkeys((11, 13, 14), IGNORED)},
}


def _rotate(picture: np.ndarray, boxes: np.ndarray, quarter_turns: int) -> tuple[np.ndarray, np.ndarray]:
    """Rotate picture and boxes by `quarter` counter-clockwise quarter turns; height and width may be swapped."""
    for _ in range(quarter_turns):
        left, top, right, bottom = boxes.T
        boxes = np.stack([top, picture.shape[1] - right, bottom, picture.shape[1] - left], 1)
        picture = np.rot90(picture)
    return picture, boxes


def _project(
    boxes: np.ndarray, labels: np.ndarray, sizes: np.ndarray, matrix: np.ndarray, size: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Project boxes with a 3x3 perspective matrix, and clip them to the picture of that height and width.

    Boxes outside the picture are dropped. The labels of those that extend beyond it become IGNORED.
    """
    if not len(boxes):
        return boxes, labels, sizes
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 1, 2)
    moved = cv2.perspectiveTransform(corners, matrix.astype(np.float32)).reshape(-1, 4, 2)
    projected = np.concatenate([moved.min(1), moved.max(1)], 1)
    clipped = projected.clip(0, (size[1], size[0], size[1], size[0]))
    area, full = (np.prod(b[:, 2:] - b[:, :2], axis=1) for b in (clipped, projected))
    is_visible = area > 0
    labels = np.where(area > MIN_READABLE_FRACTION * full, labels, IGNORED)
    zoom = np.sqrt(full / np.maximum(1e-6, np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)))
    return clipped[is_visible], labels[is_visible], (sizes * zoom)[is_visible].astype(np.float32)


def compose_tile(library: GlyphLibrary, random: np.random.Generator, side: int = TILE_SIDE) -> Page:
    """Compose a square tile of one page or several small pictures on PADDING_GRAY.

    Args:
        library: digits and fonts to write with.
        random: random generator.
        side: pixels.
    """
    picture = np.full((side, side, 3), PADDING_GRAY, np.uint8)
    boxes: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    sizes: list[np.ndarray] = []
    for left, top, width, height in _divide_tile(side, random):
        page = compose_page((height, width), library, random)
        h, w = page.picture.shape[:2]
        if (h, w) != (height, width) and (h > height or w > width):  # a quarter turn swapped its sides
            zoom = min(height / h, width / w)
            shrunk = cv2.resize(
                page.picture, (max(1, int(w * zoom)), max(1, int(h * zoom))), interpolation=cv2.INTER_AREA
            )
            page = Page(shrunk, page.boxes * np.float32(zoom), page.labels, page.sizes * np.float32(zoom))
            h, w = shrunk.shape[:2]
        picture[top : top + h, left : left + w] = page.picture
        boxes.append(page.boxes + np.array((left, top, left, top), np.float32))
        labels.append(page.labels)
        sizes.append(page.sizes)
    return Page(picture, np.concatenate(boxes), np.concatenate(labels), np.concatenate(sizes))


def _divide_tile(side: int, random: np.random.Generator) -> list[tuple[int, int, int, int]]:
    """Divide a tile into pictures; return left, top, width and height of each."""
    kind = random.random()
    if kind < 0.42:
        return [(0, 0, side, side)]
    if kind < 0.55:
        height, width = (random.uniform(0.6, 1, 2) * side).astype(int)
        return [
            (
                int(random.integers(0, side - width + 1)),
                int(random.integers(0, side - height + 1)),
                int(width),
                int(height),
            )
        ]
    rows = 2 if kind < 0.7 or kind > 0.9 else int(random.integers(3, 5))
    columns = 1 if kind < 0.9 else 2
    pictures = []
    edges = np.linspace(0, side + TILE_GAP, rows + 1)
    if columns == 1:
        edges[1:-1] += random.uniform(-0.15, 0.15, rows - 1) * side / rows
    for top, bottom in zip(edges, edges[1:]):
        for column in range(columns):
            wide = (side - (columns - 1) * TILE_GAP) // columns
            tall = int(bottom) - int(top) - TILE_GAP
            width = int(wide * (random.uniform(0.35, 1) if random.random() < 0.5 else 1))
            pictures.append((column * (wide + TILE_GAP), int(top), width, tall))
    return pictures


def draw_boxes(page: Page, zoom: int = 1) -> np.ndarray:
    """Draw the page with its boxes: digits green, marks blue, other writing grey, ignored red."""
    picture = cv2.resize(page.picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST)
    for box, label, size in zip(page.boxes, page.labels, page.sizes):
        if size < TOO_SMALL_BELOW_PIXELS:
            continue
        colour = (
            (255, 0, 0) if label < 0 else (0, 160, 0) if label < 10 else (0, 80, 255) if label < OTHER else (130,) * 3
        )
        left, top, right, bottom = (round(float(side) * zoom) for side in box)
        cv2.rectangle(picture, (left, top), (right, bottom), colour, 1)
        if 0 <= label < OTHER:
            cv2.putText(picture, CLASSES[label], (left, max(8, top)), cv2.FONT_HERSHEY_PLAIN, 0.8, colour)
    return picture


def main() -> None:
    """Write a picture of random tiles, to look at."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--preview", type=Path, required=True, metavar="FILE", help="write a picture of tiles there")
    parser.add_argument("--data", default="../shared/data/mnist.npz", help="MNIST, as for train_export.py")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=24, help="tiles")
    parser.add_argument("--boxes", action="store_true", help="draw the boxes as well")
    args = parser.parse_args()
    library = GlyphLibrary(load_mnist(args.data).train)
    random = np.random.default_rng(args.seed)
    started = time.perf_counter()
    tiles = [compose_tile(library, random) for _ in range(args.count)]
    seconds = time.perf_counter() - started
    pictures = [draw_boxes(tile) if args.boxes else tile.picture for tile in tiles]
    pictures = [cv2.copyMakeBorder(tile, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255, 0, 255)) for tile in pictures]
    columns = 6
    pictures += [np.zeros_like(pictures[0])] * (-len(pictures) % columns)
    sheet = np.vstack([np.hstack(pictures[row : row + columns]) for row in range(0, len(pictures), columns)])
    args.preview.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(args.preview), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    print(
        f"{args.count} tiles of {TILE_SIDE}x{TILE_SIDE} pixels, {args.count / seconds:.0f} a second, in {args.preview}."
    )


if __name__ == "__main__":
    main()

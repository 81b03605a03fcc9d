"""Digits as the reader cuts them out of pages: training images for the digit network, and what is no digit beside them.

The pages are those that the page network learns from (pages.py); a box is found to within a few per cent, as the page
network finds it, and the reader's own `crop` cuts it out. It knows nothing of networks.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import cv2
import numpy as np
from tqdm import tqdm

from digits.crops import Box, crop
from digits.frame import FRAME_SIDE
from training.data import Digits, joined
from training.hands import Shapes
from training.pages import LARGE_ENOUGH, Page, compose_tile
from training.synthesis import NOT_A_DIGIT

# By how much each side of a box is found too far in or out (standard deviation), in longer sides of the box.
BOX_ERROR = 0.03

# Of the other writing and the marks of a page only this part is taken, as there is more of it than of any one digit.
OTHERS_KEPT = 0.4

# Of one page so many digits are taken, that a full page of small writing counts no more than a few large numbers.
MOST_OF_A_PAGE = 10

# Each process cuts so many at a time.
CHUNK = 2000

# For so many digits of a page, one more box: round two neighbours, on a part of a digit, or where nothing is written.
DIGITS_PER_STRAY = 4


def page_crops(shapes: Shapes, count: int, random: np.random.Generator) -> Digits:
    """Cut training images out of composed pages.

    Args:
        shapes: what the pages are written with.
        count: how many.
        random: random generator.

    Returns:
        Frames float32 (count, 28, 28, 1) in 0..1 and their labels, 0 to 9 or NOT_A_DIGIT.
    """
    frames: list[np.ndarray] = []
    labels: list[int] = []
    while len(frames) < count:
        page = compose_tile(shapes, random)
        for box, label in _boxes(page, random):
            frame = crop(page.picture, box)
            if frame.any():
                frames.append(frame)
                labels.append(label)
    # Pages have very unlike numbers of digits: what the last one had too many is left out.
    images = np.array(frames[:count], np.float32).reshape(-1, FRAME_SIDE, FRAME_SIDE, 1)
    return Digits(images, np.array(labels[:count], np.int64))


def page_crops_on_cores(digits: Digits, count: int, seed: int, cores: int) -> Digits:
    """Cut out `count` training images as page_crops does, on several cores, with a bar of progress.

    Args:
        digits: MNIST's digits to compose pages with.
        count: how many.
        seed: with each chunk's number, the seed of its pages: the same images whatever the number of cores.
        cores: processes.
    """
    chunks = [min(CHUNK, count - start) for start in range(0, count, CHUNK)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(cores, len(chunks)), context, _start_process, (digits,)) as pool:
        parts = pool.map(_chunk, chunks, [(seed, number) for number in range(len(chunks))])
        return joined(*tqdm(parts, "digits cut out of pages", len(chunks), unit=f"x{CHUNK}", mininterval=10))


def _start_process(digits: Digits) -> None:
    global _shapes
    cv2.setNumThreads(1)
    _shapes = Shapes(digits)


def _chunk(count: int, seed: tuple[int, int]) -> Digits:
    return page_crops(_shapes, count, np.random.default_rng(seed))


def _boxes(page: Page, random: np.random.Generator) -> list[tuple[Box, int]]:
    """Boxes on a page, as they are found, and what is in them: 0 to 9 or NOT_A_DIGIT."""
    found = []
    is_readable = (page.labels >= 0) & (page.sizes >= LARGE_ENOUGH)
    chosen = random.permutation(np.flatnonzero(is_readable))[: 2 * MOST_OF_A_PAGE]
    boxes, labels = page.boxes[chosen], page.labels[chosen]
    for box, label in zip(boxes, labels):
        if label < 10:
            found.append((_as_found(box, random), int(label)))
        elif random.random() < OTHERS_KEPT:
            found.append((_as_found(box, random), NOT_A_DIGIT))
    digits = boxes[labels < 10]
    for _ in range(-(-min(len(digits), MOST_OF_A_PAGE) // DIGITS_PER_STRAY)):
        if (stray := _stray(page, digits, random)) is not None:
            found.append((stray, NOT_A_DIGIT))
    return found


def _as_found(box: np.ndarray, random: np.random.Generator) -> Box:
    left, top, right, bottom = box + random.normal(0, BOX_ERROR * max(box[2:] - box[:2]), 4)
    return float(left), float(top), float(max(right, left + 1)), float(max(bottom, top + 1))


def _stray(page: Page, digits: np.ndarray, random: np.random.Generator) -> Box | None:
    """A box that holds no one digit, of about the size of a digit; None where none was found."""
    box = digits[random.integers(len(digits))]
    width, height = box[2:] - box[:2]
    kind = random.random()
    if kind < 0.4:
        # Round the digit and the one that stands nearest to its right.
        beside = digits[(digits[:, 0] > (box[0] + box[2]) / 2) & (np.abs(digits[:, 1] - box[1]) < height / 2)]
        if not len(beside):
            return None
        other = beside[beside[:, 0].argmin()]
        if other[0] - box[2] > height / 2:
            return None
        left, top = np.minimum(box[:2], other[:2])
        right, bottom = np.maximum(box[2:], other[2:])
        return float(left), float(top), float(right), float(bottom)
    tall, wide = page.picture.shape[:2]
    x, y = random.uniform(0, max(1, wide - width)), random.uniform(0, max(1, tall - height))
    # Where a digit would be seen whole, or nearly, it is no stray box.
    shared = np.maximum(0, np.minimum(x + width, digits[:, 2]) - np.maximum(x, digits[:, 0])) * np.maximum(
        0, np.minimum(y + height, digits[:, 3]) - np.maximum(y, digits[:, 1])
    )
    areas = np.prod(digits[:, 2:] - digits[:, :2], axis=1)
    if (shared > 0.3 * areas).any():
        return None
    return float(x), float(y), float(x + width), float(y + height)

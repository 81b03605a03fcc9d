"""DigitReader: the whole road from an image to a reading, and what a reading says."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from digits.assemble import Guess, assemble
from digits.classifier import BATCH, DEFAULT_MODEL, Classifier
from digits.frame import FRAME_SIDE
from digits.images import ImageError, ImageSource, load_pixels
from digits.ink import find_ink
from digits.occlusion import occlusion
from digits.segment import Page, segment

# So many pixels of pages are held at a time, some 10 bytes each, while their pieces wait for a full batch.
PIXELS_HELD = 4_000_000

# Nothing is certain that is not clearly more likely than all else it might be.
LIKELY = 0.6


@dataclass(frozen=True)
class Digit:
    """One digit that was read.

    Attributes:
        label: the most probable digit, "0" to "9".
        probability: its probability, 0..1.
        probabilities: float32 (10,), of every digit; sums to 1.
        box: (left, top, right, bottom), in pixels of the upright image; right and bottom lie just outside.
        certainty: how probable it is that this is one digit, and that digit, 0..1.
        certain: False where the reader would rather not say: two digits are about as likely, or it may be none.
        frame: float32 (28, 28) in 0..1: what the network saw.
        line: the number of its line, from 0 at the top.
    """

    label: str
    probability: float
    probabilities: np.ndarray
    box: tuple[int, int, int, int]
    certainty: float
    certain: bool
    frame: np.ndarray
    line: int

    def top(self, count: int = 3) -> list[tuple[str, float]]:
        """The most probable digits with their probabilities, the best first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(str(index), float(self.probabilities[index])) for index in order]


@dataclass(frozen=True)
class Reading:
    """What was read from one image.

    Attributes:
        digits: in reading order; empty where none was found.
    """

    digits: tuple[Digit, ...]

    @property
    def text(self) -> str:
        """The digits as they stand, lines separated by a line feed; "" where there are none."""
        lines: dict[int, str] = {}
        for digit in self.digits:
            lines[digit.line] = lines.get(digit.line, "") + digit.label
        return "\n".join(lines.values())

    @property
    def certain(self) -> bool:
        """True where there is at least one digit and the reader is sure of every one."""
        return bool(self.digits) and all(digit.certain for digit in self.digits)

    @property
    def least_sure(self) -> int:
        """The index of the digit that is doubted most: an unsure one before any other. There must be a digit."""
        return min(range(len(self.digits)), key=lambda at: (self.digits[at].certain, self.digits[at].probability))

    def to_dict(self) -> dict[str, Any]:
        """The reading as plain values, ready for JSON."""
        return {
            "text": self.text,
            "digits": [
                {
                    "digit": int(digit.label),
                    "prob": digit.probability,
                    "probs": [float(p) for p in digit.probabilities],
                    "top": [[label, probability] for label, probability in digit.top(3)],
                    "certain": digit.certain,
                    "box": list(digit.box),
                }
                for digit in self.digits
            ],
        }


@dataclass(frozen=True)
class Stages:
    """What the reader saw of one image on its way, each stage ready to be shown.

    Attributes:
        pixels: uint8 (H, W, 3): the image upright, reduced if it was very large.
        ink: float32 (H, W) in 0..1, 1 = ink: what was left once paper, light and printed lines were taken away.
        boxes: (left, top, right, bottom) of each digit, in pixels of these two pictures.
        frames: float32 (N, 28, 28) in 0..1: what the network was shown of each digit.
        reading: what it all came to.
    """

    pixels: np.ndarray
    ink: np.ndarray
    boxes: tuple[tuple[int, int, int, int], ...]
    frames: np.ndarray
    reading: Reading


class DigitReader:
    """Reads handwritten digits from images; safe to call from several threads at once.

    Args:
        model: path of a model made by train_export.py.

    Raises:
        ModelError: the model can't be used; the message says why.
    """

    def __init__(self, model: str | os.PathLike = DEFAULT_MODEL):
        self._classifier = Classifier(model)

    @property
    def metadata(self) -> dict[str, str]:
        """What the model file says of itself: training figures, version, labels, contract."""
        return dict(self._classifier.metadata)

    def read(self, image: ImageSource) -> Reading:
        """Reads one image: a path, bytes, PIL image or array (see images.load_pixels).

        Raises:
            ImageError: what can't be read as an image, with a message for the person who sent it.
        """
        return next(self.read_many([image]))

    def read_many(self, images: Iterable[ImageSource]) -> Iterator[Reading]:
        """Reads images one after another, in order, with their digits batched through the network.

        Raises:
            ImageError: at the first image that can't be read, after the readings of all before it.
        """
        pages: list[tuple[Page, float, tuple[int, int]]] = []
        pieces = pixels_held = 0
        for image in images:
            try:
                pixels, size = load_pixels(image)
            except ImageError:
                yield from self._readings(pages)
                raise
            ink, ink_scale = find_ink(pixels)
            page = segment(ink)
            pages.append((page, _scale(pixels, size) * ink_scale, size))
            pieces += sum(map(len, page.lines))
            pixels_held += ink.size
            if pieces >= BATCH or pixels_held >= PIXELS_HELD:
                yield from self._readings(pages)
                pages, pieces, pixels_held = [], 0, 0
        yield from self._readings(pages)

    def stages(self, image: ImageSource) -> Stages:
        """Reads one image and keeps what was seen on the way.

        Raises:
            ImageError: as `read` does.
        """
        pixels, size = load_pixels(image)
        scale, seen = _scale(pixels, size), (pixels.shape[1], pixels.shape[0])
        ink, ink_scale = find_ink(pixels)
        (reading,) = self._readings([(segment(ink), scale * ink_scale, size)])
        ink = cv2.resize(ink, seen)
        boxes = tuple(_scaled(digit.box, scale, seen) for digit in reading.digits)
        frames = np.array([digit.frame for digit in reading.digits], np.float32).reshape(-1, FRAME_SIDE, FRAME_SIDE)
        return Stages(pixels, ink, boxes, frames, reading)

    def occlusion(self, digit: Digit) -> np.ndarray:
        """Which of a digit's ink decided how it was read: float32 (28, 28), see digits.occlusion."""
        return occlusion(digit.frame, int(digit.label), self._classifier.classify)

    def _readings(self, pages: list[tuple[Page, float, tuple[int, int]]]) -> Iterator[Reading]:
        read = assemble([page for page, _, _ in pages], self._classifier.classify)
        for lines, (_, scale, size) in zip(read, pages):
            yield Reading(
                tuple(self._digit(guess, number, scale, size) for number, line in enumerate(lines) for guess in line)
            )

    def _digit(self, guess: Guess, line: int, scale: float, size: tuple[int, int]) -> Digit:
        best = int(guess.probabilities.argmax())
        return Digit(
            label=str(best),
            probability=float(guess.probabilities[best]),
            probabilities=guess.probabilities,
            box=_scaled(guess.piece.box, 1 / scale, size),
            certainty=guess.certainty,
            certain=guess.certainty >= self._classifier.certain_from and float(guess.probabilities[best]) >= LIKELY,
            frame=guess.frame,
            line=line,
        )


def _scale(pixels: np.ndarray, size: tuple[int, int]) -> float:
    """How many pixels make one of the image of that size."""
    return max(pixels.shape[:2]) / max(size)


def _scaled(box: tuple[int, int, int, int], factor: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """A box on a copy of that size: within it, though the shorter side was rounded when one was reduced."""
    left, top, right, bottom = (round(side * factor) for side in box)
    return left, top, min(right, size[0]), min(bottom, size[1])

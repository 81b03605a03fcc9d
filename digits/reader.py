"""DigitReader: the pipeline from an image to a reading."""

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from digits.classifier import BATCH, DEFAULT_MODEL, Classifier
from digits.crops import around, crop_and_box, tiny_crops
from digits.frame import FRAME_SIDE
from digits.images import ImageError, ImageSource, load_pixels
from digits.judge import Judge, may_be_digit
from digits.layout import DIGITS, Symbol, arrange
from digits.occlusion import occlusion
from digits.pages import DEFAULT_PAGE_MODEL, Character, PageNetwork, View, seen
from digits.reading import Box, Digit, Mark, Reading

# A picture with no side longer, in pixels, is one of a single digit: there is nothing to look for.
TINY_SIDE = 40

# The page network sees no more candidates in one digit of lifted strokes: the two of a 4 or 5, and both together.
MOST_STROKES = 3

# Where neither plain view of a tiny picture is so probably one digit, and which, the page network is asked as well:
# nineteen in twenty.
SURE = 0.95

# In a tiny picture nothing is found where both views are less probably a digit than this, of which no pair was chosen:
# below one in twenty, an answer would be wrong more often than the tenth that a guess is.
IS_NO_DIGIT = 0.05


@dataclass(frozen=True)
class Stages:
    """What the reader saw of one image on its way, each stage ready to be shown.

    Attributes:
        pixels: uint8 (H, W, 3): the image upright, reduced if it was very large.
        found: float32 (H, W) in 0..1: where the page network saw the middle of a character.
        boxes: (left, top, right, bottom) of each digit, in pixels of these two pictures.
        frames: float32 (N, 28, 28) in 0..1: what the digit network was shown of each digit.
        reading: what it all came to.
    """

    pixels: np.ndarray
    found: np.ndarray
    boxes: tuple[tuple[int, int, int, int], ...]
    frames: np.ndarray
    reading: Reading


@dataclass
class _Page:
    """One image on its way: what was found on it, and the frames that the digit network is asked about.

    Attributes:
        size: width and height of the whole image, upright by EXIF.
        scale: how many of the pixels that were read make one of the image's.
        characters: what the page network found, in the picture turned by `rotation`; None for a tiny picture, whose
            frames are two views of one digit.
        frames: float32 (N, 28, 28), one for each character that may be a digit.
        rotation: how the picture was turned, clockwise, in degrees.
        views: what the page network saw.
        pixels: of a tiny picture, uint8 (H, W, 3); else None.
        boxes: of a tiny picture, the box of the ink in each view; of another one, the box round all that was found
            where that may be one digit, whose frame is the last one then; else none.
    """

    size: tuple[int, int]
    scale: float
    characters: list[Character] | None
    frames: list[np.ndarray]
    rotation: int = 0
    views: list[View] = field(default_factory=list)
    pixels: np.ndarray | None = None
    boxes: tuple[tuple[float, float, float, float], ...] = ()


class DigitReader:
    """Reads handwritten numbers from images; safe to call from several threads at once.

    Args:
        model: path of a digit network made by train_export.py.
        page_model: path of a page network made by train_export.py.

    Raises:
        ModelError: a model can't be used; the message says why.
    """

    def __init__(self, model: str | os.PathLike = DEFAULT_MODEL, page_model: str | os.PathLike = DEFAULT_PAGE_MODEL):
        self._classifier = Classifier(model)
        self._pages = PageNetwork(page_model)
        self._judge = Judge.from_metadata(self._pages.metadata)

    @property
    def metadata(self) -> dict[str, str]:
        """What the digit network's file says of itself: training figures, version, labels, contract."""
        return dict(self._classifier.metadata)

    def read(self, image: ImageSource) -> Reading:
        """Read one image: a path, bytes, PIL image or array (see images.load_pixels).

        Raises:
            ImageError: what can't be read as an image, with a message for the person who sent it.
        """
        return next(self.read_many([image]))

    def read_many(self, images: Iterable[ImageSource]) -> Iterator[Reading]:
        """Read images one after another, in order, with their digits batched through the digit network.

        Raises:
            ImageError: at the first image that can't be read, after the readings of all before it.
        """
        pages: list[_Page] = []
        waiting = 0
        for image in images:
            try:
                pixels, size = load_pixels(image)
            except ImageError:
                yield from self._readings(pages)
                raise
            pages.append(self._found(pixels, size))
            pages[-1].views.clear()  # of many large pictures they would take hundreds of megabytes
            waiting += len(pages[-1].frames)
            if waiting >= BATCH or len(pages) >= BATCH:
                yield from self._readings(pages)
                pages, waiting = [], 0
        yield from self._readings(pages)

    def stages(self, image: ImageSource) -> Stages:
        """Read one image and keep what was seen on the way.

        Raises:
            ImageError: as `read` does.
        """
        pixels, size = load_pixels(image)
        page = self._found(pixels, size)
        (reading,) = self._readings([page])
        height, width = pixels.shape[:2]
        boxes = tuple(
            _within(tuple(side * page.scale for side in digit.box), (width, height)) for digit in reading.digits
        )
        frames = np.array([digit.frame for digit in reading.digits], np.float32).reshape(-1, FRAME_SIDE, FRAME_SIDE)
        return Stages(pixels, seen(page.views, (height, width), page.rotation), boxes, frames, reading)

    def occlusion(self, digit: Digit) -> np.ndarray:
        """Which of a digit's ink decided how it was read: float32 (28, 28), see digits.occlusion."""
        return occlusion(digit.frame, int(digit.label), self._classifier.classify)

    def _found(self, pixels: np.ndarray, size: tuple[int, int]) -> _Page:
        if max(pixels.shape[:2]) <= TINY_SIDE:
            scale = max(pixels.shape[:2]) / max(size)
            frames, boxes = zip(*tiny_crops(pixels))
            return _Page(size, scale, None, list(frames), pixels=pixels, boxes=boxes)
        return self._cut_out(pixels, size, *self._pages.find_upright(pixels))

    def _cut_out(
        self,
        pixels: np.ndarray,
        size: tuple[int, int],
        candidates: list[Character],
        views: list[View],
        rotation: int = 0,
    ) -> _Page:
        """Choose among what the page network found, and cut out what may be a digit."""
        scale = max(pixels.shape[:2]) / max(size)
        turned = np.rot90(pixels, -rotation // 90)
        characters = self._judge.accepted(candidates)
        frames = []
        for number, found in enumerate(characters):
            if may_be_digit(found):
                frame, box = crop_and_box(turned, found.box)
                frames.append(frame)
                characters[number] = found._replace(box=box)
        page = _Page(size, scale, characters, frames, rotation, views)
        if 0 < len(candidates) <= MOST_STROKES:
            frame, box = crop_and_box(turned, around([found.box for found in candidates]))
            page.frames.append(frame)
            page.boxes = (box,)
        return page

    def _readings(self, pages: list[_Page]) -> Iterator[Reading]:
        frames = [frame for page in pages for frame in page.frames]
        probabilities, is_digit = self._classifier.classify(np.array(frames, np.float32))
        start = 0
        for page in pages:
            end = start + len(page.frames)
            read = self._reading if page.characters is not None else self._tiny_reading
            yield read(page, probabilities[start:end], is_digit[start:end])
            start = end

    def _reading(self, page: _Page, probabilities: np.ndarray, is_digit: np.ndarray) -> Reading:
        characters = page.characters or []
        whole = None
        if page.boxes:
            whole = probabilities[-1], float(probabilities[-1].max() * is_digit[-1])
            probabilities, is_digit = probabilities[:-1], is_digit[:-1]
        asked = [found for found in characters if may_be_digit(found)]
        verdict = self._judge.weigh(
            np.array([found.centre for found in asked], np.float32),
            np.array([found.classes for found in asked], np.float32).reshape(-1, len(self._pages.classes)),
            probabilities,
            is_digit,
        )
        answers = iter(zip(verdict.probabilities, verdict.certainty, page.frames))
        read = [next(answers) if may_be_digit(found) else None for found in characters]
        # What is more probably a certain digit than not is one, whatever the page network took it for.
        are_digits = [
            answer is not None and (found.text in DIGITS or answer[1] > 0.5) for found, answer in zip(characters, read)
        ]
        if whole is not None and whole[1] > 0.5:
            certainties = [answer[1] for answer, digit in zip(read, are_digits) if digit and answer]
            if whole[1] > math.prod(certainties) * bool(certainties):
                seen = {int(answer[0].argmax()) for answer, digit in zip(read, are_digits) if digit and answer}
                return self._one_digit(page, *whole, page.frames[-1], page.boxes[0], int(whole[0].argmax()) in seen)
        layout = arrange(
            [
                Symbol(str(answer[0].argmax()) if digit and answer else found.text, found.box)
                for found, answer, digit in zip(characters, read, are_digits)
            ]
        )
        symbols: list[Digit | Mark | None] = []
        for found, answer, digit, line in zip(characters, read, are_digits, layout.line_of):
            box = _turned_back(found.box, page)
            if digit and answer:
                symbols.append(self._digit(*answer, box, line))
            else:
                symbols.append(Mark(found.text, found.probability, box) if found.text else None)
        return Reading.from_layout(layout, symbols, rotation=page.rotation)

    def _tiny_reading(self, page: _Page, probabilities: np.ndarray, is_digit: np.ndarray) -> Reading:
        """Read a tiny picture: of its two views, the one that is surer to be a digit; nothing where neither is.

        Where neither is sure, its paper may be dark, ruled or stained: what the page network finds is asked as well,
        and counts where it is surer, and more probably right than wrong.
        """
        certainty = probabilities.max(1) * is_digit
        best = int(certainty.argmax())
        ours = float(certainty[best])
        if ours < SURE and page.pixels is not None:
            # It is not tried turned: one digit can't tell which side is up.
            (found,) = self._readings([self._cut_out(page.pixels, page.size, *self._pages.find(page.pixels))])
            if len(found.digits) == 1 and found.digits[0].certainty > max(ours, 0.5):
                return found
        if not page.frames[best].any() or is_digit[best] < IS_NO_DIGIT:
            return Reading()
        return self._one_digit(page, probabilities[best], ours, page.frames[best], page.boxes[best])

    def _one_digit(
        self,
        page: _Page,
        probabilities: np.ndarray,
        certainty: float,
        frame: np.ndarray,
        box: tuple[float, float, float, float],
        is_agreed: bool = True,
    ) -> Reading:
        """Read the picture as the one digit that the digit network sees; vouch for it where the page network agrees."""
        digit = self._digit(probabilities, certainty, frame, _turned_back(box, page), 0)
        digit = replace(digit, certain=is_agreed and certainty >= self._classifier.certain_from)
        layout = arrange([Symbol(digit.label, box)])
        return Reading.from_layout(layout, [digit], rotation=page.rotation)

    def _digit(self, probabilities: np.ndarray, certainty: float, frame: np.ndarray, box: Box, line: int) -> Digit:
        best = int(probabilities.argmax())
        return Digit(
            label=str(best),
            probability=float(probabilities[best]),
            probabilities=probabilities,
            box=box,
            certainty=float(certainty),
            certain=bool(certainty >= self._judge.certain_from),
            frame=frame,
            line=line,
        )


def _turned_back(box: tuple[float, float, float, float], page: _Page) -> Box:
    """A box in the picture that was read -> in the image as it came, upright by EXIF."""
    width, height = page.size
    left, top, right, bottom = (side / page.scale for side in box)
    if page.rotation == 90:
        left, top, right, bottom = top, height - right, bottom, height - left
    elif page.rotation == 180:
        left, top, right, bottom = width - right, height - bottom, width - left, height - top
    elif page.rotation == 270:
        left, top, right, bottom = width - bottom, left, width - top, right
    return _within((left, top, right, bottom), page.size)


def _within(box: tuple[float, ...], size: tuple[int, int]) -> Box:
    """Round a box, within a picture of that width and height, to one pixel at least."""
    left, top, right, bottom = (round(side) for side in box)
    left, top = min(max(0, left), size[0] - 1), min(max(0, top), size[1] - 1)
    return left, top, min(max(right, left + 1), size[0]), min(max(bottom, top + 1), size[1])

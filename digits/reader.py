"""DigitReader: the pipeline from an image to a reading."""

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from digits.boxes import Box, PixelBox
from digits.classifier import DEFAULT_MODEL, MAX_BATCH_FRAMES, Classifier
from digits.crops import crop_and_box, crop_tiny_picture, enclosing_box
from digits.frame import FRAME_SIDE
from digits.fusion import ScoreFusion, may_be_digit
from digits.images import ImageError, ImageSource, load_pixels
from digits.layout import DIGITS, Symbol, arrange
from digits.occlusion import occlusion
from digits.pages import DEFAULT_PAGE_MODEL, Character, PageNetwork, View, draw_centre_map
from digits.reading import Digit, Mark, Reading


@dataclass(frozen=True)
class ReaderSettings:
    """Settings of the pipeline.

    Attributes:
        max_tiny_side: a picture whose longer side has at most this many pixels shows a single digit: nothing has to be
            found in it.
        max_strokes: the page network finds at most this many candidates in one digit whose strokes do not touch: the
            two strokes of a 4 or 5, and both together.
        min_digit_certainty: from this certainty on, a candidate is more probably a certain digit than not, 0..1.
        sure_certainty: a tiny picture is also shown to the page network where the digit network is less certain than
            this of both polarities, 0..1: nineteen in twenty.
        min_tiny_is_digit: nothing is read in a tiny picture where the digit network finds a digit less probable than
            this in the better polarity: below one in twenty, an answer would be wrong more often than a guess among ten
            digits. The value was not tuned.
    """

    max_tiny_side: int = 40
    max_strokes: int = 3
    min_digit_certainty: float = 0.5
    sure_certainty: float = 0.95
    min_tiny_is_digit: float = 0.05


READER = ReaderSettings()


@dataclass(frozen=True)
class Stages:
    """The intermediate results of one reading, each ready to be shown.

    Attributes:
        pixels: uint8 (H, W, 3): the image upright, reduced if it was very large.
        centre_map: float32 (H, W) in 0..1: where the page network found the centres of characters.
        boxes: (left, top, right, bottom) of each digit, in pixels of these two pictures.
        frames: float32 (N, 28, 28) in 0..1: the input of the digit network for each digit.
        reading: the result.
    """

    pixels: np.ndarray
    centre_map: np.ndarray
    boxes: tuple[PixelBox, ...]
    frames: np.ndarray
    reading: Reading


@dataclass(kw_only=True)
class _Pending:
    """An image whose frames wait for the digit network.

    Attributes:
        size: width and height of the whole image, upright by EXIF.
        scale: pixels that are read in a pixel of the whole image.
        frames: float32 (28, 28) each.
        rotation: how the picture was turned before it was searched, clockwise, in degrees.
        views: what the page network saw.
    """

    size: tuple[int, int]
    scale: float
    frames: list[np.ndarray]
    rotation: int = 0
    views: list[View] = field(default_factory=list)


@dataclass(kw_only=True)
class _PendingPage(_Pending):
    """A picture that the page network has searched. Its frames are those of the characters that may be digits.

    Attributes:
        characters: what the page network found, in pixels of the turned picture.
        single_box: the box round all candidates where they may be strokes of one digit, whose frame is the last one.
    """

    characters: list[Character]
    single_box: Box | None = None


@dataclass(kw_only=True)
class _PendingTiny(_Pending):
    """A tiny picture. Its frames show it in both polarities.

    Attributes:
        pixels: uint8 (H, W, 3).
        boxes: of the ink in each polarity.
    """

    pixels: np.ndarray
    boxes: list[Box]


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
        self._page_network = PageNetwork(page_model)
        self._fusion = ScoreFusion.from_metadata(self._page_network.metadata)

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata of the digit network's file: training figures, version, labels, contract."""
        return dict(self._classifier.metadata)

    def read(self, image: ImageSource) -> Reading:
        """Read one image: a path, bytes, PIL image or array (see images.load_pixels).

        Raises:
            ImageError: the input can't be read as an image; the message can be shown to the person who sent it.
        """
        return next(self.read_many([image]))

    def read_many(self, images: Iterable[ImageSource]) -> Iterator[Reading]:
        """Read images one after another, in order, with their digits batched through the digit network.

        Raises:
            ImageError: at the first image that can't be read, after the readings of all images before it.
        """
        pending: list[_Pending] = []
        frame_count = 0
        for image in images:
            try:
                pixels, size = load_pixels(image)
            except ImageError:
                yield from self._finish(pending)
                raise
            pending.append(self._prepare(pixels, size))
            pending[-1].views.clear()  # of many large pictures they would take hundreds of megabytes
            frame_count += len(pending[-1].frames)
            if frame_count >= MAX_BATCH_FRAMES or len(pending) >= MAX_BATCH_FRAMES:
                yield from self._finish(pending)
                pending, frame_count = [], 0
        yield from self._finish(pending)

    def stages(self, image: ImageSource) -> Stages:
        """Read one image, and return the intermediate results as well.

        Raises:
            ImageError: as `read` does.
        """
        pixels, size = load_pixels(image)
        pending = self._prepare(pixels, size)
        (reading,) = self._finish([pending])
        height, width = pixels.shape[:2]
        boxes = tuple(
            _round_box(tuple(side * pending.scale for side in digit.box), (width, height)) for digit in reading.digits
        )
        frames = np.array([digit.frame for digit in reading.digits], np.float32).reshape(-1, FRAME_SIDE, FRAME_SIDE)
        centre_map = draw_centre_map(pending.views, (height, width), pending.rotation)
        return Stages(pixels, centre_map, boxes, frames, reading)

    def occlusion(self, digit: Digit) -> np.ndarray:
        """Return which of a digit's ink decided how it was read: float32 (28, 28), see digits.occlusion."""
        return occlusion(digit.frame, int(digit.label), self._classifier.classify)

    def _prepare(self, pixels: np.ndarray, size: tuple[int, int]) -> _Pending:
        """Find what the digit network has to classify in a picture."""
        if max(pixels.shape[:2]) > READER.max_tiny_side:
            return self._crop_characters(pixels, size, *self._page_network.find_upright(pixels))
        frames, boxes = zip(*crop_tiny_picture(pixels))
        scale = max(pixels.shape[:2]) / max(size)
        return _PendingTiny(size=size, scale=scale, frames=list(frames), pixels=pixels, boxes=list(boxes))

    def _crop_characters(
        self,
        pixels: np.ndarray,
        size: tuple[int, int],
        candidates: list[Character],
        views: list[View],
        rotation: int = 0,
    ) -> _PendingPage:
        """Select characters among the page network's candidates, and crop those that may be digits."""
        turned = np.rot90(pixels, -rotation // 90)
        characters = self._fusion.select_characters(candidates)
        frames = []
        for number, character in enumerate(characters):
            if may_be_digit(character):
                frame, box = crop_and_box(turned, character.box)
                frames.append(frame)
                characters[number] = character._replace(box=box)
        single_box = None
        if 0 < len(candidates) <= READER.max_strokes:
            frame, single_box = crop_and_box(turned, enclosing_box([character.box for character in candidates]))
            frames.append(frame)
        return _PendingPage(
            size=size,
            scale=max(pixels.shape[:2]) / max(size),
            frames=frames,
            rotation=rotation,
            views=views,
            characters=characters,
            single_box=single_box,
        )

    def _finish(self, pending: list[_Pending]) -> Iterator[Reading]:
        """Classify the frames of several pictures in one batch, and yield the readings."""
        frames = [frame for one in pending for frame in one.frames]
        probabilities, is_digit = self._classifier.classify(np.array(frames, np.float32))
        start = 0
        for one in pending:
            own = slice(start, start + len(one.frames))
            start = own.stop
            if isinstance(one, _PendingTiny):
                yield self._read_tiny(one, probabilities[own], is_digit[own])
            elif isinstance(one, _PendingPage):
                yield self._read_page(one, probabilities[own], is_digit[own])

    def _read_page(self, page: _PendingPage, probabilities: np.ndarray, is_digit: np.ndarray) -> Reading:
        """Read a page from the digit network's answers to its frames."""
        single_probabilities, single_certainty = np.zeros(0, np.float32), 0.0
        if page.single_box:
            single_probabilities = probabilities[-1]
            single_certainty = float(probabilities[-1].max() * is_digit[-1])
            probabilities, is_digit = probabilities[:-1], is_digit[:-1]
        candidates = [character for character in page.characters if may_be_digit(character)]
        fused = self._fusion.fuse(
            np.array([one.centre_probability for one in candidates], np.float32),
            np.array([one.class_probabilities for one in candidates], np.float32).reshape(
                -1, len(self._page_network.classes)
            ),
            probabilities,
            is_digit,
        )
        scores = iter(zip(fused.probabilities, fused.certainty, page.frames))
        # For each character the fused probabilities, the certainty and the frame; None where it is no digit. The page
        # network's class is overruled where the character is more probably a certain digit than not.
        digit_scores = []
        for character in page.characters:
            score = next(scores) if may_be_digit(character) else None
            is_read = score and (character.text in DIGITS or score[1] > READER.min_digit_certainty)
            digit_scores.append(score if is_read else None)

        if page.single_box and single_certainty > READER.min_digit_certainty:
            certainties = [score[1] for score in digit_scores if score]
            if single_certainty > math.prod(certainties) * bool(certainties):
                is_agreed = int(single_probabilities.argmax()) in {int(s[0].argmax()) for s in digit_scores if s}
                return self._read_single_digit(
                    page, single_probabilities, single_certainty, page.frames[-1], page.single_box, is_agreed
                )
        layout = arrange(
            [
                Symbol(str(score[0].argmax()) if score else character.text, character.box)
                for character, score in zip(page.characters, digit_scores)
            ]
        )
        symbols: list[Digit | Mark | None] = []
        for character, score, line in zip(page.characters, digit_scores, layout.line_of):
            box = _box_in_image(character.box, page)
            if score:
                symbols.append(self._make_digit(*score, box, line))
            else:
                symbols.append(Mark(character.text, character.probability, box) if character.text else None)
        return Reading.from_layout(layout, symbols, rotation=page.rotation)

    def _read_tiny(self, tiny: _PendingTiny, probabilities: np.ndarray, is_digit: np.ndarray) -> Reading:
        """Read a tiny picture in the polarity that is more certainly a digit; nothing where neither is.

        Where neither is certain, the paper may be dark, ruled or stained: the page network is asked as well, and its
        answer is taken where it is more certain, and more probably right than wrong.
        """
        certainties = probabilities.max(1) * is_digit
        best = int(certainties.argmax())
        certainty = float(certainties[best])
        if certainty < READER.sure_certainty:
            # It is not tried turned: one digit does not show which side is up.
            found = self._page_network.find(tiny.pixels)
            (reading,) = self._finish([self._crop_characters(tiny.pixels, tiny.size, *found)])
            min_certainty = max(certainty, READER.min_digit_certainty)
            if len(reading.digits) == 1 and reading.digits[0].certainty > min_certainty:
                return reading
        if not tiny.frames[best].any() or is_digit[best] < READER.min_tiny_is_digit:
            return Reading()
        return self._read_single_digit(tiny, probabilities[best], certainty, tiny.frames[best], tiny.boxes[best])

    def _read_single_digit(
        self,
        pending: _Pending,
        probabilities: np.ndarray,
        certainty: float,
        frame: np.ndarray,
        box: Box,
        is_agreed: bool = True,
    ) -> Reading:
        """Read a picture as the one digit that the digit network sees.

        Args:
            pending: the picture.
            probabilities: float32 (10,), of the digit network.
            certainty: 0..1.
            frame: float32 (28, 28).
            box: pixels of the picture that was read.
            is_agreed: False where the page network does not read the same digit, which makes it uncertain.
        """
        digit = self._make_digit(probabilities, certainty, frame, _box_in_image(box, pending), 0)
        digit = replace(digit, certain=is_agreed and certainty >= self._classifier.certain_threshold)
        layout = arrange([Symbol(digit.label, box)])
        return Reading.from_layout(layout, [digit], rotation=pending.rotation)

    def _make_digit(
        self, probabilities: np.ndarray, certainty: float, frame: np.ndarray, box: PixelBox, line: int
    ) -> Digit:
        best = int(probabilities.argmax())
        return Digit(
            label=str(best),
            probability=float(probabilities[best]),
            probabilities=probabilities,
            box=box,
            certainty=float(certainty),
            certain=bool(certainty >= self._fusion.min_certainty),
            frame=frame,
            line=line,
        )


def _box_in_image(box: Box, pending: _Pending) -> PixelBox:
    """Convert a box in the picture that was read to the whole image, upright by EXIF and not turned."""
    width, height = pending.size
    left, top, right, bottom = (side / pending.scale for side in box)
    if pending.rotation == 90:
        left, top, right, bottom = top, height - right, bottom, height - left
    elif pending.rotation == 180:
        left, top, right, bottom = width - right, height - bottom, width - left, height - top
    elif pending.rotation == 270:
        left, top, right, bottom = width - bottom, left, width - top, right
    return _round_box((left, top, right, bottom), pending.size)


def _round_box(box: tuple[float, ...], size: tuple[int, int]) -> PixelBox:
    """Round a box to at least one whole pixel inside a picture of that width and height."""
    left, top, right, bottom = (round(side) for side in box)
    left, top = min(max(0, left), size[0] - 1), min(max(0, top), size[1] - 1)
    return left, top, min(max(right, left + 1), size[0]), min(max(bottom, top + 1), size[1])

"""The page network: a picture -> the digits, marks and other writing on it, each with its box and probabilities.

It looks at the whole picture once, small, and then closer where writing is too small to be read. What a class, an
output or a scale means is read from the file's metadata. It knows nothing of ink, lines and numbers.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from digits.classifier import LABELS, ModelError, open_session
from digits.layout import MARKS
from digits.resources import ROOT

DEFAULT_PAGE_MODEL = ROOT / "models" / "pages.onnx"

# The contract between this module, the training code and the model; the file says which one it speaks.
PAGE_CONTRACT = "centres-at-stride-4"
OUTPUTS = ["centre", "characters", "small"]
STRIDE, COARSEST, UNIT = 4, 32, 16.0
# The picture is framed in this grey, so wide to the left and above, and as wide as it takes to the right and below.
PADDING_GREY, MARGIN = 128, 8
OTHER = ""


class Character(NamedTuple):
    """One character that the page network found.

    Attributes:
        text: "0" to "9", a mark, or OTHER for writing that is neither.
        centre: how probable it is that the middle of a character lies here, 0..1.
        classes: float32 (C,): the probabilities of all classes, the ten digits first; sum to 1.
        box: (left, top, right, bottom), pixels of the picture.
        size: height of a digit of the same hand, pixels of the picture.
    """

    text: str
    centre: float
    classes: np.ndarray
    box: tuple[float, float, float, float]
    size: float

    @property
    def probability(self) -> float:
        """How probable it is that a character stands here, and that it is this one, 0..1."""
        return self.centre * float(self.classes.max())


@dataclass(frozen=True)
class Search:
    """How the picture is looked through. Lengths are in pixels of what the network is shown.

    Attributes:
        glance_side: the longer side of the first, small copy.
        legible: digits this high are read as they are; smaller ones are looked at again, enlarged.
        target: the height that digits are enlarged to.
        worth_while: a copy that is larger by less shows nothing new.
        most_views: copies a picture is looked at in: the glance, the size that it asks for, and once more.
        seen_whole: where digits are this high, none is overlooked; where they are smaller, some are.
        most_enlarged: a picture is never enlarged more: beyond, nothing is gained.
        most_pixels: the largest copy that the network is shown, for time and memory.
        centre: the least probability of a centre that counts.
        clear: the probability of a centre from which on its size tells how closely to look.
        most_characters: of one copy, so many are kept, the most probable: a page in small writing has fewer.
        upright_share: a picture is not tried turned where this part of what is written can be read as digits: upside
            down, three of ten digits can't.
        turned_lead: a picture is turned where so many digits more can be read then: a single one may be another one
            that stands on its head.
        turned_pixels: the size of the copies that are tried turned.
    """

    glance_side: int = 152
    legible: float = 28.0
    target: float = 44.0
    worth_while: float = 1.2
    most_views: int = 3
    seen_whole: float = 9.0
    most_enlarged: float = 3.0
    most_pixels: int = 1_000_000
    centre: float = 0.2
    clear: float = 0.4
    most_characters: int = 1000
    upright_share: float = 0.7
    turned_lead: float = 1.5
    turned_pixels: int = 150_000


SEARCH = Search()


class View(NamedTuple):
    """What the network said of one copy of a part of the picture."""

    characters: list[Character]
    centre: np.ndarray
    small: np.ndarray
    height: float  # of the writing that has to be read, pixels of the copy; inf where there is none
    scale: float
    area: tuple[int, int, int, int]

    def centre_at(self, box: tuple[float, float, float, float]) -> float | None:
        """How probable it is that a character's middle lies in the middle of a box; None outside of the view."""
        left, top, right, bottom = self.area
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        if not (left <= x < right and top <= y < bottom):
            return None
        column, row = (int(((at - start) * self.scale + MARGIN) / STRIDE) for at, start in ((x, left), (y, top)))
        return float(self.centre[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].max())


class PageNetwork:
    """The page network, ready to run; safe to call from several threads at once.

    Args:
        model: path of a file written by train_export.py.

    Raises:
        ModelError: no such file, not an ONNX model, or one with another contract.
    """

    def __init__(self, model: str | os.PathLike = DEFAULT_PAGE_MODEL):
        self._session = open_session(Path(model), "page", PAGE_CONTRACT, {"page"}, set(OUTPUTS))
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        try:
            self.classes: list[str] = json.loads(self.metadata["classes"])
            is_known = self.classes[:10] == LABELS and set(self.classes[10:]) <= MARKS | {OTHER}
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{model} does not say what its classes are; make it anew with 'make train'.") from error
        if not is_known:
            raise ModelError(f"{model} has other classes than digits, then marks; make it anew with 'make train'.")

    def find(self, pixels: np.ndarray, search: Search = SEARCH) -> tuple[list[Character], list[View]]:
        """Find the characters of a picture.

        Args:
            pixels: uint8 (H, W, 3), upright.

        Returns:
            The characters, in no order, and what was seen on the way, the coarsest view first.
        """
        height, width = pixels.shape[:2]
        whole = (0, 0, width, height)
        scale = min(search.glance_side / max(height, width), search.most_enlarged)
        views = [self._look(pixels, whole, scale, search)]
        while len(views) < search.most_views and (area := _unread(views[-1], search)) is not None:
            last = views[-1]
            # Where nothing was seen, at three times the size.
            closer = search.target / last.height if np.isfinite(last.height) else 3.0
            size = (area[2] - area[0]) * (area[3] - area[1])
            scale = min(last.scale * closer, search.most_enlarged, (search.most_pixels / max(1, size)) ** 0.5)
            if scale < search.worth_while * last.scale:
                break
            views.append(self._look(pixels, area, scale, search))
        return self._combined(views, search), views

    def find_upright(self, pixels: np.ndarray, search: Search = SEARCH) -> tuple[list[Character], list[View], int]:
        """Find the characters of a picture that may have been stored sideways or upside down.

        Returns:
            Characters and views as `find` does, in the picture turned by the third: 0, 90, 180 or 270 degrees,
            clockwise.
        """
        characters, views = self.find(pixels, search)
        seen = views[-1].characters
        if not seen or _evidence(seen) > search.upright_share * len(seen):
            return characters, views, 0
        # The part that was seen closest is turned, in a copy that costs no more than a small picture.
        left, top, right, bottom = views[-1].area
        part = pixels[top:bottom, left:right]
        scale = min(views[-1].scale, (search.turned_pixels / (part.shape[0] * part.shape[1])) ** 0.5)
        evidence = {}
        for rotation in (0, 90, 270, 180):
            turned = np.rot90(part, -rotation // 90)
            view = self._look(turned, (0, 0, turned.shape[1], turned.shape[0]), scale, search)
            evidence[rotation] = _evidence(view.characters)
        best = max(evidence, key=lambda rotation: evidence[rotation])
        if evidence[best] <= evidence[0] + search.turned_lead:
            return characters, views, 0
        return (*self.find(np.ascontiguousarray(np.rot90(pixels, -best // 90)), search), best)

    def _combined(self, views: list[View], search: Search) -> list[Character]:
        """Make one character of all that the views show in one place, with the box of the closest view that shows it.

        Each view has a say as far as the writing is legible in it: it errs in its own way, as a network of an ensemble
        does. Where it shows no character, its centre map says how probable one is.
        """
        closest_first = sorted(enumerate(views), key=lambda item: -item[0])
        found = [(character, number) for number, view in closest_first for character in view.characters]
        if len(views) == 1 or not found:
            return views[0].characters
        groups = _same([character.box for character, _ in found])
        combined = []
        for group in groups[: search.most_characters]:
            lead = found[group[0]][0]
            shown: dict[int, Character] = {}
            for at in group:
                character, number = found[at]
                if number not in shown or character.centre > shown[number].centre:
                    shown[number] = character
            centre = shared = total = 0.0
            logs = np.zeros(len(self.classes))
            for number, view in enumerate(views):
                legibility = (lead.size * view.scale - search.seen_whole) / (search.legible - search.seen_whole)
                weight = min(1.0, max(1e-3, legibility))
                seen_here = shown[number].centre if number in shown else view.centre_at(lead.box)
                if seen_here is not None:
                    centre += weight * seen_here
                    total += weight
                if number in shown:
                    logs += weight * np.log(np.maximum(shown[number].classes, 1e-6))
                    shared += weight
            powers = np.exp(logs / shared)
            classes, centre = (powers / powers.sum()).astype(np.float32), centre / total
            combined.append(lead._replace(text=self._text(classes), centre=centre, classes=classes))
        return combined

    def _text(self, classes: np.ndarray) -> str:
        """First whether it is a digit, then which one: what may be a 4 or a 9 is no other writing for that."""
        digits = classes[: len(LABELS)]
        return self.classes[int(digits.argmax() if digits.sum() > 0.5 else classes.argmax())]

    def _look(self, pixels: np.ndarray, area: tuple[int, int, int, int], scale: float, search: Search) -> View:
        """Run the network on a part of the picture, at that scale."""
        left, top, right, bottom = area
        part = pixels[top:bottom, left:right]
        height, width = (max(1, round(side * scale)) for side in part.shape[:2])
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        page = cv2.resize(part, (width, height), interpolation=interpolation)
        below, beside = (-(side + MARGIN) % COARSEST for side in (height, width))
        padding = (MARGIN, below, MARGIN, beside)
        page = cv2.copyMakeBorder(page, *padding, cv2.BORDER_CONSTANT, value=(PADDING_GREY,) * 3)
        centre, maps, small = self._session.run(OUTPUTS, {"page": page[None] * np.float32(1 / 255)})
        return self._decoded(centre[0], maps[0], small[0], scale, area, search)

    def _decoded(
        self,
        centre: np.ndarray,
        maps: np.ndarray,
        small: np.ndarray,
        scale: float,
        area: tuple[int, int, int, int],
        search: Search,
    ) -> View:
        """Make characters of the maps: the peaks of the centre map, with what stands there."""
        peaks = (centre >= cv2.dilate(centre, np.ones((3, 3), np.uint8))) & (centre > search.centre)
        rows, columns = np.nonzero(peaks)
        order = np.argsort(-centre[rows, columns], kind="stable")[: search.most_characters]
        rows, columns = rows[order], columns[order]
        heat, found = centre[rows, columns], maps[rows, columns]
        logits, box = found[:, : len(self.classes)], found[:, len(self.classes) :]
        powers = np.exp(logits - logits.max(1, keepdims=True))
        classes = powers / powers.sum(1, keepdims=True)
        middle = np.stack([columns + box[:, 0] + 0.5, rows + box[:, 1] + 0.5], 1) * STRIDE - MARGIN
        half = UNIT / 2 * np.exp(box[:, 2:4].clip(-6, 5))
        boxes = np.concatenate([middle - half, middle + half], 1) / scale + np.tile(area[:2], 2)
        sizes = UNIT * np.exp(box[:, 4].clip(-6, 5))
        characters = [
            Character(
                self._text(classes[at]),
                float(heat[at]),
                classes[at],
                tuple(boxes[at].tolist()),
                float(sizes[at] / scale),
            )
            for at in distinct(boxes)
        ]
        return View(characters, centre, small, _height_to_read(heat, sizes, small, maps, search), scale, area)


def _height_to_read(heat: np.ndarray, sizes: np.ndarray, small: np.ndarray, maps: np.ndarray, search: Search) -> float:
    """The height that a quarter of what is written does not reach, pixels of the copy; inf where nothing is written.

    Args:
        heat, sizes: (N,), of the characters that were found.
        small: (h, w), where writing is too small to be read; of it, `maps` (h, w, C) says how high it is.
    """
    is_small = small > 0.5
    small_heights = UNIT * np.exp(maps[is_small][:, -1].clip(-6, 5))
    heights = np.concatenate([sizes, small_heights])
    # A cell of small writing is a part of a character, which is about two thirds as wide as it is high.
    weights = np.concatenate([heat, np.minimum(1, STRIDE**2 / (small_heights**2 * 2 / 3 + 1e-6))])
    weights[: len(heat)][heat < search.clear] = 0
    if not weights.sum():
        return np.inf
    order = np.argsort(heights)
    share = np.cumsum(weights[order])
    return float(heights[order[np.searchsorted(share, 0.25 * share[-1])]])


def _unread(view: View, search: Search) -> tuple[int, int, int, int] | None:
    """The part of the picture that has to be looked at closer; None where all that is written can be read."""
    left, top, right, bottom = view.area
    # Writing as small as this is seen in parts only: all of the area is looked at closer.
    if not np.isfinite(view.height) or view.height < search.seen_whole:
        return view.area
    if view.height >= search.legible:
        return None
    rows, columns = np.nonzero((view.small > 0.5) | (view.centre > search.clear))
    ends = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) * STRIDE - float(MARGIN)
    margin = 2 * view.height + 8
    ends = (ends + (-margin, -margin, margin, margin)) / view.scale + (left, top, left, top)
    x0, y0, x1, y1 = (int(side) for side in ends)
    x0, y0, x1, y1 = max(left, x0), max(top, y0), min(right, x1), min(bottom, y1)
    # What was seen in the padding alone is no part of the picture.
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _evidence(characters: list[Character]) -> float:
    """How many digits can be read, each counted as far as it is sure."""
    return sum(found.probability for found in characters if found.text in LABELS)


def seen(views: list[View], size: tuple[int, int], rotation: int) -> np.ndarray:
    """Draw where the network saw the middles of characters: float32 (H, W) in 0..1.

    Args:
        views: of the picture turned by `rotation` degrees clockwise.
        size: height and width of the picture as it came.
    """
    height, width = size if rotation % 180 == 0 else size[::-1]
    picture = np.zeros((height, width), np.float32)
    for view in views:
        left, top, right, bottom = view.area
        rows, columns = (max(1, round(side * view.scale)) for side in (bottom - top, right - left))
        centre = cv2.resize(view.centre, None, fx=STRIDE, fy=STRIDE, interpolation=cv2.INTER_LINEAR)
        centre = centre[MARGIN : MARGIN + rows, MARGIN : MARGIN + columns]
        centre = cv2.resize(centre, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
        area = picture[top:bottom, left:right]
        np.maximum(area, centre, out=area)
    return np.ascontiguousarray(np.rot90(picture, rotation // 90))


def _same(boxes: list[tuple[float, float, float, float]]) -> list[list[int]]:
    """Group boxes of one character: each group starts with its first box, which the others share their middles with.

    Two boxes are of one character where the middle of either lies in the inner half of the other: digits that touch or
    overlap lie further apart, and intersection over union can't tell them from a box found twice in another size.
    """
    sides = np.array(boxes, np.float64).reshape(-1, 4)
    middles, extents = sides[:, :2] + sides[:, 2:], sides[:, 2:] - sides[:, :2]
    is_free = np.ones(len(boxes), bool)
    groups = []
    for at in range(len(boxes)):
        if not is_free[at]:
            continue
        apart = np.abs(middles - middles[at])
        is_same = (apart < 0.5 * extents[at]).all(1) | (apart < 0.5 * extents).all(1)
        is_same[at] = False
        groups.append([at, *np.flatnonzero(is_same & is_free).tolist()])
        is_free[groups[-1]] = False
    return groups


def distinct(boxes: np.ndarray) -> list[int]:
    """Choose boxes of different characters, float (N, 4): the first of each group, see `_same`."""
    return [group[0] for group in _same(boxes.tolist())]

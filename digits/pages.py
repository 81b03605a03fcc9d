"""Run the page network: find the digits, marks and other writing of a picture, with their boxes and probabilities.

The whole picture is searched in a small copy first, then enlarged where writing is too small to be read. The file's
metadata define its classes. It knows nothing of ink, lines and numbers.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from digits.boxes import Box, PixelBox
from digits.classifier import LABELS, ModelError, open_session
from digits.layout import MARKS
from digits.resources import RESOURCE_ROOT

DEFAULT_PAGE_MODEL = RESOURCE_ROOT / "models" / "pages.onnx"

# The contract between this module, the training code and the model. The model's metadata names its contract.
PAGE_CONTRACT = "centres-at-stride-4"
PAGE_OUTPUTS = ["centre", "characters", "small"]
STRIDE = 4  # pixels of the input in a cell of the output maps, in each direction
SIZE_MULTIPLE = 32  # the input's height and width are multiples of this, pixels
SIZE_UNIT = 16.0  # pixels; the network says the logarithm of a size in this unit
LOG_SIZE_RANGE = (-6, 5)  # that logarithm is clipped to this range, so that its exponential stays finite

# The input is padded with this grey level: by this many pixels on the left and at the top, and on the right and at the
# bottom up to the next multiple of SIZE_MULTIPLE.
PADDING_LEVEL = 128
PADDING = 8

# The class of writing that is neither a digit nor a mark.
OTHER_WRITING = ""


class Character(NamedTuple):
    """One character that the page network found.

    Attributes:
        text: "0" to "9", a mark, or OTHER_WRITING.
        centre_probability: that the centre of a character lies here, 0..1.
        class_probabilities: float32 (C,), the ten digits first; sum to 1.
        box: (left, top, right, bottom), pixels of the picture.
        digit_height: height of a digit of the same hand, pixels of the picture.
    """

    text: str
    centre_probability: float
    class_probabilities: np.ndarray
    box: Box
    digit_height: float

    @property
    def probability(self) -> float:
        """The probability that a character stands here, and that it is this one, 0..1."""
        return self.centre_probability * float(self.class_probabilities.max())


@dataclass(frozen=True)
class SearchSettings:
    """Settings of the search for characters. Lengths are in pixels of the network's input where not said otherwise.

    Attributes:
        overview_side: the longer side of the first, small copy.
        legible_height: digits this high are read as they are; smaller ones are enlarged and read again.
        detectable_height: digits this high are all found; of smaller ones some are missed.
        target_height: the height that digits are enlarged to.
        target_quantile: the share of the characters that are lower than the height that is enlarged to `target_height`.
        blank_zoom: the factor by which a view without any writing is enlarged.
        min_zoom_step: a copy that is larger by less than this factor shows nothing new.
        max_scale: a picture is enlarged at most by this factor: a larger copy improves nothing.
        max_views: copies of a picture: the overview, the size that it asks for, and one more.
        max_view_pixels: the largest input of the network, which bounds time and memory; pixels in all.
        min_centre_probability: peaks of the centre map below this are ignored.
        min_size_probability: characters below this centre probability are ignored when the next scale is chosen.
        min_small_probability: a cell of the map of small writing above this holds writing that is too small to be read.
        max_characters: of one copy the most probable are kept, at most this many: a page in small writing has fewer.
        min_view_weight: the least weight of a view in which writing is too small to be read, 0..1.
        min_upright_share: a picture is not tried turned where this share of its characters can be read as digits:
            upside down, three of ten digits can't be read.
        min_rotation_gain: a picture is turned where more than this many more digits can be read then: a single one may
            be another one that is upside down.
        max_rotation_pixels: the size of the copies that are tried turned, pixels in all.
    """

    overview_side: int = 152
    legible_height: float = 28.0
    detectable_height: float = 9.0
    target_height: float = 44.0
    target_quantile: float = 0.25
    blank_zoom: float = 3.0
    min_zoom_step: float = 1.2
    max_scale: float = 3.0
    max_views: int = 3
    max_view_pixels: int = 1_000_000
    min_centre_probability: float = 0.2
    min_size_probability: float = 0.4
    min_small_probability: float = 0.5
    max_characters: int = 1000
    min_view_weight: float = 1e-3
    min_upright_share: float = 0.7
    min_rotation_gain: float = 1.5
    max_rotation_pixels: int = 150_000


SEARCH = SearchSettings()


class View(NamedTuple):
    """The network's output for a copy of an area of the picture.

    Attributes:
        characters: what was found, in pixels of the picture.
        centre_map: float32 (h, w) in 0..1: the probability of a character's centre in each cell.
        small_map: float32 (h, w) in 0..1: the probability of writing that is too small to be read.
        text_height: of the smaller writing in the view, pixels of the copy; infinite where there is none.
        scale: pixels of the copy in a pixel of the picture.
        area: (left, top, right, bottom), pixels of the picture.
    """

    characters: list[Character]
    centre_map: np.ndarray
    small_map: np.ndarray
    text_height: float
    scale: float
    area: PixelBox

    def centre_probability_at(self, box: Box) -> float | None:
        """Return the probability of a character's centre in the middle of a box; None outside of the view."""
        left, top, right, bottom = self.area
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        if not (left <= x < right and top <= y < bottom):
            return None
        column, row = (int(((at - start) * self.scale + PADDING) / STRIDE) for at, start in ((x, left), (y, top)))
        return float(self.centre_map[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].max())


class PageNetwork:
    """The page network, ready to run; safe to call from several threads at once.

    Args:
        model: path of a file written by train_export.py.

    Raises:
        ModelError: the file is missing, is not an ONNX model, or has another contract.

    Attributes:
        metadata: the file's metadata.
        classes: the text of each class: ten digits, then marks, then OTHER_WRITING.
    """

    def __init__(self, model: str | os.PathLike = DEFAULT_PAGE_MODEL):
        self._session = open_session(Path(model), "page", PAGE_CONTRACT, {"page"}, set(PAGE_OUTPUTS))
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        try:
            self.classes: list[str] = json.loads(self.metadata["classes"])
            is_known = self.classes[:10] == LABELS and set(self.classes[10:]) <= MARKS | {OTHER_WRITING}
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{model} does not say what its classes are; make it anew with 'make train'.") from error
        if not is_known:
            raise ModelError(f"{model} has other classes than digits, then marks; make it anew with 'make train'.")

    def find(self, pixels: np.ndarray, search: SearchSettings = SEARCH) -> tuple[list[Character], list[View]]:
        """Find the characters of a picture.

        Args:
            pixels: uint8 (H, W, 3), upright.
            search: settings.

        Returns:
            The characters, in no order, and the views that were searched, the coarsest first.
        """
        height, width = pixels.shape[:2]
        whole = (0, 0, width, height)
        scale = min(search.overview_side / max(height, width), search.max_scale)
        views = [self._search_area(pixels, whole, scale, search)]
        while len(views) < search.max_views and (area := _area_to_enlarge(views[-1], search)) is not None:
            last = views[-1]
            zoom = search.target_height / last.text_height if np.isfinite(last.text_height) else search.blank_zoom
            size = (area[2] - area[0]) * (area[3] - area[1])
            scale = min(last.scale * zoom, search.max_scale, (search.max_view_pixels / max(1, size)) ** 0.5)
            if scale < search.min_zoom_step * last.scale:
                break
            views.append(self._search_area(pixels, area, scale, search))
        return self._merge_views(views, search), views

    def find_upright(
        self, pixels: np.ndarray, search: SearchSettings = SEARCH
    ) -> tuple[list[Character], list[View], int]:
        """Find the characters of a picture that may have been stored sideways or upside down.

        Returns:
            Characters and views as `find` does, in the picture turned by the third: 0, 90, 180 or 270 degrees,
            clockwise.
        """
        characters, views = self.find(pixels, search)
        closest = views[-1].characters
        if not closest or _digit_evidence(closest) > search.min_upright_share * len(closest):
            return characters, views, 0
        # The area of the closest view is turned, in a copy that costs no more than a small picture.
        left, top, right, bottom = views[-1].area
        part = pixels[top:bottom, left:right]
        scale = min(views[-1].scale, (search.max_rotation_pixels / (part.shape[0] * part.shape[1])) ** 0.5)
        evidence = {}
        for rotation in (0, 90, 270, 180):
            turned = np.rot90(part, -rotation // 90)
            view = self._search_area(turned, (0, 0, turned.shape[1], turned.shape[0]), scale, search)
            evidence[rotation] = _digit_evidence(view.characters)
        best = max(evidence, key=lambda rotation: evidence[rotation])
        if evidence[best] <= evidence[0] + search.min_rotation_gain:
            return characters, views, 0
        return (*self.find(np.ascontiguousarray(np.rot90(pixels, -best // 90)), search), best)

    def _search_area(self, pixels: np.ndarray, area: PixelBox, scale: float, search: SearchSettings) -> View:
        """Run the network on an area of the picture, resized by `scale`."""
        left, top, right, bottom = area
        part = pixels[top:bottom, left:right]
        height, width = (max(1, round(side * scale)) for side in part.shape[:2])
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        page = cv2.resize(part, (width, height), interpolation=interpolation)
        bottom_padding, right_padding = (-(side + PADDING) % SIZE_MULTIPLE for side in (height, width))
        padding = (PADDING, bottom_padding, PADDING, right_padding)
        page = cv2.copyMakeBorder(page, *padding, cv2.BORDER_CONSTANT, value=(PADDING_LEVEL,) * 3)
        centre, maps, small = self._session.run(PAGE_OUTPUTS, {"page": page[None] * np.float32(1 / 255)})
        return self._decode(centre[0], maps[0], small[0], scale, area, search)

    def _decode(
        self,
        centre_map: np.ndarray,
        maps: np.ndarray,
        small_map: np.ndarray,
        scale: float,
        area: PixelBox,
        search: SearchSettings,
    ) -> View:
        """Decode the network's maps to characters: the peaks of the centre map, with the class and box there."""
        is_peak = centre_map >= cv2.dilate(centre_map, np.ones((3, 3), np.uint8))
        rows, columns = np.nonzero(is_peak & (centre_map > search.min_centre_probability))
        order = np.argsort(-centre_map[rows, columns], kind="stable")[: search.max_characters]
        rows, columns = rows[order], columns[order]
        probabilities, values = centre_map[rows, columns], maps[rows, columns]
        logits, sizes = values[:, : len(self.classes)], values[:, len(self.classes) :]
        powers = np.exp(logits - logits.max(1, keepdims=True))
        classes = powers / powers.sum(1, keepdims=True)
        middle = np.stack([columns + sizes[:, 0] + 0.5, rows + sizes[:, 1] + 0.5], 1) * STRIDE - PADDING
        half = SIZE_UNIT / 2 * np.exp(sizes[:, 2:4].clip(*LOG_SIZE_RANGE))
        boxes = np.concatenate([middle - half, middle + half], 1) / scale + np.tile(area[:2], 2)
        heights = SIZE_UNIT * np.exp(sizes[:, 4].clip(*LOG_SIZE_RANGE))
        characters = [
            Character(
                self._most_probable_text(classes[at]),
                float(probabilities[at]),
                classes[at],
                tuple(boxes[at].tolist()),
                float(heights[at] / scale),
            )
            for at in remove_duplicates(boxes)
        ]
        text_height = _measure_text_height(probabilities, heights, small_map, maps, search)
        return View(characters, centre_map, small_map, text_height, scale, area)

    def _merge_views(self, views: list[View], search: SearchSettings) -> list[Character]:
        """Merge the characters of several views: one for each group of duplicates, with the box of the closest view.

        Each view is weighted by how legible the writing is in it: views err independently, as the networks of an
        ensemble do. Where a view shows no character, its centre map gives the probability of one.
        """
        closest_first = sorted(enumerate(views), key=lambda item: -item[0])
        found = [(character, number) for number, view in closest_first for character in view.characters]
        if len(views) == 1 or not found:
            return views[0].characters
        groups = _group_duplicates([character.box for character, _ in found])
        merged = []
        for group in groups[: search.max_characters]:
            closest = found[group[0]][0]
            in_view: dict[int, Character] = {}
            for at in group:
                character, number = found[at]
                if number not in in_view or character.centre_probability > in_view[number].centre_probability:
                    in_view[number] = character
            centre_probability = class_weight = centre_weight = 0.0
            logs = np.zeros(len(self.classes))
            for number, view in enumerate(views):
                legibility = (closest.digit_height * view.scale - search.detectable_height) / (
                    search.legible_height - search.detectable_height
                )
                weight = min(1.0, max(search.min_view_weight, legibility))
                if number in in_view:
                    probability: float | None = in_view[number].centre_probability
                else:
                    probability = view.centre_probability_at(closest.box)
                if probability is not None:
                    centre_probability += weight * probability
                    centre_weight += weight
                if number in in_view:
                    logs += weight * np.log(np.maximum(in_view[number].class_probabilities, 1e-6))
                    class_weight += weight
            powers = np.exp(logs / class_weight)
            classes = (powers / powers.sum()).astype(np.float32)
            merged.append(
                closest._replace(
                    text=self._most_probable_text(classes),
                    centre_probability=centre_probability / centre_weight,
                    class_probabilities=classes,
                )
            )
        return merged

    def _most_probable_text(self, class_probabilities: np.ndarray) -> str:
        """Decide first between digit and no digit, then between classes: a 4 that may be a 9 is still a digit."""
        digits = class_probabilities[: len(LABELS)]
        return self.classes[int(digits.argmax() if digits.sum() > 0.5 else class_probabilities.argmax())]


def _measure_text_height(
    probabilities: np.ndarray, heights: np.ndarray, small_map: np.ndarray, maps: np.ndarray, search: SearchSettings
) -> float:
    """Measure the height that a quarter of the writing does not reach.

    Args:
        probabilities, heights: (N,), of the characters that were found.
        small_map: (h, w), the probability of writing that is too small to be read.
        maps: (h, w, C), of which the last channel says how high that writing is.
        search: settings; `target_quantile` is the quarter.

    Returns:
        The height in pixels of the copy; infinite where nothing is written.
    """
    is_small = small_map > search.min_small_probability
    small_heights = SIZE_UNIT * np.exp(maps[is_small][:, -1].clip(*LOG_SIZE_RANGE))
    all_heights = np.concatenate([heights, small_heights])
    # A cell of small writing is a part of a character, which is about two thirds as wide as it is high.
    weights = np.concatenate([probabilities, np.minimum(1, STRIDE**2 / (small_heights**2 * 2 / 3 + 1e-6))])
    weights[: len(probabilities)][probabilities < search.min_size_probability] = 0
    if not weights.sum():
        return np.inf
    order = np.argsort(all_heights)
    share = np.cumsum(weights[order])
    return float(all_heights[order[np.searchsorted(share, search.target_quantile * share[-1])]])


def _area_to_enlarge(view: View, search: SearchSettings) -> PixelBox | None:
    """Return the area of the picture that has to be enlarged; None where all writing in the view can be read."""
    left, top, right, bottom = view.area
    # Of such small writing only a part is found: all of the area is enlarged.
    if not np.isfinite(view.text_height) or view.text_height < search.detectable_height:
        return view.area
    if view.text_height >= search.legible_height:
        return None
    is_small = view.small_map > search.min_small_probability
    rows, columns = np.nonzero(is_small | (view.centre_map > search.min_size_probability))
    ends = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) * STRIDE - float(PADDING)
    margin = 2 * view.text_height + 8
    ends = (ends + (-margin, -margin, margin, margin)) / view.scale + (left, top, left, top)
    x0, y0, x1, y1 = (int(side) for side in ends)
    x0, y0, x1, y1 = max(left, x0), max(top, y0), min(right, x1), min(bottom, y1)
    # Writing that was found only in the padding is not in the picture.
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _digit_evidence(characters: list[Character]) -> float:
    """Return how many digits can be read, each weighted by its probability."""
    return sum(character.probability for character in characters if character.text in LABELS)


def _group_duplicates(boxes: list[Box]) -> list[list[int]]:
    """Group the boxes of one character: each group starts with its first box, of which the others are duplicates.

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
        distances = np.abs(middles - middles[at])
        is_duplicate = (distances < 0.5 * extents[at]).all(1) | (distances < 0.5 * extents).all(1)
        is_duplicate[at] = False
        groups.append([at, *np.flatnonzero(is_duplicate & is_free).tolist()])
        is_free[groups[-1]] = False
    return groups


def remove_duplicates(boxes: np.ndarray) -> list[int]:
    """Return the indices of boxes of different characters, float (N, 4): the first of each `_group_duplicates`."""
    return [group[0] for group in _group_duplicates(boxes.tolist())]


def draw_centre_map(views: list[View], size: tuple[int, int], rotation: int) -> np.ndarray:
    """Draw where the network found the centres of characters.

    Args:
        views: of the picture turned by `rotation` degrees clockwise.
        size: height and width of the picture before it was turned.
        rotation: 0, 90, 180 or 270.

    Returns:
        float32 (H, W) in 0..1, the maximum of all views.
    """
    height, width = size if rotation % 180 == 0 else size[::-1]
    picture = np.zeros((height, width), np.float32)
    for view in views:
        left, top, right, bottom = view.area
        rows, columns = (max(1, round(side * view.scale)) for side in (bottom - top, right - left))
        centre = cv2.resize(view.centre_map, None, fx=STRIDE, fy=STRIDE, interpolation=cv2.INTER_LINEAR)
        centre = centre[PADDING : PADDING + rows, PADDING : PADDING + columns]
        centre = cv2.resize(centre, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
        area = picture[top:bottom, left:right]
        np.maximum(area, centre, out=area)
    return np.ascontiguousarray(np.rot90(picture, rotation // 90))

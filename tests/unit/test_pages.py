"""The page network finds the characters of a page, and invalid model files are refused."""

from dataclasses import replace

import cv2
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from digits import DigitReader, ModelError
from digits.classifier import DEFAULT_MODEL
from digits.pages import (
    DEFAULT_PAGE_MODEL,
    PADDING,
    PAGE_CONTRACT,
    SEARCH,
    SIZE_MULTIPLE,
    Character,
    PageNetwork,
    View,
    draw_centre_map,
    remove_duplicates,
)
from helpers.models import with_metadata

DIGITS = "0123456789"


@pytest.fixture(scope="module")
def network():
    return PageNetwork()


@pytest.fixture(scope="module")
def library(mnist_path):
    """Return digits of MNIST that neither network was trained on."""
    glyph_library = pytest.importorskip("training.glyph_library")
    from training.data import load_mnist

    return glyph_library.GlyphLibrary(load_mnist(str(mnist_path)).validation)


# The model file


def test_shipped_network_has_the_contract():
    model = onnx.load(DEFAULT_PAGE_MODEL)
    onnx.checker.check_model(model, full_check=True)
    (page,) = model.graph.input
    assert page.name == "page"
    assert page.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    _, height, width, colours = page.type.tensor_type.shape.dim
    assert [side.dim_value for side in (height, width, colours)] == [0, 0, 3]
    assert {output.name for output in model.graph.output} >= {"centre", "characters", "small"}
    assert {p.key: p.value for p in model.metadata_props}["page"] == PAGE_CONTRACT
    assert DEFAULT_PAGE_MODEL.stat().st_size <= 3_000_000


def test_classes_are_digits_marks_and_other_writing(network):
    assert network.classes == [*"0123456789.,-/:+", ""]


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(ModelError, match="make train"):
        PageNetwork(tmp_path / "none.onnx")


def test_truncated_file_is_refused(tmp_path):
    part = tmp_path / "part.onnx"
    part.write_bytes(DEFAULT_PAGE_MODEL.read_bytes()[:50_000])
    with pytest.raises(ModelError, match="can't be loaded"):
        PageNetwork(part)


@pytest.mark.parametrize("contract", ["centres-at-stride-8", "", None])
def test_file_with_another_contract_is_refused(tmp_path, contract):
    with pytest.raises(ModelError, match="not a model for this reader"):
        PageNetwork(with_metadata(DEFAULT_PAGE_MODEL, tmp_path / "other.onnx", page=contract))


def test_digit_network_is_refused_as_page_network():
    with pytest.raises(ModelError, match="not a model for this reader"):
        PageNetwork(DEFAULT_MODEL)


@pytest.mark.parametrize(
    "classes", [None, "", "{", "7", '["0"]', '"0123456789.,-/:+"', '["1","0","2","3","4","5","6","7","8","9",""]']
)
def test_file_with_invalid_classes_is_refused(tmp_path, classes):
    with pytest.raises(ModelError, match="make train"):
        PageNetwork(with_metadata(DEFAULT_PAGE_MODEL, tmp_path / "invalid.onnx", classes=classes))


def test_file_without_fusion_weights_is_refused_by_the_reader(tmp_path):
    with pytest.raises(ModelError, match="make train"):
        DigitReader(page_model=with_metadata(DEFAULT_PAGE_MODEL, tmp_path / "without_weights.onnx", judge=None))


# Detection


def overlap(box, boxes):
    """Return the intersection over union of a box with each of several boxes."""
    box = np.asarray(box)
    left, top = np.maximum(box[:2], boxes[:, :2]).T
    right, bottom = np.minimum(box[2:], boxes[:, 2:]).T
    intersection = np.maximum(0, right - left) * np.maximum(0, bottom - top)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    return intersection / (areas - intersection)


def test_digits_of_composed_pages_are_detected(network, library):
    from training.classes import IGNORED
    from training.pages import compose_page

    random = np.random.default_rng(20)
    is_found, is_labelled, is_true = [], [], []
    for _ in range(60):
        page = compose_page((int(random.integers(96, 480)), int(random.integers(160, 640))), library, random)
        characters = [one for one in network.find(page.picture)[0] if one.centre_probability >= 0.3]
        digits = [one for one in characters if one.text and one.text in DIGITS]
        for box, label, size in zip(page.boxes, page.labels, page.sizes):
            if 0 <= label < 10 and size >= 14:
                here = [one for one in digits if overlap(one.box, box[None])[0] > 0.5]
                is_found.append(bool(here))
                is_labelled.append(str(label) in [one.text for one in here])
        for one in digits:
            written = page.labels[overlap(one.box, page.boxes) > 0.3]
            if IGNORED not in written:
                is_true.append(int(one.text) in written)
    assert len(is_found) > 300
    assert np.mean(is_found) > 0.8
    assert np.mean(is_labelled) > 0.64
    assert np.mean(is_true) > 0.65


def test_padding_a_picture_does_not_change_its_characters(network, library):
    random = np.random.default_rng(3)
    count = same_text = 0
    for _ in range(5):
        ink = np.zeros((120, 380), np.uint8)
        for place in range(4):
            # No ones: a single straight stroke may be a one or not, with a probability near the threshold.
            label = int(random.choice([0, 2, 3, 4, 5, 6, 7, 8, 9]))
            digit = cv2.copyMakeBorder(
                library.crop_digit(int(random.choice(library.indices_by_label[label]))), 2, 2, 2, 2, 0
            )
            zoom = 60 / max(digit.shape)
            large = cv2.resize(digit, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
            height, width = large.shape
            ink[30 : 30 + height, 30 + 85 * place :][:, :width] = large
        picture = np.repeat(255 - ink[..., None], 3, 2)
        padded = cv2.copyMakeBorder(picture, 60, 60, 60, 60, cv2.BORDER_CONSTANT, value=(255,) * 3)
        # Digits alone: specks beside them are found or not, with a probability near the threshold.
        one, other = (
            sorted(
                (found.box, found.text)
                for found in network.find(pixels)[0]
                if found.centre_probability > 0.5 and found.text.isdigit()
            )
            for pixels in (picture, padded)
        )
        assert len(one) == len(other)
        same_text += sum(text == other_text for (_, text), (_, other_text) in zip(one, other))
        for (box, _), (shifted, _) in zip(one, other):
            assert np.abs(np.subtract(shifted, 60) - box).max() < 12
        count += len(one)
    assert count == 20
    assert same_text >= 19


def test_small_digits_in_a_large_picture_are_enlarged(network, library):
    picture = np.full((1200, 1600, 3), 255, np.uint8)
    digit = library.crop_digit(int(library.indices_by_label[3][0]))
    large = cv2.resize(digit, (24, 32), interpolation=cv2.INTER_CUBIC)
    picture[700:732, 1000:1024] -= large[..., None]
    characters, views = network.find(picture)
    (three,) = [one for one in characters if one.text == "3"]
    assert overlap(three.box, np.array([[1000, 700, 1024, 732]]))[0] > 0.5
    assert 20 < three.digit_height < 50
    assert len(views) > 1
    left, top, right, bottom = views[-1].area
    assert 0 <= left < 1000
    assert 1024 < right <= 1600
    assert 0 <= top < 700
    assert 732 < bottom <= 1200


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_turned_page_is_turned_back(network, library, turned):
    ink = np.zeros((200, 400), np.uint8)
    boxes = []
    for number, label in enumerate((2, 3, 4, 5)):
        digit, left = library.crop_digit(int(library.indices_by_label[label][1])), 40 + 80 * number
        width = min(64, round(70 * digit.shape[1] / digit.shape[0]))
        ink[60:130, left : left + width] = cv2.resize(digit, (width, 70), interpolation=cv2.INTER_CUBIC)
        boxes.append((left, 60, left + width, 130))
    upright = np.repeat(255 - ink[..., None], 3, 2)
    picture = np.ascontiguousarray(np.rot90(upright, turned // 90))  # turned counterclockwise
    characters, _, rotation = network.find_upright(picture)
    assert rotation == turned
    found = sorted((one.box, one.text) for one in characters if one.centre_probability > 0.5)
    assert [text for _, text in found] == list("2345")
    for (box, _), written in zip(found, boxes):
        assert overlap(box, np.array([written]))[0] > 0.6


# Limits

ODD_SIZES = [(1, 1), (1, 2), (2, 1), (2, 3000), (3000, 2), (1, 1600), (33, 31), (1600, 1600), (3000, 4000)]


@pytest.mark.parametrize("size", ODD_SIZES, ids=str)
@pytest.mark.parametrize("ground", ["white", "black", "noise"])
def test_any_picture_is_searched_within_the_limits(network, monkeypatch, size, ground):
    shown = []
    run = network._session.run
    monkeypatch.setattr(
        network._session, "run", lambda names, given: shown.append(given["page"].shape) or run(names, given)
    )
    pixels = np.full((*size, 3), 255 if ground == "white" else 0, np.uint8)
    if ground == "noise":
        pixels = np.random.default_rng(0).integers(0, 256, pixels.shape, dtype=np.uint8)
    characters, views, rotation = network.find_upright(pixels)
    assert rotation in (0, 90, 180, 270)
    assert 1 <= len(views) <= 3
    for _, height, width, colours in shown:
        assert height % SIZE_MULTIPLE == width % SIZE_MULTIPLE == 0
        assert (height - PADDING - SIZE_MULTIPLE) * (width - PADDING - SIZE_MULTIPLE) <= SEARCH.max_view_pixels
        assert colours == 3
    for one in characters:
        left, top, right, bottom = one.box
        assert np.isfinite(one.box).all()
        assert left < right
        assert top < bottom
        assert one.digit_height > 0
        assert one.text in network.classes
        assert 0 <= one.centre_probability <= 1 + 1e-6
        assert one.class_probabilities.sum() == pytest.approx(1, abs=1e-4)
    picture = draw_centre_map(views, size, rotation)
    assert picture.shape == size
    assert 0 <= picture.min() <= picture.max() <= 1 + 1e-6


class RandomSession:
    """A session that finds writing in random cells, legible or too small."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def run(self, names, given):
        _, height, width, _ = given["page"].shape
        shape = (1, height // 4, width // 4)
        share = self.random.choice([0.001, 0.02, 0.5])
        centre, small = (np.where(self.random.random(shape) < share, 0.9, 0.01).astype(np.float32) for _ in range(2))
        maps = self.random.normal(0, self.random.choice([0.3, 3, 30]), (*shape, 22)).astype(np.float32)
        return centre, maps, small


@settings(derandomize=True, deadline=None, database=None, max_examples=80)
@given(
    size=some.tuples(*[some.one_of(some.integers(1, 60), some.integers(1, 700))] * 2),
    seed=some.integers(0, 100_000),
)
def test_random_outputs_give_valid_characters(size, seed):
    network = PageNetwork()
    network._session = RandomSession(seed)
    with np.errstate(all="raise", under="ignore"):
        characters, views, _ = network.find_upright(np.zeros((*size, 3), np.uint8))
    assert all(len(view.characters) <= SEARCH.max_characters for view in views)
    assert len(characters) <= len(views) * SEARCH.max_characters
    for one in characters:
        assert np.isfinite(one.box).all()
        assert one.box[0] < one.box[2]
        assert one.box[1] < one.box[3]


# Duplicates


def test_first_of_duplicate_boxes_is_kept():
    boxes = np.array([(10, 10, 30, 50), (12, 11, 31, 52), (27, 10, 47, 50), (0, 0, 200, 200), (15, 25, 25, 35)], float)
    assert remove_duplicates(boxes) == [0, 2, 3]
    assert remove_duplicates(np.zeros((0, 4))) == []


@settings(derandomize=True, deadline=None, database=None, max_examples=100)
@given(some.integers(0, 100_000), some.integers(1, 60))
def test_kept_boxes_are_no_duplicates(seed, count):
    random = np.random.default_rng(seed)
    corners, sides = random.uniform(0, 100, (count, 2)), random.uniform(1, 60, (count, 2))
    boxes = np.concatenate([corners, corners + sides], axis=1)
    kept = remove_duplicates(boxes)

    def is_in_inner_half(one, other):
        (x, y), (width, height) = (boxes[one][:2] + boxes[one][2:]) / 2, boxes[other][2:] - boxes[other][:2]
        left, top, right, bottom = boxes[other]
        return abs(x - (left + right) / 2) < width / 4 and abs(y - (top + bottom) / 2) < height / 4

    for place, one in enumerate(kept):
        assert not any(is_in_inner_half(one, other) or is_in_inner_half(other, one) for other in kept[:place])
    for one in set(range(count)) - set(kept):
        assert any(is_in_inner_half(one, other) or is_in_inner_half(other, one) for other in kept if other < one)


# Merging of views


def test_merging_a_view_with_itself_changes_nothing(network, library):
    from training.pages import compose_page

    random = np.random.default_rng(4)
    once = None
    while once is None or len(once.characters) < 4:  # some composed pages have few characters
        picture = compose_page((200, 320), library, random).picture
        (once,) = network.find(picture, replace(SEARCH, max_views=1))[1]
    twice = network._merge_views([once, once], SEARCH)
    assert [one.box for one in twice] == [one.box for one in once.characters]
    for one, other in zip(once.characters, twice):
        assert other.centre_probability == pytest.approx(one.centre_probability, abs=1e-5)
        np.testing.assert_allclose(other.class_probabilities, one.class_probabilities, atol=1e-4)


def test_character_in_one_of_two_views_is_half_as_probable(network):
    classes = np.full(len(network.classes), 0.01, np.float32)
    classes[3] = 1 - 0.01 * (len(classes) - 1)
    three = Character("3", 0.8, classes, (40.0, 40.0, 60.0, 80.0), 40.0)
    blank = np.zeros((30, 30), np.float32)
    shown, not_shown = (View(found, blank, blank, 40.0, 1.0, (0, 0, 100, 100)) for found in ([three], []))
    (one,) = network._merge_views([not_shown, shown], SEARCH)
    assert one.text == "3"
    assert one.centre_probability == pytest.approx(0.4)
    elsewhere = not_shown._replace(area=(70, 70, 100, 100))
    (one,) = network._merge_views([elsewhere, shown], SEARCH)
    assert one.centre_probability == pytest.approx(0.8)


def test_merged_class_probabilities_are_the_geometric_mean(network):
    count = len(network.classes)
    first, second = np.full((2, count), 1e-6, np.float32)
    first[[4, 9]], second[[4, 7]] = (0.4, 0.6), (0.7, 0.3)
    box = (40.0, 40.0, 60.0, 80.0)
    blank = np.zeros((30, 30), np.float32)
    views = [
        View([Character(text, 0.9, classes, box, 40.0)], blank, blank, 40.0, 1.0, (0, 0, 100, 100))
        for text, classes in (("9", first), ("4", second))
    ]
    (one,) = network._merge_views(views, SEARCH)
    expected = np.sqrt(first * second)
    assert one.text == "4"
    np.testing.assert_allclose(one.class_probabilities, expected / expected.sum(), atol=1e-4)

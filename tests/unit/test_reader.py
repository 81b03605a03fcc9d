"""The pipeline from image to reading, and the contract of a reading."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from digits import DigitReader, ImageError
from digits.classifier import DEFAULT_MODEL
from digits.images import IMAGE_LIMITS
from digits.pages import DEFAULT_PAGE_MODEL, Character
from helpers.drawing import draw


@pytest.mark.parametrize("digit", "0123456789")
def test_every_digit_is_read(reader, digit):
    reading = reader.read(draw(digit))
    assert reading.text == digit
    assert reading.digits[0].certain
    assert reading.certain


def test_several_lines_are_read_in_order(reader):
    assert reader.read(draw("4079\n12", size=(700, 400), height=110, pen=10)).text == "4079\n12"


def test_numbers_of_a_line_are_separated_by_a_space(reader):
    line = np.concatenate([draw(number, size=(400, 200), height=100, pen=10) for number in ("407", "23")], axis=1)
    reading = reader.read(line)
    assert reading.text == "407 23"
    assert [number.text for number in reading.numbers] == ["407", "23"]
    assert [digit.label for digit in reading.digits] == list("40723")


def test_blank_image_gives_an_empty_reading(reader):
    reading = reader.read(np.full((300, 200), 255, np.uint8))
    assert reading.text == ""
    assert reading.digits == ()
    assert not reading.certain
    assert reading.to_dict() == {
        "text": "",
        "digits": [],
        "numbers": [],
        "marks": [],
        "table": None,
        "rotation": 0,
    }


def test_digit_has_every_attribute_of_the_contract(reader):
    (digit,) = reader.read(draw("4", size=(300, 300), left=40, top=60)).digits
    assert digit.label == "4"
    assert 0.9 < digit.probability <= 1
    assert digit.probabilities.shape == (10,)
    assert digit.probabilities.dtype == np.float32
    assert digit.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert digit.probability == pytest.approx(float(digit.probabilities[4]))
    assert digit.frame.shape == (28, 28)
    top = digit.top(3)
    assert [label for label, _ in top][0] == "4"
    assert [p for _, p in top] == sorted((float(p) for p in digit.probabilities), reverse=True)[:3]
    assert len({label for label, _ in digit.top(10)}) == 10
    ink = np.argwhere(np.asarray(draw("4", size=(300, 300), left=40, top=60)) < 128)
    expected = (ink[:, 1].min(), ink[:, 0].min(), ink[:, 1].max() + 1, ink[:, 0].max() + 1)
    assert np.abs(np.subtract(digit.box, expected)).max() <= 2


def test_json_has_every_key_of_the_contract(reader):
    reading = reader.read(draw("40", size=(420, 280)))
    data = json.loads(json.dumps(reading.to_dict()))
    assert set(data) == {"text", "digits", "numbers", "marks", "table", "rotation"}
    assert data["text"] == "40"
    assert (data["marks"], data["table"], data["rotation"]) == ([], None, 0)
    (number,) = data["numbers"]
    assert set(number) == {"text", "certain", "box", "line"}
    assert (number["text"], number["certain"], number["line"]) == ("40", True, 0)
    boxes = np.array([digit["box"] for digit in data["digits"]])
    assert number["box"] == [*boxes[:, :2].min(0), *boxes[:, 2:].max(0)]
    first = data["digits"][0]
    assert set(first) == {"digit", "prob", "probs", "top", "certain", "box"}
    assert first["digit"] == 4
    assert len(first["probs"]) == 10
    assert first["prob"] == max(first["probs"])
    assert first["top"][0] == ["4", first["prob"]]
    assert len(first["top"]) == 3
    assert first["certain"] is True
    assert all(isinstance(side, int) for side in first["box"])


def test_batched_images_read_the_same_as_single_ones(reader):
    pages = [draw(n, size=(500, 280), height=120) for n in ("7", "12", "345")] + [np.zeros((50, 50), np.uint8)]
    batched = [reading.to_dict() for reading in reader.read_many(iter(pages * 5))]
    assert [reading["text"] for reading in batched] == ["7", "12", "345", ""] * 5
    for values, page in zip(batched, pages):
        single = reader.read(page).to_dict()
        assert [d["box"] for d in values["digits"]] == [d["box"] for d in single["digits"]]
        for one, other in zip(values["digits"], single["digits"]):
            assert one["probs"] == pytest.approx(other["probs"], abs=1e-5)


def test_error_of_a_broken_image_comes_after_the_readings_before_it(reader):
    readings = reader.read_many([draw("7"), b"broken", draw("8")])
    assert next(readings).text == "7"
    with pytest.raises(ImageError):
        next(readings)


def test_scribbles_are_not_certain(reader):
    # Random bars hold no digit: the reader may find digits in them, and at most one picture has a certain one.
    random = np.random.default_rng(0)
    has_certain = []
    for _ in range(20):
        page = np.full((200, 200), 255, np.uint8)
        for y, x in random.integers(40, 150, (14, 2)):
            page[y : y + 9, x : x + int(random.integers(9, 45))] = 0
        has_certain.append(any(digit.certain for digit in reader.read(page).digits))
    assert sum(has_certain) <= 1


def test_reading_imports_neither_tensorflow_nor_gradio():
    code = (
        "import sys, numpy; from digits import DigitReader; DigitReader().read(numpy.zeros((90, 90), 'uint8')); "
        "print([m for m in ('tensorflow', 'keras', 'gradio', 'training') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_threads_may_share_a_reader(reader):
    from concurrent.futures import ThreadPoolExecutor

    pages = [draw(str(n % 10)) for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        assert [r.text for r in pool.map(reader.read, pages)] == [str(n % 10) for n in range(40)]


def test_other_models_can_be_used(tmp_path):
    copy, pages = tmp_path / "copy.onnx", tmp_path / "pages.onnx"
    copy.write_bytes(DEFAULT_MODEL.read_bytes())
    pages.write_bytes(DEFAULT_PAGE_MODEL.read_bytes())
    reader = DigitReader(model=copy, page_model=pages)
    assert reader.read(draw("3")).text == "3"
    assert "training" in reader.metadata


def test_stages_show_the_intermediate_results(reader):
    drawn = draw("407", size=(600, 300), height=140, pen=14)
    stages = reader.stages(drawn)
    assert stages.reading.text == reader.read(drawn).text == "407"
    np.testing.assert_array_equal(stages.pixels[..., 0], np.asarray(drawn))
    assert stages.centre_map.shape == stages.pixels.shape[:2]
    assert stages.centre_map.min() >= 0
    assert stages.centre_map.max() <= 1
    assert len(stages.boxes) == len(stages.frames) == 3
    outside = stages.centre_map.copy()
    for (left, top, right, bottom), frame, digit in zip(stages.boxes, stages.frames, stages.reading.digits):
        width, height = right - left, bottom - top
        middle = stages.centre_map[top + height // 4 : bottom - height // 4, left + width // 4 : right - width // 4]
        assert middle.max() == stages.centre_map[top:bottom, left:right].max() > 0.5
        outside[top:bottom, left:right] = 0
        np.testing.assert_array_equal(frame, digit.frame)
    assert outside.max() < 0.2


def test_stages_of_a_large_photo_are_reduced_and_the_reading_is_not(reader):
    large = draw("5", size=(1200, 800), height=500, pen=40).resize((3600, 2400))
    stages = reader.stages(large)
    assert stages.pixels.shape[:2] == stages.centre_map.shape == (1067, 1600)
    ((left, top, right, bottom),) = stages.boxes
    assert stages.centre_map[top:bottom, left:right].max() > 0.5
    outside = stages.centre_map.copy()
    outside[top:bottom, left:right] = 0
    assert outside.max() < 0.2
    assert stages.reading.digits[0].box == pytest.approx([2.25 * side for side in stages.boxes[0]], abs=3)


def test_box_ends_at_the_border_of_a_reduced_image(reader):
    # 8000x6004 is reduced to 1600x1201: a reduced row is 5 rows of the image, and the last one would end at 6005.
    page = np.full((6004, 8000), 255, np.uint8)
    cv2.line(page, (4000, 4000), (3600, 6003), 0, 160)
    cv2.line(page, (3000, 4000), (4000, 4000), 0, 160)
    (digit,) = reader.read(page).digits
    assert 5950 <= digit.box[3] <= 6004


def test_stages_of_a_blank_sheet_are_empty(reader):
    stages = reader.stages(np.full((100, 200), 255, np.uint8))
    assert stages.boxes == ()
    assert stages.frames.shape == (0, 28, 28)
    assert stages.centre_map.shape == (100, 200)
    assert stages.centre_map.max() < 0.2


def test_dot_or_dash_is_not_a_certain_digit(reader):
    dot, dash = (np.full((420, 560), 255, np.uint8) for _ in range(2))
    cv2.circle(dot, (200, 200), 8, 0, -1, cv2.LINE_AA)
    cv2.line(dash, (150, 200), (330, 203), 0, 16, cv2.LINE_AA)
    for page in (dot, dash):
        reading = reader.read(page)
        assert len(reading.digits) <= 1
        assert not reading.certain


def test_ambiguous_digit_is_not_certain(reader):
    """A nine that is changed to a four step by step is ambiguous in between."""
    nine, four = (np.zeros((140, 140), np.float32) for _ in range(2))
    cv2.polylines(nine, [np.array([(90, 30), (50, 30), (50, 70), (90, 70), (90, 30), (90, 115)])], False, 1, 9)
    cv2.polylines(four, [np.array([(50, 30), (50, 70), (90, 70)])], False, 1, 9)
    cv2.line(four, (90, 30), (90, 115), 1, 9)
    for share in np.linspace(0, 1, 21):
        ink = np.maximum(four, nine * share)
        for digit in reader.read(np.uint8(255 - 255 * ink)).digits:
            assert not (digit.certain and digit.probability < 0.6)


class StubPageNetwork:
    """Finds one character at the only dark rectangle, and returns the given rotation."""

    def __init__(self, rotation: int, text: str = "1"):
        self.rotation = rotation
        self.text = text
        self.classes = [*"0123456789.,-/:+", ""]

    def find_upright(self, pixels):
        turned = np.rot90(pixels, -self.rotation // 90)
        rows, columns = np.nonzero(turned.min(2) < 128)
        box = (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
        classes = np.full(len(self.classes), 0.01, np.float32)
        classes[self.classes.index(self.text)] = 1 - 0.01 * (len(self.classes) - 1)
        return [Character(self.text, 0.99, classes, box, box[3] - box[1])], [], self.rotation


@pytest.fixture(scope="module")
def stubbed():
    """Return a reader that does not fit boxes to ink, and whose digit network finds no digit; tests replace its page
    network."""
    reader = DigitReader()
    reader._classifier.classify = lambda frames: (
        np.full((len(frames), 10), 0.1, np.float32),
        np.zeros(len(frames), np.float32),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("digits.reader.crop_and_box", lambda pixels, box: (np.zeros((28, 28), np.float32), box))
        yield reader


@settings(derandomize=True, deadline=None, database=None, max_examples=60)
@given(
    rotation=some.sampled_from([0, 90, 180, 270]),
    size=some.tuples(some.integers(60, 400), some.integers(60, 400)),
    enlarged=some.sampled_from([1, 8]),
    corner=some.tuples(some.floats(0, 0.8), some.floats(0, 0.8)),
    sides=some.tuples(some.floats(0.1, 0.5), some.floats(0.1, 0.5)),
    text=some.sampled_from(["1", "-", ""]),
)
def test_boxes_of_a_turned_picture_are_in_its_original_pixels(stubbed, rotation, size, enlarged, corner, sides, text):
    width, height = (enlarged * side for side in size)
    left, top = int(corner[0] * width), int(corner[1] * height)
    right, bottom = min(width, left + int(sides[0] * width)), min(height, top + int(sides[1] * height))
    page = np.full((height, width), 255, np.uint8)
    page[top:bottom, left:right] = 0
    stubbed._page_network = StubPageNetwork(rotation, text)
    stages = stubbed.stages(page)
    assert stages.reading.rotation == stages.reading.to_dict()["rotation"] == rotation
    scale = max(width, height) / min(max(width, height), IMAGE_LIMITS.max_working_side)
    tolerance = 0.5 if scale == 1 else 2 * scale
    for symbol in (*stages.reading.digits, *stages.reading.marks):
        assert np.abs(np.subtract(symbol.box, (left, top, right, bottom))).max() <= tolerance
    assert len(stages.reading.digits) == (text == "1")
    assert len(stages.reading.marks) == (text == "-")
    for left, top, right, bottom in stages.boxes:  # in the reduced picture
        assert stages.pixels[top:bottom, left:right].mean() < 40


@settings(derandomize=True, deadline=None, database=None, max_examples=60)
@given(
    size=some.tuples(some.integers(50, 3000), some.integers(50, 3000)),
    box=some.tuples(*[some.floats(-500, 3500)] * 2, *[some.floats(0.1, 2000)] * 2),
    rotation=some.sampled_from([0, 90, 180, 270]),
)
def test_boxes_end_at_the_border_of_the_image(stubbed, size, box, rotation):
    class OutsideStub(StubPageNetwork):
        def find_upright(self, pixels):
            left, top, width, height = box
            return (
                [Character("1", 0.99, np.eye(17, dtype=np.float32)[1], (left, top, left + width, top + height), 20)],
                [],
                rotation,
            )

    stubbed._page_network = OutsideStub(rotation)
    (digit,) = stubbed.read(np.full(size[::-1], 200, np.uint8)).digits
    left, top, right, bottom = digit.box
    assert 0 <= left < right <= size[0]
    assert 0 <= top < bottom <= size[1]


@pytest.mark.parametrize("text", ["1", ""])
def test_single_digit_is_certain_only_where_the_page_network_reads_it_too(monkeypatch, text):
    """The page network finds a one, or other writing with probability 0.1 of a one; the digit network reads a one."""
    reader = DigitReader()
    is_one = np.eye(10, dtype=np.float32)[1]
    monkeypatch.setattr(
        reader._classifier, "classify", lambda frames: (np.tile(is_one, (len(frames), 1)), np.ones(len(frames)))
    )

    class OtherWritingStub(StubPageNetwork):
        def find_upright(self, pixels):
            ((character,), views, rotation) = super().find_upright(pixels)
            if not self.text:
                classes = np.append(0.1 * is_one, np.zeros(7, np.float32))
                classes[-1] = 0.9
                character = character._replace(centre_probability=0.6, class_probabilities=classes)
            return [character], views, rotation

    reader._page_network = OtherWritingStub(0, text)
    page = np.full((200, 200), 255, np.uint8)
    page[40:160, 90:110] = 0
    (digit,) = reader.read(page).digits
    assert digit.label == "1"
    assert digit.certain == bool(text)

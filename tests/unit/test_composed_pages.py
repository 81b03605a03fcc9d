"""Pages composed for training: what is written on them is where, and what, they say it is."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from training import pages
from training.data import load_mnist
from training.hands import Hand, Shapes
from training.page_targets import CENTRE, CHANNELS, FIRST_BOX, FIRST_CLASS, SIZE, SMALL, STRIDE, UNIT, target_maps
from training.pages import CLASSES, IGNORED, OTHER, Canvas, Pace, Page, compose, compose_tile, write_line
from training.strokes import DIGIT_STROKES, LEAD_IN, LEAD_OUT, flourished


@pytest.fixture(scope="module")
def shapes(mnist_path):
    return Shapes(load_mnist(str(mnist_path), 2000).validation, fonts=Path("nowhere"))


def steady(gap=0.2):
    return Pace(gap=gap, scatter=0.0, word_gap=1.0, drift=0.0, slope=0.0, bend=0.0, unlike=0.0)


def test_the_same_seed_composes_the_same_tile(shapes):
    one, other = (compose_tile(shapes, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one.picture, other.picture)
    np.testing.assert_array_equal(one.boxes, other.boxes)


def test_tiles_keep_their_promises(shapes):
    random = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        page = compose_tile(shapes, random)
        assert page.picture.shape == (pages.TILE, pages.TILE, 3)
        assert page.picture.dtype == np.uint8
        assert len(page.boxes) == len(page.labels) == len(page.sizes)
        assert (page.boxes >= -1).all()
        assert (page.boxes <= pages.TILE + 1).all()
        assert (page.boxes[:, 2:] >= page.boxes[:, :2]).all()
        seen |= set(page.labels.tolist())
    assert seen == {IGNORED, *range(OTHER + 1)}


@pytest.mark.parametrize("kind", ["mnist", "strokes"])
@pytest.mark.parametrize("label", "0123456789")
def test_a_box_is_where_the_ink_is(shapes, kind, label):
    canvas, hand = Canvas(np.zeros((120, 160), np.uint8)), Hand(shapes, np.random.default_rng(1))
    hand.kind, hand.slashes_zeros = kind, False
    write_line(canvas, hand, [label], 40, 100, 60, steady(), hand.random)
    x, y, width, height = cv2.boundingRect((canvas.ink > 40).view(np.uint8))
    (box,) = canvas.boxes
    assert canvas.labels == [int(label)]
    np.testing.assert_allclose(box, (x, y, x + width, y + height), atol=4)
    assert 45 < height < 80


@pytest.mark.parametrize("gap", [-0.1, 0.0, 0.3, 1.0])
def test_digits_stand_apart_by_their_ink(shapes, gap):
    random = np.random.default_rng(2)
    apart = []
    for _ in range(20):
        canvas, hand = Canvas(np.zeros((120, 400), np.uint8)), Hand(shapes, random)
        hand.kind, hand.slant, hand.links, hand.slashes_zeros = "mnist", 0.0, 0.0, False
        write_line(canvas, hand, ["8" + "0"], 10, 100, 60, steady(gap), random)
        (_, _, first_end, _), (second_start, _, _, _) = canvas.boxes
        apart.append((second_start - first_end) / 60)
    # Round digits are nearest where they are widest: their boxes stand apart about as their inks do.
    assert np.median(apart) == pytest.approx(gap, abs=0.12)


@pytest.mark.parametrize("label", DIGIT_STROKES)
def test_flourishes_are_added_to_the_ends_of_strokes(label):
    random = np.random.default_rng(4)
    added = 0
    for form in 20 * DIGIT_STROKES[label]:
        changed = flourished(label, form, random)
        assert len(changed) == len(form)
        for (is_line, points), (was_line, before) in zip(changed, form):
            assert is_line == was_line
            starts = [at for at in range(len(points)) if points[at : at + len(before)] == before]
            assert starts in ([0], [2])
            added += len(points) - len(before)
            if label == "1" and before[0][1] > 0.1:  # it has its flag
                assert starts == [0]
    assert (added > 0) == (label in LEAD_IN or label in LEAD_OUT)


def test_what_leaves_the_page_is_not_to_be_read(shapes):
    canvas, hand = Canvas(np.zeros((100, 60), np.uint8)), Hand(shapes, np.random.default_rng(3))
    hand.slant, hand.stretch = 0.0, 1.0  # so that the first one has room
    write_line(canvas, hand, ["888888"], 5, 90, 70, steady(0.1), hand.random)
    assert max(canvas.labels) in (8, OTHER)
    assert canvas.labels[0] == 8
    full = canvas.boxes[0][2] - canvas.boxes[0][0]
    for label, (left, _, right, _) in zip(canvas.labels, canvas.boxes):
        assert label == 8 or right - left < 0.95 * full
    assert max(box[2] for box in canvas.boxes) <= 60


def test_four_quarter_turns_are_none():
    picture = np.random.default_rng(0).integers(0, 255, (40, 70, 3), np.uint8)
    boxes = np.array([(3.0, 5.0, 20.0, 30.0)], np.float32)
    turned, moved = pages._turned(picture, boxes, 1)
    assert turned.shape == (70, 40, 3)
    # What is in the box is the same, turned.
    inside = turned[int(moved[0, 1]) : int(moved[0, 3]), int(moved[0, 0]) : int(moved[0, 2])]
    np.testing.assert_array_equal(inside, np.rot90(picture[5:30, 3:20]))
    back, again = pages._turned(turned, moved, 3)
    np.testing.assert_array_equal(back, picture)
    np.testing.assert_allclose(again, boxes)


def test_some_pages_hold_no_digit(shapes):
    random = np.random.default_rng(4)
    composed = [compose((200, 200), shapes, random) for _ in range(80)]
    without = [page for page in composed if not ((page.labels >= 0) & (page.labels < 10)).any()]
    assert 2 <= len(without) <= 50


def page_of(*characters):
    boxes, labels, sizes = zip(*characters)
    picture = np.zeros((128, 160, 3), np.uint8)
    return Page(picture, np.array(boxes, np.float32), np.array(labels), np.array(sizes, np.float32))


def test_targets_say_where_characters_are_and_what():
    page = page_of(((20, 30, 44, 70), 7, 40), ((50, 60, 54, 64), CLASSES.index("."), 40), ((100, 20, 106, 60), 1, 40))
    maps = target_maps(page)
    assert maps.shape == (32, 40, 10)
    peaks = np.argwhere(maps[..., 0] == 1)
    assert len(peaks) == 3
    found = {}
    for row, column in peaks:
        cell = maps[row, column]
        x, y = ((np.array((column, row)) + cell[4:6]) + 0.5) * STRIDE
        width, height = UNIT * np.exp(cell[6:8])
        found[int(cell[2])] = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        assert UNIT * np.exp(cell[8]) == pytest.approx(40, rel=1e-4)
    for box, label in zip(page.boxes, page.labels):
        np.testing.assert_allclose(found[int(label)], box, atol=1e-3)


def test_small_writing_is_only_said_to_be_small():
    maps = target_maps(page_of(((20, 30, 24, 36), 7, 6), ((60, 30, 80, 60), 8, 30), ((100, 30, 106, 40), 3, 10)))
    flags = maps[..., 9].astype(int)
    assert flags[8, 5] == 3  # too small, and that counts
    assert maps[8, 5, 1] == 0  # whether there is a centre does not
    assert flags[8, 17] == 2  # large enough
    assert flags[9, 26] == 0  # between: nothing is asked
    assert maps[9, 26, 1] == 1


def test_ignored_characters_do_not_count():
    maps = target_maps(page_of(((20, 30, 44, 70), IGNORED, 40)))
    assert maps[12, 8, 1] == 0
    assert maps[..., 0].max() == 0


def test_channels_follow_one_another():
    assert (CENTRE, FIRST_CLASS, FIRST_BOX, SIZE, SMALL, CHANNELS) == (0, 1, 18, 22, 23, 24)

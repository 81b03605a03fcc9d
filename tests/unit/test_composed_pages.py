"""Composed training pages: characters have the boxes and labels that the page lists."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from digits.layout import MARKS
from training import pages
from training.canvas import Canvas
from training.classes import CLASSES, IGNORED, OTHER
from training.data import load_mnist
from training.glyph_library import GlyphLibrary
from training.line_writing import LineStyle, write_line
from training.page_targets import (
    BOX_UNIT_PIXELS,
    CENTRE_CHANNEL,
    CHANNEL_COUNT,
    FIRST_BOX_CHANNEL,
    FIRST_CLASS_CHANNEL,
    SIZE_CHANNEL,
    SMALL_CHANNEL,
    STRIDE,
    draw_target_maps,
)
from training.page_text import NON_MARK_SIGNS
from training.pages import Page, compose_page, compose_tile
from training.strokes import DIGIT_STROKES, LEAD_IN, LEAD_OUT, MARK_STROKES, add_flourishes
from training.writer import Writer


@pytest.fixture(scope="module")
def library(mnist_path):
    return GlyphLibrary(load_mnist(str(mnist_path), 2000).validation, fonts=Path("missing"))


def test_each_class_is_a_digit_or_a_mark_of_the_layout_and_no_other_sign_is_one():
    assert CLASSES[:10] == "0123456789"
    assert set(CLASSES[10:]) == MARKS
    assert set(NON_MARK_SIGNS) & set(CLASSES) == set()
    assert set(CLASSES[10:]) | set(NON_MARK_SIGNS) <= set(MARK_STROKES)


def regular_style(gap=0.2):
    return LineStyle(
        gap=gap, gap_deviation=0.0, word_gap=1.0, baseline_deviation=0.0, slope=0.0, bend=0.0, size_deviation=0.0
    )


def test_the_same_seed_composes_the_same_tile(library):
    one, other = (compose_tile(library, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one.picture, other.picture)
    np.testing.assert_array_equal(one.boxes, other.boxes)


def test_tiles_are_consistent(library):
    random = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        page = compose_tile(library, random)
        assert page.picture.shape == (pages.TILE_SIDE, pages.TILE_SIDE, 3)
        assert page.picture.dtype == np.uint8
        assert len(page.boxes) == len(page.labels) == len(page.sizes)
        assert (page.boxes >= -1).all()
        assert (page.boxes <= pages.TILE_SIDE + 1).all()
        assert (page.boxes[:, 2:] >= page.boxes[:, :2]).all()
        seen |= set(page.labels.tolist())
    assert seen == {IGNORED, *range(OTHER + 1)}


@pytest.mark.parametrize("source", ["mnist", "strokes"])
@pytest.mark.parametrize("label", "0123456789")
def test_a_box_is_where_the_ink_is(library, source, label):
    canvas, writer = Canvas(np.zeros((120, 160), np.uint8)), Writer(library, np.random.default_rng(1))
    writer.source, writer.slashes_zeros = source, False
    write_line(canvas, writer, [label], 40, 100, 60, regular_style(), writer.random)
    x, y, width, height = cv2.boundingRect((canvas.ink > 40).view(np.uint8))
    (box,) = canvas.boxes
    assert canvas.labels == [int(label)]
    np.testing.assert_allclose(box, (x, y, x + width, y + height), atol=4)
    assert 45 < height < 80


@pytest.mark.parametrize("gap", [-0.1, 0.0, 0.3, 1.0])
def test_the_gap_is_the_distance_between_inks(library, gap):
    random = np.random.default_rng(2)
    gaps = []
    for _ in range(20):
        canvas, writer = Canvas(np.zeros((120, 400), np.uint8)), Writer(library, random)
        writer.source, writer.slant, writer.link_probability, writer.slashes_zeros = "mnist", 0.0, 0.0, False
        write_line(canvas, writer, ["8" + "0"], 10, 100, 60, regular_style(gap), random)
        (_, _, first_end, _), (second_start, _, _, _) = canvas.boxes
        gaps.append((second_start - first_end) / 60)
    # Round digits are nearest where they are widest, so that the boxes' distance is about that of the inks.
    assert np.median(gaps) == pytest.approx(gap, abs=0.12)


@pytest.mark.parametrize("label", DIGIT_STROKES)
def test_flourishes_are_added_to_the_ends_of_strokes(label):
    random = np.random.default_rng(4)
    added = 0
    for form in 20 * DIGIT_STROKES[label]:
        changed = add_flourishes(label, form, random)
        assert len(changed) == len(form)
        for (is_line, points), (was_line, before) in zip(changed, form):
            assert is_line == was_line
            starts = [at for at in range(len(points)) if points[at : at + len(before)] == before]
            assert starts in ([0], [2])
            added += len(points) - len(before)
            if label == "1" and before[0][1] > 0.1:  # it has a flag already
                assert starts == [0]
    assert (added > 0) == (label in LEAD_IN or label in LEAD_OUT)


def test_characters_that_leave_the_page_lose_their_label(library):
    canvas, writer = Canvas(np.zeros((100, 60), np.uint8)), Writer(library, np.random.default_rng(3))
    writer.slant, writer.stretch = 0.0, 1.0  # the first one fits on the page
    write_line(canvas, writer, ["888888"], 5, 90, 70, regular_style(0.1), writer.random)
    assert max(canvas.labels) in (8, OTHER)
    assert canvas.labels[0] == 8
    full = canvas.boxes[0][2] - canvas.boxes[0][0]
    for label, (left, _, right, _) in zip(canvas.labels, canvas.boxes):
        assert label == 8 or right - left < 0.95 * full
    assert max(box[2] for box in canvas.boxes) <= 60


def test_four_quarter_turns_are_the_identity():
    picture = np.random.default_rng(0).integers(0, 255, (40, 70, 3), np.uint8)
    boxes = np.array([(3.0, 5.0, 20.0, 30.0)], np.float32)
    turned, moved = pages._rotate(picture, boxes, 1)
    assert turned.shape == (70, 40, 3)
    # The content of the box is the same, rotated.
    inside = turned[int(moved[0, 1]) : int(moved[0, 3]), int(moved[0, 0]) : int(moved[0, 2])]
    np.testing.assert_array_equal(inside, np.rot90(picture[5:30, 3:20]))
    back, again = pages._rotate(turned, moved, 3)
    np.testing.assert_array_equal(back, picture)
    np.testing.assert_allclose(again, boxes)


def test_some_pages_hold_no_digit(library):
    random = np.random.default_rng(4)
    composed = [compose_page((200, 200), library, random) for _ in range(80)]
    without = [page for page in composed if not ((page.labels >= 0) & (page.labels < 10)).any()]
    assert 2 <= len(without) <= 50


def page_of(*characters):
    boxes, labels, sizes = zip(*characters)
    picture = np.zeros((128, 160, 3), np.uint8)
    return Page(picture, np.array(boxes, np.float32), np.array(labels), np.array(sizes, np.float32))


def test_targets_hold_box_and_class_of_each_character():
    page = page_of(((20, 30, 44, 70), 7, 40), ((50, 60, 54, 64), CLASSES.index("."), 40), ((100, 20, 106, 60), 1, 40))
    maps = draw_target_maps(page)
    assert maps.shape == (32, 40, 10)
    peaks = np.argwhere(maps[..., 0] == 1)
    assert len(peaks) == 3
    found = {}
    for row, column in peaks:
        cell = maps[row, column]
        x, y = ((np.array((column, row)) + cell[4:6]) + 0.5) * STRIDE
        width, height = BOX_UNIT_PIXELS * np.exp(cell[6:8])
        found[int(cell[2])] = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        assert BOX_UNIT_PIXELS * np.exp(cell[8]) == pytest.approx(40, rel=1e-4)
    for box, label in zip(page.boxes, page.labels):
        np.testing.assert_allclose(found[int(label)], box, atol=1e-3)


def test_small_writing_is_only_flagged_as_small():
    maps = draw_target_maps(page_of(((20, 30, 24, 36), 7, 6), ((60, 30, 80, 60), 8, 30), ((100, 30, 106, 40), 3, 10)))
    flags = maps[..., 9].astype(int)
    assert flags[8, 5] == 3  # too small, and the flag counts
    assert maps[8, 5, 1] == 0  # the centre does not count
    assert flags[8, 17] == 2  # large enough
    assert flags[9, 26] == 0  # between: the flag does not count
    assert maps[9, 26, 1] == 1


def test_ignored_characters_do_not_count():
    maps = draw_target_maps(page_of(((20, 30, 44, 70), IGNORED, 40)))
    assert maps[12, 8, 1] == 0
    assert maps[..., 0].max() == 0


def test_channels_follow_one_another():
    channels = (CENTRE_CHANNEL, FIRST_CLASS_CHANNEL, FIRST_BOX_CHANNEL, SIZE_CHANNEL, SMALL_CHANNEL, CHANNEL_COUNT)
    assert channels == (0, 1, 18, 22, 23, 24)

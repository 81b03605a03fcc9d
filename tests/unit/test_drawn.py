"""benchmarks/drawn.py draws pictures within its size bounds, with consistent truths, the same ones for each seed."""

import re
from itertools import islice

import numpy as np
import pytest

from benchmarks import drawn
from benchmarks.drawn import DRAWN_SETS, MAX_DRAWN_SIDE, MIN_DRAWN_SIDE, PEN_MARKS, Truth, Writer
from helpers.drawing import STROKES

PICTURE_COUNT = 8
DRAW_FUNCTIONS = (drawn.draw_number_with_marks, drawn.draw_table, drawn.draw_form, drawn.draw_turned_page)

MARKED_NUMBER_PATTERN = r"-?\d{1,4}([.,/:-]\d{1,4})*"


@pytest.fixture(scope="module")
def writer():
    """Return a writer with the digits of tests/helpers/drawing.py: baseline at y = 0, height 1."""
    return Writer(
        {label: [[np.array(stroke) * (0.8, 1) - (0, 1) for stroke in strokes]] for label, strokes in STROKES.items()}
    )


def draw_pictures(draw, writer, seed=3):
    random = np.random.default_rng(seed)
    return [draw(writer, random) for _ in range(PICTURE_COUNT)]


@pytest.mark.parametrize("draw", DRAW_FUNCTIONS)
def test_pictures_are_within_the_size_bounds_and_have_ink(writer, draw):
    for image, truth in draw_pictures(draw, writer):
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert min(image.shape[:2]) >= MIN_DRAWN_SIDE
        assert max(image.shape[:2]) <= MAX_DRAWN_SIDE
        assert image.std() > 1
        assert re.search(r"\d", truth.text)


@pytest.mark.parametrize("draw", DRAW_FUNCTIONS)
def test_the_same_seed_draws_the_same_pictures(writer, draw):
    first, second, other = (draw_pictures(draw, writer, seed) for seed in (3, 3, 4))
    assert [truth for _, truth in first] == [truth for _, truth in second]
    assert all(np.array_equal(one, two) for (one, _), (two, _) in zip(first, second))
    assert [truth for _, truth in first] != [truth for _, truth in other]


def test_numbers_contain_every_mark_and_nothing_else(writer):
    truths = [truth for seed in range(3) for _, truth in draw_pictures(drawn.draw_number_with_marks, writer, seed)]
    assert all(re.fullmatch(MARKED_NUMBER_PATTERN, number) for truth in truths for number in truth.text.split())
    assert {mark for truth in truths for mark in truth.text} >= set(PEN_MARKS)
    assert all(truth.with_marks for truth in truths)


def test_tables_are_of_three_by_three_to_twenty_by_eight(writer):
    for _, truth in draw_pictures(drawn.draw_table, writer):
        assert 3 <= len(truth.table) <= 20
        (columns,) = {len(row) for row in truth.table}
        assert 3 <= columns <= 8
        assert all(re.fullmatch(r"[1-9]\d{0,3}", cell) for row in truth.table for cell in row)
        assert truth.text == "\n".join(" ".join(row) for row in truth.table)


def test_forms_contain_only_digits(writer):
    for _, truth in draw_pictures(drawn.draw_form, writer):
        assert 2 <= len(truth.text.split("\n")) <= 6
        assert re.fullmatch(r"[\d \n]+", truth.text)
        assert truth == Truth(truth.text)


def test_truths_of_turned_pages_have_the_rotation(writer, monkeypatch):
    upright = []
    draw_photo = drawn.draw_photo
    monkeypatch.setattr(drawn, "draw_photo", lambda *args: upright.append(draw_photo(*args)) or upright[-1])
    turned = draw_pictures(drawn.draw_turned_page, writer)
    for (image, truth), page in zip(turned, upright, strict=True):
        assert np.array_equal(np.rot90(image, -truth.rotation // 90), page)  # clockwise
    assert {truth.rotation for _, truth in turned} == {90, 180, 270}


def test_writing_stays_on_the_page(writer):
    random = np.random.default_rng(0)
    for size in ((400, 480), (1200, 900)):
        for height in (24, 200):
            writing = drawn._write_lines(writer, ["12.50 -7", "24/11/2026"], size, height, random)
            assert writing.shape == size
            assert (writing < 128).any()
            assert min(writing[[0, -1]].min(), writing[:, [0, -1]].min()) == 255


def test_a_digit_that_does_not_look_like_its_label_is_not_used():
    """Six writers write each digit, and one of them a 7 with the label 1."""
    shapes = {label: [(np.array(stroke) * 50).tolist() for stroke in strokes] for label, strokes in STROKES.items()}
    digits = [(label, strokes, writer) for writer in "abcdef" for label, strokes in shapes.items()]
    digits.append(("1", shapes["7"], "a"))
    labels, strokes, writers = zip(*digits)
    legible = drawn._is_legible(list(strokes), np.array(list(map(int, labels))), np.array(writers))
    assert legible[:-1].all()
    assert not legible[-1]


@pytest.mark.parametrize("name", DRAWN_SETS)
def test_the_sets_are_drawn_from_real_strokes(mnist_path, name):
    try:
        found = list(islice(DRAWN_SETS[name](mnist_path.parent), 3))
    except FileNotFoundError:
        pytest.skip("dev/pen_digits is not on this machine")
    assert len(found) == 3
    assert all(image.dtype == np.uint8 and isinstance(truth, Truth) for image, truth in found)

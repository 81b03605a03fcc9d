"""What benchmarks/drawn.py draws: pictures of a fair size whose truths are consistent, the same ones each time."""

import re
from itertools import islice

import numpy as np
import pytest

from benchmarks import drawn
from benchmarks.drawn import DRAWN_SETS, MARKS, MAX_SIDE, MIN_SIDE, Hand, Truth
from helpers.drawing import STROKES

COUNT = 8
DRAWERS = (drawn.number_with_marks, drawn.table, drawn.form, drawn.turned_page)

A_MARKED_NUMBER = r"-?\d{1,4}([.,/:-]\d{1,4})*"


@pytest.fixture(scope="module")
def hand():
    """A writer with the digits of tests/helpers/drawing.py: baseline at y = 0, height 1."""
    return Hand(
        {label: [[np.array(stroke) * (0.8, 1) - (0, 1) for stroke in strokes]] for label, strokes in STROKES.items()}
    )


def pictures(draw, hand, seed=3):
    random = np.random.default_rng(seed)
    return [draw(hand, random) for _ in range(COUNT)]


@pytest.mark.parametrize("draw", DRAWERS)
def test_pictures_are_of_a_fair_size_with_ink_on_them(hand, draw):
    for image, truth in pictures(draw, hand):
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert min(image.shape[:2]) >= MIN_SIDE
        assert max(image.shape[:2]) <= MAX_SIDE
        assert image.std() > 1
        assert re.search(r"\d", truth.text)


@pytest.mark.parametrize("draw", DRAWERS)
def test_the_same_seed_draws_the_same(hand, draw):
    first, second, other = (pictures(draw, hand, seed) for seed in (3, 3, 4))
    assert [truth for _, truth in first] == [truth for _, truth in second]
    assert all(np.array_equal(one, two) for (one, _), (two, _) in zip(first, second))
    assert [truth for _, truth in first] != [truth for _, truth in other]


def test_numbers_hold_every_mark_and_nothing_else(hand):
    truths = [truth for seed in range(3) for _, truth in pictures(drawn.number_with_marks, hand, seed)]
    assert all(re.fullmatch(A_MARKED_NUMBER, number) for truth in truths for number in truth.text.split())
    assert {mark for truth in truths for mark in truth.text} >= set(MARKS)
    assert all(truth.with_marks for truth in truths)


def test_tables_are_of_three_by_three_to_twenty_by_eight(hand):
    for _, truth in pictures(drawn.table, hand):
        assert 3 <= len(truth.table) <= 20
        (columns,) = {len(row) for row in truth.table}
        assert 3 <= columns <= 8
        assert all(re.fullmatch(r"[1-9]\d{0,3}", cell) for row in truth.table for cell in row)
        assert truth.text == "\n".join(" ".join(row) for row in truth.table)


def test_forms_hold_digits_alone(hand):
    for _, truth in pictures(drawn.form, hand):
        assert 2 <= len(truth.text.split("\n")) <= 6
        assert re.fullmatch(r"[\d \n]+", truth.text)
        assert truth == Truth(truth.text)


def test_pages_say_how_they_have_to_be_turned(hand, monkeypatch):
    upright = []
    photo = drawn.photo
    monkeypatch.setattr(drawn, "photo", lambda *args: upright.append(photo(*args)) or upright[-1])
    turned = pictures(drawn.turned_page, hand)
    for (image, truth), page in zip(turned, upright, strict=True):
        assert np.array_equal(np.rot90(image, -truth.rotation // 90), page)  # clockwise
    assert {truth.rotation for _, truth in turned} == {90, 180, 270}


def test_writing_stays_on_the_page(hand):
    random = np.random.default_rng(0)
    for size in ((400, 480), (1200, 900)):
        for height in (24, 200):
            writing = drawn._written_lines(hand, ["12.50 -7", "24/11/2026"], size, height, random)
            assert writing.shape == size
            assert (writing < 128).any()
            assert min(writing[[0, -1]].min(), writing[:, [0, -1]].min()) == 255


def test_a_digit_unlike_its_label_is_not_drawn_with():
    """Six writers write each digit, and one of them a 7 under the label 1."""
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

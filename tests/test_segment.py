"""Digits are found one by one, in reading order, and nothing else is."""

import numpy as np
import pytest
from drawing import draw

from digits.segment import segment


def ink_of(page):
    return (1 - np.asarray(page) / 255).astype(np.float32)


def test_blank_paper_has_no_digits():
    assert segment(np.zeros((50, 70), np.float32)) == []


def test_lines_are_read_from_the_top_and_each_from_the_left():
    found = segment(ink_of(draw("123\n456", size=(600, 400), height=110, pen=10)))
    assert [s.line for s in found] == [0, 0, 0, 1, 1, 1]
    lefts = [s.box[0] for s in found]
    assert lefts[:3] == sorted(lefts[:3])
    assert lefts[3:] == sorted(lefts[3:])
    assert max(s.box[3] for s in found[:3]) < min(s.box[1] for s in found[3:])


def test_a_climbing_line_stays_one_line():
    page = np.zeros((400, 900), np.float32)
    for place in range(6):
        digit = ink_of(draw("8", size=(120, 160), height=100, pen=10))
        top = 220 - 40 * place
        page[top : top + 160, 20 + 140 * place : 140 + 140 * place] = digit
    found = segment(page)
    assert [s.line for s in found] == [0] * 6
    assert [s.box[0] for s in found] == sorted(s.box[0] for s in found)


def test_boxes_are_tight_and_ink_is_the_digits_own():
    page = np.zeros((100, 200), np.float32)
    page[20:80, 30:40] = 1
    page[20:80, 100:110] = 1
    first, second = segment(page)
    assert first.box == (30, 20, 40, 80)
    assert second.box == (100, 20, 110, 80)
    assert first.ink.shape == (62, 12)
    assert first.ink.sum() + second.ink.sum() == pytest.approx(page.sum())


def test_a_neighbour_that_reaches_into_the_box_is_left_out():
    page = np.zeros((120, 200), np.float32)
    page[20:100, 20:28] = 1  # an L whose foot reaches under ...
    page[92:100, 20:90] = 1
    page[20:80, 60:68] = 1  # ... its upright neighbour
    wide, upright = sorted(segment(page), key=lambda s: s.box[0])
    assert wide.ink.sum() == pytest.approx(page[:, :28].sum() + page[92:100, 28:90].sum())
    assert upright.ink.sum() == pytest.approx(60 * 8)


def test_specks_are_dropped():
    page = ink_of(draw("3", size=(300, 300)))
    random = np.random.default_rng(0)
    for y, x in random.integers(5, 290, (60, 2)):
        page[y : y + 3, x : x + 3] = 1
    assert len(segment(page)) == 1


def test_a_frame_round_the_picture_is_dropped():
    page = ink_of(draw("2", size=(300, 300)))
    for frame in (slice(0, 3), slice(-3, None)):
        page[frame] = 1
        page[:, frame] = 1
    assert len(segment(page)) == 1


def test_a_strip_of_table_is_dropped():
    page = ink_of(draw("2", size=(300, 300)))
    page[:, -12:] = 1
    assert len(segment(page)) == 1


def test_a_digit_that_touches_every_border_is_kept():
    page = ink_of(draw("0", size=(160, 200), height=196, pen=20))
    rows, columns = np.flatnonzero(page.any(1)), np.flatnonzero(page.any(0))
    tight = page[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert len(segment(tight)) == 1


def test_a_five_and_its_loose_bar_are_one_digit():
    page = ink_of(draw("5", size=(300, 300)))
    rows = np.flatnonzero((page > 0.5).any(1))
    bar = slice(rows[0] + 20, rows[0] + 26)
    page[bar] = 0  # lifts the bar off the belly
    assert len(segment(page)) == 1

"""Ink is taken apart into pieces, in reading order; specks, frames and strips of table are left out."""

import numpy as np
import pytest
from drawing import draw

from digits.segment import segment, together


def ink_of(page):
    return (1 - np.asarray(page) / 255).astype(np.float32)


def test_blank_paper_has_no_lines():
    assert segment(np.zeros((50, 70), np.float32)).lines == []


def test_lines_are_read_from_the_top_and_each_from_the_left():
    page = segment(ink_of(draw("123\n789", size=(600, 400), height=110, pen=10)))
    assert [len(line) for line in page.lines] == [3, 3]
    for line in page.lines:
        lefts = [piece.box[0] for piece in line]
        assert lefts == sorted(lefts)
    first, second = page.lines
    assert max(piece.box[3] for piece in first) < min(piece.box[1] for piece in second)


def test_a_climbing_line_stays_one_line():
    ink = np.zeros((400, 900), np.float32)
    for place in range(6):
        top = 220 - 40 * place
        ink[top : top + 160, 20 + 140 * place : 140 + 140 * place] = ink_of(draw("8", (120, 160), 100, 10))
    (line,) = segment(ink).lines
    assert len(line) == 6


def test_digits_of_unlike_size_stay_one_line():
    ink = np.zeros((200, 400), np.float32)
    ink[20:180, 20:160] = ink_of(draw("8", (140, 160), 150, 10))
    ink[70:180, 180:300] = ink_of(draw("3", (120, 110), 90, 10))
    (line,) = segment(ink).lines
    assert len(line) == 2


def test_boxes_are_tight_and_ink_is_the_pieces_own():
    ink = np.zeros((100, 200), np.float32)
    ink[20:80, 30:40] = 1
    ink[20:80, 100:110] = 1
    page = segment(ink)
    ((first, second),) = page.lines
    assert first.box == (30, 20, 40, 80)
    assert second.box == (100, 20, 110, 80)
    assert page.cut_out(first).shape == (62, 12)
    assert page.cut_out(first).sum() + page.cut_out(second).sum() == pytest.approx(ink.sum())
    assert page.cut_out(together([first, second])).sum() == pytest.approx(ink.sum())


def test_a_neighbour_that_reaches_into_the_box_is_left_out():
    ink = np.zeros((120, 200), np.float32)
    ink[20:100, 20:28] = 1  # an L whose foot reaches under ...
    ink[92:100, 20:90] = 1
    ink[20:80, 60:68] = 1  # ... its upright neighbour
    page = segment(ink)
    ((wide, upright),) = page.lines
    assert page.cut_out(wide).sum() == pytest.approx(ink[:, :28].sum() + ink[92:100, 28:90].sum())
    assert page.cut_out(upright).sum() == pytest.approx(60 * 8)


def count(ink):
    return sum(map(len, segment(ink).lines))


def test_specks_are_dropped():
    ink = ink_of(draw("3", size=(300, 300)))
    for y, x in np.random.default_rng(0).integers(5, 290, (60, 2)):
        ink[y : y + 3, x : x + 3] = 1
    assert count(ink) == 1


def test_a_frame_round_the_picture_is_dropped():
    ink = ink_of(draw("2", size=(300, 300)))
    for frame in (slice(0, 3), slice(-3, None)):
        ink[frame] = 1
        ink[:, frame] = 1
    assert count(ink) == 1


def test_a_strip_of_table_is_dropped():
    ink = ink_of(draw("2", size=(300, 300)))
    ink[:, -12:] = 1
    assert count(ink) == 1


def test_a_digit_that_touches_every_border_is_kept():
    ink = ink_of(draw("0", size=(160, 200), height=196, pen=20))
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    assert count(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]) == 1


def test_a_cut_loses_no_ink_and_goes_where_there_is_least():
    ink = np.zeros((100, 200), np.float32)
    ink[20:80, 30:50] = 1
    ink[20:80, 90:110] = 1
    ink[48:52, 50:90] = 1  # a thin bridge
    page = segment(ink)
    ((piece,),) = page.lines
    left, right = page.cut(piece, most=1)
    assert 50 <= left.box[2] <= 90
    assert left.box[2] - 6 <= right.box[0] <= left.box[2]
    assert ((page.labels == left.labels[0]) | (page.labels == right.labels[0])).sum() == (ink > 0).sum()


def test_an_underline_a_dash_and_what_lies_in_the_rim_are_left_out():
    ink = np.zeros((400, 400), np.float32)
    ink[100:300, 150:170] = 1
    ink[355:361, 100:230] = 1
    ink[380:386, 200:390] = 1
    ink[0:3, 20:90] = 1
    ink[60:120, 396:400] = 1
    ((piece,),) = segment(ink).lines
    assert piece.box == (150, 100, 170, 300)


@pytest.mark.parametrize("bar", [(175, 95, 260, 105), (110, 315, 210, 325)], ids=["of a five", "under a one"])
def test_a_bar_that_belongs_to_a_digit_is_kept(bar):
    left, top, right, bottom = bar
    ink = np.zeros((400, 400), np.float32)
    ink[120:300, 150:170] = 1
    ink[top:bottom, left:right] = 1
    (line,) = segment(ink).lines
    assert bar in [piece.box for piece in line]


def test_rows_of_far_and_unlike_digits_stay_rows_beside_a_crease_that_towers_over_them():
    ink = np.zeros((500, 1000), np.float32)
    ink[200:450, 40:50] = 1
    for row in range(4):
        for place in range(8):
            height = 60 if place % 3 == 1 else 32
            top = 60 + 110 * row + 6 * place - height // 2
            left = 100 + 110 * place
            ink[top : top + height + 6, left : left + 60] = ink_of(draw("8", (60, height + 6), height, 5))
    lines = segment(ink).lines
    rows = [[(piece.box[0] - 80) // 110 for piece in line if piece.box[0] > 60] for line in lines]
    assert [row for row in rows if row] == [list(range(8))] * 4

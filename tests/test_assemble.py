"""Strokes of one digit join and digits that touch part, by what the network makes of them."""

import cv2
import numpy as np
import pytest
from drawing import draw


def overlaid(*pages):
    return np.minimum.reduce([np.asarray(page) for page in pages])


def test_touching_digits_part(reader):
    page = draw("38", size=(400, 280), height=150, pen=14, spacing=-0.12)
    assert reader.read(page).text == "38"


@pytest.mark.parametrize("number", ["00", "56", "208", "6532"])
def test_digits_that_overlap_a_little_part(reader, number):
    page = draw(number, size=(700, 280), height=140, pen=12, spacing=-0.06)
    assert reader.read(page).text == number


def test_a_line_through_all_digits_of_a_number_is_cut(reader):
    page = np.array(draw("408", size=(500, 280), height=140, pen=12, spacing=0.1))
    ink = np.argwhere(page < 128)
    page[190:198, ink[:, 1].min() : ink[:, 1].max()] = 0
    # Whatever is made of the underlined number, it is more than one digit.
    assert len(reader.read(page).digits) > 1


def test_a_five_and_its_loose_bar_are_one_digit(reader):
    page = np.array(draw("5", size=(300, 300)))
    top = np.argwhere(page < 128)[:, 0].min()
    page[top + 20 : top + 26] = 255
    reading = reader.read(page)
    assert reading.text == "5"
    assert reading.digits[0].box[1] <= top + 2


def test_a_four_of_two_strokes_is_one_digit(reader):
    corner = np.full((300, 300), 255, np.uint8)
    corner[60:180, 90:104] = 0
    corner[166:180, 90:200] = 0
    upright = np.full((300, 300), 255, np.uint8)
    upright[90:250, 206:220] = 0
    reading = reader.read(overlaid(corner, upright))
    assert reading.text == "4"
    assert reading.digits[0].box == pytest.approx((90, 60, 220, 250), abs=2)


@pytest.mark.parametrize("reach", [0.2, 0.5, 0.75])
@pytest.mark.parametrize("degrees", [45, 60, 90])
def test_a_zero_whose_slash_touches_no_side_is_one_digit(reader, degrees, reach):
    page = cv2.ellipse(np.full((400, 400), 255, np.uint8), (200, 200), (90, 130), 0, 0, 360, 0, 12, cv2.LINE_AA)
    half = 110 * reach * np.array([np.cos(np.radians(degrees)), -np.sin(np.radians(degrees))])
    cv2.line(page, (200 - half).astype(int).tolist(), (200 + half).astype(int).tolist(), 0, 12, cv2.LINE_AA)
    assert reader.read(page).text == "0"


def test_digits_that_stand_apart_are_not_joined(reader):
    assert reader.read(draw("11111", size=(700, 280), height=140, pen=14, spacing=-0.45)).text == "11111"


@pytest.mark.parametrize("pen", [6, 14, 24])
@pytest.mark.parametrize("bend", [-60, 0, 40])
@pytest.mark.parametrize("rise", [0, 25, 55])
def test_a_stroke_that_lies_is_not_many_digits(reader, rise, bend, pen):
    page = np.full((480, 480), 255, np.uint8)
    points = np.array([(90, 240 + rise), (240, 240 + bend), (390, 240 - rise)])
    cv2.polylines(page, [points], False, 0, pen, cv2.LINE_AA)
    reading = reader.read(page)
    assert len(reading.digits) <= 1
    assert not reading.digits or not reading.certain


def test_dots_are_no_digits(reader):
    page = np.array(draw("42", size=(500, 280), height=140, pen=14))
    page[195:212, 245:262] = 0
    assert reader.read(page).text == "42"


@pytest.mark.parametrize("spacing", [-0.1, 0.05, 0.3])
def test_any_two_digits_side_by_side_stay_two(reader, spacing):
    pairs = [f"{number:02}" for number in range(100)]
    pages = [draw(pair, size=(420, 300), height=130, pen=12, spacing=spacing) for pair in pairs]
    assert [reading.text for reading in reader.read_many(pages)] == pairs


def test_a_tiny_picture_holds_one_digit(reader):
    small = np.asarray(draw("5", size=(280, 280), height=190, pen=24).resize((28, 28)), np.uint8).copy()
    rows = np.flatnonzero((small < 128).any(1))
    small[rows[0] + 3 : rows[0] + 5] = 255  # between bar and body
    assert len(reader.read(small).digits) == 1


def test_parts_of_one_piece_are_doubted_where_no_digit_stands_by_itself(reader):
    touching = np.array(draw("38", size=(400, 280), height=150, pen=14, spacing=-0.14))
    alone = reader.read(touching)
    beside = reader.read(np.hstack([touching, np.asarray(draw("3", size=(280, 280), height=140, pen=12))]))
    assert alone.text == "38"
    assert not alone.certain
    assert beside.text == "383"
    assert all(ours.certainty > theirs.certainty for ours, theirs in zip(beside.digits, alone.digits))

"""Printed lines go, at any size, slanted or not; strokes stay, those that cross a line and those that look like one."""

import cv2
import numpy as np
import pytest
from drawing import draw

from digits.ruling import without_ruling

SIDE = 480


def ruled(page, pitch=45, lean=0.0, thick=2, darkness=90, both=False):
    """The page (H, W), 0 = ink, with lines printed under the ink."""
    lines = np.zeros(page.shape, np.uint8)
    height, width = page.shape
    for offset in range(-height, 2 * height, pitch):
        cv2.line(lines, (0, round(offset + lean * width)), (width, offset), 255, thick, cv2.LINE_AA)
        if both:
            cv2.line(lines, (round(offset + lean * height), 0), (offset, height), 255, thick, cv2.LINE_AA)
    return np.minimum(page, 255 - darkness * (lines / 255)).astype(np.uint8)


def as_rgb(gray):
    return np.repeat(gray[..., None], 3, 2)


PAPERS = {
    "ruled": {},
    "ruled, slanted": {"lean": 0.12},
    "ruled, falling": {"lean": -0.2},
    "ruled, dark and thick": {"darkness": 160, "thick": 4},
    "ruled, narrow": {"pitch": 22},
    "squared": {"both": True},
    "squared, slanted": {"both": True, "lean": 0.07},
}


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("digit", ["1", "2", "5", "7", "8"])
def test_the_ink_is_what_was_drawn_and_not_what_was_printed(reader, paper, digit):
    drawn = np.asarray(draw(digit, size=(SIDE, SIDE), height=260, pen=18))
    found, true = reader.stages(ruled(drawn, **PAPERS[paper])).ink > 0.5, drawn < 128
    assert (found & true).sum() / (found | true).sum() > 0.9


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("digit", "0123456789")
def test_digits_on_printed_lines_are_read(reader, paper, digit):
    drawn = np.asarray(draw(digit, size=(SIDE, SIDE), height=260, pen=18))
    assert reader.read(ruled(drawn, **PAPERS[paper])).text == digit


def test_a_tiny_picture_of_squared_paper_is_read(reader):
    drawn = cv2.resize(
        np.asarray(draw("4", size=(SIDE, SIDE), height=340, pen=44)), (28, 28), interpolation=cv2.INTER_AREA
    )
    squared = drawn.copy()
    squared[3::7] = np.minimum(squared[3::7], 180)
    squared[:, 2::7] = np.minimum(squared[:, 2::7], 180)
    assert reader.read(squared).text == "4"


def test_empty_ruled_paper_holds_nothing(reader):
    blank = np.full((SIDE, SIDE), 255, np.uint8)
    for paper in PAPERS.values():
        assert reader.read(ruled(blank, **paper)).text == ""


@pytest.mark.parametrize("digit", "0123456789")
def test_a_digit_that_fills_its_picture_is_left_as_it_is(digit):
    drawn = 255 - np.asarray(draw(digit, size=(SIDE, SIDE), height=400, pen=30))
    rows, columns = (np.flatnonzero((drawn > 128).any(axis)) for axis in (1, 0))
    cropped = np.ascontiguousarray(drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    for side in (28, 64, 200):
        small = cv2.resize(cropped, (side, side), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(without_ruling(small)[0], small)


def test_two_bars_as_dark_as_the_rest_are_strokes():
    unequal = np.zeros((64, 64), np.uint8)
    unequal[22:24] = unequal[40:42] = 255
    cv2.line(unequal, (20, 60), (44, 4), 255, 3)
    np.testing.assert_array_equal(without_ruling(unequal)[0], unequal)
    paler = unequal.copy()
    paler[22:24] = paler[40:42] = 120
    cv2.line(paler, (20, 60), (44, 4), 255, 3)
    cleaned = without_ruling(paler)[0]
    assert not cleaned[:, :15].any()
    assert cleaned[10, 41] == 255


def test_rows_of_digits_are_no_lines():
    page = 255 - np.asarray(draw("111111\n777777\n111111", size=(900, 700), height=130, pen=10))
    np.testing.assert_array_equal(without_ruling(page)[0], page)


def test_a_single_underline_stays():
    page = np.zeros((300, 300), np.uint8)
    page[200:204] = 200
    np.testing.assert_array_equal(without_ruling(page)[0], page)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (24, 3000), (700, 700)])
def test_any_picture_is_answered_in_its_own_shape(shape):
    noise = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert without_ruling(noise)[0].shape == shape
    grating = np.zeros(shape, np.uint8)
    grating[::2] = 255
    assert without_ruling(grating)[0].shape == shape

"""Dark things in a picture are no writing: neither they nor slivers along their edges, beside digits or alone."""

import cv2
import numpy as np
import pytest
from drawing import draw

from digits.edges import without_edges
from digits.ink import find_ink

HEIGHT, WIDTH = 420, 560


def sheet():
    return np.full((HEIGHT, WIDTH), 255, np.uint8)


def with_thing(page, centre, axes, angle=0.0, tone=40, soft=0.0):
    """The page with a solid ellipse on it, with a soft rim of so many pixels."""
    mask = np.zeros(page.shape, np.uint8)
    cv2.ellipse(mask, centre, axes, angle, 0, 360, 255, -1, cv2.LINE_AA)
    if soft:
        mask = cv2.GaussianBlur(mask, (0, 0), soft)
    share = mask / 255
    return np.uint8(page * (1 - share) + tone * share)


@pytest.mark.parametrize("radius", range(10, 210, 20))
def test_a_dot_of_any_size_is_no_certain_digit(reader, radius):
    assert not reader.read(with_thing(sheet(), (280, 210), (radius, radius))).certain


@pytest.mark.parametrize("radius", [130, 150, 170, 200])
def test_a_large_round_thing_leaves_nothing(radius):
    ink, _ = find_ink(np.dstack([with_thing(sheet(), (280, 210), (radius, radius), soft=1)] * 3))
    assert ink.max() < 0.25


@pytest.mark.parametrize("angle", [0, 30, 60, 90])
@pytest.mark.parametrize("soft", [0.0, 3.0])
def test_a_blot_is_no_certain_digit_however_it_lies(reader, angle, soft):
    assert not reader.read(with_thing(sheet(), (280, 210), (100, 60), angle, soft=soft)).certain


@pytest.mark.parametrize("digit", "0123456789")
@pytest.mark.parametrize("axes", [(40, 40), (80, 60), (150, 120)])
def test_a_digit_is_read_beside_a_dark_thing(reader, digit, axes):
    page = np.array(draw(digit, size=(800, 600), height=160, pen=12, left=80, top=200))
    page = with_thing(page, (600, 300), axes, 20, soft=2)
    reading = reader.read(page)
    assert (reading.text, reading.certain) == (digit, True)


def test_a_thick_pen_is_no_thing(reader):
    """A one that is written with a felt pen is not left out, though all of it is broad and solid."""
    page = np.array(draw("3", size=(500, 300), height=180, pen=34, left=60, top=60))
    cv2.line(page, (350, 75), (345, 225), 0, 34, cv2.LINE_AA)
    assert reader.read(page).text == "31"


def test_strokes_in_a_shadow_stay():
    """Its edge is taken away, the strokes on both sides of it are not, though one lies on ground as dark as the other's
    ink."""
    page = np.array(draw("2", size=(WIDTH, HEIGHT), height=200, pen=14, left=60, top=110, ink=100))
    page[:, 300:] = 110
    page[:, 300:] = np.minimum(page[:, 300:], draw("5", size=(260, HEIGHT), height=200, pen=14, left=60, top=110))
    ink, scale = find_ink(np.dstack([page] * 3))
    truth = page < np.where(np.arange(WIDTH) < 300, 180, 55)
    truth = cv2.resize(truth.astype(np.uint8), ink.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    left, right = np.hsplit(ink, [round(300 * scale)])
    for side, true in ((left, truth[:, : left.shape[1]]), (right, truth[:, left.shape[1] :])):
        assert side[true].mean() > 0.5


def test_a_stroke_from_light_to_shadow_stays(reader):
    """Its light half's ink is as bright as the ground of the other half."""
    page = np.array(draw("4", size=(WIDTH, HEIGHT), height=240, pen=12, ink=110)).astype(float)
    shadow = 1 - 0.5 / (1 + np.exp((WIDTH / 2 - np.arange(WIDTH)) / 15))
    reading = reader.read(np.uint8(page * shadow))
    assert (reading.text, reading.certain) == ("4", True)


def test_a_sliver_goes_and_a_stroke_stays():
    """A dark thing on the right, of which a sliver was left; and a stroke that is as dark, far from it."""
    paper = np.full((200, 300), 200, np.uint8)
    paper[:, 200:] = 40
    contrast = np.zeros_like(paper)
    contrast[50:150, 190:200] = contrast[40:160, 80:90] = 160
    kept = without_edges(contrast, [paper - contrast], [paper])
    assert not kept[:, 150:].any()
    np.testing.assert_array_equal(kept[:, :150], contrast[:, :150])


def test_even_paper_is_given_back_as_it_is():
    contrast, paper = np.zeros((200, 200), np.uint8), np.full((200, 200), 200, np.uint8)
    contrast[40:160, 80:100] = 150
    assert without_edges(contrast, [paper - contrast], [paper]) is contrast

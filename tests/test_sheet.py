"""A sheet on a table is found where it was laid and nowhere else; what is written on it is read, the table is not."""

import cv2
import numpy as np
import pytest
from drawing import draw

from digits.sheet import find_sheet, on_sheet_alone, sheet_mask

SIZE = np.array((256, 192))
CORNERS = {
    "straight": [(40, 160), (40, 30), (210, 30), (210, 160)],
    "seen from the side": [(30, 172), (52, 25), (205, 38), (228, 150)],
    "turned": [(24, 140), (50, 20), (230, 48), (206, 172)],
}


def laid(corners, paper=220.0, table=90.0, size=SIZE):
    """A sheet with its corners there, and its table: float (H, W)."""
    over = np.zeros(size[::-1] * 4, np.uint8)
    cv2.fillConvexPoly(over, np.array(corners, np.int32) * 4, 255)
    return table + (paper - table) * cv2.resize(over, tuple(size), interpolation=cv2.INTER_AREA) / 255.0


def seen(picture, seed=0):
    grain = np.random.default_rng(seed).normal(0, 3, picture.shape)
    return np.dstack([(picture + grain).clip(0, 255).astype(np.uint8)] * 3)


def shadow(share=0.6):
    """Darker beyond a slanted edge that crosses the middle: float (H, W)."""
    y, x = np.indices(SIZE[::-1])
    return np.where(x + 0.6 * y > 190, share, 1.0)


@pytest.mark.parametrize("light", ["even", "slanted", "a shadow's edge"])
@pytest.mark.parametrize("table", [30.0, 110.0, 170.0])
@pytest.mark.parametrize("corners", CORNERS.values(), ids=CORNERS)
def test_a_sheet_is_found_where_it_lies(corners, table, light):
    picture = laid(corners, table=table)
    if light == "slanted":
        picture *= np.linspace(0.7, 1.1, SIZE[0])
    if light == "a shadow's edge":
        picture *= shadow()
    found = find_sheet(seen(picture))
    assert found is not None
    assert abs(found * SIZE - corners).max() < 3


def test_where_a_side_lies_beyond_the_picture_its_border_is_the_side():
    found = find_sheet(seen(laid([(-40, 160), (-40, 30), (210, 30), (210, 160)])))
    assert abs(found * SIZE - [(0, 160), (0, 30), (210, 30), (210, 160)]).max() < 3


def test_what_is_written_to_the_edge_hides_no_side():
    picture = laid(CORNERS["turned"])
    for at in range(50, 220, 24):
        cv2.line(picture, (at, 10 + at // 6), (at + 4, 180), 30.0, 3)
    written = np.where(laid(CORNERS["turned"]) > 150, picture, 90.0)
    assert abs(find_sheet(seen(written)) * SIZE - CORNERS["turned"]).max() < 3


NO_SHEETS = {
    "a blank page": lambda: np.full(SIZE[::-1], 220.0),
    "a page in slanted light": lambda: np.full(SIZE[::-1], 220.0) * np.linspace(0.4, 1.1, SIZE[0]),
    "a page half in the shadow": lambda: 220.0 * shadow(0.55),
    "a page with a dark thing on it": lambda: laid([(150, 190), (150, 100), (230, 100), (230, 190)], 40.0, 220.0),
    "a page half in a deep shadow": lambda: 220.0 * shadow(0.4),
    "a broad zero": lambda: cv2.ellipse(np.full(SIZE[::-1], 230.0), (128, 96), (80, 75), 0, 0, 360, 20.0, 16),
    "a drawing in white on black": lambda: 255.0 - np.array(draw("8", size=tuple(SIZE), height=170, pen=24), float),
    "a table without a sheet": lambda: np.full(SIZE[::-1], 90.0),
}


@pytest.mark.parametrize("picture", NO_SHEETS.values(), ids=NO_SHEETS)
def test_where_no_sheet_lies_none_is_found(picture):
    assert find_sheet(seen(picture())) is None


def test_beyond_the_sheet_its_own_colour_goes_on():
    corners = np.array(CORNERS["straight"]) / SIZE
    picture = np.stack([laid(CORNERS["straight"], table=table) for table in (120.0, 80.0, 50.0)], -1).astype(np.uint8)
    alone = on_sheet_alone(picture, corners)
    assert abs(alone.astype(int) - 220).max() <= 2
    mask = sheet_mask(corners, picture.shape)
    assert (alone[mask == 1] == picture[mask == 1]).all()
    assert 0.9 * 170 * 130 < mask.sum() < 170 * 130


def on_wood(number, wood, seed):
    """A photo of a sheet with a number on it that lies on wood with a grain, seen from the side: RGB."""
    random = np.random.default_rng(seed)
    sheet = np.array(draw(number, size=(800, 600), height=150, pen=14, ink=40, paper=225).convert("RGB"))
    grain = cv2.GaussianBlur(random.normal(0, 1, (900, 1200)), (0, 0), sigmaX=60, sigmaY=2)
    table = np.array(wood) + 8 * (grain / grain.std())[..., None]
    ends = np.array([(0, 0), (800, 0), (800, 600), (0, 600)], np.float32)
    to = np.array([(150, 110), (1090, 80), (1040, 810), (110, 780)], np.float32)
    move = cv2.getPerspectiveTransform(ends, to)
    there = cv2.warpPerspective(np.ones((600, 800)), move, (1200, 900))[..., None]
    photo = table * (1 - there) + cv2.warpPerspective(sheet, move, (1200, 900)) * there
    return (photo + random.normal(0, 2, photo.shape)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("number", ["2047", "835\n62"])
@pytest.mark.parametrize("wood", [(30, 30, 32), (120, 80, 50), (190, 150, 105), (150, 150, 155)])
def test_what_is_written_on_a_sheet_is_read_and_the_table_is_not(reader, wood, number):
    reading = reader.read(on_wood(number, wood, 1))
    assert reading.text == number
    assert reading.certain

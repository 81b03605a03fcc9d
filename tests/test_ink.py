"""Ink is found on any paper, in any light, with any pen; and none where there is none."""

import cv2
import numpy as np
import pytest
from drawing import draw

from digits.ink import find_ink

DRAWN = np.asarray(draw("5", size=(320, 320), pen=14))
TRUE_INK = 1 - DRAWN / 255


def as_rgb(gray):
    return np.repeat(np.clip(gray, 0, 255).round().astype(np.uint8)[..., None], 3, 2)


def ink_of(pixels):
    """The ink of a picture, as large as the picture."""
    ink, _ = find_ink(pixels)
    return cv2.resize(ink, pixels.shape[1::-1])


def agreement(pixels):
    """Intersection over union of the ink that was found and the ink that was drawn."""
    found, true = ink_of(pixels) > 0.5, TRUE_INK > 0.5
    return (found & true).sum() / (found | true).sum()


def light_from_the_side(page):
    return page * np.linspace(0.35, 1, page.shape[1])


def vignette(page):
    y, x = np.mgrid[-1 : 1 : page.shape[0] * 1j, -1 : 1 : page.shape[1] * 1j]
    return page * (1 - 0.3 * (x**2 + y**2))


def hard_shadow(page):
    shadow = np.ones(page.shape)
    shadow[:, : page.shape[1] // 3] = 0.55
    return page * shadow


def table_beside_the_sheet(page):
    page = page.copy()
    page[:, -60:] = 40
    return page


def noisy(page):
    return page + np.random.default_rng(0).normal(0, 8, page.shape)


def faint_pencil(page):
    return 235 - 60 * (1 - page / 255)


def inverted(page):
    return 255 - page


def gray_paper_dark_ink(page):
    return 90 * page / 255 + 15


PAGES = {
    f.__name__: f
    for f in (
        light_from_the_side,
        vignette,
        hard_shadow,
        table_beside_the_sheet,
        noisy,
        faint_pencil,
        inverted,
        gray_paper_dark_ink,
    )
}


@pytest.mark.parametrize("page", PAGES)
def test_ink_is_found_whatever_light_and_paper(page):
    assert agreement(as_rgb(PAGES[page](DRAWN.astype(np.float64)))) > 0.9


@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        ((250, 230, 40), (255, 255, 255)),  # yellow on white: hardly darker at all
        ((220, 30, 30), (255, 255, 255)),
        ((40, 60, 200), (240, 235, 220)),
        ((0, 120, 60), (250, 240, 150)),
        ((255, 255, 255), (20, 60, 40)),  # chalk
        ((250, 220, 60), (30, 40, 120)),
    ],
)
def test_ink_is_found_in_any_colour(ink, paper):
    share = TRUE_INK[..., None]
    pixels = (share * np.array(ink) + (1 - share) * np.array(paper)).round().astype(np.uint8)
    assert agreement(pixels) > 0.9


@pytest.mark.parametrize("pen", [2, 6, 14, 30, 44])
def test_ink_is_found_with_any_pen(pen):
    page = np.asarray(draw("0", size=(320, 320), height=220, pen=pen))
    found, true = ink_of(as_rgb(page)) > 0.5, page < 128
    assert (found & true).sum() / (found | true).sum() > 0.85


@pytest.mark.parametrize(
    "page",
    [
        np.full((100, 100), 255.0),
        np.zeros((100, 100)),
        np.full((60, 300), 128.0),
        np.tile(np.linspace(60, 250, 200), (150, 1)),
        np.random.default_rng(1).normal(200, 3, (200, 200)),
        np.random.default_rng(2).normal(120, 12, (300, 200)),
        np.random.default_rng(3).normal(np.linspace(230, 150, 1600), 4, (1200, 1600)),
        np.full((1, 1), 7.0),
        np.full((1, 500), 200.0),
    ],
    ids=["white", "black", "gray", "gradient", "fine grain", "coarse grain", "large photo", "one pixel", "one row"],
)
def test_a_blank_sheet_has_no_ink(page):
    assert not (ink_of(as_rgb(page)) > 0.5).any()


def test_ink_is_linear_in_contrast():
    # Half-tone pixels of a scan keep their share of ink: that is what MNIST's frames hold.
    page = np.full((200, 200), 255.0)
    page[50:150, 90:100] = 0
    page[50:150, 100] = 127.5
    ink = ink_of(as_rgb(page))
    assert ink[100, 95] == pytest.approx(1)
    assert ink[100, 100] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("digits", ["12", "808"])
def test_a_bright_sheet_in_uneven_light_on_a_dark_table_is_still_dark_ink(digits):
    """A glow on the sheet and the corners of the table depart from the median of a large neighbourhood both ways."""
    drawn = np.asarray(draw(digits, size=(800, 500), height=60, pen=5)).astype(float)
    y, x = np.mgrid[0:1:500j, 0:1:800j]
    page = drawn * (0.4 + 0.5 * np.exp(-4 * ((x - 0.2) ** 2 + (y - 0.1) ** 2)))
    page[(x < 0.06) | (x > 0.97)] = 30
    found, true = ink_of(as_rgb(page)) > 0.5, drawn < 128
    inside = (slice(100, 400), slice(150, 650))
    assert (found[inside] & true[inside]).sum() / (found[inside] | true[inside]).sum() > 0.7


@pytest.mark.parametrize("pen", [4, 40])
def test_the_scale_of_the_ink_is_how_much_smaller_it_is(pen):
    """Broad strokes need no fine picture."""
    pixels = as_rgb(np.asarray(draw("8", size=(901, 602), height=400, pen=pen)))
    ink, scale = find_ink(pixels)
    assert ink.shape == (int(602 * scale), int(901 * scale))
    assert (scale < 1) == (pen == 40)


def test_a_small_digit_on_a_large_page_is_not_missed(reader):
    """Few of the page's pixels are ink, wherever it stands."""
    grain = np.random.default_rng(0)
    for place in grain.integers(100, 1000, (10, 2)).tolist():
        page = np.asarray(draw("4", size=(1600, 1200), height=24, pen=2, left=place[0], top=place[1]))
        assert reader.read(as_rgb(page + grain.normal(0, 3, page.shape))).text == "4"


def test_fine_strokes_stay_beside_a_broad_thing():
    page = np.array(draw("3", size=(1600, 1200), height=160, pen=7, left=200, top=200), np.float64)
    true = page < 128
    page[500:1100, 900:1250] = 40
    found = ink_of(as_rgb(page)) > 0.5
    left = (slice(None), slice(0, 700))
    assert (found[left] & true[left]).sum() / (found[left] | true[left]).sum() > 0.8

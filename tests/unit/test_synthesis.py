"""What training adds to MNIST: framed like digits, labelled truly, and different every time."""

import numpy as np
import pytest
from matplotlib import get_data_path
from matplotlib.ft2font import FT2Font

from digits.frame import frame
from helpers.drawing import draw
from training import symbols
from training.data import Digits
from training.synthesis import NOT_A_DIGIT, VARIANTS, _enlarged, others, variants


@pytest.fixture(scope="module")
def digits():
    frames = [frame((1 - np.asarray(draw(d)) / 255).astype(np.float32)) for d in "0123456789"]
    return Digits(np.repeat(np.stack(frames)[..., None], 40, 0), np.repeat(np.arange(10), 40))


def test_variants_are_digits_and_the_others_are_none(digits):
    ways = variants(digits, 300, np.random.default_rng(0))
    assert len(ways.images) == len(ways.labels) == 300
    assert set(ways.labels) == set(range(10))
    rest = others(digits, 200, np.random.default_rng(0))
    assert len(rest.images) == 200
    assert set(rest.labels) == {NOT_A_DIGIT}


@pytest.mark.parametrize("synthesize", [variants, others])
def test_what_is_added_is_framed_ink(digits, synthesize):
    images = synthesize(digits, 300, np.random.default_rng(1)).images[..., 0]
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 1
    for image in images:
        rows, columns = (np.flatnonzero((image > 0.05).any(axis)) for axis in (1, 0))
        assert 10 <= max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 <= 20


@pytest.mark.parametrize("synthesize", [variants, others])
def test_the_same_seed_gives_the_same_images(digits, synthesize):
    first, second, other = (synthesize(digits, 50, np.random.default_rng(seed)).images for seed in (2, 2, 3))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("of", "change"), [(of, change) for of, _, change in VARIANTS if len(of) == 1])
def test_a_slash_a_flag_or_a_bar_is_more_ink(digits, of, change):
    page = _enlarged(digits.images[digits.labels == of[0]][0])
    changed = [change(page, np.random.default_rng(seed)) for seed in range(20)]
    assert np.mean([image.sum() > 1.02 * page.sum() for image in changed]) > 0.8


def test_a_fine_pen_leaves_less_ink_along_the_same_way(digits):
    (change,) = (change for of, _, change in VARIANTS if len(of) == 10)
    for image in digits.images[::40]:
        page = _enlarged(image)
        fine = change(page, np.random.default_rng(0))
        assert 0.1 * page.sum() < fine.sum() < 0.8 * page.sum()
        assert fine[page < 0.05].max(initial=0) < 0.5
        assert abs(np.argwhere(fine > 0.3).mean(0) - np.argwhere(page > 0.3).mean(0)).max() < 5


@pytest.mark.parametrize("font", symbols.FONTS)
def test_the_fonts_have_every_symbol_and_no_symbol_is_a_digit(font):
    has = FT2Font(f"{get_data_path()}/fonts/ttf/{font}").get_charmap()
    assert [character for character in symbols.SYMBOLS if ord(character) not in has] == []
    assert not any(character.isnumeric() for character in symbols.SYMBOLS)
    assert not set("OoIlZzSsbqgB") & set(symbols.SYMBOLS)


def test_symbols_are_drawn_in_many_ways():
    drawn = [symbols.symbol(np.random.default_rng(seed), 112) for seed in range(100)]
    assert len({page.tobytes() for page in drawn}) == 100
    assert all(page.shape == (112, 112) and page.max() > 0.5 and page.mean() < 0.6 for page in drawn)

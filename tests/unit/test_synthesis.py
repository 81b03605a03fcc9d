"""Synthesized training images are framed like digits, labelled correctly, and different for each seed."""

import numpy as np
import pytest
from matplotlib import get_data_path
from matplotlib.ft2font import FT2Font

from digits.frame import frame
from helpers.drawing import draw
from training import non_digit_glyphs
from training.data import Digits
from training.synthesis import NOT_A_DIGIT, VARIANTS, _upscale, synthesize_non_digits, synthesize_variants


@pytest.fixture(scope="module")
def digits():
    frames = [frame((1 - np.asarray(draw(d)) / 255).astype(np.float32)) for d in "0123456789"]
    return Digits(np.repeat(np.stack(frames)[..., None], 40, 0), np.repeat(np.arange(10), 40))


def test_variants_have_digit_labels_and_non_digits_do_not(digits):
    variants = synthesize_variants(digits, 300, np.random.default_rng(0))
    assert len(variants.images) == len(variants.labels) == 300
    assert set(variants.labels) == set(range(10))
    non_digits = synthesize_non_digits(digits, 200, np.random.default_rng(0))
    assert len(non_digits.images) == 200
    assert set(non_digits.labels) == {NOT_A_DIGIT}


@pytest.mark.parametrize("synthesize", [synthesize_variants, synthesize_non_digits])
def test_synthesized_images_are_framed(digits, synthesize):
    images = synthesize(digits, 300, np.random.default_rng(1)).images[..., 0]
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 1
    for image in images:
        rows, columns = (np.flatnonzero((image > 0.05).any(axis)) for axis in (1, 0))
        assert 10 <= max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 <= 20


@pytest.mark.parametrize("synthesize", [synthesize_variants, synthesize_non_digits])
def test_the_same_seed_gives_the_same_images(digits, synthesize):
    first, second, other = (synthesize(digits, 50, np.random.default_rng(seed)).images for seed in (2, 2, 3))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("variant", [variant for variant in VARIANTS if len(variant.labels) == 1])
def test_a_slash_a_flag_or_a_bar_adds_ink(digits, variant):
    canvas = _upscale(digits.images[digits.labels == variant.labels[0]][0])
    changed = [variant.draw(canvas, np.random.default_rng(seed)) for seed in range(20)]
    assert np.mean([image.sum() > 1.02 * canvas.sum() for image in changed]) > 0.8


def test_a_fine_pen_leaves_less_ink_at_the_same_positions(digits):
    (variant,) = (variant for variant in VARIANTS if len(variant.labels) == 10)
    for image in digits.images[::40]:
        canvas = _upscale(image)
        fine = variant.draw(canvas, np.random.default_rng(0))
        assert 0.1 * canvas.sum() < fine.sum() < 0.8 * canvas.sum()
        assert fine[canvas < 0.05].max(initial=0) < 0.5
        assert abs(np.argwhere(fine > 0.3).mean(0) - np.argwhere(canvas > 0.3).mean(0)).max() < 5


@pytest.mark.parametrize("font", non_digit_glyphs.SYMBOL_FONTS)
def test_the_fonts_have_every_symbol_and_no_symbol_is_a_digit(font):
    has = FT2Font(f"{get_data_path()}/fonts/ttf/{font}").get_charmap()
    assert [character for character in non_digit_glyphs.SYMBOLS if ord(character) not in has] == []
    assert not any(character.isnumeric() for character in non_digit_glyphs.SYMBOLS)
    assert not set("OoIlZzSsbqgB") & set(non_digit_glyphs.SYMBOLS)


def test_symbols_differ_for_each_seed():
    drawn = [non_digit_glyphs.draw_symbol(np.random.default_rng(seed), 112) for seed in range(100)]
    assert len({canvas.tobytes() for canvas in drawn}) == 100
    assert all(canvas.shape == (112, 112) and canvas.max() > 0.5 and canvas.mean() < 0.6 for canvas in drawn)

"""What training adds to MNIST: framed like digits, labelled truly, and different every time."""

import numpy as np
import pytest
from drawing import draw

from digits.frame import frame
from training.data import Digits
from training.synthesis import NOT_A_DIGIT, VARIANTS, _enlarged, synthesize


@pytest.fixture(scope="module")
def digits():
    frames = [frame((1 - np.asarray(draw(d)) / 255).astype(np.float32)) for d in "0123456789"]
    return Digits(np.repeat(np.stack(frames)[..., None], 40, 0), np.repeat(np.arange(10), 40))


def test_the_digits_themselves_come_first_and_unchanged(digits):
    more = synthesize(digits, np.random.default_rng(0))
    np.testing.assert_array_equal(more.images[: len(digits.labels)], digits.images)
    np.testing.assert_array_equal(more.labels[: len(digits.labels)], digits.labels)
    added = more.labels[len(digits.labels) :]
    assert set(added) == {0, 1, 7, NOT_A_DIGIT}
    assert (added == NOT_A_DIGIT).sum() > (added != NOT_A_DIGIT).sum()


def test_what_is_added_is_framed_ink(digits):
    images = synthesize(digits, np.random.default_rng(1)).images[len(digits.labels) :, ..., 0]
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 1
    for image in images:
        rows, columns = (np.flatnonzero((image > 0.05).any(axis)) for axis in (1, 0))
        assert max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 <= 20


def test_the_same_seed_gives_the_same_images(digits):
    first, second, other = (synthesize(digits, np.random.default_rng(seed)).images for seed in (2, 2, 3))
    np.testing.assert_array_equal(first, second)
    assert first.shape != other.shape or not np.array_equal(first, other)


@pytest.mark.parametrize(("digit", "change"), VARIANTS)
def test_a_variant_is_the_digit_and_more_ink(digits, digit, change):
    page = _enlarged(digits.images[digits.labels == digit][0])
    changed = [change(page, np.random.default_rng(seed)) for seed in range(20)]
    assert np.mean([image.sum() > 1.02 * page.sum() for image in changed]) > 0.8

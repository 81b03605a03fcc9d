"""Frames have MNIST's contract at any input size: ink fits 20x20, with its centre of mass in the middle of 28x28."""

import numpy as np
import pytest

from digits.frame import frame
from helpers.drawing import draw


def to_ink(page):
    return (1 - np.asarray(page) / 255).astype(np.float32)


def centre_of_mass(picture):
    rows, columns = np.indices(picture.shape) + 0.5
    return (picture * rows).sum() / picture.sum(), (picture * columns).sum() / picture.sum()


@pytest.mark.parametrize("digit", "0123456789")
@pytest.mark.parametrize("height", [60, 180, 700])
def test_ink_fits_twenty_and_is_centred_by_mass(digit, height):
    framed = frame(to_ink(draw(digit, size=(height * 2, height * 2), height=height, pen=max(3, height // 10))))
    assert framed.shape == (28, 28)
    assert framed.dtype == np.float32
    assert 0 <= framed.min() <= framed.max() <= 1
    rows, columns = (np.flatnonzero((framed > 0.3).any(axis)) for axis in (1, 0))
    assert 19 <= max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 <= 21
    # MNIST shifts by whole pixels: the centre of mass lies in the pixel that begins in the middle.
    assert centre_of_mass(framed) == pytest.approx((14.5, 14.5), abs=0.51)


def test_frame_does_not_depend_on_size_and_position():
    small = frame(to_ink(draw("4", size=(200, 200), height=80, pen=8)))
    large = frame(to_ink(draw("4", size=(1200, 900), height=640, pen=64, left=30, top=50)))
    assert np.abs(small - large).mean() < 0.03


def test_no_ink_gives_an_empty_frame():
    assert not frame(np.zeros((40, 30), np.float32)).any()


def test_one_pixel_of_ink_is_framed():
    page = np.zeros((9, 9), np.float32)
    page[4, 4] = 1
    assert centre_of_mass(frame(page)) == pytest.approx((14.5, 14.5), abs=0.51)


@pytest.mark.parametrize("width", [1, 2, 3])
def test_stroke_of_few_columns_is_centred_upright_and_lying(width):
    upright = np.zeros((40, 30), np.float32)
    upright[5:25, 3 : 3 + width] = 1
    assert centre_of_mass(frame(upright)) == pytest.approx((14.5, 14.5), abs=0.51)
    assert centre_of_mass(frame(upright.T)) == pytest.approx((14.5, 14.5), abs=0.51)


def test_framing_does_not_change_mnist_digits(mnist):
    # Framing a frame again must not change it.
    digits = mnist["x_test"][:300] / np.float32(255)
    differences = [np.abs(frame(digit) - digit).mean() for digit in digits]
    assert np.median(differences) < 0.001

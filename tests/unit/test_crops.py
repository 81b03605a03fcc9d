"""Crops restore MNIST's frames: a digit of MNIST, enlarged and drawn on paper, is cropped to the original frame."""

import cv2
import numpy as np
import pytest

from digits.crops import CROP, crop, crop_tiny_picture, extract_ink
from digits.frame import frame

COLOURS = {
    "black on white": ((0, 0, 0), (255, 255, 255)),
    "white on black": ((255, 255, 255), (0, 0, 0)),
    "blue on yellow": ((30, 40, 160), (240, 230, 140)),
    "yellow on green": ((250, 230, 60), (20, 70, 50)),
    "red on white": ((200, 40, 40), (255, 255, 255)),
    "pale grey on white": ((190, 190, 190), (250, 250, 250)),
}


def draw_on_paper(digit, ground, side=96, size=(240, 200), corner=(60, 40)):
    """Draw a digit of MNIST, uint8 (28, 28), `side` pixels large on paper; return the picture and the digit's box."""
    ink_colour, paper_colour = (np.array(colour, np.float32) for colour in COLOURS[ground])
    large = cv2.resize(digit, (side, side), interpolation=cv2.INTER_CUBIC)
    ink = np.zeros(size[::-1], np.float32)
    left, top = corner
    ink[top : top + side, left : left + side] = large / np.float32(255)
    pixels = paper_colour + ink[..., None] * (ink_colour - paper_colour)
    x, y, width, height = cv2.boundingRect((ink > 0.3).view(np.uint8))
    return np.rint(pixels).clip(0, 255).astype(np.uint8), (float(x), float(y), float(x + width), float(y + height))


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist["x_test"][:60]


def correlation(framed, digit):
    """Return the correlation of a frame with a digit of MNIST, the highest of shifts by one pixel at most."""
    return max(
        np.corrcoef(np.roll(framed, (down, right), (0, 1)).ravel(), digit.ravel())[0, 1]
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    )


@pytest.mark.parametrize("ground", COLOURS)
@pytest.mark.parametrize("side", [32, 96, 160])
def test_digit_is_cropped_to_its_mnist_frame(digits, ground, side):
    correlations, of_clean_ink = [], []
    for digit in digits:
        framed = crop(*draw_on_paper(digit, ground, side, size=(300, 280)))
        assert framed.shape == (28, 28)
        assert framed.dtype == np.float32
        assert 0 <= framed.min() <= framed.max() <= 1
        correlations.append(correlation(framed, digit))
        clean = cv2.resize(digit, (side, side), interpolation=cv2.INTER_CUBIC) / np.float32(255)
        of_clean_ink.append(correlation(frame(clean), digit))
    assert np.mean(correlations) > 0.96
    assert np.min(correlations) > 0.78
    assert np.mean(correlations) > np.mean(of_clean_ink) - 0.005


def test_light_gradient_does_not_change_the_crop(digits):
    y, x = np.indices((200, 240), np.float32)
    light = (0.55 + 0.45 * x / 240 - 0.2 * y / 200)[..., None]
    for digit in digits[:20]:
        pixels, box = draw_on_paper(digit, "black on white")
        assert correlation(crop((pixels * light).astype(np.uint8), box), digit) > 0.9


@pytest.mark.parametrize("ground", ["black on white", "white on black"])
def test_ink_outside_the_box_is_removed(digits, ground):
    ink = COLOURS[ground][0]
    correlations = []
    for digit in digits[:20]:
        pixels, (left, top, right, bottom) = draw_on_paper(digit, ground)
        alone = crop(pixels, (left, top, right, bottom))
        beside = pixels.copy()
        for side in (int(left) - 22, int(right) + 14):  # neighbours; a printed line is added below
            beside[int(top) : int(bottom), side : side + 8] = ink
        beside[int(bottom) + 12 : int(bottom) + 15] = ink
        correlations.append(correlation(crop(beside, (left, top, right, bottom)), alone))
    assert np.mean(correlations) > 0.97
    assert np.min(correlations) > 0.85  # a neighbour's stroke in the frame gives less


@pytest.mark.parametrize("ground", ["black on white", "white on black"])
def test_neighbour_that_reaches_into_the_box_is_removed(digits, ground):
    for digit in digits[:20]:
        pixels, box = draw_on_paper(digit, ground, side=64, corner=(90, 60))
        left, top, right, bottom = box
        alone = crop(pixels, box)
        ink = np.abs(pixels.astype(int) - COLOURS[ground][1]).sum(2) > 60
        # A long stroke ends in a corner of the box, away from the digit.
        corner = ink[int(top) : int(top) + 8, int(right) - 8 : int(right)]
        if corner.any():
            continue
        pixels[int(top) - 40 : int(top) + 4, int(right) - 4 : int(right)] = COLOURS[ground][0]
        assert correlation(crop(pixels, box), alone) > 0.95


@pytest.mark.parametrize("ground", ["black on white", "white on black"])
def test_ruled_line_through_a_digit_does_not_shrink_it(digits, ground):
    ink = COLOURS[ground][0]
    correlations = []
    for digit in digits[:20]:
        pixels, (left, top, right, bottom) = draw_on_paper(digit, ground, side=64, corner=(90, 60))
        middle = int(top + bottom) // 2
        within, across = pixels.copy(), pixels.copy()
        within[middle : middle + 2, int(left) : int(right)] = ink
        across[middle : middle + 2] = ink
        box = (left, top, right, bottom)
        correlations.append(correlation(crop(across, box), crop(within, box)))
    # Where the ends of the line shrink the digit in its frame, the average is 0.58.
    assert np.mean(correlations) > 0.95
    assert np.min(correlations) > 0.85


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_box_gives_a_blank_frame(level):
    pixels = np.full((100, 100, 3), level, np.uint8)
    assert not crop(pixels, (20.0, 20.0, 60.0, 80.0)).any()
    assert not any(framed.any() for framed, _ in crop_tiny_picture(pixels))


@pytest.mark.parametrize(
    "box",
    [
        (-300.0, -300.0, -200.0, -200.0),
        (500.0, 20.0, 600.0, 60.0),
        (20.0, 500.0, 60.0, 600.0),
        (1e6, 1e6, 2e6, 2e6),
    ],
    ids=str,
)
def test_box_outside_the_picture_gives_a_blank_frame(box):
    pixels = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    assert not crop(pixels, box).any()


def test_digit_at_the_border_of_the_picture_is_cropped_as_elsewhere(digits):
    for digit in digits[:20]:
        pixels, (left, top, right, bottom) = draw_on_paper(digit, "black on white")
        expected = crop(pixels, (left, top, right, bottom))
        for cut_left, cut_top in ((int(left), int(top)), (int(left), 0), (0, int(top))):
            cut = np.ascontiguousarray(pixels[cut_top:, cut_left:])
            box = (left - cut_left, top - cut_top, right - cut_left, bottom - cut_top)
            assert correlation(crop(cut, box), expected) > 0.88


@pytest.mark.parametrize("reach", [0.0, 0.04, -0.04])
def test_box_may_be_slightly_too_large_or_small(digits, reach):
    correlations = []
    for digit in digits:
        pixels, box = draw_on_paper(digit, "black on white")
        margin = reach * max(box[2] - box[0], box[3] - box[1])
        wide = (box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin)
        correlations.append(correlation(crop(pixels, wide), digit))
    assert np.mean(correlations) > 0.96


def test_large_box_is_reduced_before_ink_is_extracted(monkeypatch):
    sizes = []
    monkeypatch.setattr(
        "digits.crops.extract_ink", lambda patch, inner: sizes.append(patch.shape) or extract_ink(patch, inner)
    )
    pixels = np.random.default_rng(0).integers(0, 256, (1600, 1600, 3), dtype=np.uint8)
    for box in ((-800.0, -800.0, 2400.0, 2400.0), (0.0, 0.0, 1600.0, 1600.0), (5.0, 5.0, 9.0, 1500.0)):
        crop(pixels, box)
    assert max(max(size) for size in sizes) <= CROP.max_side * (1 + 2 * CROP.neighbourhood_share) + 4


@pytest.mark.parametrize("ground", COLOURS)
def test_tiny_picture_is_framed_in_both_polarities(digits, ground):
    correlations = []
    for digit in digits:
        ink_colour, paper_colour = (np.array(colour, np.float32) for colour in COLOURS[ground])
        ink = digit[..., None] / np.float32(255)
        pixels = np.rint(paper_colour + ink * (ink_colour - paper_colour)).astype(np.uint8)
        frames = [framed for framed, _ in crop_tiny_picture(pixels)]
        assert len(frames) == 2
        correlations.append(max(correlation(framed, digit) for framed in frames))
    assert np.mean(correlations) > 0.97

"""Augmentation changes each image by itself, by no more than it says, and only in training."""

import numpy as np
import pytest
from PIL import Image

from digits.frame import frame
from helpers.drawing import draw
from training.augmentation import RandomDirt, RandomStroke, RandomWarp, _bilinear

STILL = {"rotation": 0, "zoom": 0, "shear": 0, "shift": 0, "elastic": 0}
DIGIT = frame((1 - np.asarray(draw("4")) / 255).astype(np.float32))
BATCH = np.repeat(DIGIT[None, ..., None], 64, 0)


def centre(picture):
    rows, columns = np.indices(picture.shape)
    return np.array([(picture * rows).sum(), (picture * columns).sum()]) / picture.sum()


LAYERS = [RandomWarp(12, 0.1, 0.2, 0.06, 0.7, seed=0), RandomStroke(0.4, seed=0), RandomDirt(1, seed=0)]


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_changes_outside_training(layer):
    np.testing.assert_array_equal(np.asarray(layer(BATCH, training=False)), BATCH)


def test_a_warp_of_nothing_is_the_identity():
    np.testing.assert_allclose(np.asarray(RandomWarp(**STILL)(BATCH, training=True)), BATCH, atol=1e-5)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_image_of_a_batch_is_changed_by_itself(layer):
    changed = np.asarray(layer(BATCH, training=True))
    assert changed.shape == BATCH.shape
    assert changed.min() >= -1e-5
    assert changed.max() <= 1 + 1e-5
    assert len({image.tobytes() for image in changed}) == len(BATCH)


def test_shift_moves_the_digit_by_at_most_what_it_says():
    moved = np.asarray(RandomWarp(**STILL | {"shift": 0.1}, seed=1)(BATCH, training=True))[..., 0]
    distance = np.array([centre(image) for image in moved]) - centre(DIGIT)
    assert np.abs(distance).max() <= 2.9
    assert np.abs(distance).max() > 1.5
    assert (distance > 0.5).any()
    assert (distance < -0.5).any()


def test_rotation_agrees_with_pillows():
    turned = np.asarray(RandomWarp(**STILL | {"rotation": 30}, seed=2)(BATCH, training=True))[..., 0]
    page = Image.fromarray(DIGIT)
    for image in turned[:8]:
        # Whichever angle was drawn, some rotation of Pillow's within the limit is the same picture.
        differences = [
            np.abs(np.asarray(page.rotate(angle, Image.Resampling.BILINEAR)) - image).mean()
            for angle in np.linspace(-30, 30, 121)
        ]
        assert min(differences) < 0.004


def test_what_comes_in_from_outside_is_paper():
    ink_everywhere = np.ones((1, 28, 28, 1), np.float32)
    rows, columns = np.indices((28, 28)).reshape(2, -1).astype(np.float32)
    shifted = np.asarray(_bilinear(ink_everywhere, np.stack([rows - 10, columns], -1)[None]))[0, ..., 0]
    assert not shifted[:9].any()
    assert shifted[10:].min() == pytest.approx(1)


def test_strokes_get_thinner_and_thicker():
    ink = np.asarray(RandomStroke(0.8, seed=3)(BATCH, training=True)).sum((1, 2, 3))
    assert ink.min() < 0.9 * DIGIT.sum()
    assert ink.max() > 1.1 * DIGIT.sum()


def test_dirt_falls_on_the_share_of_images_that_it_says():
    dirty = np.asarray(RandomDirt(0.3, seed=3)(np.repeat(BATCH, 16, 0), training=True))
    changed = np.mean([not np.array_equal(image, DIGIT) for image in dirty[..., 0]])
    # Each of three kinds by chance: 1 - 0.7 ** 3. A rubbed-out line on bare paper and a pale grain may change nothing.
    assert 0.5 < changed < 0.7


def test_dirt_draws_lines_on_paper_and_through_ink():
    paper, ink = (np.full((256, 28, 28, 1), value, np.float32) for value in (0, 1))
    layer = RandomDirt(1, blur=0, grain=0, seed=4)
    for before in (paper, ink):
        after = np.asarray(layer(before, training=True))[..., 0]
        touched = (np.abs(after - before[..., 0]) > 0.05).any((1, 2))
        # Half of the lines are of ink and half rubbed out.
        assert 0.35 < touched.mean() < 0.65
        for image, was in zip(after[touched], before[touched][..., 0]):
            rows, columns = np.nonzero(np.abs(image - was) > 0.05)
            spread = np.linalg.svd(np.stack([rows, columns], 1) - [rows.mean(), columns.mean()], compute_uv=False)
            assert spread[1] < 0.25 * spread[0] or len(rows) < 20

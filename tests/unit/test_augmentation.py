"""Augmentation changes each image independently, within its limits, and only in training."""

import numpy as np
import pytest
from PIL import Image

from digits.frame import frame
from helpers.drawing import draw
from training.augmentation import RandomArtifacts, RandomStrokeWidth, RandomWarp, _sample_bilinear

NO_WARP = {"rotation": 0, "zoom": 0, "shear": 0, "shift": 0, "elastic": 0}
DIGIT = frame((1 - np.asarray(draw("4")) / 255).astype(np.float32))
BATCH = np.repeat(DIGIT[None, ..., None], 64, 0)


def centre(picture):
    rows, columns = np.indices(picture.shape)
    return np.array([(picture * rows).sum(), (picture * columns).sum()]) / picture.sum()


LAYERS = [RandomWarp(12, 0.1, 0.2, 0.06, 0.7, seed=0), RandomStrokeWidth(0.4, seed=0), RandomArtifacts(1, seed=0)]


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_changes_outside_training(layer):
    np.testing.assert_array_equal(np.asarray(layer(BATCH, training=False)), BATCH)


def test_a_warp_with_zero_limits_is_the_identity():
    np.testing.assert_allclose(np.asarray(RandomWarp(**NO_WARP)(BATCH, training=True)), BATCH, atol=1e-5)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_image_of_a_batch_is_changed_independently(layer):
    changed = np.asarray(layer(BATCH, training=True))
    assert changed.shape == BATCH.shape
    assert changed.min() >= -1e-5
    assert changed.max() <= 1 + 1e-5
    assert len({image.tobytes() for image in changed}) == len(BATCH)


def test_shift_moves_the_digit_within_its_limit():
    moved = np.asarray(RandomWarp(**NO_WARP | {"shift": 0.1}, seed=1)(BATCH, training=True))[..., 0]
    distance = np.array([centre(image) for image in moved]) - centre(DIGIT)
    assert np.abs(distance).max() <= 2.9
    assert np.abs(distance).max() > 1.5
    assert (distance > 0.5).any()
    assert (distance < -0.5).any()


def test_rotation_agrees_with_pillow():
    turned = np.asarray(RandomWarp(**NO_WARP | {"rotation": 30}, seed=2)(BATCH, training=True))[..., 0]
    page = Image.fromarray(DIGIT)
    for image in turned[:8]:
        # For any random angle, one of Pillow's rotations within the limit gives the same picture.
        differences = [
            np.abs(np.asarray(page.rotate(angle, Image.Resampling.BILINEAR)) - image).mean()
            for angle in np.linspace(-30, 30, 121)
        ]
        assert min(differences) < 0.004


def test_pixels_from_outside_the_image_are_background():
    ink_everywhere = np.ones((1, 28, 28, 1), np.float32)
    rows, columns = np.indices((28, 28)).reshape(2, -1).astype(np.float32)
    shifted = np.asarray(_sample_bilinear(ink_everywhere, np.stack([rows - 10, columns], -1)[None]))[0, ..., 0]
    assert not shifted[:9].any()
    assert shifted[10:].min() == pytest.approx(1)


def test_strokes_get_thinner_and_thicker():
    ink = np.asarray(RandomStrokeWidth(0.8, seed=3)(BATCH, training=True)).sum((1, 2, 3))
    assert ink.min() < 0.9 * DIGIT.sum()
    assert ink.max() > 1.1 * DIGIT.sum()


def test_artifacts_appear_with_their_probability():
    changed_images = np.asarray(RandomArtifacts(0.3, seed=3)(np.repeat(BATCH, 16, 0), training=True))
    changed = np.mean([not np.array_equal(image, DIGIT) for image in changed_images[..., 0]])
    # Three independent kinds: 1 - 0.7 ** 3. A background line on background and weak noise may change nothing.
    assert 0.5 < changed < 0.7


def test_artifacts_draw_lines_on_background_and_on_ink():
    paper, ink = (np.full((256, 28, 28, 1), value, np.float32) for value in (0, 1))
    layer = RandomArtifacts(1, blur=0, noise=0, seed=4)
    for before in (paper, ink):
        after = np.asarray(layer(before, training=True))[..., 0]
        touched = (np.abs(after - before[..., 0]) > 0.05).any((1, 2))
        # Half of the lines have the colour of ink, half that of the background.
        assert 0.35 < touched.mean() < 0.65
        for image, original in zip(after[touched], before[touched][..., 0]):
            rows, columns = np.nonzero(np.abs(image - original) > 0.05)
            spread = np.linalg.svd(np.stack([rows, columns], 1) - [rows.mean(), columns.mean()], compute_uv=False)
            assert spread[1] < 0.25 * spread[0] or len(rows) < 20

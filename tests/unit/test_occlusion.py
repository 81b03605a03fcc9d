"""Occlusion maps of a stub network with a known answer."""

import numpy as np

from digits.occlusion import occlusion


def classify_by_halves(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Make a seven more probable by ink in the right half, and less probable by ink in the left half."""
    right, left = frames[:, :, 14:].mean((1, 2)), frames[:, :, :14].mean((1, 2))
    seven = 1 / (1 + np.exp(-(4 * right - 2 * left)))
    probabilities = np.repeat((1 - seven)[:, None] / 9, 10, axis=1)
    probabilities[:, 7] = seven
    return probabilities, np.ones(len(frames))


def test_ink_that_speaks_for_and_against_has_opposite_signs():
    frame = np.zeros((28, 28), np.float32)
    frame[4:24, 2:8] = frame[4:24, 20:26] = 1
    decisive = occlusion(frame, 7, classify_by_halves)
    assert decisive.shape == (28, 28)
    assert (decisive[4:24, 20:26] > 0).all()
    assert (decisive[4:24, 2:8] < 0).all()
    assert (decisive[frame == 0] == 0).all()
    # Twice the weight in the network is twice the log-odds in the map.
    assert np.isclose(-decisive[4:24, 20:26].mean() / decisive[4:24, 2:8].mean(), 2, rtol=0.01)


def test_empty_frame_gives_zeros():
    assert not occlusion(np.zeros((28, 28), np.float32), 7, classify_by_halves).any()

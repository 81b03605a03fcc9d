"""Measure which ink decided: how a digit's probability falls when some of its ink is covered.

It knows frames and a function that classifies them, nothing of networks or pictures.
(Occlusion maps: Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014.)
"""

from collections.abc import Callable

import numpy as np

from digits.frame import FRAME_SIDE

Classify = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

# Pixels of the frame. A patch is as wide as a stroke and a half; with this step it covers every pixel several times.
PATCH_SIDE = 6
PATCH_STEP = 2


def occlusion(frame: np.ndarray, label: int, classify: Classify) -> np.ndarray:
    """Cover a frame patch by patch, and measure how one digit's probability changes.

    Args:
        frame: float32 (28, 28) in 0..1, ink bright.
        label: the digit whose probability is measured, 0..9.
        classify: frames (N, 28, 28) -> probabilities (N, 10) and is_digit (N,).

    Returns:
        float32 (28, 28): by how much the log-odds of the digit fall, on average, when a patch covers this pixel.
        Positive where the ink speaks for the digit, negative where it speaks against it, 0 where there is no ink.
    """
    corners = [
        (top, left)
        for top in range(0, FRAME_SIDE - PATCH_SIDE + 1, PATCH_STEP)
        for left in range(0, FRAME_SIDE - PATCH_SIDE + 1, PATCH_STEP)
        if frame[top : top + PATCH_SIDE, left : left + PATCH_SIDE].any()
    ]
    covered = np.repeat(frame[None], len(corners) + 1, axis=0)
    for picture, (top, left) in zip(covered[1:], corners):
        picture[top : top + PATCH_SIDE, left : left + PATCH_SIDE] = 0
    probabilities = classify(covered)[0][:, label].clip(1e-6, 1 - 1e-6)
    log_odds = np.log(probabilities / (1 - probabilities))
    fall, counts = np.zeros_like(frame), np.zeros_like(frame)
    for (top, left), odds in zip(corners, log_odds[1:]):
        fall[top : top + PATCH_SIDE, left : left + PATCH_SIDE] += log_odds[0] - odds
        counts[top : top + PATCH_SIDE, left : left + PATCH_SIDE] += 1
    return np.where(frame > 0, fall / counts.clip(1), 0).astype(np.float32)

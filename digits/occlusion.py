"""Which ink decided: how a digit's probability falls when some of its ink is covered.

It knows frames and a function that reads them, nothing of networks or pictures.
(Occlusion maps: Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014.)
"""

from collections.abc import Callable

import numpy as np

from digits.frame import FRAME_SIDE

Classify = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

# A patch is as wide as a stroke and a half; it moves in steps that still cover every pixel several times.
PATCH = 6
STEP = 2


def occlusion(frame: np.ndarray, label: int, classify: Classify) -> np.ndarray:
    """Covers a frame patch by patch and sees what that does to one digit's probability.

    Args:
        frame: float32 (28, 28) in 0..1, ink bright.
        label: which digit's probability, 0..9.
        classify: frames (N, 28, 28) -> probabilities (N, 10) and is_digit (N,).

    Returns:
        float32 (28, 28): by how much the log-odds of the digit fall, on average, when a patch covers this pixel.
        Positive where the ink speaks for the digit, negative where it speaks against it, 0 where there is no ink.
    """
    places = [
        (top, left)
        for top in range(0, FRAME_SIDE - PATCH + 1, STEP)
        for left in range(0, FRAME_SIDE - PATCH + 1, STEP)
        if frame[top : top + PATCH, left : left + PATCH].any()
    ]
    covered = np.repeat(frame[None], len(places) + 1, axis=0)
    for picture, (top, left) in zip(covered[1:], places):
        picture[top : top + PATCH, left : left + PATCH] = 0
    of_label = classify(covered)[0][:, label].clip(1e-6, 1 - 1e-6)
    log_odds = np.log(of_label / (1 - of_label))
    fall, times = np.zeros_like(frame), np.zeros_like(frame)
    for (top, left), odds in zip(places, log_odds[1:]):
        fall[top : top + PATCH, left : left + PATCH] += log_odds[0] - odds
        times[top : top + PATCH, left : left + PATCH] += 1
    return np.where(frame > 0, fall / times.clip(1), 0).astype(np.float32)

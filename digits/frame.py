"""One digit of ink -> a 28x28 frame, framed as MNIST frames its digits.

MNIST scales a digit so that its ink just fits 20x20, aspect kept, anti-aliased, and places it in 28x28 with its centre
of mass in the middle (LeCun, Cortes and Burges, "The MNIST database of handwritten digits"). This module knows that
contract and nothing of where the ink came from or who reads the frame.
"""

import numpy as np
from PIL import Image

FRAME_SIDE = 28
DIGIT_SIDE = 20

# Ink fainter than this does not count when the digit is measured: the soft rim of a stroke, specks of a scan.
INK_THRESHOLD = 0.2


def frame(ink: np.ndarray) -> np.ndarray:
    """Frames the only digit in a picture.

    Args:
        ink: float32 (H, W) in 0..1, 1 = ink; any size, with one digit and nothing else on it.

    Returns:
        float32 (28, 28) in 0..1; all zero where there is no ink.
    """
    counts = ink > INK_THRESHOLD
    rows, columns = np.flatnonzero(counts.any(1)), np.flatnonzero(counts.any(0))
    if not len(rows):
        return np.zeros((FRAME_SIDE, FRAME_SIDE), np.float32)
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    zoom = DIGIT_SIDE / max(digit.shape)
    width, height = (max(1, round(side * zoom)) for side in digit.shape[::-1])
    small = np.asarray(Image.fromarray(digit).resize((width, height), Image.Resampling.BICUBIC)).clip(0, 1)

    # Placed on whole pixels, with the centre of mass in the pixel that lies right and down of the middle, where MNIST's
    # digits have it.
    top, left = (
        int(np.clip(np.ceil(FRAME_SIDE / 2 - centre), 0, FRAME_SIDE - side))
        for centre, side in zip(_centre_of_mass(small), small.shape)
    )
    framed = np.zeros((FRAME_SIDE, FRAME_SIDE), np.float32)
    framed[top : top + height, left : left + width] = small
    return framed


def _centre_of_mass(picture: np.ndarray) -> tuple[float, float]:
    """Row and column, in pixels from the top left corner."""
    mass = picture.sum()
    rows, columns = (picture.sum(axis) @ (np.arange(picture.shape[1 - axis]) + 0.5) / mass for axis in (1, 0))
    return rows, columns

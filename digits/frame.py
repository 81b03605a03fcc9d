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
    rows, columns = (np.flatnonzero((ink > INK_THRESHOLD).any(axis)) for axis in (1, 0))
    if not len(rows):
        return np.zeros((FRAME_SIDE, FRAME_SIDE), np.float32)
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = digit.shape
    zoom = DIGIT_SIDE / max(height, width)

    # The frame, seen from the digit's own pixels: a square around the centre of mass. One resampling does it all.
    mass = digit.sum()
    centre_y = digit.sum(1) @ (np.arange(height) + 0.5) / mass
    centre_x = digit.sum(0) @ (np.arange(width) + 0.5) / mass
    half = FRAME_SIDE / 2 / zoom
    margin = int(np.ceil(half)) + 1
    page = Image.fromarray(np.pad(digit, margin))
    window = (centre_x - half + margin, centre_y - half + margin, centre_x + half + margin, centre_y + half + margin)
    framed = page.resize((FRAME_SIDE, FRAME_SIDE), Image.Resampling.BICUBIC, box=window)
    return np.clip(np.asarray(framed), 0, 1)

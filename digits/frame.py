"""Frame the ink of one digit in 28x28 pixels, as MNIST frames its digits.

MNIST scales a digit so that its ink just fits 20x20, aspect kept, anti-aliased, and places it in 28x28 with its centre
of mass in the middle (LeCun, Cortes and Burges, "The MNIST database of handwritten digits"). This module knows that
contract and nothing of where the ink came from or which network reads the frame.
"""

import math

import cv2
import numpy as np
from PIL import Image

FRAME_SIDE = 28
DIGIT_SIDE = 20

# Fainter ink is ignored when the digit is measured: the soft edge of a stroke, specks of a scan.
MIN_FRAMED_INK = 0.2


def frame(ink: np.ndarray) -> np.ndarray:
    """Frame the only digit in a picture.

    Args:
        ink: float32 (H, W) in 0..1, 1 = ink; any size, with one digit and nothing else on it.

    Returns:
        float32 (28, 28) in 0..1; all zero where there is no ink.
    """
    framed = np.zeros((FRAME_SIDE, FRAME_SIDE), np.float32)
    x, y, width, height = cv2.boundingRect((ink > MIN_FRAMED_INK).view(np.uint8))
    if not width:
        return framed
    digit = Image.fromarray(ink[y : y + height, x : x + width])
    zoom = DIGIT_SIDE / max(width, height)
    width, height = max(1, round(width * zoom)), max(1, round(height * zoom))
    small = np.asarray(digit.resize((width, height), Image.Resampling.BICUBIC)).clip(0, 1)

    # The digit is placed on whole pixels, with its centre of mass in the pixel right of and below the middle, as in
    # MNIST.
    top, left = _centring_offset(small.sum(1)), _centring_offset(small.sum(0))
    framed[top : top + height, left : left + width] = small
    return framed


def _centring_offset(mass: np.ndarray) -> int:
    """Return the frame's row, or column, at which a digit begins; `mass` is the ink in each of its rows, or columns."""
    centre = float(mass @ (np.arange(len(mass)) + 0.5)) / float(mass.sum())
    return min(max(math.ceil(FRAME_SIDE / 2 - centre), 0), FRAME_SIDE - len(mass))

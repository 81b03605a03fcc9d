"""One digit of ink -> a 28x28 frame, framed as MNIST frames its digits.

MNIST scales a digit so that its ink just fits 20x20, aspect kept, anti-aliased, and places it in 28x28 with its centre
of mass in the middle (LeCun, Cortes and Burges, "The MNIST database of handwritten digits"). This module knows that
contract and nothing of where the ink came from or who reads the frame.
"""

import math

import cv2
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
    framed = np.zeros((FRAME_SIDE, FRAME_SIDE), np.float32)
    x, y, width, height = cv2.boundingRect((ink > INK_THRESHOLD).view(np.uint8))
    if not width:
        return framed
    digit = Image.fromarray(ink[y : y + height, x : x + width])
    zoom = DIGIT_SIDE / max(width, height)
    width, height = max(1, round(width * zoom)), max(1, round(height * zoom))
    small = np.asarray(digit.resize((width, height), Image.Resampling.BICUBIC)).clip(0, 1)

    # Placed on whole pixels, with the centre of mass in the pixel that lies right and down of the middle, where MNIST's
    # digits have it.
    top, left = _start(small.sum(1)), _start(small.sum(0))
    framed[top : top + height, left : left + width] = small
    return framed


def _start(mass: np.ndarray) -> int:
    """The frame's first row, or column, of a digit whose ink is so much in each of its own."""
    centre = float(mass @ (np.arange(len(mass)) + 0.5)) / float(mass.sum())
    return min(max(math.ceil(FRAME_SIDE / 2 - centre), 0), FRAME_SIDE - len(mass))

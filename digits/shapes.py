"""What the shape of ink tells before any network is asked: that it is a blot, or a stroke that lies, and no digit.

It knows how pens write and how things look, and nothing of digits, lines and pages.
"""

import cv2
import numpy as np

# Ink counts from here on: half of what the pen leaves where it presses.
DARK = 0.5

# Ink that fills so much of the narrowest rectangle round it is solid. Lying, and longer than broad by this factor, it
# is a dash; shorter, and at one place as broad as this part of the rectangle, it is a blot. Else it may be a one.
SOLID = 0.65
BROAD = 0.78
NARROW = 2.1

# A stroke that lies is this many times as tall as its pen is wide at most, in three of four columns.
LYING = 2


def is_blot(framed: np.ndarray) -> bool:
    """Whether a frame, float32 (28, 28) in 0..1, shows a solid blot or a dash, which no digit is."""
    is_ink = (framed > DARK).astype(np.uint8)
    points = cv2.findNonZero(is_ink)
    if points is None or len(points) < framed.sum() / 2:  # a fine pen, of which little is dark
        return False
    # From the middle of a pixel at one side to that at the other, so one more from side to side.
    breadth, length = sorted(side + 1 for side in cv2.minAreaRect(points)[1])
    _, _, width, height = cv2.boundingRect(points)
    if len(points) < SOLID * breadth * length:
        return False
    return bool(width > NARROW * height or (length < NARROW * breadth and broadest(framed) > BROAD * breadth))


def is_lying(ink: np.ndarray) -> bool:
    """Whether ink, float32 (H, W) in 0..1, is a stroke that lies, straight or bent: hardly taller than its pen."""
    is_ink = (ink > DARK).astype(np.uint8)
    tall = len(is_ink) - is_ink.argmax(0) - is_ink[::-1].argmax(0)
    return float(np.percentile(tall[is_ink.any(0)], 75)) < LYING * broadest(ink)


def broadest(ink: np.ndarray) -> float:
    """How wide the strokes of ink, float32 (H, W) in 0..1, are where they are widest, in pixels."""
    is_ink = (ink > DARK).astype(np.uint8)
    return 2 * float(cv2.distanceTransform(is_ink, cv2.DIST_L2, 5).max()) - 1

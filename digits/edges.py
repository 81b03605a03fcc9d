"""Contrast -> contrast without the edges of things: what lies on ground as dark as itself to one side is no stroke.

Where a large dark thing is round (a coin, a cup, a cat, the corner of a shadow), closing over paper with a square
leaves slivers of it, thin and dark as strokes are. But a stroke has paper on both sides, and a sliver has the thing on
one. It knows nothing of digits.
"""

from collections.abc import Sequence

import cv2
import numpy as np

# Edges are looked for on a sample of so many rows and columns.
SAMPLE_SIDE = 256

# A picture smaller than this has no room for other things than digits.
SMALLEST = 100

# What is fainter than this part of the contrast that parts ink from paper best belongs to no stroke.
FAINT = 0.5

# The ground is looked at so many of the sample's pixels from the ink, beyond its soft rim, as far as that.
NEAR, FAR = 3, 9

# Ground counts as dark where it is less lighter than the ink than this part of the ink's contrast; ink that has so much
# dark ground round it is an edge.
DARK = 0.5
MOST_DARK = 0.2

# Paper that differs by no more than this, in 0..255, has nothing dark on it; and edges that have no more than this part
# of the strongest contrast are too pale for ink.
EVEN = 24
PALE = 0.3


def without_edges(contrast: np.ndarray, channels: Sequence[np.ndarray], papers: Sequence[np.ndarray]) -> np.ndarray:
    """Sets the edges of dark things to zero.

    Args:
        contrast: uint8 (H, W), how much darker than its paper each pixel is, in the channel that shows it most.
        channels: uint8 (H, W) each, what was seen.
        papers: uint8 (H, W) each, what that would be without ink.

    Returns:
        uint8 (H, W); `contrast` itself where there is nothing to do.
    """
    if max(contrast.shape) < SMALLEST:
        return contrast
    step = -(-max(contrast.shape) // SAMPLE_SIDE)
    papers = [_every(paper, step) for paper in papers]
    # No edge has more contrast than the lightest and the darkest ground between them.
    if min(map(np.ptp, papers)) <= max(EVEN, PALE * contrast.max()):
        return contrast
    sample = _every(_grown(contrast, step), step)
    threshold, strong = cv2.threshold(sample, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    ink = (sample > FAINT * threshold).astype(np.uint8)
    count, labels = cv2.connectedComponents(ink, connectivity=8, ltype=cv2.CV_16U)

    # Each pixel of the ground is held against the darkest ink near it, and the least contrast that this has: light may
    # change along a stroke.
    whose = _grown(labels, FAR)
    is_ground = (_grown(ink, NEAR) == 0) & (_grown(strong, FAR) > 0)
    is_dark = np.ones(ink.shape, bool)
    for channel, paper in zip(channels, papers):
        darkest = _every(cv2.erode(channel, np.ones((step, step), np.uint8)), step)
        is_dark &= paper < _least(darkest, strong) + DARK * _least(sample, strong)
    is_edge = _part(is_dark, whose, is_ground, count) > MOST_DARK
    is_edge[0] = False
    if not is_edge.any():
        return contrast
    edges = is_edge[np.where(ink, labels, whose)]
    height, width = contrast.shape
    return np.where(np.repeat(np.repeat(edges, step, 0), step, 1)[:height, :width], np.uint8(0), contrast)


def _every(picture: np.ndarray, step: int) -> np.ndarray:
    """Every n-th row and column."""
    return np.ascontiguousarray(picture[::step, ::step])


def _grown(picture: np.ndarray, side: int) -> np.ndarray:
    return cv2.dilate(picture, np.ones((side, side), np.uint8))


def _least(values: np.ndarray, strong: np.ndarray) -> np.ndarray:
    """The least value of the ink round each pixel, 255 where there is none."""
    return cv2.erode(cv2.max(values, ~strong), np.ones((FAR, FAR), np.uint8))


def _part(is_so: np.ndarray, groups: np.ndarray, counts: np.ndarray, count: int) -> np.ndarray:
    """The part of each group's pixels that count of which something is so, float64 (count,); 0 for an empty one."""
    so, all_of_it = (np.bincount(groups[which], minlength=count) for which in (is_so & counts, counts))
    return so / np.maximum(all_of_it, 1)

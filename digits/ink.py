"""Upright pixels -> ink: 1 where the pen was, 0 where the paper is, whatever pen, paper and light.

Paper is what remains when everything thinner than a few strokes is closed over (a black top-hat transform): shadows,
slanted light, the edge of the sheet and the table beyond it are all larger than that, and fall away with the paper. It
knows nothing of digits.
"""

import cv2
import numpy as np

# Light and pen are surveyed on a copy of this size.
SURVEY_SIDE = 256

# Contrast under which nothing counts as ink: in 0..255, and in units of the paper's own grain.
MIN_CONTRAST = 12
MIN_CONTRAST_IN_GRAIN = 6

# How many stroke widths the paper is closed over: enough for the crossing of two thick strokes.
STROKES_CLOSED_OVER = 4


def find_ink(pixels: np.ndarray) -> np.ndarray:
    """Separates ink from paper.

    Args:
        pixels: uint8 (H, W, 3), upright.

    Returns:
        float32 (H, W) in 0..1, 1 = ink, linear in the pen's contrast to the paper; all zero on a blank sheet.
    """
    channels = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)]
    if _is_light_on_dark(_small(channels[0])):
        pixels, channels = ~pixels, [~channels[0]]
    if _is_colourful(_small(pixels)):
        # The channel that the ink absorbs most shows it best: blue for yellow ink, green for red.
        channels = list(cv2.split(pixels))

    window = _paper_window(channels)
    contrast = _contrast(channels, window).astype(np.float32)
    floor = np.median(contrast)
    grain = 1.4826 * np.median(np.abs(contrast - floor))
    contrast -= floor + grain
    visible = contrast > max(MIN_CONTRAST, MIN_CONTRAST_IN_GRAIN * grain)
    if not visible.any():
        return np.zeros(contrast.shape, np.float32)
    full = np.percentile(contrast[visible], 90)
    return np.clip(contrast / full, 0, 1)


def _small(pixels: np.ndarray) -> np.ndarray:
    ratio = SURVEY_SIDE / max(pixels.shape[:2])
    if ratio >= 1:
        return pixels
    size = [max(1, round(side * ratio)) for side in pixels.shape[1::-1]]
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _is_light_on_dark(gray: np.ndarray) -> bool:
    """Most of any neighbourhood is paper, so what departs from its median is ink, to one side."""
    window = min(max(gray.shape) // 2 | 1, 255)
    departure = gray.astype(np.float32) - cv2.medianBlur(gray, window)
    return float((departure**3).sum()) > 0


def _is_colourful(pixels: np.ndarray) -> bool:
    spread = pixels.max(2).astype(np.int16) - pixels.min(2)
    return bool(np.percentile(spread, 99.5) - np.median(spread) > 24)


def _contrast(channels: list[np.ndarray], window: int) -> np.ndarray:
    """How much darker than the paper round it each pixel is, uint8, in the channel that shows it most."""
    # Of two equal windows one is a square and one nothing: OpenCV does the square as two lines.
    square = cv2.getStructuringElement(cv2.MORPH_RECT, (window, window))
    return np.max([cv2.morphologyEx(channel, cv2.MORPH_BLACKHAT, square) for channel in channels], axis=0)


def _paper_window(channels: list[np.ndarray]) -> int:
    """The side of the square that paper is closed over, in pixels: a few times the pen's width."""
    small = [_small(channel) for channel in channels]
    side = min(small[0].shape)
    contrast = _contrast(small, max(3, int(0.4 * side)) | 1)
    threshold, ink = cv2.threshold(contrast, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    if threshold < MIN_CONTRAST or not ink.any():
        width = 0.0
    else:
        # On the middle of a stroke the distance to the paper is half its width.
        distance = cv2.distanceTransform(ink, cv2.DIST_L2, 3)
        ridge = distance[(distance == cv2.dilate(distance, np.ones((3, 3)))) & (distance > 0)]
        width = 2 * float(np.percentile(ridge, 90))
    window = max(STROKES_CLOSED_OVER * width + 3, side / 10)
    scale = channels[0].shape[0] / small[0].shape[0]
    return int(min(window, 0.6 * side) * scale) | 1

"""Collect one writer's ink with the label and box of each character.

This module knows nothing of layouts and pictures.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

from training.classes import IGNORED, OTHER
from training.glyph_library import Glyph
from training.strokes import smooth_curve

# A character that extends beyond the page keeps its label if more than this fraction of its box is visible.
MIN_READABLE_FRACTION = 0.85

# Below this visible fraction a character is OTHER, even if the rest looks like a digit. Between the two it is IGNORED.
MIN_RECOGNIZABLE_FRACTION = 0.6


@dataclass
class Canvas:
    """The ink of one writer on a page, and the characters that it consists of.

    Attributes:
        ink: uint8 (H, W), 255 = full ink.
        boxes: left, top, right, bottom of each character, pixels.
        labels: index into classes.CLASSES, OTHER or IGNORED, of each character.
        sizes: height of the writer's digits, pixels, of each character.
    """

    ink: np.ndarray
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)

    def draw(self, glyph: Glyph, left: float, top: float, label: int, size: float) -> None:
        """Draw a glyph, clipped to the page, and record its label and box.

        A character that is not fully visible may become IGNORED or OTHER.

        Args:
            glyph: the character.
            left, top: position of the ink, pixels.
            label: index into classes.CLASSES, OTHER or IGNORED.
            size: height of the writer's digits, pixels.
        """
        height, width = self.ink.shape
        x, y = round(left), round(top)
        h, w = glyph.ink.shape
        x0, y0, x1, y1 = max(0, x), max(0, y), min(width, x + w), min(height, y + h)
        if x1 <= x0 or y1 <= y0:
            return
        area = self.ink[y0:y1, x0:x1]
        np.maximum(area, glyph.ink[y0 - y : y1 - y, x0 - x : x1 - x], out=area)
        visible = (x1 - x0) * (y1 - y0) / (w * h)
        self.boxes.append((x0, y0, x1, y1))
        self.labels.append(
            label if visible > MIN_READABLE_FRACTION else IGNORED if visible > MIN_RECOGNIZABLE_FRACTION else OTHER
        )
        self.sizes.append(size)

    def draw_curve(self, points: np.ndarray, thickness: int) -> None:
        """Draw a smooth curve through points (N, 2), x before y, in pixels. It is not a character."""
        curve = np.round(smooth_curve(points) * 16).astype(np.int32)
        cv2.polylines(self.ink, [curve], False, 255, thickness, cv2.LINE_AA, 4)

"""Simulate one writer, who writes digits, marks and letters with one slant, stroke width and style.

The digits come from MNIST's images, from the strokes of strokes.py, or from a handwriting font. This module draws
single characters, and knows nothing of their positions on a page.
"""

import math
from functools import lru_cache

import cv2
import numpy as np

from training.glyph_library import GLYPH_HEIGHT, GREEK, Glyph, GlyphLibrary, draw_font_character
from training.strokes import DIGIT_STROKES, MARK_STROKES, Stroke, add_flourishes, draw_strokes


class Writer:
    """One writer, with a random style.

    Args:
        library: digits and fonts to write with.
        random: random generator.

    Attributes:
        source: where most of the digits come from: "mnist", "strokes" or "font".
        rotation: angle of all characters, radians, clockwise.
    """

    def __init__(self, library: GlyphLibrary, random: np.random.Generator) -> None:
        self.library, self.random = library, random
        kind = random.random()
        fonts = library.handwriting_fonts
        self.source = "mnist" if kind < 0.45 else "strokes" if kind < 0.8 or not fonts else "font"
        # Stroke width in heights of a digit. Lines of a paint program may be much finer than those of a pen.
        self.pen_width = random.uniform(0.035, 0.17) if random.random() < 0.88 else random.uniform(0.008, 0.035)
        # A quarter of the writers slants far to the right, as on cheques.
        self.slant = random.normal(0.06, 0.15) if random.random() < 0.75 else random.uniform(0.2, 0.8)
        self.stretch = math.exp(random.normal(0, 0.14))
        self.jitter = random.uniform(0.005, 0.05)
        # Gray level (0..1) of an enlarged MNIST digit that becomes a stroke's edge. A low level makes strokes bold.
        self.edge_level = random.uniform(0.22, 0.78)
        self.is_fine = random.random() < 0.25
        if self.source == "mnist" and not self.is_fine:
            # The marks have the stroke width that an enlarged digit has with that edge level.
            self.pen_width = 0.17 - 0.13 * (self.edge_level - 0.22) / 0.56
        self.rotation = 0.0
        self.slashes_zeros = random.random() < 0.12
        # Probabilities of a stroke that leads into a digit or out of it, and of a link from a digit to the next one.
        self.flourish_probability = random.uniform(0.2, 0.9) if random.random() < 0.3 else 0.0
        self.link_probability = random.uniform(0.1, 0.6) if random.random() < 0.12 else 0.0
        # Factors of the digits' heights: many people write small zeros, and tall ones and sevens.
        self.height_factors = {label: math.exp(random.normal(0, 0.05)) for label in "0123456789"}
        self.height_factors["0"] *= random.uniform(0.65, 1) if random.random() < 0.3 else 1
        for label in "17":
            self.height_factors[label] *= random.uniform(1, 1.5) if random.random() < 0.3 else 1
        # Some people write ones as a plain stroke with more slant than other digits. Beside digits it is not a slash.
        self.slant_of_ones = random.uniform(0.1, 0.8) if random.random() < 0.2 else None
        self.font = fonts[random.integers(len(fonts))] if fonts else None
        self.stroke_forms = {label: random.integers(len(forms)) for label, forms in DIGIT_STROKES.items()}
        self.mnist_indices = [
            [random.choice(indices) for _ in range(3)] if len(indices) else [] for indices in library.indices_by_label
        ]

    def draw_digit(self, label: str, height: float) -> Glyph:
        """Draw a digit of that height, in pixels."""
        random = self.random
        if label == "1" and self.slant_of_ones is not None:
            stroke = False, ((self.slant_of_ones, 0.0), (0.5 * self.slant_of_ones, 0.5), (0.0, 1.0))
            return self._draw_strokes((stroke,), height)
        source = self.source if random.random() < 0.93 else "mnist"
        if source == "mnist" and not self.mnist_indices[int(label)]:
            source = "strokes"
        if source == "strokes":
            forms = DIGIT_STROKES[label]
            form = forms[self.stroke_forms[label] if random.random() < 0.8 else random.integers(len(forms))]
            if random.random() < self.flourish_probability:
                form = add_flourishes(label, form, random)
            return self._add_slash(label, self._draw_strokes(form, height), height)
        if source == "font" and self.font:
            glyph = draw_font_character(self.font, label)
            if glyph is not None:
                return Glyph(self._warp(glyph.ink, height, math.exp(random.normal(0, 0.05)), 1.2), 0.0)
        digit = self.library.crop_digit(random.choice(self.mnist_indices[int(label)]))
        ink = self._warp(digit, height, self.stretch * math.exp(random.normal(0, 0.06)), height / 20)
        return self._add_slash(label, Glyph(ink, 0.0), height)

    def _add_slash(self, label: str, glyph: Glyph, height: float) -> Glyph:
        """Draw a slash through a zero, if the writer slashes zeros."""
        if label != "0" or not self.slashes_zeros:
            return glyph
        h, w = glyph.ink.shape
        half_slash = np.array([0.5, -0.5]) * self.random.uniform(0.6, 1.7) * (w, h)
        if self.random.random() < 0.2:
            half_slash[1] *= -1 if self.random.random() < 0.3 else 0.1
        margin = math.ceil(max(abs(half_slash))) + 2
        ink = cv2.copyMakeBorder(glyph.ink, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
        middle = np.array([w / 2 + margin, h / 2 + margin]) + self.random.normal(0, 0.05, 2) * (w, h)
        ends = np.round([(middle - half_slash) * 16, (middle + half_slash) * 16]).astype(int).tolist()
        cv2.line(ink, ends[0], ends[1], 255, max(1, round(self.pen_width * height)), cv2.LINE_AA, 4)
        x, y, width, tall = cv2.boundingRect((ink > 40).view(np.uint8))
        return Glyph(ink[y : y + tall, x : x + width], glyph.top + y - margin)

    def draw_mark(self, mark: str, height: float) -> Glyph:
        """Draw a mark, or another sign of MARK_STROKES, beside digits of that height, in pixels."""
        forms = MARK_STROKES[mark]
        size = height * math.exp(self.random.normal(0, 0.12))
        glyph = self._draw_strokes(forms[self.random.integers(len(forms))], size)
        return Glyph(glyph.ink, glyph.top + (height - size) * (0.95 if mark in ".," else 0.5))

    def draw_letter(self, letter: str, height: float) -> Glyph | None:
        """Draw a letter beside digits of that height, in pixels; return None where the font lacks it."""
        font = self.font
        if letter in GREEK or font is None or self.random.random() < 0.1:
            font = self.library.print_fonts[self.random.integers(len(self.library.print_fonts))]
        return self.draw_printed(letter, height, font)

    def draw_printed(self, letter: str, height: float, font: str) -> Glyph | None:
        """Draw a character of a font, slightly distorted; return None where the font lacks it."""
        glyph = draw_font_character(font, letter)
        if glyph is None:
            return None
        zoom = height / GLYPH_HEIGHT
        return Glyph(self._warp(glyph.ink, max(2.0, len(glyph.ink) * zoom), self.stretch, 1.2), glyph.top * zoom)

    def _draw_strokes(self, strokes: tuple[Stroke, ...], height: float) -> Glyph:
        """Draw strokes with this writer's pen, slant and width."""
        pen_width = max(0.6, self.pen_width * height * math.exp(self.random.normal(0, 0.1)))
        slant = self.slant + self.random.normal(0, 0.05)
        stretch = self.stretch * math.exp(self.random.normal(0, 0.08))
        return Glyph(*draw_strokes(strokes, height, pen_width, slant, stretch, self.rotation, self.jitter, self.random))

    def _warp(self, ink: np.ndarray, height: float, stretch: float, blur: float) -> np.ndarray:
        """Scale, shear and rotate a glyph, and sharpen its edges.

        Args:
            ink: uint8 (h, w).
            height: height of the result, pixels.
            stretch: factor of the width.
            blur: width of the edges after scaling, pixels.
        """
        random = self.random
        zoom = height / len(ink)
        width = max(2.0, ink.shape[1] * zoom * stretch)
        interpolation = cv2.INTER_CUBIC if zoom > 1 else cv2.INTER_AREA
        ink = cv2.resize(ink, (math.ceil(width), max(2, math.ceil(height))), interpolation=interpolation)
        if self.source == "mnist" and self.is_fine and height >= 24 and blur > 1.2:
            ink = _thin_strokes(ink, max(1.0, self.pen_width * height * 0.7))
            blur = 1.0
        angle, slant = (
            self.rotation + random.normal(0, 0.05),
            self.slant * (1 if self.source == "mnist" else 0.5) + random.normal(0, 0.06),
        )
        h, w = ink.shape
        margin = 2 + math.ceil(abs(slant) * h / 2 + abs(angle) * max(w, h) / 2)
        cos, sin = math.cos(angle), math.sin(angle)
        matrix = np.array([[cos, -sin - slant, 0], [sin, cos, 0]])
        matrix[:, 2] = (w / 2 + margin, h / 2 + 2 + abs(sin) * w / 2) - matrix[:, :2] @ (w / 2, h / 2)
        size = (w + 2 * margin, h + 4 + math.ceil(abs(sin) * w))
        ink = cv2.warpAffine(ink, matrix, size, flags=cv2.INTER_LINEAR)
        if min(size) > 14 and random.random() < 0.5:
            ink = _distort(ink, 0.05 * height, random)
        if blur > 1.2:
            gain = min(blur, 6) * random.uniform(0.6, 1.1)
            levels = np.clip((np.arange(256) / 255 - self.edge_level) * gain + 0.5, 0, 1) * 255
            ink = cv2.LUT(ink, levels.astype(np.uint8))
        x, y, w, h = cv2.boundingRect((ink > 40).view(np.uint8))
        return ink[y : y + h, x : x + w] if w else ink[:1, :1]


def _thin_strokes(ink: np.ndarray, pen_width: float) -> np.ndarray:
    """Draw the centre lines of a glyph's strokes with a pen of that width, in pixels."""
    distance = cv2.distanceTransform((ink > 100).view(np.uint8), cv2.DIST_L2, 5)
    # The ridge of the distance to the background is the centre line of the stroke.
    centre_line = (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8)) - 0.01) & (distance > 0.5)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (max(2, round(pen_width)),) * 2)
    margin = math.ceil(pen_width)
    thinned = cv2.copyMakeBorder(centre_line.view(np.uint8) * 255, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
    thinned = cv2.dilate(thinned, np.ones((2, 2), np.uint8))
    return cv2.GaussianBlur(cv2.dilate(thinned, kernel), (0, 0), 0.7)


def _distort(ink: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Displace the ink smoothly, with a standard deviation of `amount` pixels."""
    height, width = ink.shape
    coarse = random.normal(0, amount, (3, 3, 2)).astype(np.float32)
    displacements = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    source = _grid(height, width) + displacements
    return cv2.remap(ink, source, None, cv2.INTER_LINEAR)  # type: ignore[call-overload]  # None is not in the hints


@lru_cache(512)
def _grid(height: int, width: int) -> np.ndarray:
    """Return the coordinates of all pixels, float32 (height, width, 2), x before y."""
    return np.stack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)), -1)

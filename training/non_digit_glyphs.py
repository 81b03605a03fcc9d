"""Draw letters and signs that are not digits: glyphs of a font, distorted and with other stroke widths.

The fonts come with Matplotlib, so that nothing has to be downloaded. This module knows the alphabets and which of their
letters look like a digit; it knows nothing of crops and networks.
"""

from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

SYMBOL_FONTS = ("DejaVuSans.ttf", "DejaVuSans-Oblique.ttf")

# Without letters that have a digit's shape, or get it in careless handwriting: O and o, l and I, Z, S, b, q and others.
SYMBOLS = (
    "ACEFHKLMNPRTUVWXacdefhkmnprtuvwx"  # Latin
    "ΓΔΞΠΣΨΩαβγδεζηκλμνξπρςστφχψω"  # Greek
    "БДЖИЙЛПЦШЩЫЮЯгджийклмнптфцшщыюя"  # Cyrillic
    "+×÷±=≠≈≡<>≤≥~∂∇∏∑√∛∞∫∬∮∈∋∉⊂⊃⊆⊇∪∩∨∀∠⊥∥∴⊗"  # mathematics
    "←→↑↓↔⇒⇔□△◇☆★♠♣♥♦♪♫☺☹☂☎✓✗✉✂♀♂"  # arrows and pictures
    "@#$%&*?!{}§¶©®€£¥"
)

# Longer side of the glyph, as a fraction of the canvas's side.
GLYPH_SIDE_FRACTION = 0.6


def draw_symbol(random: np.random.Generator, side: int) -> np.ndarray:
    """Draw one random letter or sign, near the centre: float32 (side, side) in 0..1, 1 = ink."""
    canvas = _draw_glyph(SYMBOL_FONTS[random.integers(len(SYMBOL_FONTS))], SYMBOLS[random.integers(len(SYMBOLS))], side)
    middle = (side - 1) / 2
    angle, shear = np.radians(random.normal(0, 8)), random.uniform(-0.35, 0.35)
    stretch = np.exp(random.uniform(-0.35, 0.35))
    matrix = np.array([[np.cos(angle), -np.sin(angle) + shear], [np.sin(angle), np.cos(angle)]]) * (
        (stretch,),
        (1 / stretch,),
    )
    # Smooth displacements make the font's strokes look handwritten.
    displacements = cv2.resize(random.normal(0, 0.035 * side, (4, 4, 2)), (side, side), interpolation=cv2.INTER_CUBIC)
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1) - middle
    source = (grid @ matrix.T + middle + displacements).astype(np.float32)
    canvas = cv2.remap(canvas, source, None, cv2.INTER_LINEAR)  # type: ignore[call-overload]  # None is not in the hints
    stroke_width = int(random.integers(1, max(2, side // 12)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (stroke_width, stroke_width))
    return cv2.dilate(canvas, kernel) if random.random() < 0.6 else canvas


@cache
def _draw_glyph(font: str, character: str, side: int) -> np.ndarray:
    """Draw the character in the middle of a canvas, scaled to GLYPH_SIDE_FRACTION."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / font
    image_font = ImageFont.truetype(path, side)
    left, top, right, bottom = image_font.getbbox(character)
    image_font = ImageFont.truetype(
        path, max(1, round(side * side * GLYPH_SIDE_FRACTION / max(right - left, bottom - top, 1)))
    )
    canvas = Image.new("L", (side, side))
    ImageDraw.Draw(canvas).text((side / 2, side / 2), character, 255, image_font, "mm")
    return np.asarray(canvas, np.float32) / 255

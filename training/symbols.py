"""Letters and signs that are no digits, drawn as if by hand: printed glyphs, bent and drawn with other pens.

The fonts are those that come with Matplotlib, so that nothing need be fetched. It knows the alphabets, and which of
their letters can pass for a digit; nothing of frames and networks.
"""

from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

FONTS = ("DejaVuSans.ttf", "DejaVuSans-Oblique.ttf")

# What has a digit's shape, or gets it by a hasty hand, is left out: O and o, l and I, Z, S, b, q and their like.
SYMBOLS = (
    "ACEFHKLMNPRTUVWXacdefhkmnprtuvwx"  # Latin
    "ΓΔΞΠΣΨΩαβγδεζηκλμνξπρςστφχψω"  # Greek
    "БДЖИЙЛПЦШЩЫЮЯгджийклмнптфцшщыюя"  # Cyrillic
    "+×÷±=≠≈≡<>≤≥~∂∇∏∑√∛∞∫∬∮∈∋∉⊂⊃⊆⊇∪∩∨∀∠⊥∥∴⊗"  # mathematics
    "←→↑↓↔⇒⇔□△◇☆★♠♣♥♦♪♫☺☹☂☎✓✗✉✂♀♂"  # arrows and pictures
    "@#$%&*?!{}§¶©®€£¥"
)

# Room for the glyph on the page, as a part of its side.
GLYPH = 0.6


def symbol(random: np.random.Generator, side: int) -> np.ndarray:
    """One letter or sign, somewhere in the middle: float32 (side, side) in 0..1, 1 = ink."""
    page = _glyph(FONTS[random.integers(len(FONTS))], SYMBOLS[random.integers(len(SYMBOLS))], side)
    middle = (side - 1) / 2
    turn, lean = np.radians(random.normal(0, 8)), random.uniform(-0.35, 0.35)
    stretch = np.exp(random.uniform(-0.35, 0.35))
    matrix = np.array([[np.cos(turn), -np.sin(turn) + lean], [np.sin(turn), np.cos(turn)]]) * (
        (stretch,),
        (1 / stretch,),
    )
    # Smooth shifts make the strokes of a hand of those of a font.
    shifts = cv2.resize(random.normal(0, 0.035 * side, (4, 4, 2)), (side, side), interpolation=cv2.INTER_CUBIC)
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1) - middle
    source = (grid @ matrix.T + middle + shifts).astype(np.float32)
    page = cv2.remap(page, source, None, cv2.INTER_LINEAR)
    pen = int(random.integers(1, max(2, side // 12)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (pen, pen))
    return cv2.dilate(page, disc) if random.random() < 0.6 else page


@cache
def _glyph(font: str, character: str, side: int) -> np.ndarray:
    """The character in the middle of a page, as large as GLYPH says."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / font
    face = ImageFont.truetype(path, side)
    left, top, right, bottom = face.getbbox(character)
    face = ImageFont.truetype(path, max(1, round(side * side * GLYPH / max(right - left, bottom - top, 1))))
    page = Image.new("L", (side, side))
    ImageDraw.Draw(page).text((side / 2, side / 2), character, 255, face, "mm")
    return np.asarray(page, np.float32) / 255

"""Provide the glyphs that writers write with: MNIST's digits, and characters of handwriting and print fonts.

This module knows nothing of writers and pages.
"""

from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from training.data import Digits

# Folder that `make fonts` downloads the handwriting fonts to. They are optional.
FONT_FOLDER = Path("build/fonts")

# Height of the font glyphs, which are drawn once and then scaled, pixels.
GLYPH_HEIGHT = 72

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
GREEK = "αβγδεθλμπρστφψωΓΔΘΛΞΠΣΦΨΩ"


class Glyph(NamedTuple):
    """One drawn character.

    Attributes:
        ink: uint8 (h, w), cropped to the ink, 255 = full ink.
        top: y of its first row, relative to the top of the digits, in pixels.
    """

    ink: np.ndarray
    top: float


class GlyphLibrary:
    """MNIST's digits, and the fonts that are installed.

    Args:
        digits: MNIST images float32 (N, 28, 28, 1) in 0..1 and their labels.
        fonts: folder with handwriting fonts (.woff2, .ttf), searched recursively; may be absent.

    Attributes:
        images: uint8 (N, 28, 28).
        indices_by_label: indices into images of each of the ten labels.
        handwriting_fonts: paths of handwriting fonts.
        print_fonts: paths of Matplotlib's fonts.
    """

    def __init__(self, digits: Digits, fonts: Path = FONT_FOLDER) -> None:
        self.images = (digits.images[..., 0] * 255).astype(np.uint8)
        self.indices_by_label = [np.flatnonzero(digits.labels == label) for label in range(10)]
        self.handwriting_fonts = find_handwriting_fonts(fonts)
        folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        self.print_fonts = sorted(str(path) for path in folder.glob("DejaVu*.ttf") if "Display" not in path.name)

    def crop_digit(self, index: int) -> np.ndarray:
        """Return one MNIST digit, uint8, cropped to its ink."""
        image = self.images[index]
        x, y, width, height = cv2.boundingRect((image > 50).view(np.uint8))
        return image[y : y + height, x : x + width]


def find_handwriting_fonts(folder: Path) -> list[str]:
    """Return the paths of the Latin handwriting fonts below a folder."""
    files = [*folder.rglob("*-latin-400-normal.woff2"), *folder.rglob("*.ttf")]
    return sorted(str(path) for path in files)


@cache
def _load_font(font: str) -> tuple[ImageFont.FreeTypeFont, float]:
    """Return the font, scaled so that its digits are GLYPH_HEIGHT high, and the y of their top from the baseline."""
    image_font = ImageFont.truetype(font, GLYPH_HEIGHT)
    tops, bottoms = zip(*(image_font.getbbox(digit, anchor="ls")[1::2] for digit in "0123456789"))
    height = max(1.0, float(np.median(bottoms) - np.median(tops)))
    image_font = ImageFont.truetype(font, max(8, round(GLYPH_HEIGHT * GLYPH_HEIGHT / height)))
    return image_font, float(np.median([image_font.getbbox(digit, anchor="ls")[1] for digit in "0123456789"]))


@lru_cache(8192)
def draw_font_character(font: str, character: str) -> Glyph | None:
    """Draw a character of a font, with digits of GLYPH_HEIGHT; return None where the font lacks it."""
    image_font, digits_top = _load_font(font)
    left, top, right, bottom = image_font.getbbox(character, anchor="ls")
    if right - left < 2 or bottom - top < 2:
        return None
    image = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4))
    ImageDraw.Draw(image).text((2 - left, 2 - top), character, 255, image_font, "ls")
    ink = np.asarray(image)
    missing = _draw_missing_glyph(font)
    if missing is not None and ink.shape == missing.shape and (ink == missing).all():
        return None
    x, y, width, height = cv2.boundingRect((ink > 40).view(np.uint8))
    if not width:
        return None
    return Glyph(ink[y : y + height, x : x + width], top - 2 + y - digits_top)


@cache
def _draw_missing_glyph(font: str) -> np.ndarray | None:
    """Draw the font's replacement for a character that it lacks."""
    image_font, _ = _load_font(font)
    left, top, right, bottom = image_font.getbbox("\uffff", anchor="ls")
    if right <= left or bottom <= top:
        return None
    image = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4))
    ImageDraw.Draw(image).text((2 - left, 2 - top), "\uffff", 255, image_font, "ls")
    return np.asarray(image)

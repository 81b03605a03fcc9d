"""Writers: one hand a page, which writes digits, marks and words in its own slant, pen and shapes.

A hand takes its digits from MNIST's training images, from the strokes of strokes.py, or from a handwriting font. It
knows how one character looks; where characters stand on a page is decided in pages.py.
"""

import math
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from training.data import Digits
from training.strokes import DIGIT_STROKES, MARK_STROKES, draw_strokes, flourished

# Where `make fonts` puts the handwriting fonts, which are optional.
FONT_FOLDER = Path("build/fonts")

# Height of the font glyphs that are drawn once and then scaled, pixels.
GLYPH_HEIGHT = 72

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
GREEK = "αβγδεθλμπρστφψωΓΔΘΛΞΠΣΦΨΩ"


class Glyph(NamedTuple):
    """One drawn character.

    Attributes:
        ink: uint8 (h, w), cropped to the ink, 255 = full ink.
        top: y of its first row from the top of the box of one digit's height, in pixels.
    """

    ink: np.ndarray
    top: float


class Shapes:
    """The shapes that hands write with: MNIST's digits, cropped, and the fonts that are installed.

    Args:
        digits: MNIST images float32 (N, 28, 28, 1) in 0..1 and their labels.
        fonts: folder with handwriting fonts (.woff2, .ttf), searched through; may be absent.
    """

    def __init__(self, digits: Digits, fonts: Path = FONT_FOLDER):
        self.images = (digits.images[..., 0] * 255).astype(np.uint8)
        self.by_label = [np.flatnonzero(digits.labels == label) for label in range(10)]
        self.handwriting = handwriting_fonts(fonts)
        folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        self.print = sorted(str(path) for path in folder.glob("DejaVu*.ttf") if "Display" not in path.name)

    def digit(self, index: int) -> np.ndarray:
        """Return one MNIST digit, uint8, cropped to its ink."""
        image = self.images[index]
        x, y, width, height = cv2.boundingRect((image > 50).view(np.uint8))
        return image[y : y + height, x : x + width]


def handwriting_fonts(folder: Path) -> list[str]:
    """Return the paths of the Latin handwriting fonts below a folder."""
    files = [*folder.rglob("*-latin-400-normal.woff2"), *folder.rglob("*.ttf")]
    return sorted(str(path) for path in files)


class Hand:
    """One writer.

    Args:
        shapes: what it may write with.
        random: random generator.

    Attributes:
        turn: by what angle all that it writes is turned, radians, clockwise.
    """

    def __init__(self, shapes: Shapes, random: np.random.Generator):
        self.shapes, self.random = shapes, random
        kind = random.random()
        fonts = shapes.handwriting
        self.kind = "mnist" if kind < 0.45 else "strokes" if kind < 0.8 or not fonts else "font"
        # Stroke width in heights of a digit; a line of a paint program may be far finer than a pen's.
        self.pen = random.uniform(0.035, 0.17) if random.random() < 0.88 else random.uniform(0.008, 0.035)
        # A quarter writes in a hand that leans far to the right, as on cheques.
        self.slant = random.normal(0.06, 0.15) if random.random() < 0.75 else random.uniform(0.2, 0.8)
        self.stretch = math.exp(random.normal(0, 0.14))
        self.jitter = random.uniform(0.005, 0.05)
        # From 0.25, bold, to 0.8, fine: which level of an enlarged MNIST digit is a stroke's edge.
        self.level = random.uniform(0.22, 0.78)
        self.is_fine = random.random() < 0.25
        if self.kind == "mnist" and not self.is_fine:
            # The width of an enlarged digit's strokes at that level, for the marks beside it.
            self.pen = 0.17 - 0.13 * (self.level - 0.22) / 0.56
        self.turn = 0.0
        self.slashes_zeros = random.random() < 0.12
        # How often it adds a stroke that leads into a digit or out of it, and links a digit to the next one.
        self.flourishes = random.uniform(0.2, 0.9) if random.random() < 0.3 else 0.0
        self.links = random.uniform(0.1, 0.6) if random.random() < 0.12 else 0.0
        # How high it writes each digit, as a factor: many make zeros small, and ones and sevens tall.
        self.proportions = {label: math.exp(random.normal(0, 0.05)) for label in "0123456789"}
        self.proportions["0"] *= random.uniform(0.65, 1) if random.random() < 0.3 else 1
        for label in "17":
            self.proportions[label] *= random.uniform(1, 1.5) if random.random() < 0.3 else 1
        # Some write ones as a plain stroke that leans more than all else: beside digits it is no slash.
        self.lean_of_ones = random.uniform(0.1, 0.8) if random.random() < 0.2 else None
        self.font = fonts[random.integers(len(fonts))] if fonts else None
        self.forms = {label: random.integers(len(forms)) for label, forms in DIGIT_STROKES.items()}
        self.pool = [[random.choice(of) for _ in range(3)] if len(of) else [] for of in shapes.by_label]

    def digit(self, label: str, height: float) -> Glyph:
        """Write a digit of that height, in pixels."""
        random = self.random
        if label == "1" and self.lean_of_ones is not None:
            stroke = False, ((self.lean_of_ones, 0.0), (0.5 * self.lean_of_ones, 0.5), (0.0, 1.0))
            return self._drawn((stroke,), height)
        kind = self.kind if random.random() < 0.93 else "mnist"
        if kind == "mnist" and not self.pool[int(label)]:
            kind = "strokes"
        if kind == "strokes":
            forms = DIGIT_STROKES[label]
            form = forms[self.forms[label] if random.random() < 0.8 else random.integers(len(forms))]
            if random.random() < self.flourishes:
                form = flourished(label, form, random)
            return self._slashed(label, self._drawn(form, height), height)
        if kind == "font" and self.font:
            field = _font_glyph(self.font, label)
            if field is not None:
                return Glyph(self._warped(field, height, math.exp(random.normal(0, 0.05)), 1.2), 0.0)
        field = self.shapes.digit(random.choice(self.pool[int(label)]))
        ink = self._warped(field, height, self.stretch * math.exp(random.normal(0, 0.06)), height / 20)
        return self._slashed(label, Glyph(ink, 0.0), height)

    def _slashed(self, label: str, glyph: Glyph, height: float) -> Glyph:
        """Put a slash through a zero, where the hand does so."""
        if label != "0" or not self.slashes_zeros:
            return glyph
        h, w = glyph.ink.shape
        reach = np.array([0.5, -0.5]) * self.random.uniform(0.6, 1.7) * (w, h)
        if self.random.random() < 0.2:
            reach[1] *= -1 if self.random.random() < 0.3 else 0.1
        margin = math.ceil(max(abs(reach))) + 2
        ink = cv2.copyMakeBorder(glyph.ink, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
        middle = np.array([w / 2 + margin, h / 2 + margin]) + self.random.normal(0, 0.05, 2) * (w, h)
        ends = np.round([(middle - reach) * 16, (middle + reach) * 16]).astype(int).tolist()
        cv2.line(ink, ends[0], ends[1], 255, max(1, round(self.pen * height)), cv2.LINE_AA, 4)
        x, y, width, tall = cv2.boundingRect((ink > 40).view(np.uint8))
        return Glyph(ink[y : y + tall, x : x + width], glyph.top + y - margin)

    def mark(self, mark: str, height: float) -> Glyph:
        """Write a mark, or another sign of MARK_STROKES, beside digits of that height."""
        forms = MARK_STROKES[mark]
        size = height * math.exp(self.random.normal(0, 0.12))
        glyph = self._drawn(forms[self.random.integers(len(forms))], size)
        return Glyph(glyph.ink, glyph.top + (height - size) * (0.95 if mark in ".," else 0.5))

    def letter(self, letter: str, height: float) -> Glyph | None:
        """Write a letter whose capitals are of that height; None where the font lacks it."""
        font = self.font
        if letter in GREEK or font is None or self.random.random() < 0.1:
            font = self.shapes.print[self.random.integers(len(self.shapes.print))]
        return self.printed(letter, height, font)

    def printed(self, letter: str, height: float, font: str) -> Glyph | None:
        """Draw a character of a font, bent a little by this hand; None where the font lacks it."""
        drawn = _font_character(font, letter)
        if drawn is None:
            return None
        field, top = drawn
        zoom = height / GLYPH_HEIGHT
        return Glyph(self._warped(field, max(2.0, len(field) * zoom), self.stretch, 1.2), top * zoom)

    def _drawn(self, strokes, height: float) -> Glyph:
        pen = max(0.6, self.pen * height * math.exp(self.random.normal(0, 0.1)))
        slant = self.slant + self.random.normal(0, 0.05)
        stretch = self.stretch * math.exp(self.random.normal(0, 0.08))
        return Glyph(*draw_strokes(strokes, height, pen, slant, stretch, self.turn, self.jitter, self.random))

    def _warped(self, field: np.ndarray, height: float, stretch: float, blur: float) -> np.ndarray:
        """Scale, shear and turn a shape, and sharpen its edges: `blur` is how many pixels they are soft then."""
        random = self.random
        zoom = height / len(field)
        width = max(2.0, field.shape[1] * zoom * stretch)
        enlarge = cv2.INTER_CUBIC if zoom > 1 else cv2.INTER_AREA
        field = cv2.resize(field, (math.ceil(width), max(2, math.ceil(height))), interpolation=enlarge)
        if self.kind == "mnist" and self.is_fine and height >= 24 and blur > 1.2:
            field = _fine(field, max(1.0, self.pen * height * 0.7))
            blur = 1.0
        angle, slant = (
            self.turn + random.normal(0, 0.05),
            self.slant * (1 if self.kind == "mnist" else 0.5) + random.normal(0, 0.06),
        )
        h, w = field.shape
        margin = 2 + math.ceil(abs(slant) * h / 2 + abs(angle) * max(w, h) / 2)
        cos, sin = math.cos(angle), math.sin(angle)
        matrix = np.array([[cos, -sin - slant, 0], [sin, cos, 0]])
        matrix[:, 2] = (w / 2 + margin, h / 2 + 2 + abs(sin) * w / 2) - matrix[:, :2] @ (w / 2, h / 2)
        size = (w + 2 * margin, h + 4 + math.ceil(abs(sin) * w))
        field = cv2.warpAffine(field, matrix, size, flags=cv2.INTER_LINEAR)
        if min(size) > 14 and random.random() < 0.5:
            field = _bent(field, 0.05 * height, random)
        if blur > 1.2:
            gain = min(blur, 6) * random.uniform(0.6, 1.1)
            levels = np.clip((np.arange(256) / 255 - self.level) * gain + 0.5, 0, 1) * 255
            field = cv2.LUT(field, levels.astype(np.uint8))
        x, y, w, h = cv2.boundingRect((field > 40).view(np.uint8))
        return field[y : y + h, x : x + w] if w else field[:1, :1]


def _fine(field: np.ndarray, pen: float) -> np.ndarray:
    """Draw the middle of a shape's strokes with a pen of that width, pixels."""
    distance = cv2.distanceTransform((field > 100).view(np.uint8), cv2.DIST_L2, 5)
    # The ridge of the distance to the paper is the middle of the stroke.
    ridge = (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8)) - 0.01) & (distance > 0.5)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (max(2, round(pen)),) * 2)
    margin = math.ceil(pen)
    core = cv2.copyMakeBorder(ridge.view(np.uint8) * 255, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
    core = cv2.dilate(core, np.ones((2, 2), np.uint8))
    return cv2.GaussianBlur(cv2.dilate(core, disc), (0, 0), 0.7)


def _bent(field: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Shift the shape smoothly, by up to about `amount` pixels."""
    height, width = field.shape
    shifts = random.normal(0, amount, (3, 3, 2)).astype(np.float32)
    shifts = cv2.resize(shifts, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.remap(field, _grid(height, width) + shifts, None, cv2.INTER_LINEAR)


@lru_cache(512)
def _grid(height: int, width: int) -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)), -1)


@cache
def _face(font: str) -> tuple[ImageFont.FreeTypeFont, float]:
    """The font at the size at which its digits are GLYPH_HEIGHT high, and where their top lies."""
    face = ImageFont.truetype(font, GLYPH_HEIGHT)
    tops, bottoms = zip(*(face.getbbox(digit, anchor="ls")[1::2] for digit in "0123456789"))
    height = max(1.0, float(np.median(bottoms) - np.median(tops)))
    face = ImageFont.truetype(font, max(8, round(GLYPH_HEIGHT * GLYPH_HEIGHT / height)))
    return face, float(np.median([face.getbbox(digit, anchor="ls")[1] for digit in "0123456789"]))


@lru_cache(8192)
def _font_character(font: str, character: str) -> tuple[np.ndarray, float] | None:
    """A character's ink, uint8, cropped, and its top below that of the digits; None where the font lacks it."""
    face, digits_top = _face(font)
    left, top, right, bottom = face.getbbox(character, anchor="ls")
    if right - left < 2 or bottom - top < 2:
        return None
    page = Image.new("L", (right - left + 4, bottom - top + 4))
    ImageDraw.Draw(page).text((2 - left, 2 - top), character, 255, face, "ls")
    ink = np.asarray(page)
    missing = _notdef(font)
    if missing is not None and ink.shape == missing.shape and (ink == missing).all():
        return None
    x, y, width, height = cv2.boundingRect((ink > 40).view(np.uint8))
    if not width:
        return None
    return ink[y : y + height, x : x + width], top - 2 + y - digits_top


@cache
def _notdef(font: str) -> np.ndarray | None:
    """What the font draws for a character that it lacks."""
    face, _ = _face(font)
    left, top, right, bottom = face.getbbox("\uffff", anchor="ls")
    if right <= left or bottom <= top:
        return None
    page = Image.new("L", (right - left + 4, bottom - top + 4))
    ImageDraw.Draw(page).text((2 - left, 2 - top), "\uffff", 255, face, "ls")
    return np.asarray(page)


def _font_glyph(font: str, character: str) -> np.ndarray | None:
    drawn = _font_character(font, character)
    return None if drawn is None else drawn[0]

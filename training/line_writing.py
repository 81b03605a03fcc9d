"""Write a line of text with one writer's spacing, slope and size variation."""

import math
from dataclasses import dataclass

import numpy as np

from training.canvas import Canvas
from training.classes import CLASSES, OTHER
from training.glyph_library import Glyph
from training.writer import Writer


@dataclass
class LineStyle:
    """How a writer places characters on a line. Lengths are in heights of a digit.

    Attributes:
        gap: mean distance between the inks of two digits; negative where they overlap.
        gap_deviation: standard deviation of that distance.
        word_gap: mean distance between two words or numbers.
        baseline_deviation: standard deviation of a character's vertical position.
        slope: slope of the line.
        bend: curvature of the line, per height.
        size_deviation: standard deviation of the logarithm of a character's size.
    """

    gap: float
    gap_deviation: float
    word_gap: float
    baseline_deviation: float
    slope: float
    bend: float
    size_deviation: float

    @classmethod
    def sample(cls, random: np.random.Generator) -> "LineStyle":
        """Return a random style."""
        kind = random.random()
        gap = (
            random.normal(-0.02, 0.05)
            if kind < 0.3
            else random.uniform(0.05, 0.3)
            if kind < 0.8
            else random.uniform(0.3, 1.4)
            if kind < 0.95
            else random.uniform(1.4, 3.0)
        )
        return cls(
            gap=gap,
            gap_deviation=random.uniform(0.02, 0.1) + (0.25 * gap if gap > 0.3 else 0),
            word_gap=random.uniform(0.5, 1.6) + max(0.0, 1.6 * gap),
            baseline_deviation=random.uniform(0, 0.08),
            slope=random.normal(0, 0.04) if random.random() < 0.86 else random.uniform(-0.9, 0.9),
            bend=random.normal(0, 0.0015),
            size_deviation=random.uniform(0.02, 0.14),
        )


def write_line(
    canvas: Canvas,
    writer: Writer,
    tokens: list[str],
    left: float,
    baseline: float,
    height: float,
    style: LineStyle,
    random: np.random.Generator,
) -> float:
    """Write tokens one after another, up to the right edge of the page.

    The distance between digits is that of their inks, and may be negative: digits touch and overlap.

    Args:
        canvas: canvas to write on.
        writer: who writes.
        tokens: numbers, words and signs.
        left: x of the first character, pixels.
        baseline: y of the baseline at the left end, pixels.
        height: height of a digit, pixels.
        style: spacing, slope and size variation.
        random: random generator.

    Returns:
        The right end of the last character, pixels.
    """
    x, previous = left, None
    is_first_in_token = False
    writer.rotation = math.atan(style.slope) * random.uniform(0.3, 1)
    for token_number, token in enumerate(tokens):
        is_word = token[0].isalpha() and token != "x"
        for character in token:
            if x > canvas.ink.shape[1]:
                return x
            size = height * math.exp(random.normal(0, style.size_deviation))
            if character in "0123456789":
                size *= writer.height_factors[character]
                glyph, label = writer.draw_digit(character, size), int(character)
                glyph = Glyph(glyph.ink, height - len(glyph.ink) + _descent(character, height, random))
            elif is_word:
                written = writer.draw_letter(character, size)
                if written is None:
                    continue
                glyph, label = written, OTHER
            else:
                glyph = writer.draw_mark(character, size)
                label = CLASSES.find(character) if character in CLASSES else OTHER
            gap = style.gap + random.normal(0, style.gap_deviation)
            if is_first_in_token and token_number:
                gap = style.word_gap * random.uniform(0.7, 1.4)
            elif is_word:
                gap = random.uniform(-0.05, 0.12)
            is_first_in_token = False
            offset = x - left
            top = baseline - height + offset * style.slope + offset**2 * style.bend / height
            top += glyph.top + random.normal(0, style.baseline_deviation) * height
            start = _place_beside(previous, glyph.ink, top, gap * height, height) if previous is not None else x
            if previous and 0 <= label < 10 and gap < 0.35 and random.random() < writer.link_probability:
                _draw_link(canvas, writer, previous, glyph.ink, start, top, height, random)
            canvas.draw(glyph, start, top, label, height)
            previous = _right_profile(glyph.ink, start, top, height)
            x = max(x, start + glyph.ink.shape[1])
        is_first_in_token = True
    return x


def _descent(character: str, height: float, random: np.random.Generator) -> float:
    """Return how far a character hangs below the baseline, pixels: sometimes sevens and nines do."""
    return abs(random.normal(0, 0.12)) * height if character in "79" and random.random() < 0.4 else 0.0


def _row_bands(ink: np.ndarray, top: float, height: float) -> np.ndarray:
    """Return the number of the page's band, an eighth of a digit high, that each row of the ink lies in."""
    return np.floor((np.arange(len(ink)) + top) / max(1.0, height / 8)).astype(int)


def _right_profile(ink: np.ndarray, left: float, top: float, height: float) -> dict[int, float]:
    """Return the right end of the ink in each band, pixels."""
    is_ink = ink > 80
    has_ink: list[bool] = np.any(is_ink, axis=1).tolist()
    ends = left + ink.shape[1] - 1 - is_ink[:, ::-1].argmax(1)
    profile: dict[int, float] = {}
    for band, end, band_has_ink in zip(_row_bands(ink, top, height).tolist(), ends.tolist(), has_ink):
        if band_has_ink and end > profile.get(band, -1e9):
            profile[band] = end
    return profile


def _draw_link(
    canvas: Canvas,
    writer: Writer,
    profile: dict[int, float],
    ink: np.ndarray,
    left: float,
    top: float,
    height: float,
    random: np.random.Generator,
) -> None:
    """Draw the stroke between two digits that are written without lifting the pen."""
    band = list(profile)[random.integers(len(profile))]
    start = np.array([profile[band] - 1, (band + 0.5) * max(1.0, height / 8)])
    is_ink = ink > 80
    has_ink = np.flatnonzero(is_ink.any(1))
    if not len(has_ink):
        return
    row = has_ink[random.integers(len(has_ink))]
    end = np.array([left + is_ink[row].argmax() + 1, top + row])
    middle = (start + end) / 2 + random.normal(0, 0.06, 2) * height
    if abs(end[1] - start[1]) < 0.8 * height:
        canvas.draw_curve(np.array([start, middle, end]), max(1, round(writer.pen_width * height)))


def _place_beside(profile: dict[int, float], ink: np.ndarray, top: float, gap: float, height: float) -> float:
    """Return the left edge of a glyph whose ink has the distance `gap`, in pixels, from the previous character's ink.

    The distance is that of the nearest points in one band.
    """
    is_ink = ink > 80
    starts = is_ink.argmax(1).tolist()
    has_ink: list[bool] = np.any(is_ink, axis=1).tolist()
    best = -1e9
    for band, start, band_has_ink in zip(_row_bands(ink, top, height).tolist(), starts, has_ink):
        if band_has_ink and band in profile:
            best = max(best, profile[band] + 1 - start + gap)
    farthest = max(profile.values(), default=0.0)
    if best < -1e8:
        return farthest + gap
    # A dot may be under the bar of a 7, but no character may start far inside the previous one.
    return max(best, farthest - 0.25 * height)

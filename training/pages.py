"""Compose pages of handwritten numbers, with the class and box of every digit and mark on them.

    python -m training.pages --preview pages.png --data mnist.npz

One hand a page writes numbers, words and signs in lines, tables, cells or at random on paper.py's grounds, and a camera
takes the picture. A tile holds one page or several small ones. Nothing here knows of networks.
"""

import argparse
import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from training import paper
from training.data import load_mnist
from training.hands import GREEK, LETTERS, Glyph, Hand, Shapes
from training.strokes import smooth

# The classes of what is found on a page: digits, marks, and all other writing.
CLASSES = "0123456789.,-/:+"
OTHER = len(CLASSES)
IGNORED = -1

SIGNS = "=x()%$#÷→~v*"
TILE = 256

# Pictures of a tile lie on this grey, as the reader pads a picture, at least so many pixels apart.
PADDING_GREY = 128
PADDING = 8

# Writing less than this high, in pixels, can be seen but not read: the reader has to look closer. Between the two the
# network is asked neither to read it nor to say that it is too small.
TOO_SMALL = 9.0
LARGE_ENOUGH = 12.0


# Of a character that leaves the page so much must be seen for it to be read; of less than that it is not asked, and
# what is hardly seen is no digit, though it may look like one.
WHOLE, RECOGNIZABLE = 0.85, 0.6


@dataclass
class Page:
    """A picture and what is on it.

    Attributes:
        picture: uint8 (H, W, 3).
        boxes: float32 (N, 4): left, top, right, bottom, pixels.
        labels: int (N,): index into CLASSES, OTHER or IGNORED.
        sizes: float32 (N,): height of a digit of the hand that wrote it, pixels.
    """

    picture: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    sizes: np.ndarray


@dataclass
class Canvas:
    """The ink of one hand on a page, and what it wrote there."""

    ink: np.ndarray
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)

    def place(self, glyph: Glyph, left: float, top: float, label: int, size: float) -> None:
        """Write a glyph; what lies outside the page is cut off (see WHOLE)."""
        height, width = self.ink.shape
        x, y = round(left), round(top)
        h, w = glyph.ink.shape
        x0, y0, x1, y1 = max(0, x), max(0, y), min(width, x + w), min(height, y + h)
        if x1 <= x0 or y1 <= y0:
            return
        area = self.ink[y0:y1, x0:x1]
        np.maximum(area, glyph.ink[y0 - y : y1 - y, x0 - x : x1 - x], out=area)
        seen = (x1 - x0) * (y1 - y0) / (w * h)
        self.boxes.append((x0, y0, x1, y1))
        self.labels.append(label if seen > WHOLE else IGNORED if seen > RECOGNIZABLE else OTHER)
        self.sizes.append(size)


def compose(size: tuple[int, int], shapes: Shapes, random: np.random.Generator) -> Page:
    """Compose one picture of that height and width."""
    height, width = size
    kind = random.random()
    has_print = random.random() < 0.12
    if kind < 0.06:
        picture = paper.scene(size, random)
        return _finished(picture, Canvas(np.zeros(size, np.uint8)), random, min(size))
    picture = paper.ground(size, random) if random.random() < 0.96 else paper.scene(size, random)
    hand = Hand(shapes, random)
    canvas = Canvas(np.zeros(size, np.uint8))
    if random.random() < 0.1:
        paper.print_security_pattern(picture, random)
    if kind < 0.19:
        digit_height = height * random.uniform(0.2, 0.97)
        _write_single(canvas, hand, digit_height, random)
    elif kind < 0.26:
        digit_height = math.exp(random.uniform(math.log(14), math.log(max(16, min(0.7 * height, 0.4 * width)))))
        _write_scattered(canvas, hand, digit_height, random)
    elif kind < 0.34:
        digit_height = random.uniform(0.4, 0.7) * _print_cells(picture, canvas, hand, random)
        has_print = random.random() < 0.6  # the names of a form's fields
    elif min(size) < 150:
        digit_height = height * random.uniform(0.33, 1.0)
        if width < 1.3 * digit_height:
            digit_height = width * random.uniform(0.4, 0.7)
        _write_field(picture, canvas, hand, digit_height, random)
    else:
        low = 3.0 if random.random() < 0.14 else 11.0
        digit_height = math.exp(random.uniform(math.log(low), math.log(9.5 if low < 4 else min(110.0, height / 2))))
        _write_lines(picture, canvas, hand, digit_height, random)
    _decorate(canvas, hand, digit_height, random)
    _finish_ink(picture, canvas, hand, digit_height, random)
    if has_print:
        print_text(picture, canvas, shapes, random)
    return _finished(picture, canvas, random, digit_height)


def _finish_ink(picture: np.ndarray, canvas: Canvas, hand: Hand, digit_height: float, random) -> None:
    """Put the canvas's ink on the ground, in one colour and strength."""
    ink = canvas.ink
    if random.random() < 0.25 and digit_height > 14:
        # A pen that runs dry: strokes fade and break.
        gaps = random.uniform(0, 1, (max(2, ink.shape[0] // 5), max(2, ink.shape[1] // 5))).astype(np.float32)
        gaps = cv2.resize(gaps, ink.shape[::-1], interpolation=cv2.INTER_LINEAR)
        least = random.uniform(0, 0.7)
        ink = cv2.multiply(ink, np.clip(gaps * 2 + least - random.uniform(0, 0.3), 0, 1), dtype=cv2.CV_8U)
    faint = digit_height > 13 and random.random() < 0.3
    colour = paper.contrasting(picture, random, *((25, 90) if faint else (70, 235)))
    paper.blend(picture, ink, colour, random.uniform(0.8, 1))


def _finished(picture: np.ndarray, canvas: Canvas, random, digit_height: float) -> Page:
    boxes = np.array(canvas.boxes, np.float32).reshape(-1, 4)
    labels = np.array(canvas.labels, np.int64)
    sizes = np.array(canvas.sizes, np.float32)
    if random.random() < 0.1:
        free = cv2.erode(255 - canvas.ink, np.ones((9, 9), np.uint8))
        paper.put_objects(picture, free, random)
    if min(picture.shape[:2]) > 100 and random.random() < 0.1:
        picture, matrix = paper.lay_on_table(picture, random)
        boxes, labels, sizes = _projected(boxes, labels, sizes, matrix, picture.shape[:2])
    if random.random() < 0.06:
        # Sideways or upside down: written characters, but not digits to be read as they are.
        quarter = int(random.integers(1, 4))
        picture, boxes = _turned(picture, boxes, quarter)
        labels = np.array([_TURNED[quarter].get(label, OTHER) if label >= 0 else label for label in labels], np.int64)
    picture = paper.photograph(np.ascontiguousarray(picture), random, max(12.0, digit_height))
    return Page(picture, boxes, labels, sizes)


# What a character is still read as when it is turned by so many quarters against the clock; what is not named is other
# writing. IGNORED: it can be read in both ways.
_TURNED = {
    1: {0: IGNORED, 1: IGNORED, 8: IGNORED, 10: 10, 12: IGNORED, 15: 15, **dict.fromkeys((11, 13, 14), IGNORED)},
    2: {
        0: 0,
        1: IGNORED,
        2: IGNORED,
        5: IGNORED,
        8: 8,
        6: 9,
        9: 6,
        10: 10,
        11: IGNORED,
        12: 12,
        13: 13,
        14: 14,
        15: 15,
    },
    3: {0: IGNORED, 1: IGNORED, 8: IGNORED, 10: 10, 12: IGNORED, 15: 15, **dict.fromkeys((11, 13, 14), IGNORED)},
}


def _turned(picture: np.ndarray, boxes: np.ndarray, quarter: int) -> tuple[np.ndarray, np.ndarray]:
    """Turn a square or oblong picture against the clock; its size may be swapped."""
    for _ in range(quarter):
        left, top, right, bottom = boxes.T
        boxes = np.stack([top, picture.shape[1] - right, bottom, picture.shape[1] - left], 1)
        picture = np.rot90(picture)
    return picture, boxes


def _projected(boxes, labels, sizes, matrix, size):
    """Boxes as a perspective shows them; those that leave the picture are ignored."""
    if not len(boxes):
        return boxes, labels, sizes
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 1, 2)
    moved = cv2.perspectiveTransform(corners, matrix.astype(np.float32)).reshape(-1, 4, 2)
    seen = np.concatenate([moved.min(1), moved.max(1)], 1)
    clipped = seen.clip(0, (size[1], size[0], size[1], size[0]))
    area, full = (np.prod(b[:, 2:] - b[:, :2], axis=1) for b in (clipped, seen))
    kept = area > 0
    labels = np.where(area > 0.85 * full, labels, IGNORED)
    zoom = np.sqrt(full / np.maximum(1e-6, np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)))
    return clipped[kept], labels[kept], (sizes * zoom)[kept].astype(np.float32)


# --- what is written ---------------------------------------------------------------------------------------------


def number(random: np.random.Generator) -> str:
    """Make up a number as people write it: digits and the marks between them."""
    kind = random.random()
    length = min(12, 1 + int(random.exponential(3)))
    digits = "".join(map(str, random.integers(0, 10, length)))
    if kind < 0.5:
        return digits
    if kind < 0.62:
        whole = str(random.integers(1, 10 ** int(random.integers(1, 7))))
        rounded = whole[:1] + "0" * (len(whole) - 1) if random.random() < 0.5 else whole
        grouped = f"{int(rounded):,}"
        end = ("", ".", ",", "-", ".-", "=", ".=")[random.integers(7)]
        return (grouped.replace(",", ".") if random.random() < 0.6 else grouped) + end
    if kind < 0.74:
        point = ".,"[random.integers(2)]
        return digits + point + "".join(map(str, random.integers(0, 10, random.integers(1, 4))))
    if kind < 0.87:
        separator = "///-.:"[random.integers(6)]
        parts = [f"{n:02d}" if random.random() < 0.7 else str(n) for n in random.integers(1, 60, random.integers(2, 4))]
        if random.random() < 0.4:
            parts[-1] = str(random.integers(1900, 2100))
        return separator.join(parts)
    if kind < 0.92:
        return "-+-"[random.integers(3)] + digits
    return str(random.integers(1, 10)) + "0" * int(random.integers(1, 7))


def _arithmetic(random) -> list[str]:
    """Numbers with signs between them, a token each."""
    tokens = []
    for position in range(random.integers(2, 7)):
        if position:
            tokens.append("+-x/÷=+-x="[random.integers(10)])
        digits = str(random.integers(0, 10 ** int(random.integers(1, 4))))
        if random.random() < 0.35:
            tokens += ["(", digits] if random.random() < 0.5 else [digits, ")"]
        else:
            tokens.append(digits)
    return tokens


def _word(random) -> str:
    letters = LETTERS[:26] if random.random() < 0.7 else GREEK if random.random() < 0.15 else LETTERS
    word = "".join(letters[i] for i in random.integers(0, len(letters), random.integers(2, 9)))
    return word.capitalize() if random.random() < 0.3 else word


# --- where it stands ---------------------------------------------------------------------------------------------


@dataclass
class Pace:
    """How a hand sets one character beside another on a line, in heights of a digit."""

    gap: float
    scatter: float
    word_gap: float
    drift: float
    slope: float
    bend: float
    unlike: float

    @classmethod
    def of(cls, random: np.random.Generator) -> "Pace":
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
            scatter=random.uniform(0.02, 0.1) + (0.25 * gap if gap > 0.3 else 0),
            word_gap=random.uniform(0.5, 1.6) + max(0.0, 1.6 * gap),
            drift=random.uniform(0, 0.08),
            slope=random.normal(0, 0.04) if random.random() < 0.86 else random.uniform(-0.9, 0.9),
            bend=random.normal(0, 0.0015),
            unlike=random.uniform(0.02, 0.14),
        )


def write_line(
    canvas: Canvas, hand: Hand, tokens: list[str], left: float, baseline: float, height: float, pace: Pace, random
) -> float:
    """Write tokens one after another, as far as the page goes; returns the right end of the last one.

    Digits stand apart by the distance between their inks, which may be negative: they touch and overlap.
    """
    x, previous = left, None
    is_first_in_token = False
    hand.turn = math.atan(pace.slope) * random.uniform(0.3, 1)
    for token_number, token in enumerate(tokens):
        is_word = token[0].isalpha() and token != "x"
        for character in token:
            if x > canvas.ink.shape[1]:
                return x
            size = height * math.exp(random.normal(0, pace.unlike))
            if character in "0123456789":
                size *= hand.proportions[character]
                glyph, label = hand.digit(character, size), int(character)
                glyph = Glyph(glyph.ink, height - len(glyph.ink) + _descent(character, height, random))
            elif is_word:
                written = hand.letter(character, size)
                if written is None:
                    continue
                glyph, label = written, OTHER
            else:
                glyph = hand.mark(character, size)
                label = CLASSES.find(character) if character in CLASSES else OTHER
            gap = pace.gap + random.normal(0, pace.scatter)
            if is_first_in_token and token_number:
                gap = pace.word_gap * random.uniform(0.7, 1.4)
            elif is_word:
                gap = random.uniform(-0.05, 0.12)
            is_first_in_token = False
            offset = x - left
            top = baseline - height + offset * pace.slope + offset**2 * pace.bend / height
            top += glyph.top + random.normal(0, pace.drift) * height
            start = _beside(previous, glyph.ink, top, gap * height, height) if previous is not None else x
            if previous and 0 <= label < 10 and gap < 0.35 and random.random() < hand.links:
                _link(canvas, hand, previous, glyph.ink, start, top, height, random)
            canvas.place(glyph, start, top, label, height)
            previous = _right_profile(glyph.ink, start, top, height)
            x = max(x, start + glyph.ink.shape[1])
        is_first_in_token = True
    return x


def _descent(character: str, height: float, random) -> float:
    """Sevens and nines hang below the line, in some hands."""
    return abs(random.normal(0, 0.12)) * height if character in "79" and random.random() < 0.4 else 0.0


def _bins(ink: np.ndarray, top: float, height: float) -> np.ndarray:
    """The band of the page, an eighth of a digit high, in which each row of the ink lies."""
    return np.floor((np.arange(len(ink)) + top) / max(1.0, height / 8)).astype(int)


def _right_profile(ink: np.ndarray, left: float, top: float, height: float) -> dict[int, float]:
    """The right end of the ink in each band."""
    strong = ink > 80
    rows = strong.any(1)
    ends = left + ink.shape[1] - 1 - strong[:, ::-1].argmax(1)
    profile: dict[int, float] = {}
    for band, end, inked in zip(_bins(ink, top, height).tolist(), ends.tolist(), rows.tolist()):
        if inked and end > profile.get(band, -1e9):
            profile[band] = end
    return profile


def _link(canvas: Canvas, hand: Hand, profile: dict[int, float], ink: np.ndarray, left, top, height, random) -> None:
    """Draw the stroke with which a hand goes over from one digit to the next without lifting the pen."""
    band = list(profile)[random.integers(len(profile))]
    start = np.array([profile[band] - 1, (band + 0.5) * max(1.0, height / 8)])
    strong = ink > 80
    rows = np.flatnonzero(strong.any(1))
    if not len(rows):
        return
    row = rows[random.integers(len(rows))]
    end = np.array([left + strong[row].argmax() + 1, top + row])
    middle = (start + end) / 2 + random.normal(0, 0.06, 2) * height
    if abs(end[1] - start[1]) < 0.8 * height:
        _draw(canvas.ink, np.array([start, middle, end]), max(1, round(hand.pen * height)))


def _beside(profile: dict[int, float], ink: np.ndarray, top: float, gap: float, height: float) -> float:
    """Where a glyph has to start so that its ink is `gap` pixels from the last one's, where it is nearest."""
    strong = ink > 80
    starts = strong.argmax(1).tolist()
    rows = strong.any(1).tolist()
    best = -1e9
    for band, start, inked in zip(_bins(ink, top, height).tolist(), starts, rows):
        if inked and band in profile:
            best = max(best, profile[band] + 1 - start + gap)
    farthest = max(profile.values(), default=0.0)
    if best < -1e8:
        return farthest + gap
    # A dot may stand under the arm of a 7, but no character far inside the one before it.
    return max(best, farthest - 0.25 * height)


def _write_single(canvas: Canvas, hand: Hand, height: float, random) -> None:
    page_height, page_width = canvas.ink.shape
    label = 1 if random.random() < 0.1 else int(random.integers(10))  # alone, a one is the hardest to know
    hand.turn = random.normal(0, 0.15)
    glyph: Glyph | None = hand.digit(str(label), height)
    if random.random() < 0.25:
        letter = _letter(random)
        is_letter = random.random() < 0.7
        glyph = hand.letter(letter, height) if is_letter else hand.mark(_sign(random), height)
        label = IGNORED if is_letter and letter in LIKE_DIGITS else OTHER
    if glyph is None:
        return
    h, w = glyph.ink.shape
    if w > 0.95 * page_width or h > 0.98 * page_height:
        zoom = min(0.8 * page_width / w, 0.9 * page_height / h)
        size = (max(1, round(w * zoom)), max(1, round(h * zoom)))
        glyph = Glyph(cv2.resize(glyph.ink, size, interpolation=cv2.INTER_AREA), 0.0)
        h, w = glyph.ink.shape
    left, top = random.uniform(-0.02, 1.02, 2) * (page_width - w, page_height - h)
    canvas.place(glyph, left, top, label, height)


def _write_scattered(canvas: Canvas, hand: Hand, height: float, random) -> None:
    """Digits, signs and letters of unlike sizes all over the page, clear of one another."""
    taken = np.zeros(canvas.ink.shape, np.uint8)
    for _ in range(random.integers(2, 25)):
        size = height * math.exp(random.normal(0, 0.3))
        kind = random.random()
        if kind < 0.65:
            label = int(random.integers(10))
            glyph = hand.digit(str(label), size)
        elif kind < 0.85:
            signs = CLASSES[10:] + SIGNS
            sign = signs[random.integers(len(signs))]
            label = CLASSES.find(sign) if sign in CLASSES else OTHER
            glyph = hand.mark(sign, size)
            label = IGNORED if sign in "-/" else label  # alone, a stroke may be either, or a one
        else:
            letter = _letter(random)
            drawn = hand.letter(letter, size)
            if drawn is None:
                continue
            glyph, label = drawn, IGNORED if letter in LIKE_DIGITS else OTHER
        h, w = glyph.ink.shape
        if h >= taken.shape[0] or w >= taken.shape[1]:
            continue
        x, y = int(random.integers(0, taken.shape[1] - w)), int(random.integers(0, taken.shape[0] - h))
        margin = round(0.15 * size)
        area = taken[max(0, y - margin) : y + h + margin, max(0, x - margin) : x + w + margin]
        if area.any():
            continue
        area[:] = 1
        canvas.place(glyph, x, y, label, size)


# Letters that nobody can tell from a digit where they stand alone.
LIKE_DIGITS = "OoDQlIiLZzSsBbqgGTtJjyYuUhAβ"


def _sign(random) -> str:
    return SIGNS[random.integers(len(SIGNS))]


def _letter(random) -> str:
    alphabet = GREEK if random.random() < 0.25 else LETTERS
    return alphabet[random.integers(len(alphabet))]


def _write_field(picture, canvas: Canvas, hand: Hand, height: float, random) -> None:
    """One number, or few, that fill a small picture: an amount field of a cheque, a line cut out of a page."""
    page_height, page_width = picture.shape[:2]
    if random.random() < 0.3:
        paper.print_security_pattern(picture, random)
    baseline = (page_height + height) / 2 + random.normal(0, 0.12) * height
    if random.random() < 0.35:
        pitch = height * random.uniform(1.1, 2.2)
        is_dotted = random.random() < 0.35
        paper.print_rules(picture, pitch, random, False, baseline + random.normal(0, 0.08) * height, is_dotted)
    if random.random() < 0.2:
        _print_border(picture, random)
    pace = Pace.of(random)
    tokens = [number(random)] if random.random() < 0.8 else _arithmetic(random)
    if random.random() < 0.25:
        tokens = [_word(random) if random.random() < 0.4 else number(random), *tokens]
    if random.random() < 0.1:
        tokens.insert(0, "$#"[random.integers(2)])
    # Numbers of one or two digits would leave a wide field empty.
    while sum(map(len, tokens)) * height * (0.6 + max(0, pace.gap)) < 0.5 * page_width and random.random() < 0.7:
        tokens[-1] = f"{random.integers(1, 10)}{tokens[-1]}"
    # Now and then the picture cuts through the first character, or through the lines above and below.
    left = random.uniform(-0.1, 0.5) * height if random.random() < 0.75 else random.uniform(-1.5, -0.1) * height
    first = baseline - pace.slope * page_width / 3
    write_line(canvas, hand, tokens, left, first, height, pace, random)
    if random.random() < 0.15:
        pitch = height * random.uniform(1.15, 1.9)
        for beside in (first - pitch, first + pitch):
            if random.random() < 0.6:
                left = random.uniform(-0.5, 0.5) * page_width
                write_line(canvas, hand, [number(random), number(random)], left, beside, height, pace, random)


def _print_border(picture: np.ndarray, random) -> None:
    """The edges of a cell or a form that show at the sides of a small picture."""
    height, width = picture.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    thickness = int(random.integers(1, max(2, height // 25)))
    for side in range(4):
        if random.random() < 0.5:
            at, tilt = random.uniform(-1, 0.1 * height), random.normal(0, 1.5)
            line = ((-2, at), (width + 2, at + tilt)) if side % 2 else ((at, -2), (at + tilt, height + 2))
            points = np.array(line)
            if side >= 2:
                points = (width, height) - points
            points = np.round(points * 16).astype(int).tolist()
            cv2.line(mask, points[0], points[1], 255, thickness, cv2.LINE_AA, 4)
    paper.blend(picture, mask, paper.contrasting(picture, random, 40, 220), random.uniform(0.5, 1))


def _write_lines(picture, canvas: Canvas, hand: Hand, height: float, random) -> None:
    """Lines, columns or a table of numbers, words between them, on plain, ruled or squared paper."""
    page_height, page_width = picture.shape[:2]
    pitch = height * random.uniform(1.25, 2.6)
    phase = random.uniform(0.2, 1) * pitch
    ruled = random.random()
    if ruled < 0.4:
        shift = random.normal(0, 0.1) * height
        squared = ruled > 0.22
        step = pitch / random.integers(1, 4) if squared else pitch
        paper.print_rules(picture, max(5.0, step), random, squared, phase + shift)
    pace = Pace.of(random)
    content = random.random()
    columns = np.sort(random.uniform(0, 0.85, random.integers(1, 5))) * page_width if content < 0.3 else [None]
    aligned_right = random.random() < 0.4
    skip = random.uniform(0, 0.5) if random.random() < 0.4 else 0.05
    for baseline in np.arange(phase + height * 0.6, page_height + 0.1 * height, pitch):
        if random.random() < skip:
            continue
        if columns[0] is not None:
            for left in columns:
                token = number(random)
                if aligned_right:
                    left = left - 0.6 * height * len(token)
                write_line(canvas, hand, [token], left, baseline, height, pace, random)
            continue
        left = random.uniform(0, 0.4) * page_width
        if content < 0.5:
            tokens = [number(random) for _ in range(random.integers(1, 5))]
        elif content < 0.73:
            tokens = _arithmetic(random)
        elif content < 0.9:
            tokens = [_word(random) if random.random() < 0.55 else number(random) for _ in range(random.integers(1, 6))]
        else:
            tokens = [_word(random) for _ in range(random.integers(1, 5))]
        write_line(canvas, hand, tokens, left, baseline, height, pace, random)
    if ruled > 0.85 and columns[0] is not None:
        _print_table(picture, np.asarray(columns) - 0.3 * height, phase - 0.25 * pitch, pitch, random)


def _print_table(picture: np.ndarray, columns: np.ndarray, top: float, pitch: float, random) -> None:
    height, width = picture.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    thickness = int(random.integers(1, 3))
    for y in np.arange(top, height, pitch):
        cv2.line(mask, (0, round(y)), (width, round(y)), 255, thickness)
    for x in columns:
        cv2.line(mask, (round(x), 0), (round(x), height), 255, thickness)
    paper.blend(picture, mask, paper.contrasting(picture, random, 40, 220), random.uniform(0.5, 1))


def _print_cells(picture, canvas: Canvas, hand: Hand, random) -> float:
    """Rows of printed cells with a digit in each, some empty; returns the height of a cell, pixels."""
    page_height, page_width = picture.shape[:2]
    cell_height = min(page_height * 0.9, math.exp(random.uniform(math.log(24), math.log(110))))
    cell_width = cell_height * random.uniform(0.65, 1.3)
    mask = np.zeros((page_height, page_width), np.uint8)
    thickness = max(1, round(cell_height * random.uniform(0.01, 0.06)))
    apart = random.uniform(0, 0.4) * cell_width if random.random() < 0.4 else 0.0
    is_comb = random.random() < 0.3
    filled = random.uniform(0.5, 1)
    size = cell_height * random.uniform(0.4, 0.85)
    top = random.uniform(0, 0.25) * cell_height
    while top + cell_height < page_height:
        left = random.uniform(-0.3, 1) * cell_width
        for _ in range(random.integers(1, 12)):
            if left + cell_width > page_width + 0.3 * cell_width:
                break
            x0, y0, x1, y1 = (round(v) for v in (left, top, left + cell_width, top + cell_height))
            if is_comb:
                y0 = round(top + 0.6 * cell_height)
                cv2.polylines(mask, [np.array([(x0, y0), (x0, y1), (x1, y1), (x1, y0)])], False, 255, thickness)
            else:
                cv2.rectangle(mask, (x0, y0), (x1, y1), 255, thickness)
            if random.random() < filled:
                _fill_cell(canvas, hand, (left, top, cell_width, cell_height), size, random)
            left += cell_width + apart
        top += cell_height * (random.uniform(1, 2) if apart else 1 if random.random() < 0.5 else random.uniform(1.2, 2))
    paper.blend(picture, mask, paper.contrasting(picture, random, 30, 220), random.uniform(0.4, 1))
    return cell_height


def _fill_cell(canvas: Canvas, hand: Hand, cell: tuple[float, float, float, float], size: float, random) -> None:
    left, top, width, height = cell
    size = min(size * math.exp(random.normal(0, 0.12)), 1.05 * height)
    if random.random() < 0.9:
        label = int(random.integers(10))
        glyph = hand.digit(str(label), size)
    else:
        signs = "-/" + SIGNS
        sign = signs[random.integers(len(signs))]
        glyph, label = hand.mark(sign, size), CLASSES.find(sign) if sign in CLASSES else OTHER
    h, w = glyph.ink.shape
    x = left + (width - w) / 2 + random.normal(0, 0.1) * width
    y = top + (height - h) / 2 + random.normal(0, 0.08) * height
    canvas.place(glyph, x, y, label, size)


def _decorate(canvas: Canvas, hand: Hand, height: float, random) -> None:
    """Underlines, circles round digits, struck-out digits, scribbles: ink that is no character."""
    page_height, page_width = canvas.ink.shape
    pen = max(1, round(hand.pen * height))
    if random.random() < 0.12:
        for _ in range(random.integers(1, 4)):
            start = random.uniform(0, 1, 2) * (page_width, page_height)
            end = start + (random.uniform(1, 8) * height, random.normal(0, 0.3) * height)
            _draw(canvas.ink, np.array([start, (start + end) / 2 + random.normal(0, 0.05, 2) * height, end]), pen)
    kinds = [i for i, label in enumerate(canvas.labels) if 0 <= label < 10]
    if kinds and random.random() < 0.05:
        left, top, right, bottom = canvas.boxes[kinds[random.integers(len(kinds))]]
        centre = (int((left + right) / 2), int((top + bottom) / 2))
        axes = tuple(int(v) for v in (random.uniform(0.8, 1.1, 2) * (bottom - top)))
        cv2.ellipse(
            canvas.ink, centre, axes, random.uniform(-20, 20), random.uniform(0, 30), 360, 255, pen, cv2.LINE_AA
        )
    if kinds and random.random() < 0.05:
        struck = kinds[random.integers(len(kinds))]
        left, top, right, bottom = canvas.boxes[struck]
        across = random.uniform(-0.2, 1.2, (random.integers(3, 9), 2)) * (right - left, bottom - top) + (left, top)
        _draw(canvas.ink, across, pen)
        canvas.labels[struck] = OTHER
    if random.random() < 0.06:
        points = random.uniform(0, 1, 2) * (page_width, page_height) + random.normal(0, 0.6, (7, 2)) * height
        _draw(canvas.ink, points, pen)


def _draw(ink: np.ndarray, points: np.ndarray, pen: int) -> None:
    cv2.polylines(ink, [np.round(smooth(points) * 16).astype(np.int32)], False, 255, pen, cv2.LINE_AA, 4)


def print_text(picture: np.ndarray, canvas: Canvas, shapes: Shapes, random) -> None:
    """Print words of a form beside the writing, where nothing is written."""
    page_height, page_width = picture.shape[:2]
    height = math.exp(random.uniform(math.log(5), math.log(24)))
    font = shapes.print[random.integers(len(shapes.print))]
    printer = Hand(shapes, random)
    printer.kind, printer.slant, printer.stretch, printer.level = "font", 0.0, 1.0, 0.5
    text = Canvas(np.zeros_like(canvas.ink))
    written = cv2.dilate(canvas.ink, np.ones((5, 5), np.uint8))
    for _ in range(random.integers(1, 6)):
        x, y = random.uniform(0, 0.9) * page_width, random.uniform(0, 1) * page_height
        for character in _word(random) + " " + _word(random):
            glyph = None if character == " " else printer.printed(character, height, font)
            if glyph is None:
                x += 0.5 * height
                continue
            h, w = glyph.ink.shape
            y0, x0 = max(0, round(y + glyph.top)), round(x)
            if x0 + w > page_width or written[y0 : y0 + h, x0 : x0 + w].any():
                break
            text.place(glyph, x, y + glyph.top, OTHER, height)
            x += w + 0.12 * height
    paper.blend(picture, text.ink, paper.contrasting(picture, random, 60, 230), random.uniform(0.6, 1))
    canvas.boxes += text.boxes
    canvas.labels += text.labels
    canvas.sizes += text.sizes


# --- tiles -------------------------------------------------------------------------------------------------------


def compose_tile(shapes: Shapes, random: np.random.Generator, side: int = TILE) -> Page:
    """Compose a square tile of one page or several small pictures, PADDING_GREY between them."""
    picture = np.full((side, side, 3), PADDING_GREY, np.uint8)
    boxes, labels, sizes = [], [], []
    for left, top, width, height in _divided(side, random):
        page = compose((height, width), shapes, random)
        h, w = page.picture.shape[:2]
        if (h, w) != (height, width) and (h > height or w > width):  # turned on its side
            zoom = min(height / h, width / w)
            shrunk = cv2.resize(
                page.picture, (max(1, int(w * zoom)), max(1, int(h * zoom))), interpolation=cv2.INTER_AREA
            )
            page = Page(shrunk, page.boxes * np.float32(zoom), page.labels, page.sizes * np.float32(zoom))
            h, w = shrunk.shape[:2]
        picture[top : top + h, left : left + w] = page.picture
        boxes.append(page.boxes + np.float32((left, top, left, top)))
        labels.append(page.labels)
        sizes.append(page.sizes)
    return Page(picture, np.concatenate(boxes), np.concatenate(labels), np.concatenate(sizes))


def _divided(side: int, random) -> list[tuple[int, int, int, int]]:
    """The pictures of a tile: left, top, width, height of each."""
    kind = random.random()
    if kind < 0.42:
        return [(0, 0, side, side)]
    if kind < 0.55:
        height, width = (random.uniform(0.6, 1, 2) * side).astype(int)
        return [
            (
                int(random.integers(0, side - width + 1)),
                int(random.integers(0, side - height + 1)),
                int(width),
                int(height),
            )
        ]
    rows = 2 if kind < 0.7 or kind > 0.9 else int(random.integers(3, 5))
    columns = 1 if kind < 0.9 else 2
    pictures = []
    edges = np.linspace(0, side + PADDING, rows + 1)
    if columns == 1:
        edges[1:-1] += random.uniform(-0.15, 0.15, rows - 1) * side / rows
    for top, bottom in zip(edges, edges[1:]):
        for column in range(columns):
            wide = (side - (columns - 1) * PADDING) // columns
            tall = int(bottom) - int(top) - PADDING
            width = int(wide * (random.uniform(0.35, 1) if random.random() < 0.5 else 1))
            pictures.append((column * (wide + PADDING), int(top), width, tall))
    return pictures


def draw_boxes(page: Page, zoom: int = 1) -> np.ndarray:
    """Draw the page with its boxes: digits green, marks blue, other writing grey, ignored red."""
    picture = cv2.resize(page.picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST)
    for box, label, size in zip(page.boxes, page.labels, page.sizes):
        if size < TOO_SMALL:
            continue
        colour = (
            (255, 0, 0) if label < 0 else (0, 160, 0) if label < 10 else (0, 80, 255) if label < OTHER else (130,) * 3
        )
        left, top, right, bottom = (round(float(side) * zoom) for side in box)
        cv2.rectangle(picture, (left, top), (right, bottom), colour, 1)
        if 0 <= label < OTHER:
            cv2.putText(picture, CLASSES[label], (left, max(8, top)), cv2.FONT_HERSHEY_PLAIN, 0.8, colour)
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--preview", type=Path, required=True, metavar="FILE", help="write a picture of tiles there")
    parser.add_argument("--data", default="../shared/data/mnist.npz", help="MNIST, as for train_export.py")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=24, help="tiles")
    parser.add_argument("--boxes", action="store_true", help="draw the boxes as well")
    args = parser.parse_args()
    shapes = Shapes(load_mnist(args.data).train)
    random = np.random.default_rng(args.seed)
    began = time.perf_counter()
    tiles = [compose_tile(shapes, random) for _ in range(args.count)]
    seconds = time.perf_counter() - began
    shown = [draw_boxes(tile) if args.boxes else tile.picture for tile in tiles]
    shown = [cv2.copyMakeBorder(tile, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255, 0, 255)) for tile in shown]
    columns = 6
    shown += [np.zeros_like(shown[0])] * (-len(shown) % columns)
    sheet = np.vstack([np.hstack(shown[row : row + columns]) for row in range(0, len(shown), columns)])
    args.preview.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(args.preview), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    print(f"{args.count} tiles of {TILE}x{TILE} pixels, {args.count / seconds:.0f} a second, in {args.preview}.")


if __name__ == "__main__":
    main()

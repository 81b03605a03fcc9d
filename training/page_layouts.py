"""Write a page's content in one of several layouts: one character, scattered characters, cells, a field, lines."""

import math

import cv2
import numpy as np

from training import paper
from training.canvas import Canvas
from training.classes import CLASSES, IGNORED, OTHER
from training.glyph_library import Glyph, GlyphLibrary
from training.line_writing import LineStyle, write_line
from training.page_text import (
    DIGIT_LIKE_LETTERS,
    NON_MARK_SIGNS,
    random_arithmetic,
    random_letter,
    random_number,
    random_sign,
    random_word,
)
from training.writer import Writer


def write_single(canvas: Canvas, writer: Writer, height: float, random: np.random.Generator) -> None:
    """Write one digit, letter or sign, with digits of that height, in pixels."""
    page_height, page_width = canvas.ink.shape
    label = 1 if random.random() < 0.1 else int(random.integers(10))  # a single one is the hardest digit
    writer.rotation = random.normal(0, 0.15)
    glyph: Glyph | None = writer.draw_digit(str(label), height)
    if random.random() < 0.25:
        letter = random_letter(random)
        is_letter = random.random() < 0.7
        glyph = writer.draw_letter(letter, height) if is_letter else writer.draw_mark(random_sign(random), height)
        label = IGNORED if is_letter and letter in DIGIT_LIKE_LETTERS else OTHER
    if glyph is None:
        return
    h, w = glyph.ink.shape
    if w > 0.95 * page_width or h > 0.98 * page_height:
        zoom = min(0.8 * page_width / w, 0.9 * page_height / h)
        size = (max(1, round(w * zoom)), max(1, round(h * zoom)))
        glyph = Glyph(cv2.resize(glyph.ink, size, interpolation=cv2.INTER_AREA), 0.0)
        h, w = glyph.ink.shape
    left, top = random.uniform(-0.02, 1.02, 2) * (page_width - w, page_height - h)
    canvas.draw(glyph, left, top, label, height)


def write_scattered(canvas: Canvas, writer: Writer, height: float, random: np.random.Generator) -> None:
    """Write digits, signs and letters of different sizes at random positions, without overlap."""
    page_height, page_width = canvas.ink.shape
    is_occupied = np.zeros((page_height, page_width), bool)
    for _ in range(random.integers(2, 25)):
        size = height * math.exp(random.normal(0, 0.3))
        kind = random.random()
        if kind < 0.65:
            label = int(random.integers(10))
            glyph = writer.draw_digit(str(label), size)
        elif kind < 0.85:
            signs = CLASSES[10:] + NON_MARK_SIGNS
            sign = signs[random.integers(len(signs))]
            label = CLASSES.find(sign) if sign in CLASSES else OTHER
            glyph = writer.draw_mark(sign, size)
            label = IGNORED if sign in "-/" else label  # a single stroke may be either, or a one
        else:
            letter = random_letter(random)
            drawn = writer.draw_letter(letter, size)
            if drawn is None:
                continue
            glyph, label = drawn, IGNORED if letter in DIGIT_LIKE_LETTERS else OTHER
        h, w = glyph.ink.shape
        if h >= page_height or w >= page_width:
            continue
        x, y = int(random.integers(0, page_width - w)), int(random.integers(0, page_height - h))
        margin = round(0.15 * size)
        area = is_occupied[max(0, y - margin) : y + h + margin, max(0, x - margin) : x + w + margin]
        if area.any():
            continue
        area[:] = True
        canvas.draw(glyph, x, y, label, size)


def write_field(
    picture: np.ndarray, canvas: Canvas, writer: Writer, height: float, random: np.random.Generator
) -> None:
    """Write one or a few numbers that fill a small picture: an amount field of a cheque, a cropped line of a page."""
    page_height, page_width = picture.shape[:2]
    if random.random() < 0.3:
        paper.print_security_pattern(picture, random)
    baseline = (page_height + height) / 2 + random.normal(0, 0.12) * height
    if random.random() < 0.35:
        pitch = height * random.uniform(1.1, 2.2)
        is_dotted = random.random() < 0.35
        paper.print_lines(picture, pitch, random, False, baseline + random.normal(0, 0.08) * height, is_dotted)
    if random.random() < 0.2:
        _print_border(picture, random)
    style = LineStyle.sample(random)
    tokens = [random_number(random)] if random.random() < 0.8 else random_arithmetic(random)
    if random.random() < 0.25:
        tokens = [random_word(random) if random.random() < 0.4 else random_number(random), *tokens]
    if random.random() < 0.1:
        tokens.insert(0, "$#"[random.integers(2)])
    # Lengthen short numbers, which would leave a wide field empty.
    while sum(map(len, tokens)) * height * (0.6 + max(0, style.gap)) < 0.5 * page_width and random.random() < 0.7:
        tokens[-1] = f"{random.integers(1, 10)}{tokens[-1]}"
    # Sometimes the edge of the picture cuts the first character, or the lines above and below.
    left = random.uniform(-0.1, 0.5) * height if random.random() < 0.75 else random.uniform(-1.5, -0.1) * height
    first = baseline - style.slope * page_width / 3
    write_line(canvas, writer, tokens, left, first, height, style, random)
    if random.random() < 0.15:
        pitch = height * random.uniform(1.15, 1.9)
        for beside in (first - pitch, first + pitch):
            if random.random() < 0.6:
                left = random.uniform(-0.5, 0.5) * page_width
                write_line(
                    canvas, writer, [random_number(random), random_number(random)], left, beside, height, style, random
                )


def _print_border(picture: np.ndarray, random: np.random.Generator) -> None:
    """Print edges of a cell or a form near the sides of a small picture."""
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
    paper.blend(picture, mask, paper.choose_contrasting_colour(picture, random, 40, 220), random.uniform(0.5, 1))


def write_lines(
    picture: np.ndarray, canvas: Canvas, writer: Writer, height: float, random: np.random.Generator
) -> None:
    """Write lines, columns or a table of numbers, with words between them, on plain, ruled or squared paper."""
    page_height, page_width = picture.shape[:2]
    pitch = height * random.uniform(1.25, 2.6)
    phase = random.uniform(0.2, 1) * pitch
    ruling = random.random()
    if ruling < 0.4:
        shift = random.normal(0, 0.1) * height
        is_squared = ruling > 0.22
        step = pitch / random.integers(1, 4) if is_squared else pitch
        paper.print_lines(picture, max(5.0, step), random, is_squared, phase + shift)
    style = LineStyle.sample(random)
    content = random.random()
    columns = np.sort(random.uniform(0, 0.85, random.integers(1, 5))) * page_width if content < 0.3 else None
    aligned_right = random.random() < 0.4
    skip_probability = random.uniform(0, 0.5) if random.random() < 0.4 else 0.05
    for baseline in np.arange(phase + height * 0.6, page_height + 0.1 * height, pitch):
        if random.random() < skip_probability:
            continue
        if columns is not None:
            for left in columns:
                token = random_number(random)
                if aligned_right:
                    left = left - 0.6 * height * len(token)
                write_line(canvas, writer, [token], left, baseline, height, style, random)
            continue
        left = random.uniform(0, 0.4) * page_width
        if content < 0.5:
            tokens = [random_number(random) for _ in range(random.integers(1, 5))]
        elif content < 0.73:
            tokens = random_arithmetic(random)
        elif content < 0.9:
            tokens = [
                random_word(random) if random.random() < 0.55 else random_number(random)
                for _ in range(random.integers(1, 6))
            ]
        else:
            tokens = [random_word(random) for _ in range(random.integers(1, 5))]
        write_line(canvas, writer, tokens, left, baseline, height, style, random)
    if ruling > 0.85 and columns is not None:
        _print_table(picture, columns - 0.3 * height, phase - 0.25 * pitch, pitch, random)


def _print_table(
    picture: np.ndarray, columns: np.ndarray, top: float, pitch: float, random: np.random.Generator
) -> None:
    """Print a grid: horizontal lines from `top` on at distance `pitch`, vertical lines at `columns`, in pixels."""
    height, width = picture.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    thickness = int(random.integers(1, 3))
    for y in np.arange(top, height, pitch):
        cv2.line(mask, (0, round(y)), (width, round(y)), 255, thickness)
    for x in columns:
        cv2.line(mask, (round(x), 0), (round(x), height), 255, thickness)
    paper.blend(picture, mask, paper.choose_contrasting_colour(picture, random, 40, 220), random.uniform(0.5, 1))


def write_cells(picture: np.ndarray, canvas: Canvas, writer: Writer, random: np.random.Generator) -> float:
    """Print rows of cells and write a digit in most of them; return the height of a cell, pixels."""
    page_height, page_width = picture.shape[:2]
    cell_height = min(page_height * 0.9, math.exp(random.uniform(math.log(24), math.log(110))))
    cell_width = cell_height * random.uniform(0.65, 1.3)
    mask = np.zeros((page_height, page_width), np.uint8)
    thickness = max(1, round(cell_height * random.uniform(0.01, 0.06)))
    cell_gap = random.uniform(0, 0.4) * cell_width if random.random() < 0.4 else 0.0
    is_comb = random.random() < 0.3
    fill_probability = random.uniform(0.5, 1)
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
            if random.random() < fill_probability:
                _fill_cell(canvas, writer, (left, top, cell_width, cell_height), size, random)
            left += cell_width + cell_gap
        top += cell_height * (
            random.uniform(1, 2) if cell_gap else 1 if random.random() < 0.5 else random.uniform(1.2, 2)
        )
    paper.blend(picture, mask, paper.choose_contrasting_colour(picture, random, 30, 220), random.uniform(0.4, 1))
    return cell_height


def _fill_cell(
    canvas: Canvas,
    writer: Writer,
    cell: tuple[float, float, float, float],
    size: float,
    random: np.random.Generator,
) -> None:
    """Write a digit or a sign into a cell, given by its left, top, width and height, in pixels."""
    left, top, width, height = cell
    size = min(size * math.exp(random.normal(0, 0.12)), 1.05 * height)
    if random.random() < 0.9:
        label = int(random.integers(10))
        glyph = writer.draw_digit(str(label), size)
    else:
        signs = "-/" + NON_MARK_SIGNS
        sign = signs[random.integers(len(signs))]
        glyph, label = writer.draw_mark(sign, size), CLASSES.find(sign) if sign in CLASSES else OTHER
    h, w = glyph.ink.shape
    x = left + (width - w) / 2 + random.normal(0, 0.1) * width
    y = top + (height - h) / 2 + random.normal(0, 0.08) * height
    canvas.draw(glyph, x, y, label, size)


def decorate(canvas: Canvas, writer: Writer, height: float, random: np.random.Generator) -> None:
    """Draw ink that is not a character: underlines, circles round digits, strike-outs, scribbles."""
    page_height, page_width = canvas.ink.shape
    pen = max(1, round(writer.pen_width * height))
    if random.random() < 0.12:
        for _ in range(random.integers(1, 4)):
            start = random.uniform(0, 1, 2) * (page_width, page_height)
            end = start + (random.uniform(1, 8) * height, random.normal(0, 0.3) * height)
            canvas.draw_curve(np.array([start, (start + end) / 2 + random.normal(0, 0.05, 2) * height, end]), pen)
    digit_indices = [i for i, label in enumerate(canvas.labels) if 0 <= label < 10]
    if digit_indices and random.random() < 0.05:
        left, top, right, bottom = canvas.boxes[digit_indices[random.integers(len(digit_indices))]]
        centre = (int((left + right) / 2), int((top + bottom) / 2))
        axes = tuple(int(v) for v in (random.uniform(0.8, 1.1, 2) * (bottom - top)))
        cv2.ellipse(
            canvas.ink, centre, axes, random.uniform(-20, 20), random.uniform(0, 30), 360, 255, pen, cv2.LINE_AA
        )
    if digit_indices and random.random() < 0.05:
        struck_index = digit_indices[random.integers(len(digit_indices))]
        left, top, right, bottom = canvas.boxes[struck_index]
        across = random.uniform(-0.2, 1.2, (random.integers(3, 9), 2)) * (right - left, bottom - top) + (left, top)
        canvas.draw_curve(across, pen)
        canvas.labels[struck_index] = OTHER
    if random.random() < 0.06:
        points = random.uniform(0, 1, 2) * (page_width, page_height) + random.normal(0, 0.6, (7, 2)) * height
        canvas.draw_curve(points, pen)


def print_text(picture: np.ndarray, canvas: Canvas, library: GlyphLibrary, random: np.random.Generator) -> None:
    """Print words of a form where nothing is written, and add them to the canvas's characters."""
    page_height, page_width = picture.shape[:2]
    height = math.exp(random.uniform(math.log(5), math.log(24)))
    font = library.print_fonts[random.integers(len(library.print_fonts))]
    printer = Writer(library, random)
    printer.source, printer.slant, printer.stretch, printer.edge_level = "font", 0.0, 1.0, 0.5
    text = Canvas(np.zeros_like(canvas.ink))
    written = cv2.dilate(canvas.ink, np.ones((5, 5), np.uint8))
    for _ in range(random.integers(1, 6)):
        x, y = random.uniform(0, 0.9) * page_width, random.uniform(0, 1) * page_height
        for character in random_word(random) + " " + random_word(random):
            glyph = None if character == " " else printer.draw_printed(character, height, font)
            if glyph is None:
                x += 0.5 * height
                continue
            h, w = glyph.ink.shape
            y0, x0 = max(0, round(y + glyph.top)), round(x)
            if x0 + w > page_width or written[y0 : y0 + h, x0 : x0 + w].any():
                break
            text.draw(glyph, x, y + glyph.top, OTHER, height)
            x += w + 0.12 * height
    paper.blend(picture, text.ink, paper.choose_contrasting_colour(picture, random, 60, 230), random.uniform(0.6, 1))
    canvas.boxes += text.boxes
    canvas.labels += text.labels
    canvas.sizes += text.sizes

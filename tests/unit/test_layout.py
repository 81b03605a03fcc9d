"""Boxes are arranged in lines, numbers and a table, as they were drawn."""

import math
import time

import numpy as np
import pytest

from digits.layout import Layout, Symbol, arrange

DIGIT_WIDTHS = dict(zip("0123456789", (0.62, 0.22, 0.6, 0.55, 0.6, 0.58, 0.55, 0.6, 0.55, 0.5)))

# The width, and the heights of top and bottom above the baseline, in heights of a digit; "#" is other writing.
MARK_SHAPES = {
    ".": (0.1, 0.1, 0.0),
    ",": (0.12, 0.12, -0.15),
    "-": (0.35, 0.55, 0.45),
    "/": (0.4, 1.05, -0.05),
    ":": (0.1, 0.7, 0.1),
    "+": (0.45, 0.75, 0.3),
    "#": (0.5, 0.8, 0.1),
}


def write(text, left=0.0, baseline=0.0, height=40.0, gap=0.2, space=1.2, random=None, size=0.3, drift=0.08):
    """Return the symbols of one line.

    Args:
        text: digits, marks, "#" for other writing, and spaces.
        left, baseline, height: pixels.
        gap, space: between neighbours and for a space character, in heights.
        random: a generator that varies size, level and gaps; None for even writing.
        size, drift: the variation of size and level, in heights.
    """
    symbols, x = [], left
    for character in text:
        if character == " ":
            x += (space - gap) * height
            continue
        scale = height * (random.uniform(1 - size, 1 + size) if random else 1)
        rise = height * random.normal(0, drift) if random else 0
        width, top, bottom = (DIGIT_WIDTHS[character], 1.0, 0.0) if character.isdigit() else MARK_SHAPES[character]
        box = (x, baseline - top * scale - rise, x + width * scale, baseline - bottom * scale - rise)
        symbols.append(Symbol(character.replace("#", ""), box))
        x += width * scale + gap * height * (random.uniform(0.7, 1.3) if random else 1)
    return symbols


def rotate(symbols, degrees):
    """Rotate the centres of boxes about the origin; boxes keep their size and stay upright."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    turned = []
    for text, (left, top, right, bottom) in symbols:
        x, y = (left + right) / 2, (top + bottom) / 2
        x, y, width, height = x * cosine - y * sine, x * sine + y * cosine, right - left, bottom - top
        turned.append(Symbol(text, (x - width / 2, y - height / 2, x + width / 2, y + height / 2)))
    return turned


def layout_text(layout: Layout, symbols):
    return "\n".join(
        " ".join("".join(symbols[index].text for index in group.symbols) for group in line) for line in layout.lines
    )


def read(symbols):
    return layout_text(arrange(symbols), symbols)


def random_digits(random, shortest, longest):
    return "".join(random.choice(list("0123456789"), random.integers(shortest, longest + 1)))


def write_table(random, rows, columns, align="left", digits=(1, 4), fill=1.0, height=20.0, gutter=1.5):
    """Return the symbols of a table, and the texts of its cells; aligned sides vary by 0.1 heights."""
    pitch = max(digits) * 0.85 + gutter
    symbols, cells = [], []
    for row in range(rows):
        cells.append([])
        for column in range(columns):
            is_filled = random.random() < fill or not column or not row
            cells[-1].append(random_digits(random, *digits) if is_filled else "")
            cell = write(cells[-1][-1], 0, row * 1.8 * height, height, 0.15, random=random, size=0.15)
            width = cell[-1].box[2] if cell else 0
            slack = {"left": 0, "centre": 0.5, "right": 1}[align] * (max(digits) * 0.85 * height - width)
            shift = column * pitch * height + slack + random.normal(0, 0.1) * height
            symbols += [Symbol(text, (a + shift, b, c + shift, d)) for text, (a, b, c, d) in cell]
    return symbols, tuple(map(tuple, cells))


# Lines


def test_no_symbols_give_an_empty_layout():
    assert arrange([]) == Layout((), (), (), None, True, 0.0)


def test_marks_and_other_writing_without_a_digit_form_no_number():
    layout = arrange(write("#-#.#"))
    assert layout.lines == ()
    assert layout.loose_marks == (1, 3)
    assert layout.line_of == (-1,) * 5


@pytest.mark.parametrize(
    "invalid", [("12", (0, 0, 1, 1)), ("x", (0, 0, 1, 1)), ("1", (1, 0, 1, 1)), ("1", (0, 0, math.nan, 1))]
)
def test_invalid_symbol_is_refused(invalid):
    with pytest.raises(ValueError, match="symbol"):
        arrange([Symbol("3", (0, 0, 5, 9)), Symbol(*invalid)])


@pytest.mark.parametrize("seed", range(40))
def test_every_digit_is_in_exactly_one_number(seed):
    random = np.random.default_rng(seed)
    symbols = []
    for _ in range(random.integers(1, 60)):
        left, top = random.uniform(0, 500, 2)
        width, height = random.uniform(1, 60, 2)
        symbols.append(Symbol(str(random.choice([*"0123456789.,-/:+", ""])), (left, top, left + width, top + height)))
    layout = arrange(symbols)
    placed = [index for line in layout.lines for group in line for index in group.symbols]
    assert len(placed) == len(set(placed))
    digits = {index for index, symbol in enumerate(symbols) if symbol.text.isdigit()}
    marks = {index for index, symbol in enumerate(symbols) if symbol.text and not symbol.text.isdigit()}
    assert digits <= set(placed) <= digits | marks
    assert set(layout.loose_marks) == marks - set(placed)
    for number, line in enumerate(layout.lines):
        assert line
        assert {layout.line_of[index] for group in line for index in group.symbols} == {number}
    assert all(layout.line_of[index] == -1 for index, symbol in enumerate(symbols) if not symbol.text)


@pytest.mark.parametrize("seed", range(30))
def test_lines_are_found_on_tilted_pages_of_uneven_writing(seed):
    random = np.random.default_rng(seed)
    pitch, rows = random.uniform(1.6, 2.6), random.integers(1, 9)
    truth = [random_digits(random, 3, 10) for _ in range(rows)]
    symbols = []
    for row, text in enumerate(truth):
        symbols += write(text, random.uniform(0, 80), row * pitch * 40, 40, random.uniform(0.1, 0.5), random=random)
    symbols = rotate(symbols, random.uniform(-8, 8))
    symbols = [symbols[at] for at in random.permutation(len(symbols))]
    assert read(symbols).replace(" ", "").split("\n") == truth


@pytest.mark.parametrize("scale", [0.01, 1, 1000])
def test_layout_does_not_depend_on_scale_and_position(scale):
    symbols, _ = write_table(np.random.default_rng(4), 4, 3)
    moved = [Symbol(text, tuple(scale * side + 7 * scale for side in box)) for text, box in symbols]
    layout, moved_layout = arrange(symbols), arrange(moved)
    assert (layout.lines, layout.table) == (moved_layout.lines, moved_layout.table)


def test_line_may_fall_by_35_degrees():
    # As in a photograph: each digit is 1.1 heights to the right of the previous one and 0.75 lower.
    symbols = [Symbol(text, (44 * at, 30 * at, 44 * at + 26, 30 * at + 40)) for at, text in enumerate("237845")]
    assert read(symbols) == "237845"


@pytest.mark.parametrize("bend", [-1, 1])
def test_line_may_bend(bend):
    symbols = []
    for at, text in enumerate("31415926535897"):
        symbols += write(text, 36 * at, bend * 60 * math.sin(at / 14 * math.pi), 40)
        symbols += write(text, 36 * at, 90 + bend * 60 * math.sin(at / 14 * math.pi), 40)
    assert read(symbols) == "31415926535897\n31415926535897"


def test_digits_of_different_size_and_level_are_in_one_line():
    tall = write("7", 0, 0, 70)
    small = write("00", 50, 0, 25)
    hanging = write("9", 100, 16, 40)
    assert read(tall + small + hanging) == "7009"


def test_close_lines_are_not_merged():
    lines = ["4071", "99213", "5550"]
    symbols = [symbol for row, text in enumerate(lines) for symbol in write(text, 0, 48 * row, 40)]
    assert read(symbols) == "\n".join(lines)


def test_numbers_far_apart_on_a_tilted_row_are_one_line():
    symbols = write("31", 0, 0) + write("58", 600, 0) + write("46", 0, 75) + write("27", 600, 75)
    for degrees in (-3, 0, 3):
        assert read(rotate(symbols, degrees)) == "31 58\n46 27"


def test_scattered_digits_are_not_chained():
    # Measured in a photograph of digits scattered over a page.
    boxes = {
        "0": (139, 73, 264, 202),
        "1": (151, 374, 254, 510),
        "2": (553, 397, 666, 531),
        "5": (870, 617, 1032, 751),
        "3": (124, 783, 226, 938),
        "4": (531, 884, 621, 1117),
    }
    symbols = [Symbol(text, box) for text, box in boxes.items()]
    assert read(symbols) == "0\n1 2\n5\n3\n4"


def test_column_of_digits_is_not_a_steep_line():
    symbols = [symbol for at, text in enumerate("12345") for symbol in write(text, 3 * (at % 2), 46 * at)]
    assert read(symbols) == "1\n2\n3\n4\n5"


def test_line_of_has_the_line_number_of_every_symbol():
    symbols = write("12.5-", 0, 0) + write("7", 0, 80)
    assert arrange(symbols).line_of == (0, 0, 0, 0, 0, 1)


# Numbers


@pytest.mark.parametrize("gap", [0.0, 0.3, 0.8, 1.3, 1.8])
@pytest.mark.parametrize("text", ["456910332", "1717", "404", "11111", "20"])
def test_evenly_written_digits_are_one_number(text, gap):
    assert read(write(text, gap=gap)) == text


@pytest.mark.parametrize("text", ["404 1000", "12 34 56", "5 17 203", "1 1000", "98 76 54 32 10"])
@pytest.mark.parametrize("space", [1.1, 2, 6])
def test_numbers_are_separated_by_wide_gaps(text, space):
    assert read(write(text, gap=0.15, space=space)) == text


def test_wide_gaps_inside_numbers_do_not_separate_them():
    assert read(write("754 3210", gap=0.8, space=1.3)) == "7543210"
    assert read(write("754 3210", gap=0.8, space=2.6)) == "754 3210"


def test_digits_in_the_cells_of_a_form_are_one_number():
    symbols = [
        Symbol(text, (50 * at - 20 * DIGIT_WIDTHS[text], 0, 50 * at + 20 * DIGIT_WIDTHS[text], 40))
        for at, text in enumerate("1101800711")
    ]
    assert read(symbols) == "1101800711"


def test_gaps_of_other_lines_are_evidence():
    symbols = write("12 340 56", 0, 0, space=1.6) + write("3 4 5", 0, 80, space=1.9)
    assert read(symbols) == "12 340 56\n3 4 5"
    # Alone, the same row is one evenly written number.
    assert read(write("3 4 5", 0, 80, space=1.9)) == "345"


@pytest.mark.parametrize("seed", range(20))
def test_numbers_of_unevenly_written_lines(seed):
    random = np.random.default_rng(seed)
    truth = [" ".join(random_digits(random, 2, 5) for _ in range(random.integers(2, 5))) for _ in range(4)]
    symbols = []
    for row, text in enumerate(truth):
        symbols += write(text, 0, 90 * row, 40, 0.2, 1.5, random, size=0.2)
    assert read(rotate(symbols, random.uniform(-8, 8))).split("\n") == truth


# Marks


@pytest.mark.parametrize(
    "text",
    [
        "12.50",
        "1.234,56",
        "-5",
        "+7",
        "24/11/2026",
        "12:30",
        "2026-11-24",
        "-12.5",
        "5 -12",
        "3.14 2.72",
        "12:30 14:45",
    ],
)
@pytest.mark.parametrize("height", [9, 40])
def test_marks_inside_numbers_belong_to_them(text, height):
    symbols = write(text, height=height, space=2)
    layout = arrange(symbols)
    assert layout_text(layout, symbols) == text
    assert layout.loose_marks == ()
    assert layout.is_complete
    assert not any(group.is_touched for line in layout.lines for group in line)


@pytest.mark.parametrize(
    ("written", "read_as", "loose"),
    [
        ("100.-", "100", ".-"),
        ("5.000-", "5.000", "-"),
        ("541,", "541", ","),
        ("12. 7", "12 7", "."),
        ("1, 2, 3", "1 2 3", ",,"),
        ("3 +", "3", "+"),
        ("100.- 50", "100 50", ".-"),
    ],
)
def test_marks_after_numbers_are_loose(written, read_as, loose):
    symbols = write(written, gap=0.15)
    layout = arrange(symbols)
    assert layout_text(layout, symbols) == read_as
    assert "".join(symbols[index].text for index in layout.loose_marks) == loose
    assert layout.is_complete
    assert not any(group.is_touched for line in layout.lines for group in line)


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("5 + 3", "5 3"),
        ("5+3", "5 3"),
        ("5 - 3", "5 3"),
        ("8 / 2", "8 2"),
        ("5 # 3", "5 3"),
        ("5#3", "5 3"),
        ("98+1/#4#7#", "98 1 4 7"),
        ("4#1+98/73-2#56#1#", "4 1 98 73 2 56 1"),
        ("98#76#54+32-10", "98 76 54 32 10"),
        ("3 # -5", "3 -5"),
    ],
)
def test_operators_and_other_writing_separate_numbers(written, read_as):
    assert read(write(written, gap=0.25, space=0.8)) == read_as


def test_low_dash_is_not_a_sign():
    symbols = [Symbol("-", (0, 36, 14, 40)), *write("5", 20, 40)]
    assert read(symbols) == "5"


@pytest.mark.parametrize(("written", "is_touched"), [(".5", True), ("12/", True), ("12.", False), ("-5", False)])
def test_mark_that_shows_a_missing_part_touches_the_number(written, is_touched):
    ((group,),) = arrange(write(written)).lines
    assert group.is_touched == is_touched


def test_mark_between_lines_is_loose():
    symbols = write("125", 0, 0) + [Symbol(".", (36, 60, 40, 64))] + write("78", 0, 130)
    layout = arrange(symbols)
    assert layout_text(layout, symbols) == "125\n78"
    assert layout.loose_marks == (3,)


# Other writing


@pytest.mark.parametrize(
    ("written", "touched", "complete"),
    [
        ("508#", [True], False),
        ("508 #", [False], False),
        ("508       #", [False], True),
        ("50#8", [True, True], False),
        ("#50 8", [True, False], False),
    ],
)
def test_other_writing_beside_a_number_makes_the_layout_incomplete(written, touched, complete):
    layout = arrange(write(written, gap=0.1, space=0.8 if "#50" not in written else 2))
    assert [group.is_touched for line in layout.lines for group in line] == touched
    assert layout.is_complete == complete


def test_strike_through_touches_a_number_and_a_frame_round_it_does_not():
    symbols = write("508")
    left, right = symbols[0].box[0], symbols[-1].box[2]
    strike, frame = Symbol("", (left - 3, -24, right + 3, -18)), Symbol("", (left - 9, -50, right + 9, 8))
    for other, is_touched in ((strike, True), (frame, False)):
        layout = arrange([*symbols, other])
        assert layout_text(layout, symbols) == "508"
        assert layout.lines[0][0].is_touched == is_touched
        assert layout.is_complete != is_touched


# Tables


@pytest.mark.parametrize("align", ["left", "centre", "right"])
@pytest.mark.parametrize(("rows", "columns"), [(3, 3), (2, 4), (8, 2), (20, 8)])
def test_rows_and_columns_are_a_table(rows, columns, align):
    for degrees in (-3, 0, 2):
        symbols, cells = write_table(np.random.default_rng(rows + columns), rows, columns, align)
        layout = arrange(rotate(symbols, degrees))
        assert layout.table == cells
        assert layout_text(layout, symbols) == "\n".join(map(" ".join, cells))


@pytest.mark.parametrize("seed", range(6))
def test_cells_may_be_empty(seed):
    symbols, cells = write_table(np.random.default_rng(seed), 8, 5, fill=0.9)
    assert sum(not cell for row in cells for cell in row) > 0
    assert arrange(symbols).table == cells


def test_columns_of_a_table_may_converge():
    symbols, cells = write_table(np.random.default_rng(0), 12, 5)
    lowest = max(symbol.box[3] for symbol in symbols)
    leaning = []
    for text, (left, top, right, bottom) in symbols:
        shift = ((left + right) / 2 - 300) * -0.1 * (bottom / lowest)
        leaning.append(Symbol(text, (left + shift, top, right + shift, bottom)))
    assert arrange(leaning).table == cells


def test_heading_above_a_table_is_not_a_row():
    symbols, cells = write_table(np.random.default_rng(2), 5, 3)
    heading = write("2 0 2 6", 40, -60, 40, space=0.4)
    layout = arrange(symbols + heading)
    assert layout.table == cells
    assert layout_text(layout, symbols + heading).startswith("2026\n")


def test_widely_spaced_digits_are_cells_and_one_number_per_line():
    symbols = write("12345", 0, 0, gap=1.5) + write("67890", -5, 80, gap=1.5)
    layout = arrange(symbols)
    assert layout.table == (tuple("12345"), tuple("67890"))
    assert layout_text(layout, symbols) == "12345\n67890"


@pytest.mark.parametrize("lines", [["12 345 6"], ["12", "345", "6"], ["12345", "6879", "88888", "66666"], ["7"]])
def test_single_rows_columns_and_plain_lines_are_not_a_table(lines):
    assert arrange([symbol for row, text in enumerate(lines) for symbol in write(text, 0, 80 * row)]).table is None


def test_lines_of_numbers_with_random_gaps_are_not_a_table():
    random = np.random.default_rng(0)
    tables = 0
    for _ in range(60):
        symbols = []
        for row in range(random.integers(3, 7)):
            x = 40 * random.uniform(0, 3)
            for _ in range(random.integers(1, 5)):
                number = write(random_digits(random, 1, 5), x, 80 * row, random=random)
                symbols += number
                x = number[-1].box[2] + 40 * random.uniform(1, 4)
        tables += arrange(symbols).table is not None
    assert tables <= 1


# Speed


def test_two_thousand_symbols_are_arranged_in_milliseconds():
    symbols, _ = write_table(np.random.default_rng(1), 50, 10, digits=(4, 4))
    assert len(symbols) == 2000
    arrange(symbols)
    durations = []
    for _ in range(5):
        started = time.perf_counter()
        arrange(symbols)
        durations.append(time.perf_counter() - started)
    # It takes 25 ms on one core. The limit allows for a busy machine, and not for a search in quadratic time.
    assert min(durations) < 0.15

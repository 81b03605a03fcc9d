"""Build readings by hand, for tests of the code that shows them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from digits import Digit, Reading
from digits.reading import Mark, Number

DIGIT_WIDTH, DIGIT_HEIGHT = 40, 80  # pixels, the space between digits included in the width
LINE_PITCH = 100  # pixels


def make_digit(label: str, probability: float = 0.99, certain: bool = True, second: str = "1") -> Digit:
    """Return a digit whose remaining probability is that of `second`; `make_reading` sets its box and line."""
    probabilities = np.zeros(10, np.float32)
    probabilities[int(label)], probabilities[int(second)] = probability, 1 - probability
    frame = np.zeros((28, 28), np.float32)
    frame[4:24, 10:18] = 1
    return Digit(label, probability, probabilities, (0, 0, 1, 1), probability, certain, frame, 0)


def make_symbols(text: str, uncertain: str = "") -> list[Digit | str]:
    """Return the digits of a text and the characters between them, as `make_reading` takes them.

    Args:
        text: digits, marks, spaces and line feeds.
        uncertain: the digits that are not certain.
    """
    return [
        make_digit(character, 0.6 if character in uncertain else 0.99, character not in uncertain)
        if character.isdigit()
        else character
        for character in text
    ]


def make_reading(symbols: Iterable[Digit | str], uncertain_numbers: Iterable[str] = (), **options: Any) -> Reading:
    """Return the reading of digits and marks: a space separates numbers, a line feed separates lines.

    Args:
        symbols: digits and characters.
        uncertain_numbers: texts of numbers that are not certain, even if their digits are.
        options: complete, table and rotation of the reading.
    """
    groups: list[list[Digit | Mark]] = [[]]
    lines = [0]
    column = line = 0
    for symbol in symbols:
        if symbol == " " or symbol == "\n":
            line, column = (line + 1, -1) if symbol == "\n" else (line, column)
            groups.append([])
            lines.append(line)
        else:
            left, top = 20 + column * DIGIT_WIDTH, 20 + line * LINE_PITCH
            box = (left, top, left + DIGIT_WIDTH - 10, top + DIGIT_HEIGHT)
            if isinstance(symbol, Digit):
                groups[-1].append(replace(symbol, box=box, line=line))
            else:
                groups[-1].append(Mark(symbol, 0.97, box))
        column += 1
    numbers = [_make_number(group, line, uncertain_numbers) for group, line in zip(groups, lines) if group]
    return Reading(
        digits=tuple(digit for number in numbers for digit in number.digits),
        marks=tuple(mark for number in numbers for mark in number.marks),
        numbers=tuple(numbers),
        **options,
    )


def _make_number(symbols: list[Digit | Mark], line: int, uncertain_numbers: Iterable[str]) -> Number:
    text = "".join(symbol.label if isinstance(symbol, Digit) else symbol.mark for symbol in symbols)
    digits = tuple(symbol for symbol in symbols if isinstance(symbol, Digit))
    lefts, tops, rights, bottoms = zip(*(symbol.box for symbol in symbols))
    return Number(
        text=text,
        digits=digits,
        marks=tuple(symbol for symbol in symbols if isinstance(symbol, Mark)),
        box=(min(lefts), min(tops), max(rights), max(bottoms)),
        certain=all(digit.certain for digit in digits) and text not in uncertain_numbers,
        line=line,
    )

"""Readings that tests put together by hand, for what shows them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from digits import Digit, Reading
from digits.reading import Mark, Number

WIDTH, HEIGHT = 40, 80  # of a digit, pixels


def digit(label: str, probability: float = 0.99, certain: bool = True, second: str = "1") -> Digit:
    """Return a digit that is `second` in all other cases; `reading` says where it stands."""
    probabilities = np.zeros(10, np.float32)
    probabilities[int(label)], probabilities[int(second)] = probability, 1 - probability
    frame = np.zeros((28, 28), np.float32)
    frame[4:24, 10:18] = 1
    return Digit(label, probability, probabilities, (0, 0, 1, 1), probability, certain, frame, 0)


def written(text: str, doubted: str = "") -> list[Digit | str]:
    """Return digits and what stands between them, as `reading` takes them; doubted digits are not certain."""
    return [
        digit(character, 0.6 if character in doubted else 0.99, character not in doubted)
        if character.isdigit()
        else character
        for character in text
    ]


def reading(parts: Iterable[Digit | str], doubted_numbers: Iterable[str] = (), **options: Any) -> Reading:
    """Return the reading of digits and marks as they stand: a space parts numbers, a line feed lines.

    Args:
        parts: digits and characters.
        doubted_numbers: texts of numbers that are not certain, whatever their digits are.
        options: complete, table and rotation of the reading.
    """
    numbers: list[list[Digit | Mark]] = [[]]
    lines = [0]
    column = line = 0
    for part in parts:
        if part == " " or part == "\n":
            line, column = (line + 1, -1) if part == "\n" else (line, column)
            numbers.append([])
            lines.append(line)
        else:
            left, top = 20 + column * WIDTH, 20 + line * 100
            box = (left, top, left + WIDTH - 10, top + HEIGHT)
            if isinstance(part, Digit):
                numbers[-1].append(replace(part, box=box, line=line))
            else:
                numbers[-1].append(Mark(part, 0.97, box))
        column += 1
    made = [_number(number, line, doubted_numbers) for number, line in zip(numbers, lines) if number]
    return Reading(
        digits=tuple(digit for number in made for digit in number.digits),
        marks=tuple(mark for number in made for mark in number.marks),
        numbers=tuple(made),
        **options,
    )


def _number(parts: list[Digit | Mark], line: int, doubted_numbers: Iterable[str]) -> Number:
    text = "".join(part.label if isinstance(part, Digit) else part.mark for part in parts)
    digits = tuple(part for part in parts if isinstance(part, Digit))
    lefts, tops, rights, bottoms = zip(*(part.box for part in parts))
    return Number(
        text=text,
        digits=digits,
        marks=tuple(part for part in parts if isinstance(part, Mark)),
        box=(min(lefts), min(tops), max(rights), max(bottoms)),
        certain=all(digit.certain for digit in digits) and text not in doubted_numbers,
        line=line,
    )

"""The result of reading one image: digits, marks, the numbers that they form, lines and a table.

It holds results and converts them to text and JSON. It knows nothing of images or networks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from digits.boxes import PixelBox
from digits.layout import Layout

# repr() shows at most this many characters of the text, so that it fits on one line.
MAX_REPR_CHARACTERS = 60


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit that was read.

    Attributes:
        label: the most probable digit, "0" to "9".
        probability: its probability, 0..1.
        probabilities: float32 (10,), of every digit; sums to 1.
        box: (left, top, right, bottom), in pixels of the upright image; right and bottom are exclusive.
        certainty: the probability that this is one digit, and that digit, 0..1.
        certain: False where the reader does not vouch for it.
        frame: float32 (28, 28) in 0..1: the input of the digit network.
        line: the number of its line, from 0 at the top.
    """

    label: str
    probability: float
    probabilities: np.ndarray
    box: PixelBox
    certainty: float
    certain: bool
    frame: np.ndarray
    line: int

    def top(self, count: int = 3) -> list[tuple[str, float]]:
        """Return the most probable digits with their probabilities, the best first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(str(index), float(self.probabilities[index])) for index in order]

    def __repr__(self) -> str:
        return f"Digit({self.label!r}, probability={self.probability:.3f}, certain={self.certain}, box={self.box})"


@dataclass(frozen=True)
class Mark:
    """One mark that was read, inside a number or beside it.

    Attributes:
        mark: one of . , - / : +
        probability: its probability, 0..1.
        box: (left, top, right, bottom), in pixels of the upright image.
    """

    mark: str
    probability: float
    box: PixelBox


@dataclass(frozen=True, eq=False)
class Number:
    """Digits that form one number, with the marks inside it.

    Attributes:
        text: as it is written: "12.50", "-5", "24/11/2026", "12:30".
        digits: its digits, from left to right.
        marks: the marks inside it, from left to right.
        box: (left, top, right, bottom), in pixels of the upright image.
        certain: whether every digit and mark is certain and no other writing touches the number or stands inside it.
        line: the number of its line, from 0 at the top.
    """

    text: str
    digits: tuple[Digit, ...]
    marks: tuple[Mark, ...]
    box: PixelBox
    certain: bool
    line: int

    def __repr__(self) -> str:
        return f"Number({self.text!r}, certain={self.certain}, line={self.line}, box={self.box})"


@dataclass(frozen=True, eq=False)
class Reading:
    """The result of reading one image.

    Attributes:
        digits: in reading order; empty where none was found.
        marks: all marks, those outside numbers as well, in reading order.
        numbers: in reading order.
        complete: False where other writing stands beside a number, touches it or stands inside it, and was left out.
        table: rows of cells as text, "" for an empty cell, where the numbers stand in rows and columns; else None.
        rotation: 0, 90, 180 or 270: how the picture was turned before it could be read. Boxes are in the
            picture as it came, upright by EXIF.
    """

    digits: tuple[Digit, ...] = ()
    marks: tuple[Mark, ...] = ()
    numbers: tuple[Number, ...] = ()
    complete: bool = True
    table: tuple[tuple[str, ...], ...] | None = None
    rotation: int = 0

    @classmethod
    def from_layout(
        cls,
        layout: Layout,
        symbols: Sequence[Digit | Mark | None],
        min_mark_probability: float = 0.5,
        rotation: int = 0,
    ) -> "Reading":
        """Build the reading of symbols that were laid out.

        Args:
            layout: the result of `layout.arrange`.
            symbols: the digit or mark of each symbol, in the order in which `arrange` got them; None for other writing.
                The line of a digit is `layout.line_of[index]`.
            min_mark_probability: a number is not certain where a mark inside it is less probable, 0..1.
            rotation: 0, 90, 180 or 270, see `Reading`.

        Raises:
            ValueError: there are more or fewer symbols than were laid out.
        """
        if len(symbols) != len(layout.line_of):
            raise ValueError(f"{len(layout.line_of)} symbols were laid out, not {len(symbols)}")
        numbers = tuple(
            _build_number([symbols[index] for index in group.symbols], line, group.is_touched, min_mark_probability)
            for line, groups in enumerate(layout.lines)
            for group in groups
        )
        marks = [(line, symbol) for line, symbol in zip(layout.line_of, symbols) if isinstance(symbol, Mark)]
        # Marks beside no line come last.
        marks.sort(key=lambda item: (item[0] < 0, item[0], item[1].box[0]))
        return cls(
            digits=tuple(digit for number in numbers for digit in number.digits),
            marks=tuple(mark for _, mark in marks),
            numbers=numbers,
            complete=layout.is_complete,
            table=layout.table,
            rotation=rotation,
        )

    @property
    def text(self) -> str:
        """The numbers as text: lines separated by a line feed, numbers in a line by a space; "" without any number."""
        lines: dict[int, list[str]] = {}
        for number in self.numbers:
            lines.setdefault(number.line, []).append(number.text)
        return "\n".join(" ".join(lines[line]) for line in sorted(lines))

    @property
    def certain(self) -> bool:
        """True where there is a digit, every number is certain and nothing beside or inside one was left out."""
        return bool(self.digits) and self.complete and all(number.certain for number in self.numbers)

    @property
    def least_sure(self) -> int:
        """The index of the least certain digit: the least probable of those that are not certain, if any.

        Raises:
            ValueError: there is no digit.
        """
        return min(range(len(self.digits)), key=lambda at: (self.digits[at].certain, self.digits[at].probability))

    def to_dict(self) -> dict[str, Any]:
        """Return the reading as plain values, ready for JSON."""
        return {
            "text": self.text,
            "digits": [
                {
                    "digit": int(digit.label),
                    "prob": digit.probability,
                    "probs": [float(p) for p in digit.probabilities],
                    "top": [[label, probability] for label, probability in digit.top(3)],
                    "certain": digit.certain,
                    "box": list(digit.box),
                }
                for digit in self.digits
            ],
            "numbers": [
                {"text": number.text, "certain": number.certain, "box": list(number.box), "line": number.line}
                for number in self.numbers
            ],
            "marks": [{"mark": mark.mark, "prob": mark.probability, "box": list(mark.box)} for mark in self.marks],
            "table": [list(row) for row in self.table] if self.table else None,
            "rotation": self.rotation,
        }

    def __repr__(self) -> str:
        text = self.text
        if len(text) > MAX_REPR_CHARACTERS:
            text = text[: MAX_REPR_CHARACTERS - 3] + "..."
        return f"Reading({text!r}, certain={self.certain}, digits={len(self.digits)}, numbers={len(self.numbers)})"


def _build_number(parts: list[Digit | Mark | None], line: int, is_touched: bool, min_mark_probability: float) -> Number:
    """Build a number from its digits and marks, from left to right."""
    digits = tuple(part for part in parts if isinstance(part, Digit))
    marks = tuple(part for part in parts if isinstance(part, Mark))
    is_certain = all(digit.certain for digit in digits) and all(
        mark.probability >= min_mark_probability for mark in marks
    )
    lefts, tops, rights, bottoms = zip(*(part.box for part in parts if part))
    return Number(
        text="".join(part.label if isinstance(part, Digit) else part.mark for part in parts if part),
        digits=digits,
        marks=marks,
        box=(min(lefts), min(tops), max(rights), max(bottoms)),
        certain=is_certain and not is_touched,
        line=line,
    )

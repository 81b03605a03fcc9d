"""What the layout arranges: symbols with their boxes, and the characters they may be."""

from typing import NamedTuple

from digits.boxes import Box

DIGITS = frozenset("0123456789")
SIGNS = frozenset("+-")
SEPARATORS = frozenset("/:")
JOINING_MARKS = SEPARATORS | frozenset(".,")
MARKS = SIGNS | JOINING_MARKS


class Symbol(NamedTuple):
    """One written symbol.

    Attributes:
        text: a digit "0" to "9", one of the marks . , - / : +, or "" for other writing (letters, brackets, scribbles).
        box: (left, top, right, bottom), pixels.
    """

    text: str
    box: Box

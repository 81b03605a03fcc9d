"""The answer: the numbers that were read, a sentence about them, and which digit is selected.

It turns a Reading into the value that answer.js shows. The value holds the probabilities of every digit, so selecting
another digit needs no request.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from digits import Number, Reading
from web.components.component import html_options
from web.texts import Texts, whole_percent

# JavaScript: from the answer and the image to the values of the top 3, the bars and the steps.
SHOW_SELECTED_DIGIT_JS = Path(__file__).with_name("selected_digit.js").read_text("utf-8")


class Answer(gr.HTML):
    """The numbers and the sentence. Its value comes from one of the functions `*_answer` below."""

    def __init__(self, value: dict[str, Any] | None = None, **options: Any):
        super().__init__(value or empty_answer(), **{**options, **html_options("answer", "shared/save.js")})

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def empty_answer() -> dict[str, Any]:
    """Return the answer to an empty pad. The browser has the sentence that says what to do."""
    return _message("", "empty")


def problem_answer(message: str) -> dict[str, Any]:
    """Return the answer to an image that can't be read: the reason."""
    return _message(message, "problem")


def reading_answer(reading: Reading, texts: Texts) -> dict[str, Any]:
    """Return the answer to an image that was read. The digit with the lowest certainty is selected."""
    if not reading.digits:
        return _message(texts.describe(reading), "uncertain")
    return {
        "sentence": texts.describe(reading),
        "tone": "certain" if reading.certain else "uncertain",
        "selected": reading.least_sure,
        "lines": _lines(reading),
        "table": reading.table,
        "digits": [
            {
                "label": digit.label,
                "certain": digit.certain,
                "percent": whole_percent(digit.probability),
                "percents": [whole_percent(probability) for probability in digit.probabilities],
                "top": [[label, whole_percent(probability), digit.certain] for label, probability in digit.top(3)],
            }
            for digit in reading.digits
        ],
    }


def _message(sentence: str, tone: str) -> dict[str, Any]:
    return {"sentence": sentence, "tone": tone, "selected": 0, "lines": [], "table": None, "digits": []}


def _lines(reading: Reading) -> list[list[dict[str, Any]]]:
    """Return the lines of a reading, each as a list of its numbers.

    A number has "characters", from left to right: indices of digits, and marks as text. It is "uncertain" where the
    number is uncertain although all its digits are certain.
    """
    lines: dict[int, list[dict[str, Any]]] = {}
    start = 0
    for number in reading.numbers:
        is_uncertain = not number.certain and all(digit.certain for digit in number.digits)
        lines.setdefault(number.line, []).append({"characters": _characters(number, start), "uncertain": is_uncertain})
        start += len(number.digits)
    return [lines[line] for line in sorted(lines)]


def _characters(number: Number, start: int) -> list[int | str]:
    indices = iter(range(start, start + len(number.digits)))
    return [next(indices) if character.isdigit() else character for character in number.text]

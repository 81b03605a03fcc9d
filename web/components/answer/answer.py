"""The answer: the numbers that were read, one sentence about them, and which digit is looked at closely.

It turns a Reading into what the page shows; answer.js shows it. The chosen digit lives in the browser, because the
value holds every digit's probabilities: choosing another asks the server nothing.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from digits import Number, Reading
from web.components.component import parts
from web.texts import Texts, percent

# From the answer's value to those of the top 3 and the bars: what the chosen digit may be.
CHOSEN_DIGIT = Path(__file__).with_name("chosen.js").read_text("utf-8")


class Answer(gr.HTML):
    """The numbers and the sentence; its value is what `read_as` and its siblings make."""

    def __init__(self, value: dict | None = None, **options: Any):
        super().__init__(value or nothing_yet(), **{**options, **parts("answer", "shared/save.js")})

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def nothing_yet() -> dict[str, Any]:
    """The answer to an empty pad; the browser says what to do."""
    return _message("", "empty")


def problem(message: str) -> dict[str, Any]:
    """The answer to what can't be read: why."""
    return _message(message, "problem")


def read_as(reading: Reading, texts: Texts) -> dict[str, Any]:
    """The answer to an image that was read; the digit it is least sure of is the chosen one."""
    if not reading.digits:
        return _message(texts.sentence(reading), "unsure")
    return {
        "sentence": texts.sentence(reading),
        "tone": "sure" if reading.certain else "unsure",
        "chosen": reading.least_sure,
        "lines": _lines(reading),
        "table": reading.table,
        "digits": [
            {
                "label": digit.label,
                "certain": digit.certain,
                "percent": percent(digit.probability),
                "percents": [percent(probability) for probability in digit.probabilities],
                "top": [[label, percent(probability), digit.certain] for label, probability in digit.top(3)],
            }
            for digit in reading.digits
        ],
    }


def _message(sentence: str, tone: str) -> dict[str, Any]:
    return {"sentence": sentence, "tone": tone, "chosen": 0, "lines": [], "table": None, "digits": []}


def _lines(reading: Reading) -> list[list[dict[str, Any]]]:
    """Return the lines of a reading, each a list of its numbers.

    A number's "parts" are the indices of its digits, and its marks as text, as they stand. It is "unsure" where it is
    not certain and no digit of it shows why.
    """
    lines: dict[int, list[dict[str, Any]]] = {}
    start = 0
    for number in reading.numbers:
        is_unsure = not number.certain and all(digit.certain for digit in number.digits)
        lines.setdefault(number.line, []).append({"parts": _parts(number, start), "unsure": is_unsure})
        start += len(number.digits)
    return [lines[line] for line in sorted(lines)]


def _parts(number: Number, start: int) -> list[int | str]:
    indices = iter(range(start, start + len(number.digits)))
    return [next(indices) if character.isdigit() else character for character in number.text]

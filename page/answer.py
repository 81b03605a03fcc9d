"""The answer: the number that was read, one sentence about it, and which of its digits is looked at closely.

It turns a Reading into what the page shows; answer.js shows it. The chosen digit lives in the browser, because the
value holds every digit's probabilities: choosing another asks the server nothing.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from digits import Reading
from page import texts

_HERE = Path(__file__).parent

# Of the answer's value: the gr.Label value and the bars of the chosen digit.
CHOSEN_DIGIT = (_HERE / "chosen.js").read_text()


class Answer(gr.HTML):
    """The number and the sentence; its value is what `read_as` and its siblings make."""

    def __init__(self, value: dict | None = None, **options: Any):
        fixed = {
            "html_template": (_HERE / "answer.html").read_text(),
            "css_template": (_HERE / "answer.css").read_text(),
            "js_on_load": (_HERE / "answer.js").read_text(),
            "apply_default_css": False,
            "texts": texts.ANSWER,
        }
        super().__init__(value or nothing_yet(), **{**options, **fixed})

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def nothing_yet() -> dict[str, Any]:
    """The answer to an empty pad: what to do."""
    return _message(texts.EMPTY, "empty")


def problem(message: str) -> dict[str, Any]:
    """The answer to what can't be read: why."""
    return _message(message, "problem")


def read_as(reading: Reading) -> dict[str, Any]:
    """The answer to an image that was read; the digit it is least sure of is the chosen one."""
    if not reading.digits:
        return _message(texts.sentence(reading), "unsure")
    return {
        "sentence": texts.sentence(reading),
        "tone": "sure" if reading.certain else "unsure",
        "chosen": min(range(len(reading.digits)), key=lambda index: reading.digits[index].probability),
        "digits": [
            {
                "label": digit.label,
                "line": digit.line,
                "certain": digit.certain,
                "percent": texts.percent(digit.probability),
                "percents": [texts.percent(probability) for probability in digit.probabilities],
                "top": [[label, texts.percent(probability) / 100] for label, probability in digit.top(3)],
            }
            for digit in reading.digits
        ],
    }


def _message(sentence: str, tone: str) -> dict[str, Any]:
    return {"sentence": sentence, "tone": tone, "chosen": 0, "digits": []}

"""The pad: what a visitor writes on, and lays a photo on. It knows nothing of how either is read."""

from typing import Any

import gradio as gr

from digits import Reading
from page.component import Component, parts
from page.source import LocalFiles, Source
from page.texts import percent


class Pad(LocalFiles, Component):
    """A sheet for drawings and photos.

    As an input it gives what lies on it: None, the bytes of a drawing, or the path of an uploaded file as it was sent,
    untouched. As an output it takes the boxes of what was read (see `seen`).
    """

    def __init__(self, value: Any = None, **options: Any):
        super().__init__(value, **{"boxes": [], **options, **parts("pad", "ink.js", "camera.js")})

    def preprocess(self, payload: str | dict | None) -> Source:
        return self.sent(payload)

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def seen(reading: Reading | None) -> Any:
    """The update that draws a reading's boxes over the pad: where each digit was seen, and as what."""
    return gr.update(
        boxes=[
            {
                "box": digit.box,
                "label": digit.label,
                "percent": f"{percent(digit.probability)} %" + ("" if digit.certain else " ?"),
                "certain": digit.certain,
            }
            for digit in (reading.digits if reading else ())
        ]
    )

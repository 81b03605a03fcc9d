"""The pad: what a visitor writes on, and lays a photo on. It knows nothing of how either is read."""

from collections.abc import Callable
from typing import Any

import gradio as gr
from fastapi import HTTPException
from gradio.components.base import server

from digits import Reading
from web.components.component import Component, parts
from web.source import LocalFiles, Source
from web.texts import Texts, percent, spoken_by

# Reads what lies on the pad, for a visitor of a language: the answer, and the reading if there is one.
Read = Callable[[Source, Texts], tuple[dict[str, Any], Reading | None]]


class Pad(LocalFiles, Component):
    """A sheet for drawings and photos.

    Its value is what lies on it: None, a drawing as a data: URL, or an uploaded file. pad.js asks `read` what that is,
    and tells the answer to the rest of the page.
    """

    def __init__(self, read: Read, **options: Any):
        super().__init__(None, **{**options, **parts("pad", "pad/ink.js", "pad/camera.js")})
        self._read = read

    @server
    def read(self, payload: Any, request: gr.Request) -> dict[str, Any]:
        """Answers what lies on the pad: {"answer": what the page says of it, "boxes": where each digit was seen}."""
        try:
            image = self.sent(payload)
        except (gr.Error, LookupError, TypeError, ValueError):
            raise HTTPException(422, "Not something that can lie on the pad.") from None
        answer, reading = self._read(image, spoken_by(request))
        return {"answer": answer, "boxes": boxes(reading)}

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def boxes(reading: Reading | None) -> list[dict[str, Any]]:
    """What is drawn over the pad: where each digit was seen, and as what."""
    return [
        {
            "box": digit.box,
            "label": digit.label,
            "percent": f"{percent(digit.probability)} %" + ("" if digit.certain else " ?"),
            "certain": digit.certain,
        }
        for digit in (reading.digits if reading else ())
    ]

"""The pad: the canvas that a visitor writes on or puts a photo on. It knows nothing of how either is read."""

from collections.abc import Callable
from typing import Any

import gradio as gr
from fastapi import HTTPException
from gradio.components.base import server

from digits import Reading
from web.components.component import Component, html_options
from web.image_input import ImageInput, UploadedFilesOnly
from web.texts import Texts, texts_for_request, whole_percent

# Reads what is on the pad and returns the answer in the visitor's language, and the reading if there is one.
ReadImage = Callable[[ImageInput, Texts], tuple[dict[str, Any], Reading | None]]


class Pad(UploadedFilesOnly, Component):
    """A canvas for drawings and photos.

    Its value is what is on it: None, a drawing as a data: URL, or an uploaded file. pad.js sends each value to `read`,
    and the answer to the other components.
    """

    def __init__(self, read: ReadImage, **options: Any):
        super().__init__(None, **{**options, **html_options("pad", "pad/ink.js", "pad/camera.js")})
        self._read = read

    @server
    def read(self, payload: Any, request: gr.Request) -> dict[str, Any]:
        """Read a value of this component.

        Returns:
            "answer": the value of the answer component. "boxes": see `digit_boxes`.

        Raises:
            HTTPException: 422, the payload is no value of this component.
        """
        try:
            image = self.load_payload(payload)
        except (gr.Error, LookupError, TypeError, ValueError):
            raise HTTPException(422, "Not a value of the pad.") from None
        answer, reading = self._read(image, texts_for_request(request))
        return {"answer": answer, "boxes": digit_boxes(reading)}

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def digit_boxes(reading: Reading | None) -> list[dict[str, Any]]:
    """Return the box of each digit with its label, as pad.js draws them over the image."""
    return [
        {
            "box": digit.box,
            "label": digit.label,
            "percent": f"{whole_percent(digit.probability)} %" + ("" if digit.certain else " ?"),
            "certain": digit.certain,
        }
        for digit in (reading.digits if reading else ())
    ]

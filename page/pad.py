"""The pad: what a visitor writes on, and lays a photo on. It knows nothing of how either is read."""

import base64
import html
from pathlib import Path
from typing import Any

import gradio as gr

from digits import Reading
from page import texts
from page.source import LocalFiles, Source, decoded

_HERE = Path(__file__).parent


class Pad(LocalFiles, gr.HTML):
    """A sheet for drawings and photos.

    As an input it gives what lies on it: None, the bytes of a drawing, or the path of an uploaded file as it was sent,
    untouched. As an output it takes the boxes of what was read (see `seen`).
    """

    def __init__(self, value: Any = None, **options: Any):
        fixed = {
            "html_template": (_HERE / "pad.html").read_text(),
            "css_template": (_HERE / "pad.css").read_text(),
            "js_on_load": "\n".join((_HERE / name).read_text() for name in ("ink.js", "camera.js", "pad.js")),
            "apply_default_css": False,
            "texts": texts.PAD,
        }
        super().__init__(value, **{"boxes": [], **options, **fixed})

    def preprocess(self, payload: str | dict | None) -> Source:
        if not payload:
            return None
        return decoded(payload) if isinstance(payload, str) else self.uploaded(payload["path"])

    def postprocess(self, value: str | None) -> gr.FileData | None:
        return value and gr.FileData(path=value, orig_name=Path(value).name)

    def process_example(self, value: str) -> str:
        picture = base64.b64encode(Path(value).read_bytes()).decode()
        return f'<img src="data:image/png;base64,{picture}" alt="{html.escape(texts.example(Path(value).stem))}">'

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def seen(reading: Reading | None) -> Any:
    """The update that draws a reading's boxes over the pad: where each digit was seen, and as what."""
    return gr.update(
        boxes=[
            {
                "box": digit.box,
                "label": digit.label,
                "percent": f"{texts.percent(digit.probability)} %" + ("" if digit.certain else " ?"),
                "certain": digit.certain,
            }
            for digit in (reading.digits if reading else ())
        ]
    )

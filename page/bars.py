"""The ten probabilities as bars, the winner highlighted. Its value: ten whole percents, or nothing."""

from pathlib import Path
from typing import Any

import gradio as gr

from page import texts

_HERE = Path(__file__).parent


class Bars(gr.HTML):
    """A bar chart drawn by the browser's own layout: it is there at once, where a chart library takes seconds."""

    def __init__(self, value: Any = (), **options: Any):
        fixed = {
            "html_template": (_HERE / "bars.html").read_text(),
            "css_template": (_HERE / "bars.css").read_text(),
            "js_on_load": None,
            "apply_default_css": False,
            "texts": texts.BARS,
        }
        super().__init__(list(value), **{**options, **fixed})

    def api_info(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "integer"}}

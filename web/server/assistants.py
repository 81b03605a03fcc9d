"""For assistants that speak MCP: whether they can be served here, and the answer in a form that they can read.

Gradio makes a tool of every public endpoint where its extra gradio[mcp] is installed, and writes out what it answers by
str(). It knows neither the endpoint nor what is read.
"""

import importlib.util
import json
from typing import Any

import gradio as gr
from gradio.components.json_component import JsonData

HAS_ASSISTANTS = importlib.util.find_spec("mcp") is not None


class JsonAnswer(gr.JSON):
    """An answer to programs: an object over HTTP, its JSON where it is written out."""

    def postprocess(self, value: dict[str, Any] | None) -> JsonData | None:
        return None if value is None else _WrittenOut(root=value)

    def get_block_name(self) -> str:
        return "json"  # drawn, where it is shown, by Gradio's own component


class _WrittenOut(JsonData):
    def __str__(self) -> str:
        return json.dumps(self.root)

"""The MCP tool: whether Gradio can serve it here, and its output in a form that an MCP client can parse.

Where the extra gradio[mcp] is installed, Gradio makes a tool of every public endpoint and converts its output by str().
This module knows neither the endpoint nor what is read.
"""

import importlib.util
import json
from typing import Any

import gradio as gr
from gradio.data_classes import JsonData

HAS_MCP = importlib.util.find_spec("mcp") is not None


class JsonOutput(gr.JSON):
    """An object as the output of an endpoint: an object over HTTP, JSON text where it is converted by str()."""

    def postprocess(self, value: dict[str, Any] | list[Any] | str | None) -> JsonData | None:
        return None if value is None else _PrintableJson(root=value)

    def get_block_name(self) -> str:
        return "json"  # the component of Gradio's that draws it in the browser


class _PrintableJson(JsonData):
    def __str__(self) -> str:
        return json.dumps(self.root)

"""The examples: drawings made on this page. File names hold their order and number: 5-4079.png, 7-314-1592.png."""

import base64
from pathlib import Path

import gradio as gr

from digits.resources import RESOURCE_ROOT
from web.components.component import html_options

EXAMPLE_FILES = sorted((RESOURCE_ROOT / "assets" / "examples").glob("*.png"))


def create_examples() -> gr.HTML:
    """Create a gallery in which one click puts an example on the pad.

    The images are data: URLs in the page, so they cost no request.
    """
    value = [[number_on(path), _data_url(path)] for path in EXAMPLE_FILES]
    return gr.HTML(value, elem_classes="examples", **html_options("examples"))


def number_on(path: Path) -> str:
    """Return the number on an example, its lines separated by a slash."""
    return path.stem.partition("-")[2].replace("-", " / ")


def _data_url(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"

"""The examples: drawings of this page, named by their order and what they show: 5-4079.png, 7-314-1592.png."""

import base64
from pathlib import Path

import gradio as gr

from digits.resources import ROOT
from web.components.component import parts

FILES = sorted((ROOT / "assets" / "examples").glob("*.png"))


def examples() -> gr.HTML:
    """A gallery: one click lays an example on the pad. The pictures are part of the page and cost no request."""
    return gr.HTML([[shown_on(path), _data_url(path)] for path in FILES], elem_classes="examples", **parts("examples"))


def shown_on(path: Path) -> str:
    """The number on an example, its lines separated by a slash."""
    return path.stem.partition("-")[2].replace("-", " / ")


def _data_url(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"

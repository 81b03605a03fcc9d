"""Use it from code: lines that run as they stand, what they are answered, and what is refused.

The lines are files of page/snippets/, which run against a page on this machine; the browser puts the address that the
visitor is at in its place. It knows no endpoint but the one that they call.
"""

import html
import json
from pathlib import Path
from typing import Any

import gradio as gr

from digits import Reading
from page import texts
from page.assistants import HAS_ASSISTANTS
from page.component import parts
from page.examples import FILES, shown_on

SNIPPETS = {
    "client": "client.py",
    "curl": "curl.sh",
    "package": "package.py",
    "command_line": "command_line.sh",
}

# What the lines have read; served as /4079.png.
EXAMPLE = next(path for path in FILES if shown_on(path) == "4079")

# What the endpoint says, in its own words.
REFUSALS = {
    "no_image": texts.NO_IMAGE,
    "link": texts.NO_LINKS,
    "path": texts.NOT_SENT,
    "broken": texts.BROKEN_DATA,
    "not_an_image": texts.LANGUAGES[texts.FALLBACK]["not_read"]["unknown_format"].format(name="notes.txt"),
}


def code(reading: Reading) -> gr.HTML:
    """The lines and their answer; `reading` is that of EXAMPLE."""
    folder = Path(__file__).parent / "snippets"
    value = {
        "snippets": {name: html.escape((folder / file).read_text("utf-8").strip()) for name, file in SNIPPETS.items()},
        "answer": html.escape(_shortened(reading.to_dict())),
        "refusals": REFUSALS,
        "has_assistants": HAS_ASSISTANTS,
    }
    return gr.HTML(value, elem_classes="code", **parts("code"))


def _shortened(answer: dict[str, Any]) -> str:
    """The JSON of an answer, as people read it: its first digit, six digits a number."""
    first = {
        name: json.dumps(json.loads(json.dumps(value), parse_float=lambda number: float(f"{float(number):.6g}")))
        for name, value in answer["digits"][0].items()
    }
    fields = ",\n".join(f'      "{name}": {value}' for name, value in first.items())
    return f'{{\n  "text": {json.dumps(answer["text"])},\n  "digits": [\n    {{\n{fields}\n    }},\n    ...\n  ]\n}}'

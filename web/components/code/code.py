"""Use it from code: lines that run as they stand, what they are answered, and what is refused.

The lines are the files in snippets/, which run against a page on this machine; the browser puts the address that the
visitor is at in its place. It knows no endpoint but the one that they call.
"""

import html
import json
from pathlib import Path
from typing import Any

import gradio as gr

from digits import Reading
from web import texts
from web.components.component import parts
from web.components.examples.examples import FILES, shown_on
from web.server.assistants import HAS_ASSISTANTS

# Of the parts of an answer, in the order in which they are explained.
PARTS_FIELDS = ("digit", "prob", "probs", "top", "certain", "box", "line", "mark")

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
        "fields": [*reading.to_dict(), *PARTS_FIELDS],
        "refusals": REFUSALS,
        "has_assistants": HAS_ASSISTANTS,
    }
    return gr.HTML(value, elem_classes="code", **parts("code"))


def _shortened(answer: dict[str, Any]) -> str:
    """Return the JSON of an answer as people read it: of its digits the first, and six digits a number."""
    first = ",\n".join(f'      "{name}": {_rounded(value)}' for name, value in answer["digits"][0].items())
    fields = {name: _rounded(value) for name, value in answer.items()}
    fields["digits"] = f"[\n    {{\n{first}\n    }},\n    ...\n  ]"
    return "{\n" + ",\n".join(f'  "{name}": {value}' for name, value in fields.items()) + "\n}"


def _rounded(value: Any) -> str:
    return json.dumps(json.loads(json.dumps(value), parse_float=lambda number: float(f"{float(number):.6g}")))

"""Use from code: examples that run as shown, the response that they get, and the error messages of the API.

The examples are the files in snippets/, which run against a page on this machine. The browser replaces their address by
the one of the open page. This module knows no endpoint except the one that the examples call.
"""

import html
import json
from pathlib import Path
from typing import Any

import gradio as gr

from digits import Reading
from web import texts
from web.components.component import html_options
from web.components.examples.examples import EXAMPLE_FILES, number_on
from web.server.mcp_tool import HAS_MCP

# Fields of the objects inside a response, in the order of their explanations.
NESTED_FIELDS = ("digit", "prob", "probs", "top", "certain", "box", "line", "mark")

SNIPPETS = {
    "client": "client.py",
    "curl": "curl.sh",
    "package": "package.py",
    "command_line": "command_line.sh",
}

# The image that the examples read. The server offers it as /4079.png.
EXAMPLE_FILE = next(path for path in EXAMPLE_FILES if number_on(path) == "4079")

# What a request contains, and the message of the endpoint for it.
ERROR_MESSAGES = {
    "no_image": texts.NO_IMAGE,
    "link": texts.LINKS_NOT_FOLLOWED,
    "path": texts.NOT_UPLOADED,
    "invalid_base64": texts.INVALID_BASE64,
    "not_an_image": texts.LANGUAGES[texts.FALLBACK]["not_read"]["unknown_format"].format(name="notes.txt"),
}


def create_code(reading: Reading) -> gr.HTML:
    """Create the component.

    Args:
        reading: the reading of EXAMPLE_FILE.
    """
    folder = Path(__file__).parent / "snippets"
    value = {
        "snippets": {name: html.escape((folder / file).read_text("utf-8").strip()) for name, file in SNIPPETS.items()},
        "answer": html.escape(_abridge(reading.to_dict())),
        "fields": [*reading.to_dict(), *NESTED_FIELDS],
        "errors": ERROR_MESSAGES,
        "has_mcp": HAS_MCP,
    }
    return gr.HTML(value, elem_classes="code", **html_options("code"))


def _abridge(response: dict[str, Any]) -> str:
    """Return the JSON of a response in readable form: only its first digit, and floats with six significant digits."""
    first = ",\n".join(f'      "{name}": {_to_json(value)}' for name, value in response["digits"][0].items())
    fields = {name: _to_json(value) for name, value in response.items()}
    fields["digits"] = f"[\n    {{\n{first}\n    }},\n    ...\n  ]"
    return "{\n" + ",\n".join(f'  "{name}": {value}' for name, value in fields.items()) + "\n}"


def _to_json(value: Any) -> str:
    return json.dumps(json.loads(json.dumps(value), parse_float=lambda number: float(f"{float(number):.6g}")))

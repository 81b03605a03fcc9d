"""How this page's own components are made: a template, a style sheet and scripts, in a folder for each component.

Templates and scripts find their texts in `texts`, in the visitor's language (see texts.HEAD). Components tell one
another what concerns only the browser by events of the document: `digits:example` (an example was chosen),
`digits:asked` (something new is being read), `digits:read` (its answer) and `digits:choose` (a digit is looked at
closely).
"""

from pathlib import Path
from typing import Any

import gradio as gr

_HERE = Path(__file__).parent


class Component(gr.HTML):
    """A gr.HTML whose properties the server sets: it has Gradio's events, and what its script quotes is none.

    Gradio's own takes any name in quotes there for an event, watch('boxes') too, and answers with an object's address.
    """

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def parts(name: str, *scripts: str) -> dict[str, Any]:
    """Options for a gr.HTML made of NAME.html and, where there are any, NAME.css, the scripts and NAME.js.

    Args:
        name: of the component and of its folder.
        scripts: further scripts, by their paths in web/components/: "pad/ink.js".
    """
    return {
        "html_template": (_HERE / name / f"{name}.html").read_text("utf-8"),
        "css_template": _text(f"{name}/{name}.css"),
        "js_on_load": "\n".join(_text(script) for script in (*scripts, f"{name}/{name}.js")) or None,
        "apply_default_css": False,
    }


def _text(name: str) -> str:
    path = _HERE / name
    return path.read_text("utf-8") if path.exists() else ""

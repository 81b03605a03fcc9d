"""Build a component of the page from the template, style sheet and scripts in its folder.

Templates and scripts find their texts in `texts`, in the visitor's language (see web.texts.HEAD_SCRIPT). Components
notify each other about changes in the browser by events of the document:

    digits:example-selected   an example was clicked; the detail is its URL
    digits:read-started       the server is asked to read the pad
    digits:read-finished      it has answered; the detail is {answer, isPhoto}
    digits:digit-selected     a digit was selected; the detail is its index
"""

from pathlib import Path
from typing import Any

import gradio as gr

_COMPONENTS_FOLDER = Path(__file__).parent


class Component(gr.HTML):
    """A gr.HTML with Gradio's own events and the properties that the server sets, and no others.

    Gradio's gr.HTML takes every quoted name in its script for an event, such as the one in watch('boxes'), and returns
    a listener instead of raising AttributeError. The page's configuration would then hold the address of an object.
    """

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def html_options(name: str, *scripts: str) -> dict[str, Any]:
    """Return the options of a gr.HTML that is made of NAME.html and, if they exist, NAME.css and NAME.js.

    Args:
        name: the name of the component and of its folder.
        scripts: paths of further scripts in web/components/, such as "pad/ink.js". They run before NAME.js.
    """
    return {
        "html_template": (_COMPONENTS_FOLDER / name / f"{name}.html").read_text("utf-8"),
        "css_template": _read_text(f"{name}/{name}.css"),
        "js_on_load": "\n".join(_read_text(script) for script in (*scripts, f"{name}/{name}.js")) or None,
        "apply_default_css": False,
    }


def _read_text(name: str) -> str:
    """Return the content of a file in web/components/, empty where there is none."""
    path = _COMPONENTS_FOLDER / name
    return path.read_text("utf-8") if path.exists() else ""

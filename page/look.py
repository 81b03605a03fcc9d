"""The page's look, as options of launch(): theme, style sheet, footer. Nothing in it is loaded from elsewhere."""

from pathlib import Path
from typing import Any

import gradio as gr

_FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]

LOOK: dict[str, Any] = {
    "theme": gr.themes.Base(primary_hue="indigo", neutral_hue="slate", radius_size="lg", font=_FONT, font_mono=_FONT),
    "css_paths": Path(__file__).with_name("page.css"),
    "footer_links": ["api", "gradio", "settings"],
}

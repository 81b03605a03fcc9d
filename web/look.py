"""The page's look, as options of launch(): theme, style sheet, footer. Nothing in it is loaded from elsewhere."""

from pathlib import Path
from typing import Any

import gradio as gr

from digits.resources import ROOT
from web.texts import HEAD, translated

_FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]

# Slate 500 and indigo 600 are the lightest that stand out enough from white (4.5 to 1) to be read with weak eyes.
_THEME = gr.themes.Base(primary_hue="indigo", neutral_hue="slate", radius_size="lg", font=_FONT, font_mono=_FONT).set(
    body_text_color_subdued="*neutral_500",
    body_text_color_subdued_dark="*neutral_400",
    color_accent="*primary_600",
)

LOOK: dict[str, Any] = {
    "theme": _THEME,
    "css_paths": Path(__file__).with_name("page.css"),
    "footer_links": [],  # the page has its own footer, in every language
    "head": HEAD,
    "favicon_path": ROOT / "assets" / "favicon.svg",
    "i18n": translated,
}

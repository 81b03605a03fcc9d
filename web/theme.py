"""The look of the page as options of launch(): theme, style sheet, footer. Nothing is loaded from another server."""

from pathlib import Path
from typing import Any

import gradio as gr

from digits.resources import RESOURCE_ROOT
from web.texts import HEAD_SCRIPT, translate

_FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]

# Slate 500 and indigo 600 are the lightest shades with a contrast of 4.5 to 1 against white, which people with low
# vision need.
_THEME = gr.themes.Base(primary_hue="indigo", neutral_hue="slate", radius_size="lg", font=_FONT, font_mono=_FONT).set(
    body_text_color_subdued="*neutral_500",
    body_text_color_subdued_dark="*neutral_400",
    color_accent="*primary_600",
)

THEME_OPTIONS: dict[str, Any] = {
    "theme": _THEME,
    "css_paths": Path(__file__).with_name("page.css"),
    "footer_links": [],  # the page has its own footer, in every language
    "head": HEAD_SCRIPT,
    "favicon_path": RESOURCE_ROOT / "assets" / "favicon.svg",
    "i18n": translate,
}

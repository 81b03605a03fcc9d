"""Where images may come from: the visitor's own hands. No link is ever followed."""

from pathlib import Path
from typing import Union

import gradio as gr
from gradio_client.utils import is_http_url_like

from page import texts


class LocalFiles:
    """For a component that takes files: refuses links, which Gradio would download, whatever their size."""

    async def async_move_resource_to_block_cache(self, url_or_file_path: Union[str, Path, None]) -> Union[str, None]:
        if url_or_file_path and is_http_url_like(str(url_or_file_path)):
            raise gr.Error(texts.NO_LINKS, print_exception=False)
        return await super().async_move_resource_to_block_cache(url_or_file_path)


class ImageFile(LocalFiles, gr.Image):
    """An image of a request."""

    def get_block_name(self) -> str:
        return "image"  # drawn, where it is shown, by Gradio's own image component

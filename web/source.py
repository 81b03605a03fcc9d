"""Where images may come from: the visitor's own hands. No link is ever followed.

What was sent reaches the reader as it is. Gradio's own decoding would lose what the reader needs (transparency, 16
bits, the rotation that a camera notes) and answers a broken file with a bare "Error".
"""

import base64
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData
from gradio.exceptions import InvalidPathError
from gradio.utils import is_in_or_equal
from gradio_client.utils import is_http_url_like

from web import texts

Source = bytes | str | None


class Page(gr.Blocks):
    """A page that has a sentence for whatever is sent to it."""

    async def preprocess_data(self, *arguments: Any, **options: Any) -> list[Any]:
        try:
            return await super().preprocess_data(*arguments, **options)
        except gr.Error:
            raise
        except InvalidPathError:
            raise gr.Error(texts.NOT_SENT, print_exception=False) from None
        except Exception:  # all that happens here is to unpack what was sent, and anything can be sent
            raise gr.Error(texts.NOT_UNDERSTOOD, print_exception=False) from None


class LocalFiles:
    """For a component that takes files: only those that were sent, and no links, which Gradio would download."""

    async def async_move_resource_to_block_cache(self, url_or_file_path: str | Path | None) -> str | None:
        if url_or_file_path and is_http_url_like(str(url_or_file_path)):
            raise gr.Error(texts.NO_LINKS, print_exception=False)
        return await super().async_move_resource_to_block_cache(url_or_file_path)

    def sent(self, payload: str | dict | None) -> Source:
        """What a component of ours holds: nothing, a data: URL, or a file that was sent."""
        if not payload:
            return None
        return decoded(payload) if isinstance(payload, str) else self.uploaded(payload["path"])

    def uploaded(self, path: str) -> str:
        """The path, if it is that of a file that was sent.

        Gradio checks only those that name their type, {"meta": {"_type": "gradio.FileData"}}; without it any file of
        the server could be asked for.
        """
        if not is_in_or_equal(path, self.GRADIO_CACHE):
            raise gr.Error(texts.NOT_SENT, print_exception=False)
        return path


class ImageFile(LocalFiles, gr.Image):
    """The image of a request: the path of the file that was sent, or the bytes of a data: URL."""

    def preprocess(self, payload: ImageData | None) -> Source:
        if payload is None or not (payload.path or payload.url):
            return None
        return self.uploaded(payload.path) if payload.path else decoded(payload.url)

    def get_block_name(self) -> str:
        return "image"  # drawn, where it is shown, by Gradio's own image component


def decoded(url: str) -> bytes:
    """The bytes in a data: URL.

    Raises:
        gr.Error: nothing, a link, a path, or a data: URL that is broken.
    """
    if not url:
        raise gr.Error(texts.NO_IMAGE, print_exception=False)
    head, _, content = url.partition(",")
    if not head.startswith("data:"):
        raise gr.Error(texts.NO_LINKS if "://" in url else texts.NOT_SENT, print_exception=False)
    try:
        return base64.b64decode(content, validate=True)
    except ValueError:
        raise gr.Error(texts.BROKEN_DATA, print_exception=False) from None

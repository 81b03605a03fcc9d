"""Images in requests: an uploaded file or a data: URL. No link is ever followed.

The reader gets the content as it was sent. Gradio's own decoding would lose what the reader needs (transparency, 16
bits per channel, the EXIF orientation), and answers a broken file with nothing but "Error".
"""

import base64
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.data_classes import ImageData
from gradio.exceptions import InvalidPathError
from gradio.utils import is_in_or_equal
from gradio_client.utils import is_http_url_like

from web import texts

ImageInput = bytes | str | None  # the content of a file, the path of an uploaded one, or no image


class PageBlocks(gr.Blocks):
    """gr.Blocks that refuse any malformed input of an event with a sentence."""

    async def preprocess_data(self, *arguments: Any, **options: Any) -> list[Any]:
        try:
            return await super().preprocess_data(*arguments, **options)
        except gr.Error:
            raise
        except InvalidPathError:
            raise gr.Error(texts.NOT_UPLOADED, print_exception=False) from None
        except Exception:  # preprocessing only unpacks the input, which may be anything
            raise gr.Error(texts.INVALID_REQUEST, print_exception=False) from None


class UploadedFilesOnly(Block):
    """Mixin of components that take files: accepts uploaded files only, and no links, which Gradio would download."""

    async def async_move_resource_to_block_cache(self, url_or_file_path: str | Path | None) -> str | None:
        if url_or_file_path and is_http_url_like(str(url_or_file_path)):
            raise gr.Error(texts.LINKS_NOT_FOLLOWED, print_exception=False)
        return await super().async_move_resource_to_block_cache(url_or_file_path)

    def load_payload(self, payload: str | dict | None) -> ImageInput:
        """Return the image in the value of one of the page's own components.

        Args:
            payload: None, a data: URL, or an uploaded file as {"path": ...}.

        Raises:
            gr.Error: the payload is a link, a path of the server, or an invalid data: URL.
        """
        if not payload:
            return None
        return decode_data_url(payload) if isinstance(payload, str) else self.check_uploaded(payload["path"])

    def check_uploaded(self, path: str) -> str:
        """Return the path if it is that of an uploaded file.

        Gradio checks only files with a type, {"meta": {"_type": "gradio.FileData"}}. Without this check, a request that
        leaves the type out could read any file of the server.

        Raises:
            gr.Error: the path is not that of an uploaded file.
        """
        if not is_in_or_equal(path, self.GRADIO_CACHE):
            raise gr.Error(texts.NOT_UPLOADED, print_exception=False)
        return path


class UploadedImage(UploadedFilesOnly, gr.Image):
    """The image of a request to an endpoint: the path of an uploaded file, or the content of a data: URL."""

    def preprocess(self, payload: ImageData | None) -> ImageInput:  # type: ignore[override]  # Gradio's returns pixels
        if payload and payload.path:
            return self.check_uploaded(payload.path)
        return decode_data_url(payload.url) if payload and payload.url else None

    def get_block_name(self) -> str:
        return "image"  # the component of Gradio's that draws it in the browser


def decode_data_url(url: str) -> bytes:
    """Return the content of a data: URL.

    Raises:
        gr.Error: the URL is empty, a link, a path, or an invalid data: URL.
    """
    if not url:
        raise gr.Error(texts.NO_IMAGE, print_exception=False)
    head, _, content = url.partition(",")
    if not head.startswith("data:"):
        reason = texts.LINKS_NOT_FOLLOWED if "://" in url else texts.NOT_UPLOADED
        raise gr.Error(reason, print_exception=False)
    try:
        return base64.b64decode(content, validate=True)
    except ValueError:
        raise gr.Error(texts.INVALID_BASE64, print_exception=False) from None

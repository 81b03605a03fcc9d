"""The JSON API: POST /predict takes an image as its body and answers the reading as JSON.

It takes a single request and uses nothing of Gradio's: no queue and no file on disk. Gradio's own endpoint of the same
name serves Gradio's clients. Both give the same answer.
"""

import asyncio
import json

import gradio as gr
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from digits import DigitReader, ImageError
from digits.parallel.process_pool import ReaderPool
from web import texts
from web.image_input import decode_data_url
from web.server.dispatch import ClientDisconnected, Dispatcher
from web.server.uploaded_files import MAX_FILE_BYTES

# The endpoint itself answers all of them, in JSON and with a sentence.
_METHODS = ("DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")

# Content types that an image may have besides image/*. curl sends "application/x-www-form-urlencoded" by default.
_IMAGE_TYPES = ("", "application/octet-stream", "application/x-www-form-urlencoded")
_JSON_TYPE = "application/json"


class _RequestError(Exception):
    """The request can't be answered.

    Args:
        status: the HTTP status.
        reason: one sentence for the client.
    """

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


def predict_route(reader: DigitReader, pool: ReaderPool | None = None) -> Route:
    """Return the route POST /predict, for launch(app_kwargs={"routes": ...}).

    The body is an image of at most 32 MB, or JSON: {"image": "data:image/png;base64,..."}. The answer is the JSON of
    Reading.to_dict(), or {"error": a sentence} with the status 400 (no image, a link, invalid base64 or JSON), 405 (any
    method but POST), 413 (too large), 415 (a body of another type) or 422 (not an image that can be read).

    Args:
        reader: reads in this process.
        pool: reads on all cores once requests wait; None to read all images in this process.
    """
    dispatcher = Dispatcher(reader, pool)

    async def predict(request: Request) -> JSONResponse:
        try:
            if request.method != "POST":
                raise _RequestError(405, texts.POST_ONLY)
            is_json = _is_json(request.headers.get("content-type", ""))
            body = await request.body()
            image = await asyncio.to_thread(_image_from_json, body) if is_json else body
            _check_size(image)
            reading = await dispatcher.read(image, request.is_disconnected)
            if isinstance(reading, ImageError):
                raise _RequestError(413 if reading.reason == "too_large" else 422, str(reading))
            return JSONResponse(reading.to_dict())
        except ClientDisconnected:
            return JSONResponse({"error": "The client hung up."}, 400)  # no client receives it
        except _RequestError as error:
            headers = {"Allow": "POST"} if error.status == 405 else None
            return JSONResponse({"error": str(error)}, error.status, headers)

    return Route("/predict", predict, methods=_METHODS)


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != _JSON_TYPE and media_type not in _IMAGE_TYPES and not media_type.startswith("image/"):
        raise _RequestError(415, texts.UNSUPPORTED_TYPE)
    return media_type == _JSON_TYPE


def _check_size(image: bytes) -> None:
    if not image:
        raise _RequestError(400, texts.NO_IMAGE)
    if len(image) > MAX_FILE_BYTES:
        raise _RequestError(413, texts.too_large_message(MAX_FILE_BYTES))


def _image_from_json(body: bytes) -> bytes:
    try:
        image = json.loads(body)["image"]
    except (ValueError, RecursionError, LookupError, TypeError):
        raise _RequestError(400, texts.INVALID_JSON) from None
    if not isinstance(image, str):
        raise _RequestError(400, texts.INVALID_JSON)
    try:
        return decode_data_url(image)
    except gr.Error as error:
        raise _RequestError(400, error.message) from None

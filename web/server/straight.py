"""The straight road for programs: POST /predict takes an image as it is and answers what was read of it, as JSON.

One request, and nothing of Gradio's between: no queue, no file on disk. Gradio's own endpoint of that name stays, for
its clients; both answer the same.
"""

import asyncio
import json

import gradio as gr
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from digits import DigitReader, ImageError
from digits.parallel.cores import ReaderPool
from web import texts
from web.server.dispatch import Dispatcher, Gone
from web.server.pile import MAX_FILE
from web.source import decoded

# All are answered by the road itself: in JSON, and with a sentence.
_METHODS = ("DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")

# Of what a body may say it is. "application/x-www-form-urlencoded" is what curl says of any.
_IMAGES = ("", "application/octet-stream", "application/x-www-form-urlencoded")
_JSON = "application/json"


class _Refusal(Exception):
    """The request can't be answered: its status, and one sentence why."""

    def __init__(self, status: int, why: str):
        super().__init__(why)
        self.status = status


def straight_road(reader: DigitReader, pool: ReaderPool | None = None) -> Route:
    """The route POST /predict, for launch(app_kwargs={"routes": ...}).

    The body is an image, 32 MB at most, or JSON: {"image": "data:image/png;base64,..."}. The answer is that of
    Reading.to_dict(), or {"error": a sentence} with the status 400 (no image, a link, broken base64 or JSON), 413 (too
    large), 415 (a body of another type) or 422 (not an image that can be read); 405 for any method but POST.

    Args:
        reader: reads in this process.
        pool: reads on all cores, once requests wait; None where all are to be read in this process.
    """
    dispatcher = Dispatcher(reader, pool)

    async def predict(request: Request) -> JSONResponse:
        try:
            if request.method != "POST":
                raise _Refusal(405, texts.POST_ONLY)
            is_json = _is_json(request.headers.get("content-type", ""))
            body = await request.body()
            image = await asyncio.to_thread(_from_json, body) if is_json else body
            _check(image)
            reading = await dispatcher.read(image, request.is_disconnected)
            if isinstance(reading, ImageError):
                raise _Refusal(413 if reading.reason == "too_large" else 422, str(reading))
            return JSONResponse(reading.to_dict())
        except Gone:
            return JSONResponse({"error": "The client hung up."}, 400)  # which nobody hears
        except _Refusal as refusal:
            allowed = {"Allow": "POST"} if refusal.status == 405 else None
            return JSONResponse({"error": str(refusal)}, refusal.status, allowed)

    return Route("/predict", predict, methods=_METHODS)


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    if kind != _JSON and kind not in _IMAGES and not kind.startswith("image/"):
        raise _Refusal(415, texts.WRONG_TYPE)
    return kind == _JSON


def _check(image: bytes) -> None:
    if not image:
        raise _Refusal(400, texts.NO_IMAGE)
    if len(image) > MAX_FILE:
        raise _Refusal(413, texts.too_large(MAX_FILE))


def _from_json(body: bytes) -> bytes:
    try:
        image = json.loads(body)["image"]
    except (ValueError, RecursionError, LookupError, TypeError):
        raise _Refusal(400, texts.BROKEN_JSON) from None
    if not isinstance(image, str):
        raise _Refusal(400, texts.BROKEN_JSON)
    try:
        return decoded(image)
    except gr.Error as error:
        raise _Refusal(400, error.message) from None

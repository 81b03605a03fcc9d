"""HTTP statuses of Gradio's errors: Gradio answers 500 to every error, here 500 means an error in the server only.

Components and functions refuse an input by raising gr.Error, whose message Gradio puts into its answer. For all other
exceptions Gradio's answer has no message. This module knows nothing of the reasons.
"""

import json
import re

from fastapi import HTTPException
from gradio.route_utils import FnIndexInferError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.texts import INTERNAL_ERROR, UNKNOWN_ENDPOINT

_RUN_PATH = re.compile(r"/gradio_api/run/.*")


class ErrorStatusMiddleware:
    """ASGI middleware: 422 where one of Gradio's endpoints refuses its input, 500 and a sentence where it fails.

    Args:
        app: the next application.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _RUN_PATH.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        has_failed = False

        async def send_with_status(message: Message) -> None:
            nonlocal has_failed
            has_failed = has_failed or (message["type"] == "http.response.start" and message["status"] == 500)
            if not has_failed:
                await send(message)
            elif message["type"] == "http.response.body":  # Gradio sends the body of an error in a single message
                reason = json.loads(message["body"])["error"]
                response = JSONResponse({"error": reason or INTERNAL_ERROR}, 422 if reason else 500)
                await response(scope, receive, send)

        await self._app(scope, receive, send_with_status)


class ComponentsById(dict):
    """The page's components by id: an unknown id is 404. Gradio indexes a plain dict, whose KeyError becomes 500."""

    def __missing__(self, component_id: int) -> None:
        raise HTTPException(404, UNKNOWN_ENDPOINT)


async def _answer_unknown_endpoint(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": UNKNOWN_ENDPOINT}, 404)


# For launch(app_kwargs={"exception_handlers": ...}). Gradio raises this exception for an endpoint that it does not know
# and does not handle it.
EXCEPTION_HANDLERS = {FnIndexInferError: _answer_unknown_endpoint}

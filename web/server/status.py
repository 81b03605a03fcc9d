"""The status of Gradio's answers: it says 500 whatever went wrong, here only a fault of ours is one.

What a component or a function refuses, it refuses by gr.Error, whose sentence stands in the answer; of all else Gradio
tells nothing. It knows nothing of why.
"""

import json
import re

from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.texts import OUR_FAULT

_ANSWERED = re.compile(r"/gradio_api/run/.*")


class Status:
    """ASGI middleware: 422 where Gradio's endpoints refuse what was sent, and a sentence where they fail.

    Args:
        app: what lies behind.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _ANSWERED.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        failed = False

        async def send_piece(message: Message) -> None:
            nonlocal failed
            failed = failed or (message["type"] == "http.response.start" and message["status"] == 500)
            if not failed:
                await send(message)
            elif message["type"] == "http.response.body":  # which comes in one piece
                sentence = json.loads(message["body"])["error"]
                answer = JSONResponse({"error": sentence or OUR_FAULT}, 422 if sentence else 500)
                await answer(scope, receive, send)

        await self._app(scope, receive, send_piece)


# For launch(app_kwargs={"middleware": ...}).
STATUS = Middleware(Status)

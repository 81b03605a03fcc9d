"""The security headers that every response carries. It knows nothing of what is answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Gradio writes scripts and styles into the page and compiles its templates in the browser: hence "unsafe". All that is
# loaded comes from here. huggingface.co shows a Space in a frame.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self' https://huggingface.co",
    )
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": _POLICY,
}


class SecurityHeaders:
    """ASGI middleware: sets the headers where the response does not set them itself.

    Args:
        app: what lies behind.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


@asynccontextmanager
async def with_headers(app: Starlette) -> AsyncIterator[None]:
    """Put SecurityHeaders around an application; for launch(app_kwargs={"lifespan": ...}).

    Gradio answers CORS preflights in middleware of its own, outside of all that launch() is given. When an application
    starts, its middleware is built and nothing has been asked yet.
    """
    assert app.middleware_stack
    app.middleware_stack = SecurityHeaders(app.middleware_stack)
    yield

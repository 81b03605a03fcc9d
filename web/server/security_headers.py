"""The security headers of every response. It knows nothing of what the responses contain."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# 'unsafe-inline' and 'unsafe-eval', because Gradio writes scripts and styles into the page and compiles its templates
# in the browser. Everything the page loads comes from this server. huggingface.co shows a Space in a frame.
_CONTENT_SECURITY_POLICY = "; ".join(
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
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
}


class SecurityHeadersMiddleware:
    """ASGI middleware: sets each security header that the response does not set itself.

    Args:
        app: the next application.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


@asynccontextmanager
async def add_security_headers(app: Starlette) -> AsyncIterator[None]:
    """Wrap an application in SecurityHeadersMiddleware; for launch(app_kwargs={"lifespan": ...}).

    Gradio answers CORS preflights in its own middleware, which runs before all middleware that launch() accepts. At the
    start of its lifespan, an application has built its middleware and has received no request.
    """
    assert app.middleware_stack
    app.middleware_stack = SecurityHeadersMiddleware(app.middleware_stack)
    yield

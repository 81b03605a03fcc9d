"""The preview that chats and social networks show of a link to the page: its title, a description, and a picture.

Gradio renders the page itself, with its own name in these tags, so the middleware replaces them in the response. The
tags are those of the Open Graph protocol (ogp.me), which all of these programs read.
"""

import html
import re

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.texts import FALLBACK, LANGUAGES

_PREVIEW_TAG = re.compile(rb'<meta\s+(?:property|name)="(?:og|twitter):[^>]*>\s*')


class LinkPreviewMiddleware:
    """ASGI middleware: replaces Gradio's preview tags in the page by the page's own.

    Args:
        app: the next application.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        start: Message = {}
        page = b""

        async def send_with_tags(message: Message) -> None:
            nonlocal start, page
            if message["type"] == "http.response.start":
                start = message
            elif message["type"] == "http.response.body":
                page += message.get("body", b"")
                if not message.get("more_body"):
                    body = _replace_tags(page, Request(scope))
                    MutableHeaders(scope=start)["Content-Length"] = str(len(body))
                    await send(start)
                    await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, send_with_tags)


def _replace_tags(page: bytes, request: Request) -> bytes:
    texts = LANGUAGES[FALLBACK]["page"]
    address = str(request.base_url)
    properties = {
        "og:type": "website",
        "og:title": texts["title"],
        "og:description": texts["tagline"],
        "og:url": address,
        "og:image": f"{address}preview.png",
        "og:image:alt": texts["preview"],
        "twitter:card": "summary_large_image",
    }
    tags = "".join(f'<meta property="{name}" content="{html.escape(text)}" />\n' for name, text in properties.items())
    # The new tags replace the first of Gradio's, near the top of the page: some programs read only the start of a page.
    replacements = iter([tags.encode()])
    return _PREVIEW_TAG.sub(lambda _: next(replacements, b""), page)

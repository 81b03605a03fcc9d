"""What chats and networks show of a link to the page: its title, what it does, and a picture of it.

Gradio writes its own name there, into a page that it makes itself: so it is put right on the way out. The tags are the
Open Graph protocol's (ogp.me), which all of them read.
"""

import html
import re

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.texts import FALLBACK, LANGUAGES

_TAG = re.compile(rb'<meta\s+(?:property|name)="(?:og|twitter):[^>]*>\s*')


class Preview:
    """ASGI middleware: the page's tags for previews, in place of those that are in it.

    Args:
        app: what lies behind.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        start: Message = {}
        page = b""

        async def send_whole(message: Message) -> None:
            nonlocal start, page
            if message["type"] == "http.response.start":
                start = message
            elif message["type"] == "http.response.body":
                page += message.get("body", b"")
                if not message.get("more_body"):
                    whole = _with_tags(page, Request(scope))
                    MutableHeaders(scope=start)["Content-Length"] = str(len(whole))
                    await send(start)
                    await send({"type": "http.response.body", "body": whole})

        await self._app(scope, receive, send_whole)


def _with_tags(page: bytes, request: Request) -> bytes:
    texts = LANGUAGES[FALLBACK]["page"]
    address = str(request.base_url)
    about = {
        "og:type": "website",
        "og:title": texts["title"],
        "og:description": texts["tagline"],
        "og:url": address,
        "og:image": f"{address}preview.png",
        "og:image:alt": texts["preview"],
        "twitter:card": "summary_large_image",
    }
    tags = "".join(f'<meta property="{name}" content="{html.escape(said)}" />\n' for name, said in about.items())
    # Ours stand where the first of the others stood, near the top: some read no further.
    instead = iter([tags.encode()])
    return _TAG.sub(lambda _: next(instead, b""), page)


# For launch(app_kwargs={"middleware": ...}).
PREVIEW = Middleware(Preview)

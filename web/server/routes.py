"""The requests that the server answers: an allow-list of paths, each with its methods and the limits of its body.

The page, gradio_client, MCP clients and clients of /predict need these routes. Gradio has many more, each of which
would have to be secured; `request_limits` refuses them before they reach Gradio. This module knows nothing of what a
route does.
"""

from dataclasses import dataclass
from functools import cached_property
from re import Pattern
from typing import Literal

from starlette.routing import compile_path

from web.components.files.files import MAX_FILES_PER_REQUEST
from web.server.uploaded_files import MAX_FILE_BYTES, MEGABYTE

# Size of the whole body. An upload is as large as the page sends at a time; it goes to disk, not to memory.
MAX_IMAGE_BODY_BYTES = MAX_FILE_BYTES * 4 // 3 + MEGABYTE  # one file as base64, and its metadata
MAX_UPLOAD_BODY_BYTES = MAX_FILES_PER_REQUEST * MAX_FILE_BYTES + MEGABYTE
MAX_OTHER_BODY_BYTES = MEGABYTE  # Gradio retains these bodies after its response; clients upload their files before

# Time for the whole body to arrive: at 1 Mbit/s, a photo of 5 MB takes 40 s, and eight of them take 320 s.
MAX_IMAGE_BODY_SECONDS = 120
MAX_UPLOAD_BODY_SECONDS = 600
MAX_OTHER_BODY_SECONDS = 30


@dataclass(frozen=True)
class AllowedRoute:
    """A path that the server answers.

    Attributes:
        methods: HTTP methods, separated by spaces.
        path: in Starlette's notation. A trailing slash is allowed too.
        max_body_bytes: largest body.
        max_body_seconds: longest time in which the whole body must arrive.
        body: content of the body. "image or json" depends on its content type; "files" go to disk instead of memory.
    """

    methods: str
    path: str
    max_body_bytes: int = 0
    max_body_seconds: float = 0
    body: Literal["json", "image or json", "files"] = "json"

    @cached_property
    def pattern(self) -> Pattern[str]:
        """Return the compiled path."""
        return compile_path(self.path)[0]


_IMAGE_BODY = (MAX_IMAGE_BODY_BYTES, MAX_IMAGE_BODY_SECONDS)
_UPLOAD_BODY = (MAX_UPLOAD_BODY_BYTES, MAX_UPLOAD_BODY_SECONDS)
_OTHER_BODY = (MAX_OTHER_BODY_BYTES, MAX_OTHER_BODY_SECONDS)

ALLOWED_ROUTES = (
    # The page.
    AllowedRoute("GET HEAD", "/"),
    AllowedRoute("GET HEAD", "/4079.png"),
    AllowedRoute("GET HEAD", "/preview.png"),
    AllowedRoute("GET", "/assets/{path:path}"),
    AllowedRoute("GET", "/static/{path:path}"),
    AllowedRoute("GET", "/favicon.ico"),
    AllowedRoute("GET", "/robots.txt"),
    AllowedRoute("GET", "/theme.css"),
    AllowedRoute("GET", "/gradio_api/app_id"),  # requested when the connection is restored
    AllowedRoute("GET", "/gradio_api/startup-events"),  # requested by launch() itself before the server is ready
    AllowedRoute("POST", "/gradio_api/component_server", *_IMAGE_BODY),
    # The page and clients of Gradio, in Python and in JavaScript.
    AllowedRoute("GET", "/config"),
    AllowedRoute("GET", "/gradio_api/info"),
    AllowedRoute("GET", "/gradio_api/heartbeat/{session_hash}"),
    AllowedRoute("POST", "/gradio_api/upload", *_UPLOAD_BODY, "files"),
    AllowedRoute("POST", "/gradio_api/run/{api_name}", *_IMAGE_BODY),
    AllowedRoute("POST", "/gradio_api/call/{api_name}", *_OTHER_BODY),
    AllowedRoute("GET", "/gradio_api/call/{api_name}/{event_id}"),
    AllowedRoute("POST", "/gradio_api/queue/join", *_OTHER_BODY),
    AllowedRoute("GET", "/gradio_api/queue/data"),
    AllowedRoute("POST", "/gradio_api/cancel", *_OTHER_BODY),
    AllowedRoute("POST", "/gradio_api/reset", *_OTHER_BODY),
    # Other programs.
    # /predict answers every method: all but POST with 405.
    AllowedRoute("DELETE GET OPTIONS PATCH POST PUT TRACE", "/predict", *_IMAGE_BODY, "image or json"),
    AllowedRoute("GET POST DELETE", "/gradio_api/mcp", *_IMAGE_BODY),
)


def find_route(method: str, path: str) -> AllowedRoute | None:
    """Return the route of a request, or None where the server does not answer it."""
    path = path.rstrip("/") or "/"
    return next(
        (route for route in ALLOWED_ROUTES if method in route.methods.split() and route.pattern.match(path)), None
    )

"""Which requests the server answers: an allow-list of paths, each with its methods and the limit of its body.

The page, gradio_client, MCP clients and callers of /predict need these. Gradio has many more, each of which would have
to be defended; they are refused before Gradio sees them. It knows nothing of what a route does.
"""

from dataclasses import dataclass
from functools import cached_property
from re import Pattern
from typing import Literal

from starlette.routing import compile_path

from web.components.files.files import BATCH
from web.server.pile import MAX_FILE, MEGABYTE

MAX_BODY = MAX_FILE * 4 // 3 + MEGABYTE  # bytes: one file as base64, and what is said of it
MAX_UPLOAD = BATCH * MAX_FILE + MEGABYTE  # bytes: what the page sends at a time; goes to disk, and is not held
MAX_ASIDE = MEGABYTE  # bytes of all other bodies: Gradio keeps them past its answer, and files are uploaded before

# Seconds in which the whole body must arrive: a photo of 5 MB takes 40 of them at 1 Mbit/s, eight of them 320.
BODY_SECONDS, UPLOAD_SECONDS, ASIDE_SECONDS = 120, 600, 30


@dataclass(frozen=True)
class AllowedRoute:
    """A path that is answered.

    Attributes:
        methods: separated by spaces.
        path: as Starlette writes it; a slash at its end is allowed too.
        max_body: bytes.
        seconds: in which the whole body must arrive.
        body: what it is: "json", or "image or json" by its type; "files" go to disk, and are not held in memory.
    """

    methods: str
    path: str
    max_body: int = 0
    seconds: float = 0
    body: Literal["json", "image or json", "files"] = "json"

    @cached_property
    def pattern(self) -> Pattern[str]:
        return compile_path(self.path)[0]


ROUTES = (
    # The page.
    AllowedRoute("GET HEAD", "/"),
    AllowedRoute("GET HEAD", "/4079.png"),
    AllowedRoute("GET HEAD", "/preview.png"),
    AllowedRoute("GET", "/assets/{path:path}"),
    AllowedRoute("GET", "/static/{path:path}"),
    AllowedRoute("GET", "/favicon.ico"),
    AllowedRoute("GET", "/robots.txt"),
    AllowedRoute("GET", "/theme.css"),
    AllowedRoute("GET", "/gradio_api/app_id"),  # asked once the connection is back
    AllowedRoute("GET", "/gradio_api/startup-events"),  # launch() itself asks for it, and listens only then
    AllowedRoute("POST", "/gradio_api/component_server", MAX_BODY, BODY_SECONDS),
    # The page and clients of Gradio, in Python and in JavaScript.
    AllowedRoute("GET", "/config"),
    AllowedRoute("GET", "/gradio_api/info"),
    AllowedRoute("GET", "/gradio_api/heartbeat/{session_hash}"),
    AllowedRoute("POST", "/gradio_api/upload", MAX_UPLOAD, UPLOAD_SECONDS, "files"),
    AllowedRoute("POST", "/gradio_api/run/{api_name}", MAX_BODY, BODY_SECONDS),
    AllowedRoute("POST", "/gradio_api/call/{api_name}", MAX_ASIDE, ASIDE_SECONDS),
    AllowedRoute("GET", "/gradio_api/call/{api_name}/{event_id}"),
    AllowedRoute("POST", "/gradio_api/queue/join", MAX_ASIDE, ASIDE_SECONDS),
    AllowedRoute("GET", "/gradio_api/queue/data"),
    AllowedRoute("POST", "/gradio_api/cancel", MAX_ASIDE, ASIDE_SECONDS),
    AllowedRoute("POST", "/gradio_api/reset", MAX_ASIDE, ASIDE_SECONDS),
    # Other programs.
    # /predict answers every method: all but POST with 405.
    AllowedRoute("DELETE GET OPTIONS PATCH POST PUT TRACE", "/predict", MAX_BODY, BODY_SECONDS, "image or json"),
    AllowedRoute("GET POST DELETE", "/gradio_api/mcp", MAX_BODY, BODY_SECONDS),
)


def route_of(method: str, path: str) -> AllowedRoute | None:
    """Return the route that a request belongs to; None where it is not answered."""
    path = path.rstrip("/") or "/"
    return next((route for route in ROUTES if method in route.methods.split() and route.pattern.match(path)), None)

"""The gate: every request passes it, and what would harm the page or its visitors does not.

It answers only what `routes` allows, and bounds bodies, how long they may take to arrive, and how much is worked on at
once; what doesn't fit is told so at once, and when to come again. It knows nothing of what the requests are about.
"""

import asyncio
import logging
import math
import time

from gradio.route_utils import FnIndexInferError
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web import texts
from web.server.json_limits import is_too_complex
from web.server.pile import MEGABYTE
from web.server.routes import route_of

PLACES = 160  # requests with a body that are worked on or wait for it
MAX_HELD = 256 * MEGABYTE  # bytes of all bodies in memory
PATIENCE = 20  # seconds between two pieces of a body; for all of them see `routes`
RATE_SECONDS = 2  # how far back it is looked to know how fast a body arrives

_WITH_BODY = ("POST", "PUT", "PATCH", "DELETE")

log = logging.getLogger(__name__)


class Gate:
    """ASGI middleware: refuses with {"error": a sentence} and a status.

    400 for JSON of too many values, 404 for a path or a method that is not allowed, 408 for a body that stops, 413 for
    one that is too large, 415 for one that should be JSON, 500 for a fault of our own, 503 with Retry-After in seconds
    where there is no place.

    Args:
        app: what lies behind.
        places: requests with a body that may be worked on at once, or wait for it.
        patience: seconds between two pieces of a body.
        max_held: bytes of all bodies in memory. Where they are more, the bodies that arrive the slowest are dropped.
    """

    def __init__(self, app: ASGIApp, places: int = PLACES, patience: float = PATIENCE, max_held: int = MAX_HELD):
        self.app = app
        self.patience = patience
        self.max_held = max_held
        self.arriving: set[_Passage] = set()  # those whose body is held
        self.free = places
        self.held = 0
        self.last_stay = 0.0  # seconds that the request which left last was inside; so long a full house takes to empty

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await _Passage(self, scope, receive, send).go()


class _Refused(Exception):
    """Ends the work on a request that was refused; whatever is made of it on the way out is not sent."""


class _Passage:
    """One request on its way through the gate, and its answer on the way back."""

    def __init__(self, gate: Gate, scope: Scope, receive: Receive, send: Send):
        self._gate, self._scope, self._receive, self._send = gate, scope, receive, send
        self._route = route_of(scope["method"], scope["path"])
        self._limit = self._route.max_body if self._route else 0
        self._received = self._held = 0
        self._arriving = scope["method"] in _WITH_BODY
        self._entered = 0.0
        self._answered = False
        self._refusal: JSONResponse | None = None
        self._body: Message | None = None
        self._began = asyncio.get_running_loop().time()
        self._pieces: list[tuple[float, bytes]] = []  # each with the time when it arrived
        self._timeout: asyncio.Timeout | None = None

    async def go(self) -> None:
        """Brings the request to the app and its answer back, or a refusal."""
        try:
            self._at_the_door()
            if self._arriving and self._route.body != "files":
                await self._receive_whole()
            await self._gate.app(self._scope, self._receive_next, self._send_piece)
        except _Refused:
            pass
        except Exception:
            log.exception("A request could not be answered")
            self._refusal = self._refusal or JSONResponse({"error": texts.OUR_FAULT}, 500)
        finally:
            self._leave()
        if self._refusal and not self._answered:
            refusal, self._refusal = self._refusal, None
            await refusal(self._scope, self._receive, self._send_piece)

    def _at_the_door(self) -> None:
        if not self._route:
            self._refuse(404, texts.NO_ENDPOINT)
        if self._arriving:
            length = Headers(scope=self._scope).get("content-length", "0")
            self._check_size(int(length) if length.isdecimal() else 0)
            self._check_places()

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            self._refuse(413, texts.too_large(self._limit))

    def _check_places(self) -> None:
        if self._gate.free <= 0:
            self._refuse_for_now()

    def _refuse(self, status: int, why: str, headers: dict[str, str] | None = None) -> None:
        self._refusal = self._refusal or JSONResponse({"error": why}, status, headers)
        raise _Refused

    def _refuse_for_now(self) -> None:
        self._refusal = self._busy()
        raise _Refused

    def _busy(self, headers: dict[str, str] | None = None) -> JSONResponse:
        seconds = max(1, math.ceil(self._gate.last_stay))
        headers = {"Retry-After": str(seconds), **(headers or {})}
        return JSONResponse({"error": texts.BUSY.format(seconds=seconds)}, 503, headers)

    async def _receive_whole(self) -> None:
        """Receives the body, which is checked before anything parses it."""
        self._gate.arriving.add(self)
        while self._arriving:
            await self._receive_piece()
        self._gate.arriving.discard(self)
        body = b"".join(piece for _, piece in self._pieces)
        self._pieces.clear()
        self._check_json(body)
        self._body = {"type": "http.request", "body": body}

    def _check_json(self, body: bytes) -> None:
        content_type = Headers(scope=self._scope).get("content-type", "")
        is_json = content_type.partition(";")[0].strip().lower() == "application/json"
        if body and not is_json and self._route.body == "json":
            self._refuse(415, texts.JSON_ONLY)
        if is_json and is_too_complex(body):
            self._refuse(400, texts.COMPLEX_JSON)

    async def _receive_next(self) -> Message:
        """Hands the body on to the app, and what comes after it: that the client hung up."""
        if self._body:
            body, self._body = self._body, None
            return body
        return await (self._receive_piece() if self._arriving else self._receive())

    async def _receive_piece(self) -> Message:
        end = min(asyncio.get_running_loop().time() + self._gate.patience, self._began + self._route.seconds)
        try:
            async with asyncio.timeout_at(end) as self._timeout:
                message = await self._receive()
        except TimeoutError:
            self._refuse(408, texts.TOO_SLOW, {"Connection": "close"})
        if self._refusal:
            raise _Refused  # it was dropped in the moment when this piece arrived
        if message["type"] == "http.disconnect":
            raise _Refused  # and nobody is left to be told
        self._count(message.get("body", b""))
        if not message.get("more_body"):
            self._enter()
        return message

    def _count(self, piece: bytes) -> None:
        self._received += len(piece)
        self._check_size(self._received)
        if self not in self._gate.arriving:
            return  # goes to disk
        self._pieces.append((asyncio.get_running_loop().time(), piece))
        self._held += len(piece)
        self._gate.held += len(piece)
        while self._gate.held > self._gate.max_held:
            slowest = min((one for one in self._gate.arriving if one._held), key=_Passage._growth)
            if slowest is self:
                self._refuse_for_now()
            slowest._drop()

    def _growth(self) -> tuple[float, int]:
        """By which part of itself the body grows in a second; of bodies that stopped the one that holds most is first.

        In bytes a second, a large body that came in a burst would be faster than a small one that has just begun.
        """
        now = asyncio.get_running_loop().time()
        since = max(self._began, now - RATE_SECONDS)
        received = sum(len(piece) for arrived, piece in self._pieces if arrived >= since)
        return received / self._held / max(now - since, 0.001), -self._held

    def _drop(self) -> None:
        """Gives back what the body holds, at once; who sends it is told so."""
        self._refusal = self._busy({"Connection": "close"})
        self._pieces.clear()
        self._release()
        if self._timeout and not self._timeout.expired():
            self._timeout.reschedule(0)

    def _release(self) -> None:
        self._gate.arriving.discard(self)
        self._gate.held -= self._held
        self._held = 0

    def _enter(self) -> None:
        """Takes a place, now that the body is there: who sends slowly keeps nobody waiting."""
        self._arriving = False
        self._check_places()
        self._gate.free -= 1
        self._entered = time.monotonic()

    def _leave(self) -> None:
        self._release()
        if self._entered:
            self._gate.free += 1
            self._gate.last_stay = time.monotonic() - self._entered

    async def _send_piece(self, message: Message) -> None:
        if self._refusal:
            return
        if message["type"] == "http.response.start":
            self._answered = True
        await self._send(message)


async def _unknown(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": texts.NO_ENDPOINT}, 404)


# For launch(app_kwargs={"middleware": ...}).
GATE = Middleware(Gate)

# For {"exception_handlers": ...}: Gradio has no answer to an endpoint that it doesn't know but an exception.
UNKNOWN = {FnIndexInferError: _unknown}

"""Limits on requests: which ones are accepted, how large and how slow a body may be, and how many run at once.

The middleware accepts only what `routes` allows. It refuses every request beyond a limit at once and says when to
retry. It knows nothing of what the requests are about.
"""

import asyncio
import logging
import math
import time
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web import texts
from web.server.json_limits import is_too_complex
from web.server.routes import AllowedRoute, find_route
from web.server.uploaded_files import MEGABYTE

_METHODS_WITH_BODY = ("POST", "PUT", "PATCH", "DELETE")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RequestLimits:
    """The limits of one server; the limits of each route's body are in `routes`.

    Attributes:
        max_active_requests: requests with a body that are processed at once or wait to be processed.
        max_buffered_bytes: total size of all bodies in memory. Above it, the slowest bodies are dropped.
        chunk_timeout_seconds: longest wait for the next chunk of a body.
        rate_window_seconds: period over which the arrival rate of a body is measured.
    """

    max_active_requests: int = 160
    max_buffered_bytes: int = 256 * MEGABYTE
    chunk_timeout_seconds: float = 20
    rate_window_seconds: float = 2


DEFAULT_LIMITS = RequestLimits()


class RequestLimitsMiddleware:
    """ASGI middleware: refuses requests beyond a limit with {"error": a sentence} and a status.

    400 for JSON with too many values, 404 for a path or method that is not allowed, 408 for a body that arrives too
    slowly, 413 for a body that is too large, 415 for a body that should be JSON, 500 for an error in the server, 503
    with Retry-After in seconds where the server is saturated.

    Args:
        app: the next application.
        limits: the limits of this server.
    """

    def __init__(self, app: ASGIApp, limits: RequestLimits = DEFAULT_LIMITS):
        self.app = app
        self.limits = limits
        self.buffering: set[_RequestHandler] = set()  # requests whose body is being buffered
        self.buffered_bytes = 0
        self.free_slots = limits.max_active_requests
        self.last_latency_seconds = 0.0  # of the request that ended last; a saturated server needs as long to recover

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif route := find_route(scope["method"], scope["path"]):
            await _RequestHandler(self, route, scope, receive, send).handle()
        else:
            await JSONResponse({"error": texts.UNKNOWN_ENDPOINT}, 404)(scope, receive, send)


class _RequestRefused(Exception):
    """Ends the processing of a refused request; nothing that the application sends after it reaches the client."""


class _RequestHandler:
    """Passes one request to the application and its response to the client, within the limits."""

    def __init__(
        self, server: RequestLimitsMiddleware, route: AllowedRoute, scope: Scope, receive: Receive, send: Send
    ):
        self._server, self._route = server, route
        self._scope, self._receive, self._send = scope, receive, send
        self._started_at = asyncio.get_running_loop().time()
        self._is_receiving = scope["method"] in _METHODS_WITH_BODY
        self._received_bytes = self._buffered_bytes = 0
        self._chunks: list[tuple[float, bytes]] = []  # each with its time of arrival
        self._timeout: asyncio.Timeout | None = None
        self._body: Message | None = None
        self._slot_acquired_at = 0.0
        self._has_responded = False
        self._refusal: JSONResponse | None = None

    async def handle(self) -> None:
        """Run the application and send its response, or send a refusal."""
        try:
            self._check_headers()
            if self._is_receiving and self._route.body != "files":
                await self._buffer_body()
            await self._server.app(self._scope, self._receive_next, self._send_unless_refused)
        except _RequestRefused:
            pass
        except Exception:
            log.exception("A request could not be answered")
            self._refusal = self._refusal or JSONResponse({"error": texts.INTERNAL_ERROR}, 500)
        finally:
            self._release_buffer()
            self._release_slot()
        if self._refusal and not self._has_responded:
            refusal, self._refusal = self._refusal, None
            await refusal(self._scope, self._receive, self._send_unless_refused)

    def _check_headers(self) -> None:
        if self._is_receiving:
            length = Headers(scope=self._scope).get("content-length", "0")
            self._check_size(int(length) if length.isdecimal() else 0)
            self._check_free_slot()

    def _check_size(self, size: int) -> None:
        if size > self._route.max_body_bytes:
            self._refuse(413, texts.too_large_message(self._route.max_body_bytes))

    def _check_free_slot(self) -> None:
        if self._server.free_slots <= 0:
            self._refuse_saturated()

    def _refuse(self, status: int, reason: str, headers: dict[str, str] | None = None) -> None:
        self._refusal = self._refusal or JSONResponse({"error": reason}, status, headers)
        raise _RequestRefused

    def _refuse_saturated(self) -> None:
        self._refusal = self._saturated_response()
        raise _RequestRefused

    def _saturated_response(self, headers: dict[str, str] | None = None) -> JSONResponse:
        seconds = max(1, math.ceil(self._server.last_latency_seconds))
        headers = {"Retry-After": str(seconds), **(headers or {})}
        return JSONResponse({"error": texts.BUSY.format(seconds=seconds)}, 503, headers)

    async def _buffer_body(self) -> None:
        """Receive the whole body and check it before anything parses it."""
        self._server.buffering.add(self)
        while self._is_receiving:
            await self._receive_chunk()
        self._server.buffering.discard(self)
        body = b"".join(chunk for _, chunk in self._chunks)
        self._chunks.clear()
        self._check_json(body)
        self._body = {"type": "http.request", "body": body}

    def _check_json(self, body: bytes) -> None:
        content_type = Headers(scope=self._scope).get("content-type", "")
        is_json = content_type.partition(";")[0].strip().lower() == "application/json"
        if body and not is_json and self._route.body == "json":
            self._refuse(415, texts.JSON_ONLY)
        if is_json and is_too_complex(body):
            self._refuse(400, texts.JSON_TOO_COMPLEX)

    async def _receive_next(self) -> Message:
        """Return the application's next message: the body, then the client's disconnect."""
        if self._body:
            body, self._body = self._body, None
            return body
        return await (self._receive_chunk() if self._is_receiving else self._receive())

    async def _receive_chunk(self) -> Message:
        now = asyncio.get_running_loop().time()
        deadline = min(now + self._server.limits.chunk_timeout_seconds, self._started_at + self._route.max_body_seconds)
        try:
            async with asyncio.timeout_at(deadline) as self._timeout:
                message = await self._receive()
        except TimeoutError:
            self._refuse(408, texts.BODY_TIMEOUT, {"Connection": "close"})
        if self._refusal:
            raise _RequestRefused  # the body was dropped while this chunk arrived
        if message["type"] == "http.disconnect":
            raise _RequestRefused  # no client is left to receive a response
        self._count_chunk(message.get("body", b""))
        if not message.get("more_body"):
            self._acquire_slot()
        return message

    def _count_chunk(self, chunk: bytes) -> None:
        self._received_bytes += len(chunk)
        self._check_size(self._received_bytes)
        if self not in self._server.buffering:
            return  # an upload, which goes to disk
        self._chunks.append((asyncio.get_running_loop().time(), chunk))
        self._buffered_bytes += len(chunk)
        self._server.buffered_bytes += len(chunk)
        while self._server.buffered_bytes > self._server.limits.max_buffered_bytes:
            candidates = (request for request in self._server.buffering if request._buffered_bytes)
            slowest = min(candidates, key=_RequestHandler._growth_rate)
            if slowest is self:
                self._refuse_saturated()
            slowest._drop()

    def _growth_rate(self) -> tuple[float, int]:
        """Return a sort key: the share of the body that arrived per second, then the negative of the buffered bytes.

        The rate is relative, because in bytes per second a large body that came in a burst would be faster than a small
        one that has just started. Of the bodies that stopped, the largest one comes first.
        """
        now = asyncio.get_running_loop().time()
        window_start = max(self._started_at, now - self._server.limits.rate_window_seconds)
        recent_bytes = sum(len(chunk) for arrived_at, chunk in self._chunks if arrived_at >= window_start)
        return recent_bytes / self._buffered_bytes / max(now - window_start, 0.001), -self._buffered_bytes

    def _drop(self) -> None:
        """Release the buffered body at once, and refuse the request."""
        self._refusal = self._saturated_response({"Connection": "close"})
        self._chunks.clear()
        self._release_buffer()
        if self._timeout and not self._timeout.expired():
            self._timeout.reschedule(0)

    def _release_buffer(self) -> None:
        self._server.buffering.discard(self)
        self._server.buffered_bytes -= self._buffered_bytes
        self._buffered_bytes = 0

    def _acquire_slot(self) -> None:
        """Acquire a slot now that the whole body has arrived: slow clients occupy none."""
        self._is_receiving = False
        self._check_free_slot()
        self._server.free_slots -= 1
        self._slot_acquired_at = time.monotonic()

    def _release_slot(self) -> None:
        if self._slot_acquired_at:
            self._server.free_slots += 1
            self._server.last_latency_seconds = time.monotonic() - self._slot_acquired_at

    async def _send_unless_refused(self, message: Message) -> None:
        if self._refusal:
            return
        if message["type"] == "http.response.start":
            self._has_responded = True
        await self._send(message)

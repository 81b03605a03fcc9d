"""A load generator: concurrent HTTP clients of one server, and the responses that they receive.

It implements only the part of HTTP that the measurements need, so that the server gets the processor time.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlparse


@dataclass(frozen=True)
class TimedResponse:
    """A response and its latency.

    Attributes:
        request: index of the request that it answers.
        seconds: time from sending the request to the end of the response.
        status: HTTP status.
        head: status line and headers, in lower case.
        body: content.
    """

    request: int
    seconds: float
    status: int
    head: str
    body: bytes


# Time after which an idle connection is not used again: uvicorn closes idle connections after 5 s.
MAX_IDLE_SECONDS = 3


def post_request(path: str, body: bytes, content_type: str) -> bytes:
    """Return the bytes of a POST request."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def form_request(path: str, image: bytes) -> bytes:
    """Return the bytes of a POST request with a form that uploads a file in its field "image"."""
    before = b'--part\r\nContent-Disposition: form-data; name="image"; filename="digit.png"\r\n'
    body = before + b"Content-Type: image/png\r\n\r\n" + image + b"\r\n--part--\r\n"
    return post_request(path, body, "multipart/form-data; boundary=part")


class LoadGenerator:
    """Sends requests to one server, over connections that are reused.

    Args:
        address: such as http://127.0.0.1:7860.
        requests: bytes of the requests, which are sent in turn.
    """

    def __init__(self, address: str, requests: Sequence[bytes]):
        self._address = urlparse(address)
        self._requests = requests
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._sent_count = 0

    async def run_closed_loop(self, clients: int, seconds: float) -> list[TimedResponse]:
        """Send requests from a number of clients, each of which waits for a response before its next request.

        Args:
            clients: number of concurrent clients.
            seconds: time during which clients start new requests.
        """
        responses: list[TimedResponse] = []
        end = time.perf_counter() + seconds

        async def run_client() -> None:
            while time.perf_counter() < end:
                responses.append(await self._send())

        await asyncio.gather(*(run_client() for _ in range(clients)))
        self._close_idle()
        return responses

    async def run_open_loop(self, rate: float, count: int) -> list[TimedResponse]:
        """Send requests at a fixed rate, however many are unanswered.

        Args:
            rate: requests per second.
            count: total number of requests.
        """
        began = time.perf_counter()
        tasks = []
        for number in range(count):
            if (delay := began + number / rate - time.perf_counter()) > 0:
                await asyncio.sleep(delay)
            tasks.append(asyncio.create_task(self._send()))
        responses = await asyncio.gather(*tasks)
        self._close_idle()
        return responses

    async def _send(self) -> TimedResponse:
        began = time.perf_counter()
        number = self._sent_count % len(self._requests)
        self._sent_count += 1
        reader, writer = await self._connect()
        writer.write(self._requests[number])
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        body = await reader.readexactly(length)
        if "connection: close" in head:
            writer.close()
        else:
            self._idle.append((time.perf_counter(), reader, writer))
        return TimedResponse(number, time.perf_counter() - began, int(head[9:12]), head, body)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._idle:
            idle_since, reader, writer = self._idle.pop()
            if time.perf_counter() - idle_since < MAX_IDLE_SECONDS:
                return reader, writer
            writer.close()
            self._close_idle()  # all others have been idle for longer
        return await asyncio.open_connection(self._address.hostname, self._address.port)

    def _close_idle(self) -> None:
        for _, _, writer in self._idle:
            writer.close()
        self._idle.clear()

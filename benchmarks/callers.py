"""Callers of an HTTP server, and what they are answered.

They know as little of HTTP as the measurement needs, so that the cores are the server's.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlparse


@dataclass(frozen=True)
class Answer:
    """What came back: to which of the requests, after how many seconds, status, head in small letters, and body."""

    request: int
    seconds: float
    status: int
    head: str
    body: bytes


# Seconds that a connection may lie idle: uvicorn hangs up after 5.
FRESH = 3


def post(path: str, body: bytes, content_type: str) -> bytes:
    """A request, ready to be sent."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def as_form(path: str, image: bytes) -> bytes:
    """A request that uploads a file by a form, in its field "image"."""
    before = b'--part\r\nContent-Disposition: form-data; name="image"; filename="digit.png"\r\n'
    body = before + b"Content-Type: image/png\r\n\r\n" + image + b"\r\n--part--\r\n"
    return post(path, body, "multipart/form-data; boundary=part")


class Callers:
    """Connections to one server, each used again once it was answered.

    Args:
        address: such as http://127.0.0.1:7860.
        requests: what is sent, in turn.
    """

    def __init__(self, address: str, requests: Sequence[bytes]):
        self._where = urlparse(address)
        self._requests = requests
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._turn = 0

    async def waiting(self, callers: int, seconds: float) -> list[Answer]:
        """For some seconds, so many callers who wait for an answer before they ask again."""
        answers: list[Answer] = []
        end = time.perf_counter() + seconds

        async def one() -> None:
            while time.perf_counter() < end:
                answers.append(await self._ask())

        await asyncio.gather(*(one() for _ in range(callers)))
        self._hang_up()
        return answers

    async def pressing(self, rate: float, count: int) -> list[Answer]:
        """So many requests, so many of them a second, whatever has been answered."""
        began = time.perf_counter()
        asked = []
        for number in range(count):
            if (early := began + number / rate - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            asked.append(asyncio.create_task(self._ask()))
        answers = await asyncio.gather(*asked)
        self._hang_up()
        return answers

    async def _ask(self) -> Answer:
        began = time.perf_counter()
        number = self._turn % len(self._requests)
        self._turn += 1
        reader, writer = await self._connection()
        writer.write(self._requests[number])
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        body = await reader.readexactly(length)
        if "connection: close" in head:
            writer.close()
        else:
            self._idle.append((time.perf_counter(), reader, writer))
        return Answer(number, time.perf_counter() - began, int(head[9:12]), head, body)

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._idle:
            since, reader, writer = self._idle.pop()
            if time.perf_counter() - since < FRESH:
                return reader, writer
            writer.close()
            self._hang_up()  # all the others were idle for longer
        return await asyncio.open_connection(self._where.hostname, self._where.port)

    def _hang_up(self) -> None:
        for _, _, writer in self._idle:
            writer.close()
        self._idle.clear()

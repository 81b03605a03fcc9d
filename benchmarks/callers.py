"""Callers of an HTTP server: each sends a request, waits for its answer and sends the next, over one connection.

They know as little of HTTP as the measurement needs, so that the cores are the server's.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlparse


@dataclass(frozen=True)
class Answer:
    """What came back: to which of the requests, after how many seconds, status, head and body."""

    request: int
    seconds: float
    status: int
    head: bytes
    body: bytes


def post(path: str, body: bytes, content_type: str) -> bytes:
    """A request, ready to be sent."""
    lines = (f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {content_type}", f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode() + body


def as_form(path: str, image: bytes) -> bytes:
    """A request that uploads a file by a form, in its field "image"."""
    before = b'--part\r\nContent-Disposition: form-data; name="image"; filename="digit.png"\r\n'
    body = before + b"Content-Type: image/png\r\n\r\n" + image + b"\r\n--part--\r\n"
    return post(path, body, "multipart/form-data; boundary=part")


async def call(address: str, requests: Sequence[bytes], callers: int, seconds: float) -> list[Answer]:
    """Lets callers send requests in turn for some seconds; answers in the order of their arrival."""
    answers: list[Answer] = []
    end = time.perf_counter() + seconds
    await asyncio.gather(*(_caller(address, requests, number, end, answers) for number in range(callers)))
    return answers


async def _caller(address: str, requests: Sequence[bytes], turn: int, end: float, answers: list[Answer]) -> None:
    where = urlparse(address)
    reader = writer = None
    while (began := time.perf_counter()) < end:
        if writer is None:
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
        number = turn % len(requests)
        turn += 1
        writer.write(requests[number])
        status, head, body = await _answer(reader)
        answers.append(Answer(number, time.perf_counter() - began, status, head, body))
        if b"connection: close" in head:
            writer.close()
            writer = None
    if writer is not None:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    return int(head[9:12]), head, await reader.readexactly(length)

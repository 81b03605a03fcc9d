"""Requests to a server under test, and what their answers must be."""

import asyncio
import base64
import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from benchmarks.callers import Callers
from helpers.browser import EXAMPLES

NUMBER = EXAMPLES / "5-4079.png"
FILE = {"_type": "gradio.FileData"}
RUN = "/gradio_api/run/predict"
JSON = "application/json"


def fetch(url: str, body: bytes | None = None, content_type: str = JSON):
    """Status, headers and body of an answer."""
    request = urllib.request.Request(url, body, {"Content-Type": content_type} if body is not None else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers, refusal.read()


def ask(server: str, body: bytes | None, content_type: str | None = "image/png", method: str = "POST"):
    """Status, headers and JSON of an answer."""
    headers = {"Content-Type": content_type} if content_type else {}
    request = urllib.request.Request(f"{server}/predict", body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers, json.load(refusal)


def image_json(image) -> bytes:
    return json.dumps({"image": image}).encode()


def data_url(path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def apart(function, *arguments):
    """Calls it in a thread of its own: where tests of the page ran before, this one has Playwright's event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *arguments).result()


def at_once(server: str, request: bytes, count: int):
    """The answers to so many requests that are sent in the same moment; TimeoutError where one is never answered."""
    return apart(asyncio.run, asyncio.wait_for(Callers(server, [request]).pressing(1e9, count), 120))


def assert_same_reading(got: dict, expected: dict) -> None:
    assert got.keys() == expected.keys()
    assert got["text"] == expected["text"]
    assert len(got["digits"]) == len(expected["digits"])
    for part in ("numbers", "table", "rotation"):
        assert got[part] == expected[part]
    for one, other in zip(got["marks"], expected["marks"], strict=True):
        assert (one["mark"], one["box"]) == (other["mark"], other["box"])
        assert one["prob"] == pytest.approx(other["prob"], abs=1e-6)
    for one, other in zip(got["digits"], expected["digits"], strict=True):
        assert one.keys() == other.keys()
        assert (one["digit"], one["certain"], one["box"]) == (other["digit"], other["certain"], other["box"])
        np.testing.assert_allclose(one["probs"], other["probs"], atol=1e-6)
        assert one["prob"] == pytest.approx(other["prob"], abs=1e-6)
        assert [label for label, _ in one["top"]] == [label for label, _ in other["top"]]

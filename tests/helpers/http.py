"""HTTP requests to a server under test, and comparisons of its answers."""

import asyncio
import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPMessage
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.load_generator import LoadGenerator, TimedResponse
from helpers.browser import EXAMPLES

NUMBER_IMAGE = EXAMPLES / "5-4079.png"
FILE_META = {"_type": "gradio.FileData"}
RUN_PATH = "/gradio_api/run/predict"
JSON_TYPE = "application/json"


def fetch(url: str, body: bytes | None = None, content_type: str = JSON_TYPE) -> tuple[int, HTTPMessage, bytes]:
    """Send a request and return (status, headers, body) of the response."""
    request = urllib.request.Request(url, body, {"Content-Type": content_type} if body is not None else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def request_predict(
    server: str, body: bytes | None, content_type: str | None = "image/png", method: str = "POST"
) -> tuple[int, HTTPMessage, Any]:
    """Send a request to /predict and return (status, headers, parsed JSON) of the response."""
    headers = {"Content-Type": content_type} if content_type else {}
    request = urllib.request.Request(f"{server}/predict", body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.headers, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.load(error)


def image_as_json(image: Any) -> bytes:
    """Return the JSON body of a request to /predict."""
    return json.dumps({"image": image}).encode()


def data_url(path: Path) -> str:
    """Return the content of a PNG file as a data: URL."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def run_in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a new thread: after tests of the page, Playwright's event loop runs in the main thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *arguments).result()


def send_concurrently(server: str, request: bytes, count: int) -> list[TimedResponse]:
    """Send the same request many times at once, and return the responses.

    Raises:
        TimeoutError: not every request was answered within 120 s.
    """
    return run_in_thread(asyncio.run, asyncio.wait_for(LoadGenerator(server, [request]).run_open_loop(1e9, count), 120))


def assert_same_reading(got: dict, expected: dict) -> None:
    """Assert that the JSON of two readings is equal, up to rounding of the probabilities."""
    assert got.keys() == expected.keys()
    assert got["text"] == expected["text"]
    assert len(got["digits"]) == len(expected["digits"])
    for key in ("numbers", "table", "rotation"):
        assert got[key] == expected[key]
    for one, other in zip(got["marks"], expected["marks"], strict=True):
        assert (one["mark"], one["box"]) == (other["mark"], other["box"])
        assert one["prob"] == pytest.approx(other["prob"], abs=1e-6)
    for one, other in zip(got["digits"], expected["digits"], strict=True):
        assert one.keys() == other.keys()
        assert (one["digit"], one["certain"], one["box"]) == (other["digit"], other["certain"], other["box"])
        np.testing.assert_allclose(one["probs"], other["probs"], atol=1e-6)
        assert one["prob"] == pytest.approx(other["prob"], abs=1e-6)
        assert [label for label, _ in one["top"]] == [label for label, _ in other["top"]]

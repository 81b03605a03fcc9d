"""Limits and security: hostile, slow and concurrent requests are refused with a reason, and others are still served."""

import asyncio
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from urllib.parse import quote, urlparse

import gradio as gr
import pytest
import uvicorn
from gradio.routes import App
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from benchmarks.load import measure_endurance
from benchmarks.load_generator import post_request
from benchmarks.servers import free_port
from digits.classifier import DEFAULT_MODEL
from digits.parallel.process_pool import ReaderPool
from helpers.http import (
    FILE_META,
    JSON_TYPE,
    NUMBER_IMAGE,
    RUN_PATH,
    assert_same_reading,
    fetch,
    image_as_json,
    request_predict,
    run_in_thread,
    send_concurrently,
)
from helpers.processes import worker_processes
from web import texts
from web.server.gradio_errors import ErrorStatusMiddleware
from web.server.json_api import predict_route
from web.server.request_limits import DEFAULT_LIMITS, RequestLimits, RequestLimitsMiddleware
from web.server.routes import ALLOWED_ROUTES, MAX_IMAGE_BODY_BYTES, MAX_OTHER_BODY_BYTES, MAX_UPLOAD_BODY_BYTES


def send_part(server: str, path: str, length: int, part: bytes) -> socket.socket:
    """Return a client that announces a body of `length` bytes and has sent only a part of it."""
    address = urlparse(server)
    client = socket.create_connection((address.hostname, address.port), timeout=30)
    headers = f"Host: {address.netloc}\r\nContent-Type: {JSON_TYPE}\r\nContent-Length: {length}\r\n\r\n"
    head = f"POST {path} HTTP/1.1\r\n{headers}"
    client.sendall(head.encode() + part)
    return client


@pytest.fixture
def other_server():
    """Yield the address of a server that must receive no request, and the list of connections that it accepted."""
    connections = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept_all() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                connections.append(client)
                client.close()

        threading.Thread(target=accept_all, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/4079.png", connections


class SlowReader:
    """A reader that takes 0.3 s for an image, and counts the images."""

    def __init__(self, reader):
        self.image_count = 0
        self._reader = reader

    def read(self, image):
        self.image_count += 1
        time.sleep(0.3)
        return self._reader.read(image)

    def read_many(self, images):
        return map(self.read, images)


@contextmanager
def run_server(route: Route, limits: RequestLimits = DEFAULT_LIMITS):
    """Run a server with one route and the middleware of the limits, and yield its address."""
    app = Starlette(routes=[route], middleware=[Middleware(RequestLimitsMiddleware, limits)])
    server = uvicorn.Server(uvicorn.Config(app, port=free_port(), log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.config.port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def small_server(reader):
    """Yield the address and the slow reader of a server with 8 active requests and a timeout of 0.5 s."""
    slow_reader = SlowReader(reader)
    limits = RequestLimits(max_active_requests=8, chunk_timeout_seconds=0.5)
    with run_server(predict_route(slow_reader), limits) as address:
        yield address, slow_reader


@pytest.mark.parametrize("path", ["/", "/predict", "/4079.png", "/gradio_api/info", "/nothing", RUN_PATH])
def test_headers_are_set_on_every_answer(server, path):
    _, headers, _ = fetch(server + path)
    assert_security_headers(headers)


@pytest.mark.parametrize("path", ["/predict", RUN_PATH, "/nothing"])
def test_headers_are_set_on_the_answer_to_a_cors_preflight(server, path):
    request_headers = {"Origin": server, "Access-Control-Request-Method": "POST"}
    with urllib.request.urlopen(
        urllib.request.Request(server + path, None, request_headers, method="OPTIONS")
    ) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == server
        assert_security_headers(answer.headers)


def assert_security_headers(headers):
    """Assert that a response has the security headers."""
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    policy = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["object-src"] == "'none'"
    assert policy["frame-ancestors"] == "'self' https://huggingface.co"
    assert "http:" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/predict", MAX_IMAGE_BODY_BYTES),
        (RUN_PATH, MAX_IMAGE_BODY_BYTES),
        ("/gradio_api/call/predict", MAX_OTHER_BODY_BYTES),
        ("/gradio_api/queue/join", MAX_OTHER_BODY_BYTES),
    ],
)
def test_a_body_that_is_too_large_is_refused_before_it_is_read(server, path, limit):
    with send_part(server, path, limit + 1, b"{") as client:
        assert client.recv(12) == b"HTTP/1.1 413"


def test_an_upload_that_is_too_large_is_refused_before_it_is_read(server):
    with send_part(server, "/gradio_api/upload", MAX_UPLOAD_BODY_BYTES + 1, b"") as client:
        assert client.recv(12) == b"HTTP/1.1 413"


def test_a_chunked_body_that_is_too_large_is_refused(server):
    address = urlparse(server)
    with socket.create_connection((address.hostname, address.port), timeout=30) as client:
        client.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"100000\r\n" + bytes(0x100000) + b"\r\n"
        for _ in range(MAX_IMAGE_BODY_BYTES // 0x100000 + 2):
            client.sendall(chunk)
        assert client.recv(12) == b"HTTP/1.1 413"


@pytest.mark.parametrize("path", ["/gradio_api/run/nothing", "/gradio_api/call/nothing"])
def test_unknown_endpoints(server, path):
    status, _, body = fetch(server + path, b'{"data": []}')
    assert (status, json.loads(body)) == (404, {"error": texts.UNKNOWN_ENDPOINT})


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"data": 7}', b"\xff\xfe"])
def test_invalid_json_to_gradios_endpoint(server, body):
    status, headers, answer = fetch(server + RUN_PATH, body)
    assert (status, headers.get_content_type()) == (422, JSON_TYPE)
    assert b"Traceback" not in answer
    assert b".py" not in answer


def test_the_server_sends_no_request(server, other_server):
    address, connections = other_server
    assert request_predict(server, image_as_json(address), JSON_TYPE)[0] == 400
    for image in (
        {"url": address},
        {"path": address},
        {"path": address, "meta": FILE_META},
        {"url": address, "meta": FILE_META},
    ):
        assert fetch(server + RUN_PATH, json.dumps({"data": [image]}).encode())[0] == 422
    for path in ("file=", "file/", "proxy=", "file=%20"):
        assert fetch(f"{server}/gradio_api/{path}{quote(address, safe=':/')}")[0] == 404
    assert connections == []


@pytest.mark.parametrize("address", ["https://example.com/x.png", "HTTP://169.254.169.254/latest/meta-data/"])
@pytest.mark.parametrize("path", ["/gradio_api/file=", "/gradio_api/file/", "/gradio_api/proxy="])
def test_no_address_is_fetched_for_a_visitor(server, path, address):
    status, _, body = fetch(server + path + quote(address, safe=":/"))
    assert (status, json.loads(body)) == (404, {"error": texts.UNKNOWN_ENDPOINT})


@pytest.mark.parametrize(
    "path", ["/etc/passwd", str(NUMBER_IMAGE), "../demo.py", "%2e%2e/demo.py", "file:///etc/passwd"]
)
@pytest.mark.parametrize("prefix", ["/gradio_api/file=", "/gradio_api/file/", "/static/", "/assets/", "/svelte/", "/"])
def test_no_file_of_the_server_is_shown(server, prefix, path):
    status, _, body = fetch(server + prefix + path)
    assert status in (403, 404)
    assert b"root:" not in body
    assert b"def main" not in body


def test_500_concurrent_requests(server, reader):
    responses = send_concurrently(server, post_request("/predict", NUMBER_IMAGE.read_bytes(), "image/png"), 500)
    answered = [response for response in responses if response.status == 200]
    refused = [response for response in responses if response.status == 503]
    assert len(responses) == len(answered) + len(refused) == 500
    assert len(answered) >= DEFAULT_LIMITS.max_active_requests
    expected = reader.read(NUMBER_IMAGE).to_dict()
    for response in answered:
        assert_same_reading(json.loads(response.body), expected)
    for response in refused:
        seconds = int(response.head.partition("retry-after:")[2].partition("\r\n")[0])
        assert json.loads(response.body) == {"error": texts.BUSY.format(seconds=seconds)}
    assert request_predict(server, NUMBER_IMAGE.read_bytes())[0] == 200


def test_a_killed_worker_process_loses_no_request(reader):
    pool = ReaderPool(DEFAULT_MODEL, 2)
    request = post_request("/predict", NUMBER_IMAGE.read_bytes(), "image/png")
    expected = reader.read(NUMBER_IMAGE).to_dict()
    with run_server(predict_route(reader, pool)) as address:
        assert not pool.is_ready
        for _ in range(3):
            for response in send_concurrently(address, request, 100):
                assert response.status == 200
                assert_same_reading(json.loads(response.body), expected)
            deadline = time.monotonic() + 30
            while not pool.is_ready:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            with ThreadPoolExecutor(1) as thread:
                pending = thread.submit(send_concurrently, address, request, 100)
                time.sleep(0.1)
                worker_processes()[0].kill()
            assert [response.status for response in pending.result()] == [200] * 100
    pool.shutdown()


def test_slow_clients_do_not_delay_others(server):
    slow_clients = [send_part(server, RUN_PATH, 1000, b"{") for _ in range(DEFAULT_LIMITS.max_active_requests + 40)]
    began = time.monotonic()
    assert request_predict(server, NUMBER_IMAGE.read_bytes())[0] == 200
    assert fetch(server)[0] == 200
    assert time.monotonic() - began < 10
    for client in slow_clients:
        client.close()


def test_a_client_that_stops_sending_times_out(small_server):
    address, _ = small_server
    with send_part(address, "/predict", 1000, b"{") as client:
        answer = client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 408")
        assert texts.BODY_TIMEOUT.encode() in answer + client.recv(65536)


def test_a_client_that_sends_single_bytes_times_out(small_server, monkeypatch):
    address, _ = small_server
    (route,) = [route for route in ALLOWED_ROUTES if route.path == "/predict"]
    short_route = replace(route, max_body_seconds=1)
    monkeypatch.setattr("web.server.routes.ALLOWED_ROUTES", (short_route,))
    began = time.monotonic()
    with send_part(address, "/predict", 1000, b"{") as client:
        client.settimeout(0.2)
        answer = b""
        while not answer and time.monotonic() < began + 10:
            client.sendall(b" ")
            with suppress(TimeoutError):
                answer = client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"connection: close\r\n" in answer
    assert 0.9 < time.monotonic() - began < 5


def test_a_saturated_server_refuses_and_recovers_at_once(small_server, reader):
    address, slow_reader = small_server
    responses = send_concurrently(address, post_request("/predict", NUMBER_IMAGE.read_bytes(), "image/png"), 30)
    assert sorted(response.status for response in responses) == [200] * 8 + [503] * 22
    assert slow_reader.image_count == 8
    assert all("retry-after: 1\r\n" in response.head for response in responses if response.status == 503)
    # Retry-After is the latency of the request that ended last: 8 images, two at a time, 0.3 s each.
    later = send_concurrently(address, post_request("/predict", NUMBER_IMAGE.read_bytes(), "image/png"), 9)
    assert ["retry-after: 2\r\n" in response.head for response in later if response.status == 503] == [True]
    status, _, reading = request_predict(address, NUMBER_IMAGE.read_bytes())
    assert status == 200
    assert_same_reading(reading, reader.read(NUMBER_IMAGE).to_dict())


def test_images_of_disconnected_clients_are_not_read(small_server):
    address, slow_reader = small_server
    image = NUMBER_IMAGE.read_bytes()
    clients = [send_part(address, "/predict", 2, b"{}") for _ in range(2)]  # refused at once
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: {len(image)}\r\n\r\n"
    parsed = urlparse(address)
    for _ in range(8):
        client = socket.create_connection((parsed.hostname, parsed.port))
        client.sendall(head.encode() + image)
        clients.append(client)
        time.sleep(0.02)
    for client in clients:
        client.close()
    time.sleep(1.5)
    assert 4 <= slow_reader.image_count < 7  # the images of the batches in progress
    assert request_predict(address, image)[0] == 200


async def call_app(app: ASGIApp, path: str, *chunks: bytes, stops: bool = False) -> tuple[int, dict]:
    """Return the status and JSON with which an application answers a request.

    Args:
        app: the application.
        path: path of the request.
        chunks: chunks of the body.
        stops: whether the client sends no end of the body after the chunks.
    """
    messages = []
    remaining = list(chunks)
    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}

    async def receive():
        if not remaining:
            await asyncio.Event().wait()
        chunk = remaining.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": stops or bool(remaining)}

    async def send(message):
        messages.append(message)

    await app(scope, receive, send)
    start, body = messages[:2]
    return start["status"], json.loads(body["body"])


def test_stalled_bodies_are_dropped_before_others_are_refused():
    async def answer_length(scope, receive, send):
        message = await receive()
        await JSONResponse(len(message["body"]))(scope, receive, send)

    async def send_all():
        app = RequestLimitsMiddleware(answer_length, RequestLimits(max_buffered_bytes=4_000_000))
        stalled = [
            asyncio.create_task(call_app(app, "/predict", bytes(1_000_000), bytes(333_300), stops=True))
            for _ in range(3)
        ]
        began = time.monotonic()
        while app.buffered_bytes < 3_999_900 or time.monotonic() < began + 0.05:
            await asyncio.sleep(0)
        small = await call_app(app, "/predict", bytes(150), bytes(150))
        assert app.buffered_bytes == 2 * 1_333_300
        large = await call_app(app, "/predict", bytes(1_000_000), bytes(1_000_000), bytes(1_000_000))
        assert app.buffered_bytes == 0
        return small, large, await asyncio.gather(*stalled)

    small, large, stalled = run_in_thread(asyncio.run, send_all())
    assert (small, large) == ((200, 300), (200, 3_000_000))
    assert stalled == [(503, {"error": texts.BUSY.format(seconds=1)})] * 3


def test_an_internal_error_shows_no_stack_trace(monkeypatch):
    class BrokenReader:
        def read_many(self, images):
            raise RuntimeError("a secret")

    monkeypatch.setattr("web.server.request_limits.log.exception", lambda message: None)
    app = Starlette(routes=[predict_route(BrokenReader())], middleware=[Middleware(RequestLimitsMiddleware)])
    assert run_in_thread(asyncio.run, call_app(app, "/predict", b"x")) == (500, {"error": texts.INTERNAL_ERROR})


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [(gr.Error("No.", print_exception=False), 422, "No."), (RuntimeError("a secret"), 500, texts.INTERNAL_ERROR)],
)
def test_gradios_errors_have_the_right_status(error, status, reason):
    def fail():
        raise error

    with gr.Blocks() as page:
        gr.api(fail, api_name="predict")
    page.show_error = False  # as launched
    answer = TestClient(ErrorStatusMiddleware(App.create_app(page))).post(RUN_PATH, json={"data": []})
    assert (answer.status_code, answer.json()) == (status, {"error": reason})


def test_neither_memory_nor_cache_grows():
    measurements = run_in_thread(measure_endurance, 2000)
    _, first_megabytes, first_files = measurements[0]
    _, last_megabytes, last_files = measurements[-1]
    assert last_files == first_files == 0
    assert last_megabytes - first_megabytes < 20, measurements  # retained sessions added 60 MB

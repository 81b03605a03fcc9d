"""Whatever is sent, by however many at once: a status and a sentence, no file of the server, and others are served."""

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

from benchmarks.callers import post
from benchmarks.load import endurance
from benchmarks.servers import free_port
from digits.classifier import DEFAULT_MODEL
from digits.parallel.cores import ReaderPool
from helpers.http import FILE, JSON, NUMBER, RUN, apart, ask, assert_same_reading, at_once, fetch, image_json
from helpers.processes import processes
from web import texts
from web.server.gate import PLACES, Gate
from web.server.routes import MAX_ASIDE, MAX_BODY, MAX_UPLOAD, ROUTES
from web.server.status import Status
from web.server.straight import straight_road


def begin(server: str, path: str, length: int, sent: bytes) -> socket.socket:
    """A client that says it sends `length` bytes, and sends some of them."""
    where = urlparse(server)
    client = socket.create_connection((where.hostname, where.port), timeout=30)
    head = f"POST {path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: {JSON}\r\nContent-Length: {length}\r\n\r\n"
    client.sendall(head.encode() + sent)
    return client


@pytest.fixture
def neighbour():
    """A server on this machine that must not be asked for anything: its address, and who came."""
    visitors = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def listen() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                visitors.append(client)
                client.close()

        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/4079.png", visitors


class SlowReader:
    """Reads as the reader does, one image at a time and each for a while."""

    def __init__(self, reader):
        self.read_images = 0
        self._reader = reader

    def read(self, image):
        self.read_images += 1
        time.sleep(0.3)
        return self._reader.read(image)

    def read_many(self, images):
        return map(self.read, images)


@contextmanager
def serving(road: Route, **bounds):
    """The address of a server that has a straight road and a gate, and nothing else."""
    app = Starlette(routes=[road], middleware=[Middleware(Gate, **bounds)])
    server = uvicorn.Server(uvicorn.Config(app, port=free_port(), log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.config.port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def narrow(reader):
    """A straight road with room for 8 requests, and little patience: its address, and its reader."""
    slow = SlowReader(reader)
    with serving(straight_road(slow), places=8, patience=0.5) as address:
        yield address, slow


@pytest.mark.parametrize("path", ["/", "/predict", "/4079.png", "/gradio_api/info", "/nothing", RUN])
def test_headers_are_set_on_every_answer(server, path):
    _, headers, _ = fetch(server + path)
    assert_security_headers(headers)


@pytest.mark.parametrize("path", ["/predict", RUN, "/nothing"])
def test_headers_are_set_on_the_answer_to_a_cors_preflight(server, path):
    asking = {"Origin": server, "Access-Control-Request-Method": "POST"}
    with urllib.request.urlopen(urllib.request.Request(server + path, None, asking, method="OPTIONS")) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == server
        assert_security_headers(answer.headers)


def assert_security_headers(headers):
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
        ("/predict", MAX_BODY),
        (RUN, MAX_BODY),
        ("/gradio_api/call/predict", MAX_ASIDE),
        ("/gradio_api/queue/join", MAX_ASIDE),
    ],
)
def test_too_large_a_body_is_refused_before_it_is_read(server, path, limit):
    with begin(server, path, limit + 1, b"{") as client:
        assert client.recv(12) == b"HTTP/1.1 413"


def test_too_large_an_upload_is_refused_before_it_is_read(server):
    with begin(server, "/gradio_api/upload", MAX_UPLOAD + 1, b"") as client:
        assert client.recv(12) == b"HTTP/1.1 413"


def test_too_large_a_body_of_unknown_length(server):
    where = urlparse(server)
    with socket.create_connection((where.hostname, where.port), timeout=30) as client:
        client.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"100000\r\n" + bytes(0x100000) + b"\r\n"
        for _ in range(MAX_BODY // 0x100000 + 2):
            client.sendall(piece)
        assert client.recv(12) == b"HTTP/1.1 413"


@pytest.mark.parametrize("path", ["/gradio_api/run/nothing", "/gradio_api/call/nothing"])
def test_unknown_endpoints(server, path):
    status, _, body = fetch(server + path, b'{"data": []}')
    assert (status, json.loads(body)) == (404, {"error": texts.NO_ENDPOINT})


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"data": 7}', b"\xff\xfe"])
def test_broken_json_to_gradios_endpoint(server, body):
    status, headers, said = fetch(server + RUN, body)
    assert (status, headers.get_content_type()) == (422, JSON)
    assert b"Traceback" not in said
    assert b".py" not in said


def test_the_server_asks_nobody(server, neighbour):
    address, visitors = neighbour
    assert ask(server, image_json(address), JSON)[0] == 400
    for image in ({"url": address}, {"path": address}, {"path": address, "meta": FILE}, {"url": address, "meta": FILE}):
        assert fetch(server + RUN, json.dumps({"data": [image]}).encode())[0] == 422
    for path in ("file=", "file/", "proxy=", "file=%20"):
        assert fetch(f"{server}/gradio_api/{path}{quote(address, safe=':/')}")[0] == 404
    assert visitors == []


@pytest.mark.parametrize("address", ["https://example.com/x.png", "HTTP://169.254.169.254/latest/meta-data/"])
@pytest.mark.parametrize("path", ["/gradio_api/file=", "/gradio_api/file/", "/gradio_api/proxy="])
def test_no_address_is_fetched_for_others(server, path, address):
    status, _, body = fetch(server + path + quote(address, safe=":/"))
    assert (status, json.loads(body)) == (404, {"error": texts.NO_ENDPOINT})


@pytest.mark.parametrize("path", ["/etc/passwd", str(NUMBER), "../demo.py", "%2e%2e/demo.py", "file:///etc/passwd"])
@pytest.mark.parametrize("road", ["/gradio_api/file=", "/gradio_api/file/", "/static/", "/assets/", "/svelte/", "/"])
def test_no_file_of_the_server_is_shown(server, road, path):
    status, _, body = fetch(server + road + path)
    assert status in (403, 404)
    assert b"root:" not in body
    assert b"def main" not in body


def test_500_at_once(server, reader):
    answers = at_once(server, post("/predict", NUMBER.read_bytes(), "image/png"), 500)
    right = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 503]
    assert len(answers) == len(right) + len(refused) == 500
    assert len(right) >= PLACES
    expected = reader.read(NUMBER).to_dict()
    for answer in right:
        assert_same_reading(json.loads(answer.body), expected)
    for answer in refused:
        seconds = int(answer.head.partition("retry-after:")[2].partition("\r\n")[0])
        assert json.loads(answer.body) == {"error": texts.BUSY.format(seconds=seconds)}
    assert ask(server, NUMBER.read_bytes())[0] == 200


def test_a_process_that_is_killed_loses_no_request(reader):
    pool = ReaderPool(DEFAULT_MODEL, 2)
    request = post("/predict", NUMBER.read_bytes(), "image/png")
    expected = reader.read(NUMBER).to_dict()
    with serving(straight_road(reader, pool)) as address:
        assert not pool.is_ready
        for _ in range(3):
            for answer in at_once(address, request, 100):
                assert answer.status == 200
                assert_same_reading(json.loads(answer.body), expected)
            deadline = time.monotonic() + 30
            while not pool.is_ready:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            with ThreadPoolExecutor(1) as thread:
                crowd = thread.submit(at_once, address, request, 100)
                time.sleep(0.1)
                processes()[0].kill()
            assert [answer.status for answer in crowd.result()] == [200] * 100
    pool.end()


def test_slow_clients_keep_nobody_waiting(server):
    slow = [begin(server, RUN, 1000, b"{") for _ in range(PLACES + 40)]
    began = time.monotonic()
    assert ask(server, NUMBER.read_bytes())[0] == 200
    assert fetch(server)[0] == 200
    assert time.monotonic() - began < 10
    for client in slow:
        client.close()


def test_a_client_that_stops_is_told_so(narrow):
    address, _ = narrow
    with begin(address, "/predict", 1000, b"{") as client:
        answer = client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 408")
        assert texts.TOO_SLOW.encode() in answer + client.recv(65536)


def test_a_client_that_sends_a_byte_now_and_then_is_told_so(narrow, monkeypatch):
    address, _ = narrow
    (route,) = [route for route in ROUTES if route.path == "/predict"]
    hasty = replace(route, seconds=1)
    monkeypatch.setattr("web.server.routes.ROUTES", (hasty,))
    began = time.monotonic()
    with begin(address, "/predict", 1000, b"{") as client:
        client.settimeout(0.2)
        answer = b""
        while not answer and time.monotonic() < began + 10:
            client.sendall(b" ")
            with suppress(TimeoutError):
                answer = client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"connection: close\r\n" in answer
    assert 0.9 < time.monotonic() - began < 5


def test_a_full_house_refuses_and_recovers_at_once(narrow, reader):
    address, slow = narrow
    answers = at_once(address, post("/predict", NUMBER.read_bytes(), "image/png"), 30)
    assert sorted(answer.status for answer in answers) == [200] * 8 + [503] * 22
    assert slow.read_images == 8
    assert all("retry-after: 1\r\n" in answer.head for answer in answers if answer.status == 503)
    # Those who come next are told how long the last one was inside: 8 images, two at a time, 0.3 s each.
    later = at_once(address, post("/predict", NUMBER.read_bytes(), "image/png"), 9)
    assert ["retry-after: 2\r\n" in answer.head for answer in later if answer.status == 503] == [True]
    status, _, reading = ask(address, NUMBER.read_bytes())
    assert status == 200
    assert_same_reading(reading, reader.read(NUMBER).to_dict())


def test_nothing_is_read_for_those_who_hung_up(narrow):
    address, slow = narrow
    image = NUMBER.read_bytes()
    gone = [begin(address, "/predict", 2, b"{}") for _ in range(2)]  # refused at once, and gone
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: {len(image)}\r\n\r\n"
    where = urlparse(address)
    for _ in range(8):
        client = socket.create_connection((where.hostname, where.port))
        client.sendall(head.encode() + image)
        gone.append(client)
        time.sleep(0.02)
    for client in gone:
        client.close()
    time.sleep(1.5)
    assert 4 <= slow.read_images < 7  # those that were at hand
    assert ask(address, image)[0] == 200


async def answer_of(app: ASGIApp, path: str, *pieces: bytes, stops: bool = False) -> tuple[int, dict]:
    """What an application answers to a request whose body arrives in pieces, or stops after them."""
    sent = []
    left = list(pieces)
    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}

    async def receive():
        if not left:
            await asyncio.Event().wait()
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": stops or bool(left)}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    start, body = sent[:2]
    return start["status"], json.loads(body["body"])


def test_bodies_that_stopped_go_before_others_are_refused():
    async def length(scope, receive, send):
        message = await receive()
        await JSONResponse(len(message["body"]))(scope, receive, send)

    async def crowd():
        gate = Gate(length, max_held=4_000_000)
        stopped = [
            asyncio.create_task(answer_of(gate, "/predict", bytes(1_000_000), bytes(333_300), stops=True))
            for _ in range(3)
        ]
        began = time.monotonic()
        while gate.held < 3_999_900 or time.monotonic() < began + 0.05:
            await asyncio.sleep(0)
        small = await answer_of(gate, "/predict", bytes(150), bytes(150))
        assert gate.held == 2 * 1_333_300
        large = await answer_of(gate, "/predict", bytes(1_000_000), bytes(1_000_000), bytes(1_000_000))
        assert gate.held == 0
        return small, large, await asyncio.gather(*stopped)

    small, large, stopped = apart(asyncio.run, crowd())
    assert (small, large) == ((200, 300), (200, 3_000_000))
    assert stopped == [(503, {"error": texts.BUSY.format(seconds=1)})] * 3


def test_a_fault_of_ours_shows_no_trace(monkeypatch):
    class Broken:
        def read_many(self, images):
            raise RuntimeError("a secret")

    monkeypatch.setattr("web.server.gate.log.exception", lambda said: None)
    app = Starlette(routes=[straight_road(Broken())], middleware=[Middleware(Gate)])
    assert apart(asyncio.run, answer_of(app, "/predict", b"x")) == (500, {"error": texts.OUR_FAULT})


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [(gr.Error("No.", print_exception=False), 422, "No."), (RuntimeError("a secret"), 500, texts.OUR_FAULT)],
)
def test_gradios_answers_have_the_right_status(raised, status, said):
    def fail():
        raise raised

    with gr.Blocks() as page:
        gr.api(fail, api_name="predict")
    page.show_error = False  # as launched
    answer = TestClient(Status(App.create_app(page))).post(RUN, json={"data": []})
    assert (answer.status_code, answer.json()) == (status, {"error": said})


def test_neither_memory_nor_cache_grow():
    marks = apart(endurance, 2000)
    _, warm, files = marks[0]
    _, memory, files_at_the_end = marks[-1]
    assert files_at_the_end == files == 0
    assert memory - warm < 20, marks  # megabytes; sessions that were kept added 60

"""Starting the page: one clear sentence where it can't be, and only this machine may reach it."""

import signal
import socket
import subprocess
import sys
from urllib.parse import urlparse

import pytest

from benchmarks.callers import post
from benchmarks.servers import free_port
from tests.browser import EXAMPLES, PROJECT
from tests.test_safety import at_once


def start(*options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "demo.py", *options]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)


def assert_one_sentence(run: subprocess.CompletedProcess, about: str) -> None:
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
    assert about in run.stderr


def test_missing_model():
    assert_one_sentence(start("--model", "nowhere.onnx"), "There is no model at nowhere.onnx.")


def test_taken_port(server):
    port = str(urlparse(server).port)
    assert_one_sentence(start("--port", port), f"Can't listen on 127.0.0.1, port {port}")


def test_listens_on_this_machine_only(server):
    addresses = {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in addresses - {"127.0.0.1", "127.0.1.1"}:
        with socket.socket() as probe:
            probe.settimeout(2)
            assert probe.connect_ex((address, urlparse(server).port)) != 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", urlparse(server).port)) == 0


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-C", "a container is stopped"])
def test_it_ends_quietly_even_from_the_midst_of_a_crowd(ending):
    port = free_port()
    command = [sys.executable, "demo.py", "--port", str(port)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    # Its first line comes once it listens.
    assert f":{port}" in process.stdout.readline()
    request = post("/predict", (EXAMPLES / "5-4079.png").read_bytes(), "image/png")
    assert {answer.status for answer in at_once(f"http://127.0.0.1:{port}", request, 100)} == {200}
    process.send_signal(ending)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in said
    assert "warn" not in said.lower()

"""Starting the page: one clear sentence where it can't be, and only this machine may reach it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

import httpx
import pytest

import demo
from benchmarks.callers import post
from benchmarks.servers import free_port
from helpers.browser import EXAMPLES, PROJECT
from helpers.http import at_once


def start(*options: str, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "demo.py", *options]
    surroundings = os.environ | environment
    return subprocess.run(command, cwd=PROJECT, env=surroundings, capture_output=True, text=True, timeout=60)


@contextmanager
def running(*options: str) -> Iterator[subprocess.Popen]:
    """A page that listens."""
    command = [sys.executable, "demo.py", *options]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert "://" in process.stdout.readline()  # its first line comes once it listens
        yield process
    finally:
        process.terminate()
        process.communicate()


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


@pytest.mark.parametrize("port", ["99999", "65536", "-1", "0", "x"])
def test_no_port(monkeypatch, capsys, port):
    monkeypatch.setattr(sys, "argv", ["demo.py", "--port", port])
    with pytest.raises(SystemExit) as ending:
        demo.main()
    assert ending.value.code == 2
    assert capsys.readouterr().err.strip().endswith(f"argument --port: invalid port value: '{port}'")


@pytest.mark.parametrize("options", [[], ["--port", "7999"]])
def test_another_machines_address(monkeypatch, capsys, options):
    # 192.0.2.0/24 is nobody's (RFC 5737).
    monkeypatch.setattr(sys, "argv", ["demo.py", "--host", "192.0.2.7", *options])
    assert demo.main() == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("Can't listen on 192.0.2.7, ")


def test_no_place_for_uploads():
    run = start("--port", str(free_port()), GRADIO_TEMP_DIR="/proc/nowhere")
    assert_one_sentence(run, "/proc/nowhere")
    assert "listen" not in run.stderr


def listens_on(port: int) -> set[str]:
    """The addresses of this machine on which somebody listens at a port, as the kernel has them."""
    addresses = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, its_port = local.partition(":")
            if (int(its_port, 16), state) == (port, "0A"):
                # Words of 32 bits, each in the machine's order of bytes.
                words = [int(address[at : at + 8], 16) for at in range(0, len(address), 8)]
                addresses.add(socket.inet_ntop(family, b"".join(word.to_bytes(4, sys.byteorder) for word in words)))
    return addresses


def test_listens_on_this_machine_only(server):
    assert listens_on(urlparse(server).port) == {"127.0.0.1"}


def test_a_host_that_was_asked_for():
    port = free_port()
    with running("--port", str(port), "--host", "0.0.0.0"):
        assert listens_on(port) == {"0.0.0.0"}


def ask_to_keep(port: int, image: Path) -> Path:
    """Uploads a file; returns where it is now."""
    with image.open("rb") as file:
        answer = httpx.post(f"http://127.0.0.1:{port}/gradio_api/upload", files={"files": file})
    path = Path(answer.json()[0])
    assert path.exists()
    return path


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-C", "a container is stopped"])
def test_it_ends_quietly_even_from_the_midst_of_a_crowd(ending, tmp_path, monkeypatch):
    port = free_port()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with running("--port", str(port)) as process:
        request = post("/predict", (EXAMPLES / "5-4079.png").read_bytes(), "image/png")
        assert {answer.status for answer in at_once(f"http://127.0.0.1:{port}", request, 100)} == {200}
        assert ask_to_keep(port, EXAMPLES / "5-4079.png").is_relative_to(tmp_path)
        process.send_signal(ending)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in said
    assert "warn" not in said.lower()
    assert list(tmp_path.iterdir()) == []

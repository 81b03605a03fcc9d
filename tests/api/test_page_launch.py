"""Starting the page: it reports one clear sentence if it can't start, and only this machine can reach it."""

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
from benchmarks.load_generator import post_request
from benchmarks.servers import free_port
from helpers.browser import EXAMPLES, PROJECT
from helpers.http import send_concurrently


def run_demo(*options: str, **environment: str) -> subprocess.CompletedProcess:
    """Run demo.py until it ends.

    Args:
        options: command-line options.
        environment: additional environment variables.
    """
    command = [sys.executable, "demo.py", *options]
    variables = os.environ | environment
    return subprocess.run(command, cwd=PROJECT, env=variables, capture_output=True, text=True, timeout=60)


@contextmanager
def running_demo(*options: str) -> Iterator[subprocess.Popen]:
    """Run demo.py until the context ends; the context starts once the server listens."""
    command = [sys.executable, "demo.py", *options]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert "://" in process.stdout.readline()  # demo.py prints its first line once it listens
        yield process
    finally:
        process.terminate()
        process.communicate()


def assert_one_sentence(run: subprocess.CompletedProcess, expected: str) -> None:
    """Assert that the process failed with one line on standard error that contains an expected text."""
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
    assert expected in run.stderr


def test_missing_model():
    assert_one_sentence(run_demo("--model", "nowhere.onnx"), "There is no model at nowhere.onnx.")


def test_taken_port(server):
    port = str(urlparse(server).port)
    assert_one_sentence(run_demo("--port", port), f"Can't listen on 127.0.0.1, port {port}")


@pytest.mark.parametrize("port", ["99999", "65536", "-1", "0", "x"])
def test_an_invalid_port(monkeypatch, capsys, port):
    monkeypatch.setattr(sys, "argv", ["demo.py", "--port", port])
    with pytest.raises(SystemExit) as exit_info:
        demo.main()
    assert exit_info.value.code == 2
    assert capsys.readouterr().err.strip().endswith(f"argument --port: invalid port value: '{port}'")


@pytest.mark.parametrize("options", [[], ["--port", "7999"]])
def test_an_address_of_another_machine(monkeypatch, capsys, options):
    # 192.0.2.0/24 belongs to no machine (RFC 5737).
    monkeypatch.setattr(sys, "argv", ["demo.py", "--host", "192.0.2.7", *options])
    assert demo.main() == 1
    (message,) = capsys.readouterr().err.splitlines()
    assert message.startswith("Can't listen on 192.0.2.7, ")


def test_no_folder_for_uploads():
    run = run_demo("--port", str(free_port()), GRADIO_TEMP_DIR="/proc/nowhere")
    assert_one_sentence(run, "/proc/nowhere")
    assert "listen" not in run.stderr


def listening_addresses(port: int) -> set[str]:
    """Return the addresses of this machine on which a program listens at a port, from the kernel's tables."""
    addresses = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, its_port = local.partition(":")
            if (int(its_port, 16), state) == (port, "0A"):
                # 32-bit words, each in the byte order of the machine.
                words = [int(address[at : at + 8], 16) for at in range(0, len(address), 8)]
                addresses.add(socket.inet_ntop(family, b"".join(word.to_bytes(4, sys.byteorder) for word in words)))
    return addresses


def test_listens_on_this_machine_only(server):
    assert listening_addresses(urlparse(server).port) == {"127.0.0.1"}


def test_the_host_option_is_used():
    port = free_port()
    with running_demo("--port", str(port), "--host", "0.0.0.0"):
        assert listening_addresses(port) == {"0.0.0.0"}


def upload(port: int, image: Path) -> Path:
    """Upload a file, and return its path on the server."""
    with image.open("rb") as file:
        answer = httpx.post(f"http://127.0.0.1:{port}/gradio_api/upload", files={"files": file})
    path = Path(answer.json()[0])
    assert path.exists()
    return path


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-C", "a container is stopped"])
def test_it_stops_without_errors_after_many_concurrent_requests(stop_signal, tmp_path, monkeypatch):
    port = free_port()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with running_demo("--port", str(port)) as process:
        request = post_request("/predict", (EXAMPLES / "5-4079.png").read_bytes(), "image/png")
        assert {response.status for response in send_concurrently(f"http://127.0.0.1:{port}", request, 100)} == {200}
        assert upload(port, EXAMPLES / "5-4079.png").is_relative_to(tmp_path)
        process.send_signal(stop_signal)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in output
    assert "warn" not in output.lower()
    assert list(tmp_path.iterdir()) == []

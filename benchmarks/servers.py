"""The servers to measure, each in its own process: this project's page, and common alternatives.

This module starts a server, waits until it responds, measures its memory and its files, and stops it. It knows nothing
of the requests that are sent to it.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

STARTUP_TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        address: such as http://127.0.0.1:7860.
        pid: id of its process.
        cache: the folder in which it may store files.
    """

    address: str
    pid: int
    cache: Path

    def resident_megabytes(self) -> float:
        """Return the resident memory of all its processes."""
        return sum(process.memory_info().rss for process in process_tree(self.pid)) / 2**20

    def count_cached_files(self) -> int:
        """Return the number of files in its cache folder."""
        return sum(path.is_file() for path in self.cache.rglob("*"))


@contextmanager
def page_server() -> Iterator[Server]:
    """Run this project's page until the context ends."""
    port = free_port()
    with _run_server([sys.executable, "demo.py", "--port", str(port)], port) as server:
        yield server


@contextmanager
def flask_keras_server() -> Iterator[Server]:
    """Run Flask + Keras, served by waitress, until the context ends."""
    port = free_port()
    options = ["--listen", f"127.0.0.1:{port}", "--connection-limit", "500"]
    command = [sys.executable, "-m", "waitress", *options, "benchmarks.flask_keras:app"]
    with _run_server(command, port) as server:
        yield server


@contextmanager
def gradio_keras_server() -> Iterator[Server]:
    """Run a page of Gradio + Keras until the context ends."""
    port = free_port()
    with _run_server([sys.executable, "-m", "benchmarks.gradio_keras"], port) as server:
        yield server


@contextmanager
def _run_server(command: Sequence[str], port: int) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryFile() as log:
        settings = {"TF_CPP_MIN_LOG_LEVEL": "2", "GRADIO_TEMP_DIR": cache, "GRADIO_SERVER_PORT": str(port)}
        process = subprocess.Popen(command, env=os.environ | settings, stdout=log, stderr=log)
        address = f"http://127.0.0.1:{port}"
        try:
            wait_until_responding(address, process)
            yield Server(address, process.pid, Path(cache))
        finally:
            process.terminate()
            process.wait()


def process_tree(pid: int) -> list[psutil.Process]:
    """Return a process and all its descendants."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def wait_until_responding(address: str, process: subprocess.Popen) -> None:
    """Wait until a server responds.

    Args:
        address: URL to request.
        process: the process of the server.

    Raises:
        RuntimeError: the process ended, or the server did not respond in time.
    """
    deadline = time.monotonic() + STARTUP_TIMEOUT_SECONDS
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(process.args)} does not answer.") from None
            time.sleep(0.2)


def free_port() -> int:
    """Return a port of 127.0.0.1 on which no program listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

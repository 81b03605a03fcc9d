"""The servers that are measured, each in a process of its own: ours, and what people use today.

It starts them, waits until they answer, knows what they hold, and ends them; what is asked of them is others' matter.
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

STARTUP = 120  # seconds that a server may take to start


@dataclass(frozen=True)
class Server:
    """A running server: its address, its process, and the folder where it may keep files."""

    address: str
    process: int
    cache: Path

    def memory(self) -> float:
        """Resident megabytes, of all its processes."""
        return sum(process.memory_info().rss for process in family(self.process)) / 2**20

    def files(self) -> int:
        """Files that it keeps."""
        return sum(path.is_file() for path in self.cache.rglob("*"))


@contextmanager
def ours() -> Iterator[Server]:
    """The page's server."""
    port = free_port()
    with _running([sys.executable, "demo.py", "--port", str(port)], port) as server:
        yield server


@contextmanager
def flask_keras() -> Iterator[Server]:
    """Flask + Keras, served by waitress."""
    port = free_port()
    options = ["--listen", f"127.0.0.1:{port}", "--connection-limit", "500"]
    command = [sys.executable, "-m", "waitress", *options, "benchmarks.flask_keras:app"]
    with _running(command, port) as server:
        yield server


@contextmanager
def gradio_keras() -> Iterator[Server]:
    """A page of Gradio + Keras."""
    port = free_port()
    with _running([sys.executable, "-m", "benchmarks.gradio_keras"], port) as server:
        yield server


@contextmanager
def _running(command: Sequence[str], port: int) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryFile() as log:
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "2"}
        environment = os.environ | quiet | {"GRADIO_TEMP_DIR": cache, "GRADIO_SERVER_PORT": str(port)}
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        address = f"http://127.0.0.1:{port}"
        try:
            wait_for(address, process)
            yield Server(address, process.pid, Path(cache))
        finally:
            process.terminate()
            process.wait()


def family(process: int) -> list[psutil.Process]:
    """A process, its children and theirs."""
    parent = psutil.Process(process)
    return [parent, *parent.children(recursive=True)]


def wait_for(address: str, process: subprocess.Popen) -> None:
    """Returns once a server answers.

    Raises:
        RuntimeError: its process ended, or it took too long.
    """
    deadline = time.monotonic() + STARTUP
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(process.args)} does not answer.") from None
            time.sleep(0.2)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

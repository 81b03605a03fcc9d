"""The process pool reads every file, in order, even if a process is killed."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import wait
from pathlib import Path

import numpy as np
import pytest

from digits import ImageError
from digits.classifier import DEFAULT_MODEL
from digits.parallel.process_pool import POOL, ProcessKilled, ReaderPool, read_files
from helpers.drawing import draw
from helpers.processes import worker_processes

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Return the paths of pictures of numbers, of one broken and of one missing file."""
    folder = tmp_path_factory.mktemp("files")
    for number in range(POOL.max_serial_files + 8):
        draw(str(number), size=(260, 160), height=90, pen=9).save(folder / f"{number:03}.png")
    (folder / "007.png").write_bytes(b"no image")
    (folder / "031.png").unlink()
    return sorted([*folder.iterdir(), folder / "031.png"])


@pytest.fixture(scope="module")
def serial(reader, paths):
    """Return the readings of this process alone."""
    return [as_json(reading) for reading in read_files(paths, reader, ReaderPool(DEFAULT_MODEL, 1))]


def as_json(reading):
    return str(reading) if isinstance(reading, ImageError) else reading.to_dict()


def test_two_processes_read_the_same_as_one(reader, paths, serial):
    assert [as_json(reading) for reading in read_files(paths, reader, ReaderPool(DEFAULT_MODEL, 2))] == serial
    assert worker_processes() == []


def test_files_of_a_killed_process_are_read(reader, paths, serial):
    readings = read_files(paths, reader, ReaderPool(DEFAULT_MODEL, 2))
    first = as_json(next(readings))
    for process in worker_processes():
        process.kill()
    assert [first, *map(as_json, readings)] == serial


def test_closing_the_iterator_ends_the_processes(reader, paths):
    readings = read_files(paths, reader, ReaderPool(DEFAULT_MODEL, 2))
    next(readings)
    readings.close()
    assert worker_processes() == []


def test_files_are_read_where_no_process_can_start(reader, paths, serial, monkeypatch):
    def fail(*_, **__):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr("subprocess.Popen", fail)
    pool = ReaderPool(DEFAULT_MODEL, 2)
    assert [as_json(reading) for reading in read_files(paths, reader, pool)] == serial
    pool.start()
    assert not pool.is_ready


def test_files_are_read_where_processes_cannot_load_the_model(reader, paths, serial, tmp_path, capfd):
    pool = ReaderPool(tmp_path / "none.onnx", 2)
    assert [as_json(reading) for reading in read_files(paths, reader, pool)] == serial
    assert worker_processes() == []
    assert capfd.readouterr().err == ""


def test_cancelled_tasks_cause_no_error_where_no_process_can_start(tmp_path):
    pool = ReaderPool(tmp_path / "none.onnx", 2)
    cancelled, awaited = pool.submit([]), pool.submit([])
    cancelled.cancel()
    assert isinstance(awaited.exception(timeout=60), ProcessKilled)
    pool.shutdown()
    # The pool accepts tasks after it was shut down.
    assert isinstance(pool.submit([]).exception(timeout=60), ProcessKilled)


def test_pool_that_is_shut_down_while_it_starts_leaves_no_process(capfd):
    for _ in range(5):
        pool = ReaderPool(DEFAULT_MODEL, 2)
        pool.start()
        pool.shutdown()
        assert worker_processes() == []
    assert capfd.readouterr().err == ""


def test_every_task_of_a_killed_process_finishes_or_fails():
    """A process may be killed in the middle of a response, which would block a queue that all processes share."""
    number = draw("4079", size=(260, 160), height=90, pen=9)
    pool = ReaderPool(DEFAULT_MODEL, 2)
    random = np.random.default_rng(0)
    failed = finished = 0
    for _ in range(20):
        futures = [pool.submit([number] * 3) for _ in range(8)]
        futures[0].exception(timeout=60)
        wait(futures, timeout=random.uniform(0, 0.2))
        for process in worker_processes()[:1]:
            process.kill()
        errors = [future.exception(timeout=60) for future in futures]
        assert all(error is None or isinstance(error, ProcessKilled) for error in errors)
        failed += sum(error is not None for error in errors)
        finished += sum(error is None for error in errors)
    pool.shutdown()
    assert failed > 0
    assert finished > 0
    assert worker_processes() == []


@pytest.mark.parametrize("sent_signal", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_the_command_line(paths, sent_signal):
    folder = paths[0].parent
    command = [sys.executable, "-m", "digits", *[str(folder)] * 200]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        running.stdout.readline()
        children = worker_processes(running.pid)
        assert len(children) == len(os.sched_getaffinity(0))
        running.send_signal(sent_signal)
        running.wait(20)
    deadline = time.monotonic() + 20
    while any(child.is_running() for child in children):
        assert time.monotonic() < deadline, "a process is still running"
        time.sleep(0.1)

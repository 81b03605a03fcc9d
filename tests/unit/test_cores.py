"""Many files are read on several cores as on one: every file, in order, whatever happens to a process."""

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
from digits.parallel.cores import FEW, ProcessKilled, ReaderPool, read_files
from helpers.drawing import draw
from helpers.processes import processes

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Numbers, and two files that are no images."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(FEW + 8):
        draw(str(number), size=(260, 160), height=90, pen=9).save(folder / f"{number:03}.png")
    (folder / "007.png").write_bytes(b"no image")
    (folder / "031.png").unlink()
    return sorted([*folder.iterdir(), folder / "031.png"])


@pytest.fixture(scope="module")
def serial(reader, paths):
    return [told(reading) for reading in read_files(paths, reader, ReaderPool(DEFAULT_MODEL, 1))]


def told(reading):
    return str(reading) if isinstance(reading, ImageError) else reading.to_dict()


def test_two_processes_read_as_one_does(reader, paths, serial):
    assert [told(reading) for reading in read_files(paths, reader, ReaderPool(DEFAULT_MODEL, 2))] == serial
    assert processes() == []


def test_files_of_a_process_that_is_killed_are_read_all_the_same(reader, paths, serial):
    readings = read_files(paths, reader, ReaderPool(DEFAULT_MODEL, 2))
    told_first = told(next(readings))
    for process in processes():
        process.kill()
    assert [told_first, *map(told, readings)] == serial


def test_processes_end_with_whoever_wants_no_more(reader, paths):
    readings = read_files(paths, reader, ReaderPool(DEFAULT_MODEL, 2))
    next(readings)
    readings.close()
    assert processes() == []


def test_where_no_other_process_can_start_this_one_reads(reader, paths, serial, monkeypatch):
    def refuse(*_, **__):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr("subprocess.Popen", refuse)
    pool = ReaderPool(DEFAULT_MODEL, 2)
    assert [told(reading) for reading in read_files(paths, reader, pool)] == serial
    pool.start()
    assert not pool.is_ready


def test_a_process_that_cannot_load_the_model_keeps_nobody_waiting(reader, paths, serial, tmp_path, capfd):
    pool = ReaderPool(tmp_path / "none.onnx", 2)
    assert [told(reading) for reading in read_files(paths, reader, pool)] == serial
    assert processes() == []
    assert capfd.readouterr().err == ""


def test_what_nobody_waits_for_any_more_is_no_fault_where_no_process_can_start(tmp_path):
    pool = ReaderPool(tmp_path / "none.onnx", 2)
    given_up, awaited = pool.submit([]), pool.submit([])
    given_up.cancel()
    assert isinstance(awaited.exception(timeout=60), ProcessKilled)
    pool.end()
    # Another one is asked as before.
    assert isinstance(pool.submit([]).exception(timeout=60), ProcessKilled)


def test_a_pool_that_is_ended_while_it_starts_leaves_nothing(capfd):
    for _ in range(5):
        pool = ReaderPool(DEFAULT_MODEL, 2)
        pool.start()
        pool.end()
        assert processes() == []
    assert capfd.readouterr().err == ""


def test_processes_that_are_killed_at_any_moment_answer_or_say_so():
    """Also amid an answer, for which a queue that all share would wait for ever."""
    number = draw("4079", size=(260, 160), height=90, pen=9)
    pool = ReaderPool(DEFAULT_MODEL, 2)
    random = np.random.default_rng(0)
    killed = read = 0
    for _ in range(20):
        asked = [pool.submit([number] * 3) for _ in range(8)]
        asked[0].exception(timeout=60)
        wait(asked, timeout=random.uniform(0, 0.2))
        for process in processes()[:1]:
            process.kill()
        errors = [future.exception(timeout=60) for future in asked]
        assert all(error is None or isinstance(error, ProcessKilled) for error in errors)
        killed += sum(error is not None for error in errors)
        read += sum(error is None for error in errors)
    pool.end()
    assert killed > 0
    assert read > 0
    assert processes() == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_the_command_line(paths, ending):
    """None is left behind, and none has anything to say."""
    folder = paths[0].parent
    command = [sys.executable, "-m", "digits", *[str(folder)] * 200]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        running.stdout.readline()
        children = processes(running.pid)
        assert len(children) == len(os.sched_getaffinity(0))
        running.send_signal(ending)
        running.wait(20)
    deadline = time.monotonic() + 20
    while any(child.is_running() for child in children):
        assert time.monotonic() < deadline, "a process was left behind"
        time.sleep(0.1)

"""Readings on all cores of this machine: readers in processes of their own.

Half of a reading is Python, which runs on one core a process. Each process has pipes of its own: with a queue that all
write to, as pools of processes commonly have, one that is killed amid an answer silences the others for ever. It knows
nothing of folders, requests or output; past one machine, see bulk.py.
"""

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from digits.images import ImageError, ImageSource
from digits.parallel.worker import READY, read_all
from digits.reader import DigitReader
from digits.reading import Reading
from digits.resources import PACKAGE

# Seconds after which processes end that nobody asked anything.
IDLE = 60

# Fewer files are read before other processes have started.
FEW = 32

# Files that are read together, fewer where some process would then have had its share too soon, and one by one where
# they are few.
TOGETHER = 16
ROUNDS = 8

# Files that are given out before the reading of the first is taken: however slowly readings are taken, no more of them
# wait in memory.
SLAB = 4096


class ProcessKilled(Exception):
    """The process that should have read was killed, or could not start."""


class ReaderPool:
    """Readers in processes of their own, one on each core, which start when they are wanted.

    Args:
        model: path of their model, one that this process could load.
        cores: how many; None for as many as this process may use.
    """

    def __init__(self, model: str | os.PathLike, cores: int | None = None):
        self.cores = cores or _usable_cores()
        self._model = os.path.abspath(model)
        self._lock = threading.Lock()
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._threads: set[threading.Thread] = set()  # one a process
        self._processes: set[_Process] = set()
        self._ready = 0  # of the processes
        self._is_ending = False

    @property
    def is_ready(self) -> bool:
        """Whether a process is there, so that `submit` need not wait for one to start."""
        return self._ready > 0

    def start(self) -> None:
        """Starts the processes, unless they are there or starting, or one core is all; doesn't wait for them."""
        with self._lock:
            self._start()

    def submit(self, images: Sequence[ImageSource]) -> "Future[list[Reading | ImageError]]":
        """What read_all will say of them, in one process; ProcessKilled where that was killed or can't start."""
        future: Future[list[Reading | ImageError]] = Future()
        with self._lock:
            self._start()
            if self._threads:
                self._tasks.put((images, future))
            else:
                future.set_exception(ProcessKilled())
        return future

    def end(self) -> None:
        """Ends the processes at once."""
        with self._lock:
            self._is_ending = True
            threads = list(self._threads)
            for _ in threads:
                self._tasks.put(None)
            for process in self._processes:
                process.kill()
        for thread in threads:
            thread.join()
        self._is_ending = False

    def _start(self) -> None:
        while self.cores > 1 and len(self._threads) < self.cores:
            thread = threading.Thread(target=self._attend, daemon=True)
            self._threads.add(thread)
            thread.start()

    def _attend(self) -> None:
        """Hands tasks to one process, and starts it anew where it was killed; in a thread of its own."""
        try:
            while not self._is_ending and self._attend_one():
                pass
        except OSError:  # a system without room for other processes
            self.cores = 1
        with self._lock:
            self._threads.discard(threading.current_thread())
            if not self._threads:
                self._refuse_all()

    def _attend_one(self) -> bool:
        """Hands tasks to a new process until it ends; returns whether another one is wanted."""
        process = _Process(self._model)
        with self._lock:
            self._processes.add(process)
        is_ready = process.wait_until_ready()
        with self._lock:
            self._ready += is_ready
        try:
            while is_ready and (task := self._next_task()):
                images, future = task
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    future.set_result(process.ask(images))
                except (EOFError, OSError, pickle.UnpicklingError):
                    future.set_exception(ProcessKilled())
                    return True
                except Exception as error:  # a fault of ours, which whoever asked hears of
                    future.set_exception(error)
                    return True
            return False
        finally:
            with self._lock:
                self._processes.discard(process)
                self._ready -= is_ready
            process.kill()
            process.close()

    def _next_task(self) -> "_Task | None":
        """What to do next; None where nobody has asked for a while, or no more is wanted."""
        try:
            return self._tasks.get(timeout=IDLE)
        except queue.Empty:
            with self._lock:
                if self._tasks.empty():
                    # Whoever asks from now on starts another process.
                    self._threads.discard(threading.current_thread())
                    return None
        return self._next_task()

    def _refuse_all(self) -> None:
        while not self._tasks.empty():
            task = self._tasks.get()
            if task and task[1].set_running_or_notify_cancel():
                task[1].set_exception(ProcessKilled())


_Task = tuple[Sequence[ImageSource], "Future[list[Reading | ImageError]]"]


class _Process:
    """A process that reads, and the pipes to it and from it."""

    def __init__(self, model: str):
        paths = os.pathsep.join(filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH"))))
        # In a session of its own ctrl-C doesn't reach it: that is for the process that was started by hand.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "digits.parallel.worker", model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
            start_new_session=True,
        )

    def wait_until_ready(self) -> bool:
        """Whether it has started, once it has or could not."""
        try:
            return self._answer() == READY
        except (EOFError, OSError, pickle.UnpicklingError):
            return False

    def ask(self, images: Sequence[ImageSource]) -> list[Reading | ImageError]:
        """What it says of images.

        Raises:
            EOFError, OSError, pickle.UnpicklingError: it was killed, before or amid its answer.
        """
        assert self._process.stdin
        # Pickled first: what can't be is not half sent.
        self._process.stdin.write(pickle.dumps(list(images), pickle.HIGHEST_PROTOCOL))
        self._process.stdin.flush()
        return self._answer()

    def kill(self) -> None:
        """Ends it at once, whatever it does; from any thread."""
        self._process.kill()

    def close(self) -> None:
        """Gives back what it held, once it was killed; from the thread that asks it."""
        self._process.wait()
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdout.close()
        with suppress(BrokenPipeError):  # of what it was not told
            self._process.stdin.close()

    def _answer(self) -> Any:
        assert self._process.stdout
        return pickle.load(self._process.stdout)


def read_files(images: Sequence[ImageSource], reader: DigitReader, pool: ReaderPool) -> Iterator[Reading | ImageError]:
    """Read files, in order, on several cores where there are many.

    Args:
        images: paths of the files, or their bytes.
        reader: reads them where they are few, and those whose process was killed.
        pool: reads them where they are many; ended afterwards.

    Returns:
        An iterator with the reading of each file, or the reason why it can't be read.
    """
    if pool.cores == 1 or len(images) <= FEW:
        for batch in _batches(images, cores=1):
            yield from read_all(reader, batch)
        return
    try:
        for start in range(0, len(images), SLAB):
            batches = _batches(images[start : start + SLAB], pool.cores)
            asked = [pool.submit(batch) for batch in batches]
            for batch, future in zip(batches, asked):
                try:
                    readings = future.result()
                except ProcessKilled:  # for want of memory most likely, or there can be none
                    readings = read_all(reader, batch)
                yield from readings
    finally:
        pool.end()


def _batches(images: Sequence[ImageSource], cores: int) -> list[Sequence[ImageSource]]:
    count = max(1, min(TOGETHER, len(images) // (ROUNDS * cores)))
    return [images[start : start + count] for start in range(0, len(images), count)]


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

"""Read images on all cores of this machine, with readers in processes of their own.

Half of a reading is Python, which runs on one core per process. Each process has its own pipes: with one queue that all
processes write to, as in most process pools, a process that is killed in the middle of a response blocks all others for
ever. It knows nothing of folders, requests or output; bulk.py reads on more than one machine.
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
from dataclasses import dataclass
from typing import Any

from digits.images import ImageError, ImageSource
from digits.parallel.worker import READY, read_images
from digits.reader import DigitReader
from digits.reading import Reading
from digits.resources import PACKAGE_DIR


@dataclass(frozen=True)
class PoolSettings:
    """Settings of the processes, and of how files are shared out among them.

    Attributes:
        idle_timeout_seconds: a process that gets no request for so long ends.
        max_serial_files: up to this many files are read in this process: that takes less time than starting others.
        max_batch_files: the largest batch of a process.
        min_batches_per_process: batches are smaller where a process would get fewer, down to one file, so that no
            process finishes long before the others.
        max_pending_files: files that are submitted before the first result is taken. However slowly results are taken,
            no more of them wait in memory.
    """

    idle_timeout_seconds: float = 60
    max_serial_files: int = 32
    max_batch_files: int = 16
    min_batches_per_process: int = 8
    max_pending_files: int = 4096


POOL = PoolSettings()


class ProcessKilled(Exception):
    """The process that should have read was killed, or could not start."""


class ReaderPool:
    """Readers in processes of their own, one per core, which start when they are needed.

    Args:
        model: path of their model, one that this process could load.
        cores: how many processes; None for as many cores as this process may use.
    """

    def __init__(self, model: str | os.PathLike, cores: int | None = None):
        self.cores = cores or _usable_cores()
        self._model = os.path.abspath(model)
        self._lock = threading.Lock()
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._threads: set[threading.Thread] = set()  # one per process
        self._processes: set[_Process] = set()
        self._ready_count = 0
        self._is_shutting_down = False

    @property
    def is_ready(self) -> bool:
        """Whether a process is running, so that `submit` need not wait for one to start."""
        return self._ready_count > 0

    def start(self) -> None:
        """Start the processes that are not running yet, without waiting for them; none where there is one core."""
        with self._lock:
            self._start_threads()

    def submit(self, images: Sequence[ImageSource]) -> "Future[list[Reading | ImageError]]":
        """Read images in one process, as `read_images` does.

        Returns:
            A future, which raises ProcessKilled where the process was killed or can't start.
        """
        future: Future[list[Reading | ImageError]] = Future()
        with self._lock:
            self._start_threads()
            if self._threads:
                self._tasks.put((images, future))
            else:
                future.set_exception(ProcessKilled())
        return future

    def shutdown(self) -> None:
        """Kill the processes at once, and wait until they have ended."""
        with self._lock:
            self._is_shutting_down = True
            threads = list(self._threads)
            for _ in threads:
                self._tasks.put(None)
            for process in self._processes:
                process.kill()
        for thread in threads:
            thread.join()
        self._is_shutting_down = False

    def _start_threads(self) -> None:
        while self.cores > 1 and len(self._threads) < self.cores:
            thread = threading.Thread(target=self._run_processes, daemon=True)
            self._threads.add(thread)
            thread.start()

    def _run_processes(self) -> None:
        """Run one process after another, each until it is killed; in a thread of its own."""
        try:
            while not self._is_shutting_down and self._run_process():
                pass
        except OSError:  # the system has no memory or no slot for another process
            self.cores = 1
        with self._lock:
            self._threads.discard(threading.current_thread())
            if not self._threads:
                self._fail_all_tasks()

    def _run_process(self) -> bool:
        """Start a process, and send it tasks until it ends; return whether another process is needed."""
        process = _Process(self._model)
        with self._lock:
            self._processes.add(process)
        is_ready = process.wait_until_ready()
        with self._lock:
            self._ready_count += is_ready
        try:
            while is_ready and (task := self._next_task()):
                images, future = task
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    future.set_result(process.request(images))
                except (EOFError, OSError, pickle.UnpicklingError):
                    future.set_exception(ProcessKilled())
                    return True
                except Exception as error:  # a bug in this code, which the caller of `submit` gets
                    future.set_exception(error)
                    return True
            return False
        finally:
            with self._lock:
                self._processes.discard(process)
                self._ready_count -= is_ready
            process.kill()
            process.close()

    def _next_task(self) -> "_Task | None":
        """Wait for the next task; return None after the idle timeout, or when the pool shuts down."""
        try:
            return self._tasks.get(timeout=POOL.idle_timeout_seconds)
        except queue.Empty:
            with self._lock:
                if self._tasks.empty():
                    # A later `submit` starts another process.
                    self._threads.discard(threading.current_thread())
                    return None
        return self._next_task()

    def _fail_all_tasks(self) -> None:
        while not self._tasks.empty():
            task = self._tasks.get()
            if task and task[1].set_running_or_notify_cancel():
                task[1].set_exception(ProcessKilled())


_Task = tuple[Sequence[ImageSource], "Future[list[Reading | ImageError]]"]


class _Process:
    """A process that runs worker.py, and the pipes to it and from it."""

    def __init__(self, model: str):
        paths = os.pathsep.join(filter(None, (str(PACKAGE_DIR.parent), os.environ.get("PYTHONPATH"))))
        # In a session of its own it does not get ctrl-C, which is meant for the process that was started by hand.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "digits.parallel.worker", model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
            start_new_session=True,
        )

    def wait_until_ready(self) -> bool:
        """Wait until the process has started or failed to; return whether it has started."""
        try:
            return self._read_response() == READY
        except (EOFError, OSError, pickle.UnpicklingError):
            return False

    def request(self, images: Sequence[ImageSource]) -> list[Reading | ImageError]:
        """Send images, and return the readings.

        Raises:
            EOFError, OSError, pickle.UnpicklingError: the process was killed, before or during its response.
        """
        assert self._process.stdin
        # The request is pickled as a whole first: one that can't be pickled is not sent in part.
        self._process.stdin.write(pickle.dumps(list(images), pickle.HIGHEST_PROTOCOL))
        self._process.stdin.flush()
        return self._read_response()

    def kill(self) -> None:
        """Kill the process at once; from any thread."""
        self._process.kill()

    def close(self) -> None:
        """Release the resources of a killed process; from the thread that sends its requests."""
        self._process.wait()
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdout.close()
        with suppress(BrokenPipeError):  # a request that was not sent completely
            self._process.stdin.close()

    def _read_response(self) -> Any:
        assert self._process.stdout
        return pickle.load(self._process.stdout)


def read_files(images: Sequence[ImageSource], reader: DigitReader, pool: ReaderPool) -> Iterator[Reading | ImageError]:
    """Read files, in order, on several cores where there are many.

    Args:
        images: paths of the files, or their bytes.
        reader: reads them where they are few, and those whose process was killed.
        pool: reads them where they are many; shut down afterwards.

    Yields:
        The reading of each file, or the error that says why it can't be read.
    """
    if pool.cores == 1 or len(images) <= POOL.max_serial_files:
        for batch in _split_batches(images, cores=1):
            yield from read_images(reader, batch)
        return
    try:
        for start in range(0, len(images), POOL.max_pending_files):
            batches = _split_batches(images[start : start + POOL.max_pending_files], pool.cores)
            futures = [pool.submit(batch) for batch in batches]
            for batch, future in zip(batches, futures):
                try:
                    readings = future.result()
                except ProcessKilled:  # most likely for lack of memory, or no process can start
                    readings = read_images(reader, batch)
                yield from readings
    finally:
        pool.shutdown()


def _split_batches(images: Sequence[ImageSource], cores: int) -> list[Sequence[ImageSource]]:
    count = max(1, min(POOL.max_batch_files, len(images) // (POOL.min_batches_per_process * cores)))
    return [images[start : start + count] for start in range(0, len(images), count)]


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

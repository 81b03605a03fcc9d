"""Readings on all cores of this machine: readers in processes of their own.

Half of a reading is Python, which runs on one core a process. The processes are loky's, for those don't run the
program anew that wants them, and end when nobody does. It knows nothing of folders, requests or output; past one
machine, see bulk.py.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from itertools import chain

import cv2
from loky import BrokenProcessPool, ProcessPoolExecutor, get_reusable_executor

from digits.images import ImageError, ImageSource
from digits.reader import DigitReader
from digits.reading import Reading

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


class ReaderPool:
    """Readers in processes of their own, one on each core, which start when they are wanted.

    Args:
        model: path of their model, one that this process could load.
        cores: how many; None for as many as this process may use.
    """

    def __init__(self, model: str | os.PathLike, cores: int | None = None):
        self.cores = cores or _usable_cores()
        self._model = os.path.abspath(model)
        self._started: Future | None = None
        self._asked = 0.0

    @property
    def is_ready(self) -> bool:
        """Whether a process is there, so that `submit` need not wait for one to start."""
        if time.monotonic() - self._asked > IDLE / 2:
            self._started = None
        return self._started is not None and self._started.done() and not self._started.exception()

    def start(self) -> None:
        """Starts the processes, unless they are there or starting, or one core is all; doesn't wait for them."""
        if self.cores > 1 and not self.is_ready and (self._started is None or self._started.done()):
            try:
                self._started = self.submit([])
            except OSError:  # a system without room for other processes, or without semaphores
                self.cores = 1

    def submit(self, images: Sequence[ImageSource]) -> "Future[list[Reading | ImageError]]":
        """What read_all will say of them, in one process; BrokenProcessPool where that was killed."""
        self._asked = time.monotonic()
        return self._processes().submit(_read_in_process, images)

    def map(self, images: Sequence[ImageSource]) -> Iterator[Reading | ImageError]:
        """What read_all says of images, in order; BrokenProcessPool, after all before it, where one was killed."""
        return chain.from_iterable(self._processes().map(_read_in_process, _batches(images, self.cores)))

    def end(self) -> None:
        """Ends the processes at once."""
        with suppress(OSError):
            self._processes().shutdown(kill_workers=True)

    def _processes(self) -> ProcessPoolExecutor:
        # The same ones again, unless one was killed or they were ended.
        return get_reusable_executor(
            self.cores, timeout=IDLE, initializer=_begin, initargs=(self._model, os.getpid()), reuse="auto"
        )


def read_files(images: Sequence[ImageSource], reader: DigitReader, pool: ReaderPool) -> Iterator[Reading | ImageError]:
    """Read files, in order, on several cores where there are many.

    Args:
        images: paths of the files, or their bytes.
        reader: reads them where they are few, and what is left where a process was killed.
        pool: reads them where they are many; ended afterwards.

    Returns:
        An iterator with the reading of each file, or the reason why it can't be read.
    """
    done = 0
    if pool.cores > 1 and len(images) > FEW:
        try:
            slabs = (images[start : start + SLAB] for start in range(0, len(images), SLAB))
            for reading in chain.from_iterable(map(pool.map, slabs)):
                yield reading
                done += 1
        except (BrokenProcessPool, OSError):  # killed, for want of memory most likely; or there can be none
            pass
        finally:
            pool.end()
    for batch in _batches(images[done:], cores=1):
        yield from read_all(reader, batch)


def read_all(reader: DigitReader, images: Sequence[ImageSource]) -> list[Reading | ImageError]:
    """The reading of each image, or why it can't be read."""
    try:
        return list(reader.read_many(images))
    except ImageError as error:
        if len(images) == 1:
            return [error]
        return [reading for image in images for reading in read_all(reader, [image])]


def _batches(images: Sequence[ImageSource], cores: int) -> list[Sequence[ImageSource]]:
    count = max(1, min(TOGETHER, len(images) // (ROUNDS * cores)))
    return [images[start : start + count] for start in range(0, len(images), count)]


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_reader: DigitReader  # of this process, if it is one of the pool's


def _begin(model: str, parent: int) -> None:
    global _reader
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is for the process that was started by hand
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    cv2.setNumThreads(1)
    _reader = DigitReader(model)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _read_in_process(images: Sequence[ImageSource]) -> list[Reading | ImageError]:
    return read_all(_reader, images)

"""Many files -> their readings, on all cores of this machine.

Half of a reading is Python, which runs on one core a process: so each core gets a process, with a reader of its own. It
knows nothing of folders, output or progress; past one machine, see bulk.py.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from pathlib import Path

import cv2

from digits.images import ImageError
from digits.reader import DigitReader, Reading

# Fewer files are read before other processes have started.
FEW = 32

# Files that a process is given at a time, and files that are given out before the first of them is asked for: however
# slowly readings are taken, no more of them wait in memory.
CHUNK = 4
SLAB = 1024


def read_files(
    paths: Sequence[Path], reader: DigitReader, model: str | os.PathLike, cores: int | None = None
) -> Iterator[Reading | ImageError]:
    """Reads files, in order.

    Args:
        paths: the files.
        reader: reads here, where there are few files, one core, or no other process left.
        model: the path of its model, for readers in other processes.
        cores: how many processes; None for one on each core that this process may use.

    Returns:
        An iterator with the reading of each file, or the reason why it can't be read.
    """
    cores = cores or _usable_cores()
    done = 0
    if cores > 1 and len(paths) > FEW:
        # A process that is forked from one with threads may hang: hence spawned.
        pool = ProcessPoolExecutor(cores, multiprocessing.get_context("spawn"), _begin, (os.fspath(model),))
        slabs = (paths[start : start + SLAB] for start in range(0, len(paths), SLAB))
        try:
            for reading in chain.from_iterable(pool.map(_read_in_process, slab, chunksize=CHUNK) for slab in slabs):
                yield reading
                done += 1
        except BrokenProcessPool:  # killed, most likely for want of memory: one process needs less
            pass
        finally:
            pool.shutdown(cancel_futures=True)
    for path in paths[done:]:
        yield _read(reader, path)


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read(reader: DigitReader, path: Path) -> Reading | ImageError:
    try:
        return reader.read(path)
    except ImageError as error:
        return error


_reader: DigitReader  # the one of this process, once it has begun


def _begin(model: str) -> None:
    global _reader
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is for the process that was started by hand
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    _reader = DigitReader(model)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)


def _read_in_process(path: Path) -> Reading | ImageError:
    return _read(_reader, path)

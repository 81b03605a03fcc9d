"""Distribution of images that requests wait for: to threads of this process, or to worker processes under load.

Images that wait at the same time are read as a batch, which costs less per image. It knows nothing of HTTP.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from digits import DigitReader, ImageError, Reading
from digits.parallel.process_pool import ProcessKilled, ReaderPool
from digits.parallel.worker import read_images

# Images read at the same time in this process. Half of a reading is Python code, which runs in one thread at a time, so
# that more threads only slow each other down.
READER_THREADS = 2

# Batches in progress per core. A second batch keeps the core busy when the first one is done. All other images wait in
# the dispatcher's own queue, where a disconnected client is noticed.
BATCHES_PER_CORE = 2

# Limits of a batch. The size does not apply to a batch of one image: the cost of handing over matters for small images
# only.
MAX_BATCH_IMAGES = 8
MAX_BATCH_BYTES = 65536

log = logging.getLogger(__name__)


class ClientDisconnected(Exception):
    """The client disconnected before its image was read."""


class _PendingImage(NamedTuple):
    image: bytes
    is_disconnected: Callable[[], Awaitable[bool]]
    result: "asyncio.Future[Reading | ImageError]"


class Dispatcher:
    """Distributes images to readers, the oldest first.

    Args:
        reader: reads in this process.
        pool: reads on all cores once images wait; None to read all images in this process.
    """

    def __init__(self, reader: DigitReader, pool: ReaderPool | None):
        self._reader, self._pool = reader, pool
        self._threads = ThreadPoolExecutor(READER_THREADS, "dispatcher")
        self._pending: deque[_PendingImage] = deque()
        self._max_tasks = self._free_tasks = BATCHES_PER_CORE * max(READER_THREADS, pool.cores if pool else 1)
        self._tasks: set[asyncio.Task] = set()  # strong references, because the event loop holds weak ones only

    async def read(self, image: bytes, is_disconnected: Callable[[], Awaitable[bool]]) -> Reading | ImageError:
        """Return the reading of an image, or the error if it can't be read.

        Args:
            image: content of an image file.
            is_disconnected: returns whether the client has disconnected; called just before the image is read.

        Raises:
            ClientDisconnected: the client disconnected before its image was read.
        """
        pending = _PendingImage(image, is_disconnected, asyncio.get_running_loop().create_future())
        self._pending.append(pending)
        if self._free_tasks:
            self._free_tasks -= 1
            task = asyncio.create_task(self._read_pending())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif self._pool:
            self._pool.start()
        return await pending.result

    async def _read_pending(self) -> None:
        """Read batch after batch until no image is pending."""
        while self._pending:
            batch = self._next_batch()
            try:
                disconnected = [await pending.is_disconnected() for pending in batch]
                connected = [pending for pending, is_gone in zip(batch, disconnected) if not is_gone]
                readings = await self._read_batch([pending.image for pending in connected])
            except Exception as error:  # an error in the server: this batch fails, and the next ones are read
                self._set_results((pending, error) for pending in batch)
            else:
                self._set_results(
                    (pending, ClientDisconnected()) for pending, is_gone in zip(batch, disconnected) if is_gone
                )
                self._set_results(zip(connected, readings))
        self._free_tasks += 1

    @staticmethod
    def _set_results(results: Iterable[tuple[_PendingImage, Reading | Exception]]) -> None:
        for pending, result in results:
            if pending.result.done():  # the request was cancelled
                continue
            # An ImageError is a result like a reading: the image was processed and can't be read.
            if isinstance(result, Exception) and not isinstance(result, ImageError):
                pending.result.set_exception(result)
            else:
                pending.result.set_result(result)

    def _next_batch(self) -> list[_PendingImage]:
        # Every task gets an equal share of the pending images.
        count = min(MAX_BATCH_IMAGES, len(self._pending) // self._max_tasks)
        batch = [self._pending.popleft()]
        size = len(batch[0].image)
        while self._pending and len(batch) < count and size + len(self._pending[0].image) <= MAX_BATCH_BYTES:
            batch.append(self._pending.popleft())
            size += len(batch[-1].image)
        return batch

    async def _read_batch(self, images: list[bytes]) -> list[Reading | ImageError]:
        # Images are read in this process until a worker process has started.
        if images and self._pool and self._pool.is_ready:
            try:
                return await asyncio.wrap_future(self._pool.submit(images))
            except ProcessKilled:
                log.warning("A worker process was killed. Its images are read in this process; a new one is started.")
        return await asyncio.get_running_loop().run_in_executor(self._threads, read_images, self._reader, images)

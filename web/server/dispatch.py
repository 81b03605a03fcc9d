"""Images that requests wait for -> threads of this process, or other processes once there is a crowd.

Images that wait at the same time are read together, which costs less each. It knows nothing of HTTP.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from digits import DigitReader, ImageError, Reading
from digits.parallel.cores import ProcessKilled, ReaderPool
from digits.parallel.worker import read_all

# Images read at the same time in this process. Half of a reading is Python, which runs one thread at a time: more of
# them only get in each other's way.
THREADS = 2

# Batches handed out to each core; the next one must be at hand when one is done. All others wait where a client that
# hung up is noticed.
AT_HAND = 2

# Images of a batch, and its bytes unless it is a single one: only of small images does handing over cost much.
BATCH = 8
BATCH_BYTES = 65536

log = logging.getLogger(__name__)


class Gone(Exception):
    """Nobody waits for this reading any more, and it was not read."""


class _Asked(NamedTuple):
    image: bytes
    is_gone: Callable[[], Awaitable[bool]]
    answer: "asyncio.Future[Reading | ImageError]"


class Dispatcher:
    """Hands images out to be read, the oldest first.

    Args:
        reader: reads in this process.
        pool: reads on all cores, once images wait; None where all are to be read in this process.
    """

    def __init__(self, reader: DigitReader, pool: ReaderPool | None):
        self._reader, self._pool = reader, pool
        self._threads = ThreadPoolExecutor(THREADS, "dispatcher")
        self._waiting: deque[_Asked] = deque()
        self._places = self._free = AT_HAND * max(THREADS, pool.cores if pool else 1)
        self._at_work: set[asyncio.Task] = set()  # the event loop itself would forget them

    async def read(self, image: bytes, is_gone: Callable[[], Awaitable[bool]]) -> Reading | ImageError:
        """The reading of an image file, or why it can't be read.

        Args:
            image: the file.
            is_gone: whether nobody waits any more; asked when it is the image's turn.

        Raises:
            Gone: nobody did.
        """
        asked = _Asked(image, is_gone, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._free:
            self._free -= 1
            task = asyncio.create_task(self._work())
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
        elif self._pool:
            self._pool.start()
        return await asked.answer

    async def _work(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            try:
                gone = [await asked.is_gone() for asked in batch]
                wanted = [asked for asked, is_gone in zip(batch, gone) if not is_gone]
                readings = await self._read([asked.image for asked in wanted])
            except Exception as error:  # a fault of ours: whoever asked is told so, and the next ones are read
                self._answer((asked, error) for asked in batch)
            else:
                self._answer((asked, Gone()) for asked, is_gone in zip(batch, gone) if is_gone)
                self._answer(zip(wanted, readings))
        self._free += 1

    @staticmethod
    def _answer(answers: Iterable[tuple[_Asked, Reading | Exception]]) -> None:
        for asked, answer in answers:
            if asked.answer.done():  # whoever asked was cancelled, and asks no more
                continue
            # That an image can't be read is an answer too.
            if isinstance(answer, Exception) and not isinstance(answer, ImageError):
                asked.answer.set_exception(answer)
            else:
                asked.answer.set_result(answer)

    def _next_batch(self) -> list[_Asked]:
        share = min(BATCH, len(self._waiting) // self._places)
        batch = [self._waiting.popleft()]
        size = len(batch[0].image)
        while self._waiting and len(batch) < share and size + len(self._waiting[0].image) <= BATCH_BYTES:
            batch.append(self._waiting.popleft())
            size += len(batch[-1].image)
        return batch

    async def _read(self, images: list[bytes]) -> list[Reading | ImageError]:
        # Until a process has started, images are read here.
        if images and self._pool and self._pool.is_ready:
            try:
                return await asyncio.wrap_future(self._pool.submit(images))
            except ProcessKilled:
                log.warning("A process that read images was killed; they are read here, and another one is started.")
        return await asyncio.get_running_loop().run_in_executor(self._threads, read_all, self._reader, images)

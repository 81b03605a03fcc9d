"""Waiting images are read, whatever happens to earlier requests."""

import asyncio

import pytest

from helpers.http import run_in_thread
from web.server.dispatch import BATCHES_PER_CORE, READER_THREADS, ClientDisconnected, Dispatcher

REQUEST_COUNT = 3 * BATCHES_PER_CORE * READER_THREADS  # more than the dispatcher reads at once


class EchoReader:
    """A reader whose reading of an image is the image itself."""

    def read_many(self, images):
        return [image.decode() for image in images]


async def is_connected():
    return False


async def is_disconnected():
    return True


async def fails():
    raise RuntimeError("unknown")


def results_before_and_after(send_earlier):
    """Return the results of earlier requests, which a function sends, and of later ones to the same dispatcher."""

    async def run():
        dispatcher = Dispatcher(EchoReader(), None)
        earlier = await send_earlier(dispatcher)
        later = [dispatcher.read(str(number).encode(), is_connected) for number in range(REQUEST_COUNT)]
        return earlier, await asyncio.wait_for(asyncio.gather(*later), 10)

    return run_in_thread(asyncio.run, run())


@pytest.mark.parametrize(("check", "error"), [(is_disconnected, ClientDisconnected), (fails, RuntimeError)])
def test_disconnected_clients_and_errors_do_not_block_later_requests(check, error):
    async def send_earlier(dispatcher):
        return await asyncio.gather(
            *(dispatcher.read(b"x", check) for _ in range(REQUEST_COUNT)), return_exceptions=True
        )

    earlier, later = results_before_and_after(send_earlier)
    assert {type(result) for result in earlier} == {error}
    assert later == [str(number) for number in range(REQUEST_COUNT)]


def test_cancelled_requests_do_not_block_later_requests():
    async def send_earlier(dispatcher):
        tasks = [asyncio.create_task(dispatcher.read(b"x", is_connected)) for _ in range(REQUEST_COUNT)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    earlier, later = results_before_and_after(send_earlier)
    assert {type(result) for result in earlier} == {asyncio.CancelledError}
    assert later == [str(number) for number in range(REQUEST_COUNT)]

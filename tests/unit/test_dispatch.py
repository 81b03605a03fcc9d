"""Images that wait are read and answered, whatever becomes of those who asked before."""

import asyncio

import pytest

from helpers.http import apart
from web.server.dispatch import AT_HAND, THREADS, Dispatcher, Gone

ASKED = 3 * AT_HAND * THREADS  # more than are handed out at once


class Echo:
    """Reads an image as itself."""

    def read_many(self, images):
        return [image.decode() for image in images]


async def here():
    return False


async def gone():
    return True


async def broken():
    raise RuntimeError("nobody can tell")


def answers_after(asked):
    """What a dispatcher answers to those who come after a crowd that asked thus, and to the crowd."""

    async def run():
        dispatcher = Dispatcher(Echo(), None)
        crowd = await asked(dispatcher)
        later = [dispatcher.read(str(number).encode(), here) for number in range(ASKED)]
        return crowd, await asyncio.wait_for(asyncio.gather(*later), 10)

    return apart(asyncio.run, run())


@pytest.mark.parametrize(("is_gone", "error"), [(gone, Gone), (broken, RuntimeError)])
def test_neither_the_gone_nor_a_fault_take_a_place(is_gone, error):
    async def asked(dispatcher):
        return await asyncio.gather(*(dispatcher.read(b"x", is_gone) for _ in range(ASKED)), return_exceptions=True)

    crowd, later = answers_after(asked)
    assert {type(answer) for answer in crowd} == {error}
    assert later == [str(number) for number in range(ASKED)]


def test_the_cancelled_take_no_place():
    async def asked(dispatcher):
        tasks = [asyncio.create_task(dispatcher.read(b"x", here)) for _ in range(ASKED)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    crowd, later = answers_after(asked)
    assert {type(answer) for answer in crowd} == {asyncio.CancelledError}
    assert later == [str(number) for number in range(ASKED)]

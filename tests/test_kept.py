"""What Gradio keeps past its answers: nothing that a visitor sent or saw, and of its queue only so much."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import HTTPException
from gradio.data_classes import PredictBodyInternal

from demo import create_demo
from page.kept import KEPT, PLACES, ShortQueue
from tests.test_api import NUMBER, data_url
from tests.test_safety import fetch


@pytest.fixture
def queue(reader):
    return ShortQueue(create_demo(reader))


def ask(queue: ShortQueue, *sessions: str) -> None:
    """Takes requests into a queue that nothing reads from."""

    async def push() -> None:
        for session in sessions:
            predict = next(number for number, event in queue.blocks.fns.items() if event.api_name == "predict")
            await queue.push(PredictBodyInternal(session_hash=session, fn_index=predict, data=[None]), None, None)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, push()).result()


def work_off(queue: ShortQueue) -> None:
    while queue.get_events():
        pass


@pytest.mark.parametrize("event", ["read", "see", "predict"])
def test_of_a_session_nothing_is_kept(server, event):
    """Gradio makes a link to what it knows of a session; where it knows nothing, there is none."""
    _, _, config = fetch(f"{server}/config")
    number = {known["api_name"]: known["id"] for known in json.loads(config)["dependencies"]}[event]
    drawing = data_url(NUMBER)
    sent = {"read": drawing, "see": {"image": drawing, "chosen": 0}, "predict": {"url": drawing}}[event]
    question = {"data": [sent], "fn_index": number, "session_hash": event}
    status, _, answer = fetch(f"{server}/gradio_api/run/predict", json.dumps(question).encode())
    assert status == 200
    assert b"4079" in answer or b"data:image" in answer
    assert b" at 0x" not in answer
    assert fetch(f"{server}/gradio_api/deep_link?session_hash={event}")[2] == b'""'


def test_a_full_queue_refuses(queue):
    ask(queue, *map(str, range(PLACES)))
    with pytest.raises(HTTPException) as refusal:
        ask(queue, "one more")
    assert refusal.value.status_code == 503
    assert int(refusal.value.headers["Retry-After"]) >= 1
    work_off(queue)
    ask(queue, "later")


@pytest.mark.parametrize("name", ["{}", "always the same"], ids=["many sessions", "one session"])
def test_answers_that_nobody_fetches_are_forgotten(queue, name):
    for number in range(0, 6 * KEPT, PLACES):
        ask(queue, *(name.format(number + place) for place in range(PLACES)))
        work_off(queue)
    assert sum(messages.qsize() for messages in queue.pending_messages_per_session.values()) <= 2 * KEPT
    assert sum(map(len, queue.pending_event_ids_session.values())) <= KEPT
    assert len(queue.pending_messages_per_session) <= KEPT
    assert len(queue.event_analytics) <= KEPT


def test_what_still_waits_is_never_forgotten(queue):
    for number in range(3):
        ask(queue, *(f"{number} {place}" for place in range(PLACES)))
        if number < 2:
            work_off(queue)
    assert {f"2 {place}" for place in range(PLACES)} <= queue.pending_messages_per_session.keys()

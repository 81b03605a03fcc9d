"""What Gradio keeps past its answers: nothing that a visitor sent or saw, and of its queue only so much."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import HTTPException
from gradio.data_classes import PredictBodyInternal
from gradio.routes import App
from starlette.testclient import TestClient

from demo import create_demo
from helpers.http import NUMBER, data_url
from web.server.kept import KEPT, PLACES, Forgetful, ShortQueue


@pytest.fixture
def queue(reader):
    return ShortQueue(create_demo(reader))


@pytest.fixture(scope="module")
def app(reader):
    """Gradio's app with all its routes: the one that tells what is known of a session is closed to visitors."""
    page = create_demo(reader)
    app = App.create_app(page)
    app.state_holder = Forgetful(page)
    return TestClient(app)


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


@pytest.mark.parametrize("asked", ["read", "see", "predict"])
def test_of_a_session_nothing_is_kept(app, asked):
    """Gradio makes a link to what it knows of a session; where it knows nothing, there is none."""
    config = app.get("/config").json()
    numbers = {part["props"].get("component_class_name"): part["id"] for part in config["components"]}
    drawing = data_url(NUMBER)
    if asked == "predict":
        way, question = "run/predict", {"data": [{"url": drawing}]}
    elif asked == "read":
        way, question = "component_server/", {"data": drawing, "component_id": numbers["Pad"], "fn_name": "read"}
    else:
        seen = {"image": drawing, "chosen": 0}
        way, question = "component_server/", {"data": seen, "component_id": numbers["HowItSees"], "fn_name": "see"}
    answer = app.post(f"/gradio_api/{way}", json={**question, "session_hash": asked})
    assert answer.status_code == 200
    assert "4079" in answer.text or "data:image" in answer.text
    assert " at 0x" not in answer.text
    assert app.get(f"/gradio_api/deep_link?session_hash={asked}").text == '""'


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

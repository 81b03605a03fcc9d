"""Gradio retains nothing of a session after a response, and a bounded number of answers of its queue."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import HTTPException
from gradio.data_classes import PredictBodyInternal
from gradio.routes import App
from starlette.testclient import TestClient

from demo import create_demo
from helpers.http import NUMBER_IMAGE, data_url
from web.server.session_state import MAX_QUEUED_REQUESTS, MAX_RETAINED_ANSWERS, BoundedQueue, StatelessSessions


@pytest.fixture
def queue(reader):
    return BoundedQueue(create_demo(reader))


@pytest.fixture(scope="module")
def app(reader):
    """Gradio's app with all its routes, because the route that reveals a session's state is closed to visitors."""
    page = create_demo(reader)
    app = App.create_app(page)
    app.state_holder = StatelessSessions(page)
    return TestClient(app)


def push_requests(queue: BoundedQueue, *sessions: str) -> None:
    """Add a request of each session to a queue that no worker processes."""

    async def push() -> None:
        for session in sessions:
            predict = next(number for number, event in queue.blocks.fns.items() if event.api_name == "predict")
            await queue.push(PredictBodyInternal(session_hash=session, fn_index=predict, data=[None]), None, None)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, push()).result()


def process_all(queue: BoundedQueue) -> None:
    """Take all requests out of the queue."""
    while queue.get_events():
        pass


@pytest.mark.parametrize("function", ["read", "render_steps", "predict"])
def test_nothing_of_a_session_is_retained(app, function):
    """Gradio returns a link to the state of a session, and an empty string where it has none."""
    config = app.get("/config").json()
    ids = {component["props"].get("component_class_name"): component["id"] for component in config["components"]}
    drawing = data_url(NUMBER_IMAGE)
    if function == "predict":
        path, request = "run/predict", {"data": [{"url": drawing}]}
    elif function == "read":
        path, request = "component_server/", {"data": drawing, "component_id": ids["Pad"], "fn_name": function}
    else:
        data = {"image": drawing, "selected": 0}
        path, request = "component_server/", {"data": data, "component_id": ids["ReadingSteps"], "fn_name": function}
    answer = app.post(f"/gradio_api/{path}", json={**request, "session_hash": function})
    assert answer.status_code == 200
    assert "4079" in answer.text or "data:image" in answer.text
    assert " at 0x" not in answer.text
    assert app.get(f"/gradio_api/deep_link?session_hash={function}").text == '""'


def test_a_full_queue_refuses(queue):
    push_requests(queue, *map(str, range(MAX_QUEUED_REQUESTS)))
    with pytest.raises(HTTPException) as refusal:
        push_requests(queue, "one more")
    assert refusal.value.status_code == 503
    assert int(refusal.value.headers["Retry-After"]) >= 1
    process_all(queue)
    push_requests(queue, "later")


@pytest.mark.parametrize("name", ["{}", "the same"], ids=["many sessions", "one session"])
def test_answers_that_no_client_fetches_are_deleted(queue, name):
    for number in range(0, 6 * MAX_RETAINED_ANSWERS, MAX_QUEUED_REQUESTS):
        push_requests(queue, *(name.format(number + offset) for offset in range(MAX_QUEUED_REQUESTS)))
        process_all(queue)
    assert sum(messages.qsize() for messages in queue.pending_messages_per_session.values()) <= 2 * MAX_RETAINED_ANSWERS
    assert sum(map(len, queue.pending_event_ids_session.values())) <= MAX_RETAINED_ANSWERS
    assert len(queue.pending_messages_per_session) <= MAX_RETAINED_ANSWERS
    assert len(queue.event_analytics) <= MAX_RETAINED_ANSWERS


def test_a_waiting_request_is_never_deleted(queue):
    for number in range(3):
        push_requests(queue, *(f"{number} {index}" for index in range(MAX_QUEUED_REQUESTS)))
        if number < 2:
            process_all(queue)
    assert {f"2 {index}" for index in range(MAX_QUEUED_REQUESTS)} <= queue.pending_messages_per_session.keys()

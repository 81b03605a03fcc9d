"""deploy/serve_app.py: the API with replicas that scale, and what happens to requests when one of them dies."""

import http.client
import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from helpers.cluster import two_workers

pytestmark = pytest.mark.cluster

EXAMPLES = sorted((Path(__file__).parents[2] / "assets" / "examples").glob("*.png"))
PORT = 8123


@pytest.fixture(scope="module")
def served():
    """The application as it stands in deploy/, on a cluster whose machine has room for three readers."""
    from ray import serve

    from deploy.serve_app import app

    with two_workers():
        serve.start(http_options={"port": PORT})
        serve.run(app)
        yield
        serve.shutdown()


def post(body, path="/predict", method="POST"):
    """One request on a connection of its own; nothing here asks twice."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def readers():
    """The processes of the readers that run."""
    there = psutil.process_iter(["cmdline"])
    return [one for one in there if "".join(one.info["cmdline"] or ()).startswith("ray::ServeReplica:default:Reader")]


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.2)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_it_answers_the_readers_own_json(served, reader, path):
    status, said = post(path.read_bytes())
    expected = reader.read(path).to_dict()
    assert status == 200
    assert said.keys() == expected.keys()
    for part in ("text", "numbers", "table", "rotation"):
        assert said[part] == expected[part]
    for one, other in zip(said["digits"], expected["digits"], strict=True):
        assert one.keys() == other.keys()
        assert (one["digit"], one["certain"], one["box"]) == (other["digit"], other["certain"], other["box"])
        np.testing.assert_allclose(one["probs"], other["probs"], atol=1e-6)


def test_what_is_no_image_is_refused_with_a_reason(served, tmp_path):
    Image.new("1", (9000, 9000)).save(tmp_path / "vast.png")
    assert post(b"") == (400, {"error": "There is no image: POST its bytes."})
    status, said = post(b"no image")
    assert (status, "is not an image" in said["error"]) == (422, True)
    status, said = post((tmp_path / "vast.png").read_bytes())
    assert (status, "at most 64 megapixels" in said["error"]) == (413, True)
    status, said = post(bytes(33 * 2**20))
    assert (status, "larger than 32 MB" in said["error"]) == (413, True)
    assert post(b"", "/elsewhere")[0] == 404
    assert post(None, method="GET")[0] == 405


def test_it_scales_up_under_load_and_a_reader_that_is_killed_loses_no_request(served, reader):
    sent = [(path.read_bytes(), reader.read(path).text) for path in EXAMPLES]
    stop = threading.Event()
    answers = Counter()

    def ask(number):
        while not stop.is_set():
            image, text = sent[number % len(sent)]
            status, said = post(image)
            answers[status, said.get("text") == text] += 1
            number += 1

    with ThreadPoolExecutor(8) as clients:
        asking = [clients.submit(ask, number) for number in range(8)]
        try:
            for _ in range(3):
                until(lambda: len(readers()) >= 2)
                time.sleep(1)  # it reads by then: with eight clients none is idle
                readers()[0].kill()
                time.sleep(1)
        finally:
            stop.set()
        for one in asking:
            one.result()
    assert set(answers) == {(200, True)}, answers
    assert answers.total() > 50


def test_more_than_it_can_take_is_told_to_come_again(served):
    from ray import serve

    from deploy.serve_app import Door, Reader

    # One reader whose queue is short takes the place of all others; the rest is as it is served.
    small = Reader.options(autoscaling_config=None, num_replicas=1, max_ongoing_requests=1, max_queued_requests=1)
    serve.run(Door.bind(small.bind()))
    image = EXAMPLES[-1].read_bytes()
    with ThreadPoolExecutor(12) as clients:
        answers = list(clients.map(lambda _: post(image), range(48)))
    assert {status for status, _ in answers} == {200, 503}
    assert all("again in a moment" in said["error"] for status, said in answers if status == 503)

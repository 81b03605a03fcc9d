"""deploy/serve_app.py: the API with replicas that scale, and that lose no request when one of them dies."""

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

from helpers.cluster import two_worker_cluster

pytestmark = pytest.mark.cluster

EXAMPLES = sorted((Path(__file__).parents[2] / "assets" / "examples").glob("*.png"))
PORT = 8123


@pytest.fixture(scope="module")
def deployment():
    """Run the unchanged application on a cluster that has the cores for three readers."""
    from ray import serve

    from deploy.serve_app import app

    with two_worker_cluster():
        serve.start(http_options={"port": PORT})
        serve.run(app)
        yield
        serve.shutdown()


def post(body, path="/predict", method="POST"):
    """Send one request on a new connection, without retries, and return (status, JSON)."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def reader_processes():
    """Return the processes of all reader replicas."""
    name = "ray::ServeReplica:default:Reader"
    processes = psutil.process_iter(["cmdline"])
    return [process for process in processes if "".join(process.info["cmdline"] or ()).startswith(name)]


def wait_for_condition(condition, seconds=60):
    """Wait until a function returns a true value; fail after a time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.2)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_it_answers_the_readers_json(deployment, reader, path):
    status, answer = post(path.read_bytes())
    expected = reader.read(path).to_dict()
    assert status == 200
    assert answer.keys() == expected.keys()
    for key in ("text", "numbers", "table", "rotation"):
        assert answer[key] == expected[key]
    for one, other in zip(answer["digits"], expected["digits"], strict=True):
        assert one.keys() == other.keys()
        assert (one["digit"], one["certain"], one["box"]) == (other["digit"], other["certain"], other["box"])
        np.testing.assert_allclose(one["probs"], other["probs"], atol=1e-6)


def test_invalid_input_is_refused_with_a_reason(deployment, tmp_path):
    Image.new("1", (9000, 9000)).save(tmp_path / "large.png")
    assert post(b"") == (400, {"error": "There is no image: POST its bytes."})
    status, answer = post(b"no image")
    assert (status, "is not an image" in answer["error"]) == (422, True)
    status, answer = post((tmp_path / "large.png").read_bytes())
    assert (status, "at most 64 megapixels" in answer["error"]) == (413, True)
    status, answer = post(bytes(33 * 2**20))
    assert (status, "larger than 32 MB" in answer["error"]) == (413, True)
    assert post(b"", "/elsewhere")[0] == 404
    assert post(None, method="GET")[0] == 405


def test_it_scales_up_under_load_and_a_killed_reader_loses_no_request(deployment, reader):
    images = [(path.read_bytes(), reader.read(path).text) for path in EXAMPLES]
    stop = threading.Event()
    answers = Counter()

    def send_requests(number):
        while not stop.is_set():
            image, text = images[number % len(images)]
            status, answer = post(image)
            answers[status, answer.get("text") == text] += 1
            number += 1

    with ThreadPoolExecutor(8) as clients:
        pending = [clients.submit(send_requests, number) for number in range(8)]
        try:
            for _ in range(3):
                wait_for_condition(lambda: len(reader_processes()) >= 2)
                time.sleep(1)  # with eight clients, the replica is reading by then
                reader_processes()[0].kill()
                time.sleep(1)
        finally:
            stop.set()
        for client in pending:
            client.result()
    assert set(answers) == {(200, True)}, answers
    assert answers.total() > 50


def test_requests_beyond_its_capacity_are_refused(deployment):
    from ray import serve

    from deploy.serve_app import Ingress, Reader

    # One reader with a short queue replaces all others; the rest is unchanged.
    small = Reader.options(autoscaling_config=None, num_replicas=1, max_ongoing_requests=1, max_queued_requests=1)
    serve.run(Ingress.bind(small.bind()))
    image = EXAMPLES[-1].read_bytes()
    with ThreadPoolExecutor(12) as clients:
        answers = list(clients.map(lambda _: post(image), range(48)))
    assert {status for status, _ in answers} == {200, 503}
    assert all("again in a moment" in answer["error"] for status, answer in answers if status == 503)

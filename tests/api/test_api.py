"""The HTTP API: /predict gives the reader's own JSON to every kind of client, and reads nothing but what was sent."""

import json
import subprocess

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from helpers.http import FILE, NUMBER, assert_same_reading, data_url
from web import texts


@pytest.fixture(scope="module")
def client(server):
    return Client(server, verbose=False)


@pytest.fixture(scope="module")
def expected(reader):
    return reader.read(NUMBER).to_dict()


def curl(url: str, body: dict | None = None) -> str:
    command = ["curl", "--silent", "--no-buffer", "--max-time", "30", url]
    if body is not None:
        command += ["--header", "Content-Type: application/json", "--data", "@-"]
    return subprocess.run(command, input=json.dumps(body), capture_output=True, text=True, check=True).stdout


def test_gradio_client(client, expected):
    assert expected["text"] == "4079"
    assert_same_reading(client.predict(handle_file(str(NUMBER)), api_name="/predict"), expected)


def test_curl_in_one_request(server, expected):
    answer = json.loads(curl(f"{server}/gradio_api/run/predict", {"data": [{"url": data_url(NUMBER), "meta": FILE}]}))
    assert_same_reading(answer["data"][0], expected)


def test_curl_with_server_sent_events(server, expected):
    call = f"{server}/gradio_api/call/predict"
    event = json.loads(curl(call, {"data": [{"url": data_url(NUMBER), "meta": FILE}]}))["event_id"]
    lines = curl(f"{call}/{event}").splitlines()
    assert lines[0] == "event: complete"
    assert_same_reading(json.loads(lines[1].removeprefix("data: "))[0], expected)


def test_uploads_reach_the_reader_untouched(client, reader, tmp_path):
    gray = np.asarray(Image.open(NUMBER).convert("L"))
    clear = np.zeros((*gray.shape, 4), np.uint8)
    clear[..., 3] = 255 - gray
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.fromarray(clear).save(tmp_path / "clear.png")
    Image.fromarray(gray.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(gray).rotate(-90, expand=True).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    Image.fromarray(gray).resize((2100, 1500)).save(tmp_path / "large.bmp")
    for name in ("clear.png", "deep.png", "turned.jpg", "large.bmp"):
        got = client.predict(handle_file(str(tmp_path / name)), api_name="/predict")
        assert got["text"] == "4079"
        assert_same_reading(got, reader.read(tmp_path / name).to_dict())


def test_predict_is_the_only_endpoint(client):
    endpoints = client.view_api(return_format="dict", print_info=False)
    assert list(endpoints["named_endpoints"]) == ["/predict"]
    assert not endpoints["unnamed_endpoints"]
    (parameter,) = endpoints["named_endpoints"]["/predict"]["parameters"]
    assert parameter["parameter_name"] == "image"


def test_unreadable_file_says_why(client, tmp_path):
    notes = tmp_path / "notes.png"
    notes.write_text("no pixels")
    with pytest.raises(AppError, match=r"notes\.png is not an image that can be read here"):
        client.predict(handle_file(str(notes)), api_name="/predict")


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (None, texts.NO_IMAGE),
        ({"path": "/etc/passwd"}, texts.NOT_SENT),
        ({"path": str(NUMBER)}, texts.NOT_SENT),
        ({"path": "http://127.0.0.1:9/x.png", "meta": FILE}, texts.NO_LINKS),
        ({"path": "https://example.com/x.png", "meta": FILE}, texts.NO_LINKS),
        ({"url": "https://example.com/x.png", "meta": FILE}, texts.NO_LINKS),
        ({"url": "data:image/png;base64,x", "meta": FILE}, texts.BROKEN_DATA),
        ({"url": "data:image/png;base64,é"}, texts.BROKEN_DATA),
        ({"path": "/etc/passwd", "meta": FILE}, texts.NOT_SENT),
        ({"url": 5}, texts.NOT_UNDERSTOOD),
        ({"path": 7}, texts.NOT_UNDERSTOOD),
        ({"path": "\0"}, texts.NOT_UNDERSTOOD),
        ({"path": "\0", "meta": FILE}, texts.NOT_UNDERSTOOD),
        ({"path": "x", "meta": "y"}, texts.NOT_UNDERSTOOD),
        ("x", texts.NOT_UNDERSTOOD),
        ([1], texts.NOT_UNDERSTOOD),
    ],
)
def test_what_was_not_sent_is_refused(server, image, said):
    answer = json.loads(curl(f"{server}/gradio_api/run/predict", {"data": [image]}))
    assert answer["error"] == said


@pytest.mark.parametrize("sent", ["x", 5, [1], {"url": 5}, {"path": "\0"}, {"image": 5, "chosen": 0}, {"chosen": 0}])
@pytest.mark.parametrize(("component", "asked"), [("Pad", "read"), ("HowItSees", "see")])
def test_what_the_page_itself_never_sends_is_refused(server, component, asked, sent):
    components = json.loads(curl(f"{server}/config"))["components"]
    (number,) = [known["id"] for known in components if known["props"].get("component_class_name") == component]
    question = {"data": sent, "component_id": number, "fn_name": asked, "session_hash": "x"}
    answer = json.loads(curl(f"{server}/gradio_api/component_server/", question))
    assert answer == {"detail": "Not something that can lie on the pad."}


def test_file_of_the_server_is_refused(server):
    for path in ("/etc/passwd", str(NUMBER)):
        answer = curl(f"{server}/gradio_api/run/predict", {"data": [{"path": path, "meta": FILE}]})
        assert json.loads(answer)["error"] == texts.NOT_SENT
        assert "root:" not in answer
        assert "4079" not in answer.replace(NUMBER.name, "")

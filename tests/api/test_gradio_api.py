"""Gradio's endpoint /predict answers the reader's JSON to every kind of client, and reads only uploaded images."""

import json
import subprocess

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from helpers.http import FILE_META, NUMBER_IMAGE, assert_same_reading, data_url
from web import texts


@pytest.fixture(scope="module")
def client(server):
    return Client(server, verbose=False)


@pytest.fixture(scope="module")
def expected(reader):
    return reader.read(NUMBER_IMAGE).to_dict()


def curl(url: str, body: dict | None = None) -> str:
    """Return the response to a GET request, or to a POST request with a JSON body."""
    command = ["curl", "--silent", "--no-buffer", "--max-time", "30", url]
    if body is not None:
        command += ["--header", "Content-Type: application/json", "--data", "@-"]
    return subprocess.run(command, input=json.dumps(body), capture_output=True, text=True, check=True).stdout


def test_gradio_client(client, expected):
    assert expected["text"] == "4079"
    assert_same_reading(client.predict(handle_file(str(NUMBER_IMAGE)), api_name="/predict"), expected)


def test_curl_with_one_request(server, expected):
    answer = json.loads(
        curl(f"{server}/gradio_api/run/predict", {"data": [{"url": data_url(NUMBER_IMAGE), "meta": FILE_META}]})
    )
    assert_same_reading(answer["data"][0], expected)


def test_curl_with_server_sent_events(server, expected):
    call = f"{server}/gradio_api/call/predict"
    event = json.loads(curl(call, {"data": [{"url": data_url(NUMBER_IMAGE), "meta": FILE_META}]}))["event_id"]
    lines = curl(f"{call}/{event}").splitlines()
    assert lines[0] == "event: complete"
    assert_same_reading(json.loads(lines[1].removeprefix("data: "))[0], expected)


def test_uploads_reach_the_reader_unchanged(client, reader, tmp_path):
    gray = np.asarray(Image.open(NUMBER_IMAGE).convert("L"))
    transparent = np.zeros((*gray.shape, 4), np.uint8)
    transparent[..., 3] = 255 - gray
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.fromarray(transparent).save(tmp_path / "transparent.png")
    Image.fromarray(gray.astype(np.uint16) * 257).save(tmp_path / "16_bits.png")
    Image.fromarray(gray).rotate(-90, expand=True).save(tmp_path / "rotated.jpg", exif=exif, quality=95)
    Image.fromarray(gray).resize((2100, 1500)).save(tmp_path / "large.bmp")
    for name in ("transparent.png", "16_bits.png", "rotated.jpg", "large.bmp"):
        got = client.predict(handle_file(str(tmp_path / name)), api_name="/predict")
        assert got["text"] == "4079"
        assert_same_reading(got, reader.read(tmp_path / name).to_dict())


def test_predict_is_the_only_endpoint(client):
    endpoints = client.view_api(return_format="dict", print_info=False)
    assert list(endpoints["named_endpoints"]) == ["/predict"]
    assert not endpoints["unnamed_endpoints"]
    (parameter,) = endpoints["named_endpoints"]["/predict"]["parameters"]
    assert parameter["parameter_name"] == "image"


def test_an_unreadable_file_is_refused_with_a_reason(client, tmp_path):
    notes = tmp_path / "notes.png"
    notes.write_text("no pixels")
    with pytest.raises(AppError, match=r"notes\.png is not an image that can be read here"):
        client.predict(handle_file(str(notes)), api_name="/predict")


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (None, texts.NO_IMAGE),
        ({"path": "/etc/passwd"}, texts.NOT_UPLOADED),
        ({"path": str(NUMBER_IMAGE)}, texts.NOT_UPLOADED),
        ({"path": "http://127.0.0.1:9/x.png", "meta": FILE_META}, texts.LINKS_NOT_FOLLOWED),
        ({"path": "https://example.com/x.png", "meta": FILE_META}, texts.LINKS_NOT_FOLLOWED),
        ({"url": "https://example.com/x.png", "meta": FILE_META}, texts.LINKS_NOT_FOLLOWED),
        ({"url": "data:image/png;base64,x", "meta": FILE_META}, texts.INVALID_BASE64),
        ({"url": "data:image/png;base64,é"}, texts.INVALID_BASE64),
        ({"path": "/etc/passwd", "meta": FILE_META}, texts.NOT_UPLOADED),
        ({"url": 5}, texts.INVALID_REQUEST),
        ({"path": 7}, texts.INVALID_REQUEST),
        ({"path": "\0"}, texts.INVALID_REQUEST),
        ({"path": "\0", "meta": FILE_META}, texts.INVALID_REQUEST),
        ({"path": "x", "meta": "y"}, texts.INVALID_REQUEST),
        ("x", texts.INVALID_REQUEST),
        ([1], texts.INVALID_REQUEST),
    ],
)
def test_input_that_is_no_uploaded_image_is_refused(server, image, reason):
    answer = json.loads(curl(f"{server}/gradio_api/run/predict", {"data": [image]}))
    assert answer["error"] == reason


@pytest.mark.parametrize(
    "data", ["x", 5, [1], {"url": 5}, {"path": "\0"}, {"image": 5, "selected": 0}, {"selected": 0}]
)
@pytest.mark.parametrize(("component", "function"), [("Pad", "read"), ("ReadingSteps", "render_steps")])
def test_input_that_the_page_never_sends_is_refused(server, component, function, data):
    components = json.loads(curl(f"{server}/config"))["components"]
    (component_id,) = [one["id"] for one in components if one["props"].get("component_class_name") == component]
    request = {"data": data, "component_id": component_id, "fn_name": function, "session_hash": "x"}
    answer = json.loads(curl(f"{server}/gradio_api/component_server/", request))
    assert answer == {"detail": "Not a value of the pad."}


def test_a_file_of_the_server_is_refused(server):
    for path in ("/etc/passwd", str(NUMBER_IMAGE)):
        answer = curl(f"{server}/gradio_api/run/predict", {"data": [{"path": path, "meta": FILE_META}]})
        assert json.loads(answer)["error"] == texts.NOT_UPLOADED
        assert "root:" not in answer
        assert "4079" not in answer.replace(NUMBER_IMAGE.name, "")

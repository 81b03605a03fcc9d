"""POST /predict: the reader's own JSON in one request, and a status and a sentence for what can't be read."""

import base64

import pytest
from PIL import Image

from helpers.http import JSON, NUMBER, ask, assert_same_reading, image_json
from web import texts
from web.server.pile import MAX_FILE


@pytest.mark.parametrize(
    "content_type", ["image/png", "image/*", "application/octet-stream", "application/x-www-form-urlencoded"]
)
def test_an_images_bytes(server, reader, content_type):
    status, headers, reading = ask(server, NUMBER.read_bytes(), content_type)
    assert (status, headers.get_content_type()) == (200, JSON)
    assert reading["text"] == "4079"
    assert_same_reading(reading, reader.read(NUMBER).to_dict())


@pytest.mark.parametrize("content_type", [JSON, "Application/JSON; charset=utf-8"])
def test_an_image_in_json(server, reader, content_type):
    url = "data:image/png;base64," + base64.b64encode(NUMBER.read_bytes()).decode()
    status, _, reading = ask(server, image_json(url), content_type)
    assert status == 200
    assert_same_reading(reading, reader.read(NUMBER).to_dict())


def test_the_rotation_that_a_camera_notes_is_heeded(server, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.open(NUMBER).convert("L").rotate(-90, expand=True).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    assert ask(server, (tmp_path / "turned.jpg").read_bytes(), "image/jpeg")[2]["text"] == "4079"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "said"),
    [
        (b"", "image/png", 400, texts.NO_IMAGE),
        (b"no pixels", "image/png", 422, "not an image that can be read here"),
        (NUMBER.read_bytes()[:2000], "image/png", 422, "damaged"),
        (bytes(MAX_FILE + 1), "image/png", 413, "at most 32 MB"),
        (b"x", "text/plain", 415, texts.WRONG_TYPE),
        (b"--x--", "multipart/form-data; boundary=x", 415, texts.WRONG_TYPE),
        (b"{", JSON, 400, texts.BROKEN_JSON),
        (b"\xff", JSON, 400, texts.BROKEN_JSON),
        (b"[" * 100_000, JSON, 400, texts.COMPLEX_JSON),
        (b"[]", JSON, 400, texts.BROKEN_JSON),
        (b"{}", JSON, 400, texts.BROKEN_JSON),
        (image_json(7), JSON, 400, texts.BROKEN_JSON),
        (image_json("data:image/png;base64,x"), JSON, 400, texts.BROKEN_DATA),
        (image_json("data:image/png;base64,é"), JSON, 400, texts.BROKEN_DATA),
        (image_json("data:image/png;base64,"), JSON, 400, texts.NO_IMAGE),
        (image_json(""), JSON, 400, texts.NO_IMAGE),
        (image_json(base64.b64encode(NUMBER.read_bytes()).decode()), JSON, 400, "nor a data: URL"),
        (image_json("data:text/plain;base64,aGVsbG8="), JSON, 422, "not an image that can be read here"),
        (image_json("/etc/passwd"), JSON, 400, texts.NOT_SENT),
        (image_json("file:///etc/passwd"), JSON, 400, texts.NO_LINKS),
        (image_json("https://example.com/x.png"), JSON, 400, texts.NO_LINKS),
    ],
)
def test_what_is_refused_and_how(server, body, content_type, status, said):
    got, headers, answer = ask(server, body, content_type)
    assert (got, headers.get_content_type()) == (status, JSON)
    assert list(answer) == ["error"]
    assert said in answer["error"]


def test_an_image_of_too_many_pixels(server, tmp_path):
    Image.new("1", (10_000, 7_000)).save(tmp_path / "vast.png")
    status, _, answer = ask(server, (tmp_path / "vast.png").read_bytes())
    assert status == 413
    assert "at most 64 megapixels" in answer["error"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods(server, method):
    status, headers, answer = ask(server, None, None, method)
    assert (status, headers["Allow"]) == (405, "POST")
    assert answer == {"error": texts.POST_ONLY}

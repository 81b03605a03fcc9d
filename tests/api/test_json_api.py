"""POST /predict answers the reader's JSON in one request, and a status and a sentence for unreadable input."""

import base64

import pytest
from PIL import Image

from helpers.http import JSON_TYPE, NUMBER_IMAGE, assert_same_reading, image_as_json, request_predict
from web import texts
from web.server.uploaded_files import MAX_FILE_BYTES


@pytest.mark.parametrize(
    "content_type", ["image/png", "image/*", "application/octet-stream", "application/x-www-form-urlencoded"]
)
def test_an_image_as_the_body(server, reader, content_type):
    status, headers, reading = request_predict(server, NUMBER_IMAGE.read_bytes(), content_type)
    assert (status, headers.get_content_type()) == (200, JSON_TYPE)
    assert reading["text"] == "4079"
    assert_same_reading(reading, reader.read(NUMBER_IMAGE).to_dict())


@pytest.mark.parametrize("content_type", [JSON_TYPE, "Application/JSON; charset=utf-8"])
def test_an_image_in_json(server, reader, content_type):
    url = "data:image/png;base64," + base64.b64encode(NUMBER_IMAGE.read_bytes()).decode()
    status, _, reading = request_predict(server, image_as_json(url), content_type)
    assert status == 200
    assert_same_reading(reading, reader.read(NUMBER_IMAGE).to_dict())


def test_the_exif_orientation_is_applied(server, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.open(NUMBER_IMAGE).convert("L").rotate(-90, expand=True).save(tmp_path / "rotated.jpg", exif=exif, quality=95)
    assert request_predict(server, (tmp_path / "rotated.jpg").read_bytes(), "image/jpeg")[2]["text"] == "4079"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason"),
    [
        (b"", "image/png", 400, texts.NO_IMAGE),
        (b"no pixels", "image/png", 422, "not an image that can be read here"),
        (NUMBER_IMAGE.read_bytes()[:2000], "image/png", 422, "damaged"),
        (bytes(MAX_FILE_BYTES + 1), "image/png", 413, texts.too_large_message(MAX_FILE_BYTES)),
        (b"x", "text/plain", 415, texts.UNSUPPORTED_TYPE),
        (b"--x--", "multipart/form-data; boundary=x", 415, texts.UNSUPPORTED_TYPE),
        (b"{", JSON_TYPE, 400, texts.INVALID_JSON),
        (b"\xff", JSON_TYPE, 400, texts.INVALID_JSON),
        (b"[" * 100_000, JSON_TYPE, 400, texts.JSON_TOO_COMPLEX),
        (b"[]", JSON_TYPE, 400, texts.INVALID_JSON),
        (b"{}", JSON_TYPE, 400, texts.INVALID_JSON),
        (image_as_json(7), JSON_TYPE, 400, texts.INVALID_JSON),
        (image_as_json("data:image/png;base64,x"), JSON_TYPE, 400, texts.INVALID_BASE64),
        (image_as_json("data:image/png;base64,é"), JSON_TYPE, 400, texts.INVALID_BASE64),
        (image_as_json("data:image/png;base64,"), JSON_TYPE, 400, texts.NO_IMAGE),
        (image_as_json(""), JSON_TYPE, 400, texts.NO_IMAGE),
        (image_as_json(base64.b64encode(NUMBER_IMAGE.read_bytes()).decode()), JSON_TYPE, 400, "nor a data: URL"),
        (image_as_json("data:text/plain;base64,aGVsbG8="), JSON_TYPE, 422, "not an image that can be read here"),
        (image_as_json("/etc/passwd"), JSON_TYPE, 400, texts.NOT_UPLOADED),
        (image_as_json("file:///etc/passwd"), JSON_TYPE, 400, texts.LINKS_NOT_FOLLOWED),
        (image_as_json("https://example.com/x.png"), JSON_TYPE, 400, texts.LINKS_NOT_FOLLOWED),
    ],
)
def test_invalid_input_is_refused_with_a_reason(server, body, content_type, status, reason):
    got, headers, answer = request_predict(server, body, content_type)
    assert (got, headers.get_content_type()) == (status, JSON_TYPE)
    assert list(answer) == ["error"]
    assert reason in answer["error"]


def test_an_image_with_too_many_pixels(server, tmp_path):
    Image.new("1", (10_000, 7_000)).save(tmp_path / "large.png")
    status, _, answer = request_predict(server, (tmp_path / "large.png").read_bytes())
    assert status == 413
    assert "at most 64 megapixels" in answer["error"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(server, method):
    status, headers, answer = request_predict(server, None, None, method)
    assert (status, headers["Allow"]) == (405, "POST")
    assert answer == {"error": texts.POST_ONLY}

"""JSON with too many values or levels is refused before it is parsed; an image of any size is accepted."""

import json

import pytest

from helpers.http import JSON_TYPE, RUN_PATH, fetch, request_predict
from web import texts
from web.server.json_limits import MAX_JSON_DEPTH, MAX_JSON_VALUES, is_too_complex


def nested(depth: int):
    value = []
    for _ in range(depth - 1):
        value = {"x": value} if depth % 2 else [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        {"image": "data:image/png;base64," + "A" * 1_000_000},
        {"data": {"files": [{"name": '[[{{,"\\":' * 30, "path": "/x\\", "problem": ""}] * 8, "start": 0}},
        ["\\", '"', "[" * 10_000],
        list(range(MAX_JSON_VALUES // 2)),
        nested(MAX_JSON_DEPTH),
        [],
        7,
    ],
)
def test_json_that_clients_send_is_accepted(value):
    assert not is_too_complex(json.dumps(value).encode())


@pytest.mark.parametrize(
    "text",
    [
        "[" + "{}," * MAX_JSON_VALUES + "{}]",
        json.dumps([""] * 2 * MAX_JSON_VALUES),
        json.dumps(dict.fromkeys(map(str, range(2 * MAX_JSON_VALUES)))),
        json.dumps(nested(MAX_JSON_DEPTH + 1)),
        "[" * 100_000,
        "]" * 100_000,
        '["\\\\",' + "[]," * MAX_JSON_VALUES + '"\\""]',
    ],
)
def test_json_with_too_many_values_or_levels_is_too_complex(text):
    assert is_too_complex(text.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_another_encoding_does_not_hide_values(encoding):
    text = '["\u2222",' + "[]," * MAX_JSON_VALUES + "[]]"
    assert json.loads(text.encode(encoding))
    assert is_too_complex(text.encode(encoding))


@pytest.mark.parametrize("path", ["/predict", RUN_PATH, "/gradio_api/queue/join", "/gradio_api/component_server/"])
@pytest.mark.parametrize(
    "body", [b'{"data": [' + b"{}," * 300_000 + b"{}]}", b'{"data": ' + b"[" * 900 + b"]" * 900 + b"}"]
)
def test_the_server_refuses_complex_json(server, path, body):
    status, _, answer = fetch(server + path, body)
    assert (status, json.loads(answer)) == (400, {"error": texts.JSON_TOO_COMPLEX})


def test_a_body_of_another_type_is_refused(server):
    form = b'--x\r\nContent-Disposition: form-data; name="fn_name"\r\n\r\nread\r\n--x--\r\n'
    status, _, answer = fetch(f"{server}/gradio_api/component_server/", form, "multipart/form-data; boundary=x")
    assert (status, json.loads(answer)) == (415, {"error": texts.JSON_ONLY})


def test_json_with_an_image_is_accepted(server):
    assert request_predict(server, b'{"image": ""}', JSON_TYPE)[2] == {"error": texts.NO_IMAGE}

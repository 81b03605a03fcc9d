"""JSON of too many values or too deep is refused before it is parsed; an image of any size is not."""

import json

import pytest

from helpers.http import JSON, RUN, ask, fetch
from web import texts
from web.server.json_limits import MAX_DEPTH, MAX_VALUES, is_too_complex


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
        list(range(MAX_VALUES // 2)),
        nested(MAX_DEPTH),
        [],
        7,
    ],
)
def test_what_is_sent_in_earnest(value):
    assert not is_too_complex(json.dumps(value).encode())


@pytest.mark.parametrize(
    "text",
    [
        "[" + "{}," * MAX_VALUES + "{}]",
        json.dumps([""] * 2 * MAX_VALUES),
        json.dumps(dict.fromkeys(map(str, range(2 * MAX_VALUES)))),
        json.dumps(nested(MAX_DEPTH + 1)),
        "[" * 100_000,
        "]" * 100_000,
        '["\\\\",' + "[]," * MAX_VALUES + '"\\""]',
    ],
)
def test_what_costs_more_than_an_image(text):
    assert is_too_complex(text.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_no_other_encoding_hides_values(encoding):
    text = '["\u2222",' + "[]," * MAX_VALUES + "[]]"
    assert json.loads(text.encode(encoding))
    assert is_too_complex(text.encode(encoding))


@pytest.mark.parametrize("path", ["/predict", RUN, "/gradio_api/queue/join", "/gradio_api/component_server/"])
@pytest.mark.parametrize(
    "body", [b'{"data": [' + b"{}," * 300_000 + b"{}]}", b'{"data": ' + b"[" * 900 + b"]" * 900 + b"}"]
)
def test_the_server_refuses_it(server, path, body):
    status, _, said = fetch(server + path, body)
    assert (status, json.loads(said)) == (400, {"error": texts.COMPLEX_JSON})


def test_a_body_of_another_type_is_no_json(server):
    form = b'--x\r\nContent-Disposition: form-data; name="fn_name"\r\n\r\nread\r\n--x--\r\n'
    status, _, said = fetch(f"{server}/gradio_api/component_server/", form, "multipart/form-data; boundary=x")
    assert (status, json.loads(said)) == (415, {"error": texts.JSON_ONLY})


def test_an_images_json_is_still_read(server):
    assert ask(server, b'{"image": ""}', JSON)[2] == {"error": texts.NO_IMAGE}

"""Uploads: files only, bounded in number and size, and nothing stays on disk but what arrived whole, for a while."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient

from web import texts
from web.components.files.files import BATCH
from web.server.pile import MAX_FILE
from web.server.uploads import UPLOAD, own_folder, sweep

APP = Starlette(routes=[UPLOAD])
PATH = "/gradio_api/upload"


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def upload(files):
    return TestClient(APP).post(PATH, files=files)


def test_files_are_kept_in_order_with_their_names(store):
    names = ["b.png", "한글 12.png", "../../x.png", "a/b\\c.png", "..", "=1+1.png", "n" * 300 + ".png", "\0\r\n.png"]
    answer = upload([("files", (name, name.encode())) for name in names])
    assert answer.status_code == 200
    paths = [Path(path) for path in answer.json()]
    assert [path.read_bytes() for path in paths] == [name.encode() for name in names]
    assert sorted(files_in(store)) == sorted(paths)
    assert paths[0].name == "b.png"
    assert paths[1].name == "한글 12.png"
    assert all(path.resolve().is_relative_to(store) and path.parent.parent == store for path in paths)


@pytest.mark.parametrize(
    "fields",
    [
        {"files": (None, b"x")},
        {"other": (None, bytes(2_000_000))},
        [("files", (f"{number}.png", b"x")) for number in range(BATCH + 1)],
    ],
    ids=["a field", "a large field", "too many files"],
)
def test_what_is_no_file_is_refused(store, fields):
    answer = upload(fields)
    assert (answer.status_code, answer.json()) == (400, {"error": texts.FILES_ONLY})
    assert files_in(store) == []


@pytest.mark.parametrize("content_type", ["multipart/form-data", "application/json", "multipart/form-data; boundary=x"])
def test_a_body_that_is_no_form(store, content_type):
    answer = TestClient(APP).post(PATH, content=b"{}", headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()) == (400, {"error": texts.FILES_ONLY})


def test_too_large_a_file(store):
    answer = upload([("files", ("a.png", b"x")), ("files", ("b.png", bytes(MAX_FILE + 1)))])
    assert (answer.status_code, answer.json()) == (413, {"error": texts.too_large(MAX_FILE)})
    assert files_in(store) == []


def test_an_upload_that_is_aborted_leaves_nothing(store, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(store))
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    messages = [
        {"type": "http.request", "body": head + bytes(3_000_000), "more_body": True},
        {"type": "http.disconnect"},
    ]
    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers, "query_string": b""}

    async def receive():
        return messages.pop(0)

    async def send(message):
        pass  # nobody hears it

    with ThreadPoolExecutor(1) as thread, pytest.raises(ClientDisconnect):
        thread.submit(asyncio.run, APP(scope, receive, send)).result()
    assert list(store.iterdir()) == []


def test_the_folder_is_the_servers_own_and_goes_with_it(store):
    with own_folder() as folder:
        assert folder.parent == store
        upload({"files": ("a.png", b"x")})
        assert len(files_in(folder)) == 1
    assert list(store.iterdir()) == []
    assert os.environ["GRADIO_TEMP_DIR"] == str(store)


@pytest.fixture
def stored(store):
    """Ten files of 100 bytes, each a minute older than the one before; whoever wrote them."""
    for minutes in range(10):
        path = store / f"folder {minutes}" / "file"
        path.parent.mkdir()
        path.write_bytes(bytes(100))
        written = time.time() - 60 * minutes - 30
        os.utime(path, (written, written))
    return store


@pytest.mark.parametrize(
    ("bounds", "left"), [({}, 10), ({"max_age": 300}, 5), ({"max_stored": 399}, 3), ({"max_stored": 0}, 0)]
)
def test_what_is_old_or_too_much_is_deleted_the_oldest_first(stored, bounds, left):
    sweep(stored, **bounds)
    assert {path.name for path in stored.iterdir()} == {f"folder {minutes}" for minutes in range(left)}


def test_the_folder_itself_stays(store):
    (store / "file").write_bytes(b"x")
    sweep(store, max_stored=0)
    assert store.is_dir()
    assert list(store.iterdir()) == []

"""Uploads: only files, in limited number and size; only complete ones are stored, for a limited time."""

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
from web.components.files.files import MAX_FILES_PER_REQUEST
from web.server.upload_route import UPLOAD_ROUTE, delete_old_files, temporary_upload_folder
from web.server.uploaded_files import MAX_FILE_BYTES

APP = Starlette(routes=[UPLOAD_ROUTE])
PATH = "/gradio_api/upload"


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


def list_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def upload(files):
    return TestClient(APP).post(PATH, files=files)


def test_files_are_stored_in_order_with_their_names(store):
    names = ["b.png", "한글 12.png", "../../x.png", "a/b\\c.png", "..", "=1+1.png", "n" * 300 + ".png", "\0\r\n.png"]
    answer = upload([("files", (name, name.encode())) for name in names])
    assert answer.status_code == 200
    paths = [Path(path) for path in answer.json()]
    assert [path.read_bytes() for path in paths] == [name.encode() for name in names]
    assert sorted(list_files(store)) == sorted(paths)
    assert paths[0].name == "b.png"
    assert paths[1].name == "한글 12.png"
    assert all(path.resolve().is_relative_to(store) and path.parent.parent == store for path in paths)


@pytest.mark.parametrize(
    "fields",
    [
        {"files": (None, b"x")},
        {"other": (None, bytes(2_000_000))},
        [("files", (f"{number}.png", b"x")) for number in range(MAX_FILES_PER_REQUEST + 1)],
    ],
    ids=["a field", "a large field", "too many files"],
)
def test_a_form_of_other_fields_or_too_many_files_is_refused(store, fields):
    answer = upload(fields)
    assert (answer.status_code, answer.json()) == (400, {"error": texts.FILES_ONLY})
    assert list_files(store) == []


@pytest.mark.parametrize("content_type", ["multipart/form-data", "application/json", "multipart/form-data; boundary=x"])
def test_a_body_that_is_not_a_form_is_refused(store, content_type):
    answer = TestClient(APP).post(PATH, content=b"{}", headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()) == (400, {"error": texts.FILES_ONLY})


def test_a_file_that_is_too_large_is_refused(store):
    answer = upload([("files", ("a.png", b"x")), ("files", ("b.png", bytes(MAX_FILE_BYTES + 1)))])
    assert (answer.status_code, answer.json()) == (413, {"error": texts.too_large_message(MAX_FILE_BYTES)})
    assert list_files(store) == []


def test_an_aborted_upload_leaves_no_file(store, monkeypatch):
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
        pass  # the client has disconnected

    with ThreadPoolExecutor(1) as thread, pytest.raises(ClientDisconnect):
        thread.submit(asyncio.run, APP(scope, receive, send)).result()
    assert list(store.iterdir()) == []


def test_the_temporary_folder_is_deleted_with_the_server(store):
    with temporary_upload_folder() as folder:
        assert folder.parent == store
        upload({"files": ("a.png", b"x")})
        assert len(list_files(folder)) == 1
    assert list(store.iterdir()) == []
    assert os.environ["GRADIO_TEMP_DIR"] == str(store)


@pytest.fixture
def stored(store):
    """Store ten files of 100 bytes, each a minute older than the one before."""
    for minutes in range(10):
        path = store / f"folder {minutes}" / "file"
        path.parent.mkdir()
        path.write_bytes(bytes(100))
        modified_at = time.time() - 60 * minutes - 30
        os.utime(path, (modified_at, modified_at))
    return store


@pytest.mark.parametrize(
    ("limits", "remaining"),
    [({}, 10), ({"max_age_seconds": 300}, 5), ({"max_stored_bytes": 399}, 3), ({"max_stored_bytes": 0}, 0)],
)
def test_old_and_excess_files_are_deleted_oldest_first(stored, limits, remaining):
    delete_old_files(stored, **limits)
    assert {path.name for path in stored.iterdir()} == {f"folder {minutes}" for minutes in range(remaining)}


def test_the_folder_itself_is_not_deleted(store):
    (store / "file").write_bytes(b"x")
    delete_old_files(store, max_stored_bytes=0)
    assert store.is_dir()
    assert list(store.iterdir()) == []

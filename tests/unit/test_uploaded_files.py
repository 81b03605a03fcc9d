"""Uploaded files and zips become one list of files; hostile zips are refused within bounded memory."""

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from helpers.browser import EXAMPLES
from web.components.files.files import read_file
from web.server import uploaded_files
from web.server.uploaded_files import MAX_FILE_BYTES, MAX_ZIP_FILES, MEGABYTE, FileError, UploadedFile, open_uploads
from web.texts import LANGUAGES, Texts

NUMBER_IMAGE = (EXAMPLES / "5-4079.png").read_bytes()
ENGLISH = Texts("en")


@pytest.fixture
def write_zip(tmp_path):
    """Return a function that writes a zip of (name or ZipInfo, content) entries, and returns its path."""

    def write(*entries, method=zipfile.ZIP_DEFLATED) -> Path:
        path = tmp_path / "archive.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            for entry, content in entries:
                archive.writestr(entry, content)
        return path

    return write


def load_all(*files) -> list[tuple[str, bytes | str]]:
    """Return (name, content) of each file, or (name, reason) where it has none."""
    loaded = []
    with open_uploads(files) as uploads:
        for upload in uploads:
            try:
                loaded.append((upload.name, upload.load()))
            except FileError as error:
                loaded.append((upload.name, error.reason))
    return loaded


def patch_records(path: Path, signature: bytes, offset: int, value: bytes) -> None:
    """Overwrite a field in every record of a zip that starts with a signature."""
    content = bytearray(path.read_bytes())
    start = content.find(signature)
    while start >= 0:
        content[start + offset : start + offset + len(value)] = value
        start = content.find(signature, start + 4)
    path.write_bytes(content)


def test_files_and_zips_in_order(write_zip, tmp_path):
    (tmp_path / "a.png").write_bytes(b"a")
    path = write_zip(("b.png", b"b"), ("deep/c.png", b"c"))
    got = load_all(("a.png", tmp_path / "a.png"), ("p.zip", path), ("a.png", tmp_path / "a.png"))
    assert got == [("a.png", b"a"), ("p.zip/b.png", b"b"), ("p.zip/deep/c.png", b"c"), ("a.png", b"a")]


def test_a_missing_file_is_reported_in_order(tmp_path):
    (tmp_path / "a.png").write_bytes(b"a")
    got = load_all(("deleted", tmp_path / "deleted"), ("lost", FileError("not_sent")), ("a", tmp_path / "a.png"))
    assert got == [("deleted", "not_sent"), ("lost", "not_sent"), ("a", b"a")]


def test_a_zip_is_recognized_by_its_content(write_zip, tmp_path):
    path = write_zip(("1.png", b"1"))
    (tmp_path / "image.zip").write_bytes(NUMBER_IMAGE)
    assert load_all(("nameless", path)) == [("nameless/1.png", b"1")]
    assert load_all(("image.zip", tmp_path / "image.zip")) == [("image.zip", NUMBER_IMAGE)]


def test_folders_and_hidden_files_are_left_out(write_zip):
    hidden = ["folder/", "__MACOSX/._1.png", ".DS_Store", "folder/.git/config"]
    path = write_zip(*((name, b"") for name in hidden), ("folder/1.png", b"1"), ("../2.png", b"2"))
    assert load_all(("p", path)) == [("p/folder/1.png", b"1"), ("p/../2.png", b"2")]


@pytest.mark.parametrize("entries", [[], [("folder/", b"")], [("__MACOSX/._x", b"x")]])
def test_empty_zip(write_zip, entries):
    assert load_all(("p.zip", write_zip(*entries))) == [("p.zip", "zip_empty")]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_occur_twice_are_two_files(write_zip):
    assert load_all(("p", write_zip(("1.png", b"1"), ("1.png", b"2")))) == [("p/1.png", b"1"), ("p/1.png", b"2")]


@pytest.mark.parametrize(("encoding", "name"), [("euc-kr", "숫자.png"), ("utf-8", "숫자.png"), ("cp437", "Größe.png")])
def test_names_without_a_stated_encoding(write_zip, encoding, name):
    raw = name.encode(encoding)
    path = write_zip(("x" * len(raw), b"1"))
    patch_records(path, b"PK\3\4", 30, raw)
    patch_records(path, b"PK\1\2", 46, raw)
    assert load_all(("p", path)) == [(f"p/{name}", b"1")]


def test_a_zip_in_a_zip_is_refused_and_the_rest_is_loaded(write_zip):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("1.png", b"1")
    got = load_all(("p", write_zip(("inner.png", inner.getvalue()), ("2.png", b"2"))))
    assert got == [("p/inner.png", "zip_in_zip"), ("p/2.png", b"2")]


def test_encrypted_entry(write_zip):
    path = write_zip(("1.png", b"1"))
    patch_records(path, b"PK\3\4", 6, b"\1")
    patch_records(path, b"PK\1\2", 8, b"\1")
    assert load_all(("p", path)) == [("p/1.png", "encrypted")]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unsupported_compression(write_zip, method):
    assert load_all(("p", write_zip(("1.png", b"1"), method=method))) == [("p/1.png", "packed_unusually")]


def test_a_damaged_entry_is_refused_and_the_rest_is_loaded(write_zip):
    path = write_zip(("1.png", NUMBER_IMAGE), ("2.png", b"2"), method=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[100] ^= 0xFF
    path.write_bytes(content)
    assert load_all(("p", path)) == [("p/1.png", "entry_damaged"), ("p/2.png", b"2")]


def test_damaged_zip(write_zip):
    path = write_zip(("1.png", NUMBER_IMAGE))
    content = path.read_bytes()
    for cut in (4, 40, len(content) // 2, len(content) - 10):
        path.write_bytes(content[:cut])
        assert load_all(("p.zip", path)) == [("p.zip", "zip_damaged")]


def test_too_many_files_in_a_zip(write_zip):
    path = write_zip(*((f"{n}.png", b"") for n in range(MAX_ZIP_FILES + 1)))
    assert load_all(("p.zip", path)) == [("p.zip", "zip_too_many")]
    assert len(load_all(("p.zip", write_zip(*((f"{n}.png", b"") for n in range(MAX_ZIP_FILES)))))) == MAX_ZIP_FILES


def test_a_huge_central_directory_is_not_read(tmp_path):
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    directory = entry * 500_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, len(directory), 0, 0)
    path = tmp_path / "archive.zip"
    path.write_bytes(b"PK\3\4" + directory + end)
    tracemalloc.start()
    assert load_all(("p.zip", path)) == [("p.zip", "zip_too_many")]
    assert tracemalloc.get_traced_memory()[1] < 2 * MEGABYTE
    tracemalloc.stop()


def test_a_zip_bomb_is_not_decompressed(write_zip, monkeypatch):
    monkeypatch.setattr(uploaded_files, "MAX_ZIP_CONTENT_BYTES", MEGABYTE)
    path = write_zip(("1.png", bytes(MEGABYTE // 2)), ("2.png", bytes(MEGABYTE // 2 + 1)))
    assert load_all(("p.zip", path)) == [("p.zip", "zip_too_large")]


def test_an_entry_that_is_too_large_is_refused_and_the_rest_is_loaded(write_zip):
    path = write_zip(("bomb.png", bytes(MAX_FILE_BYTES + 1)), ("2.png", b"2"))
    tracemalloc.start()
    assert load_all(("p", path)) == [("p/bomb.png", "too_large"), ("p/2.png", b"2")]
    assert tracemalloc.get_traced_memory()[1] < MEGABYTE
    tracemalloc.stop()


def test_a_zip_bomb_with_a_false_size(write_zip):
    path = write_zip(("bomb.png", bytes(MAX_FILE_BYTES)), ("2.png", b"2"))
    patch_records(path, b"PK\1\2", 24, struct.pack("<L", 1000))
    tracemalloc.start()
    got = load_all(("p", path))
    assert tracemalloc.get_traced_memory()[1] < MEGABYTE
    tracemalloc.stop()
    assert got[0] == ("p/bomb.png", "entry_damaged")


def test_a_file_that_is_too_large(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(MAX_FILE_BYTES + 1))
    assert load_all(("large", path)) == [("large", "too_large")]


def test_row_of_a_reading(reader):
    got = read_file(UploadedFile("7.png", lambda: NUMBER_IMAGE), reader, ENGLISH)
    expected = reader.read(NUMBER_IMAGE)
    assert (got["file"], got["state"]) == ("7.png", "certain")
    assert got["reading"] == expected.to_dict()
    assert got["probability"] == min(digit.probability for digit in expected.digits)
    assert got["thumbnail"].startswith("data:image/jpeg;base64,")
    assert len(got["thumbnail"]) < 10_000


def test_row_of_an_image_without_a_digit(reader):
    blank = io.BytesIO()
    Image.new("L", (50, 50), 255).save(blank, "PNG")
    got = read_file(UploadedFile("blank.png", blank.getvalue), reader, ENGLISH)
    assert (got["state"], got["probability"], got["reading"]["digits"]) == ("uncertain", None, [])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "error",
    [FileError("encrypted"), FileError("zip_too_many", count=2000), FileError("zip_too_large", megabytes=512)],
)
def test_row_of_an_error_is_in_the_visitors_language(reader, language, error):
    def load() -> bytes:
        raise error

    got = read_file(UploadedFile("x", load), reader, Texts(language))
    sentence = LANGUAGES[language]["files"][error.reason].format(**error.facts)
    assert got == {"file": "x", "state": "not_read", "error": sentence}


def test_an_unexpected_error_is_a_row_too(reader, caplog):
    def load() -> bytes:
        raise MemoryError

    got = read_file(UploadedFile("x", load), reader, ENGLISH)
    assert got["error"] == LANGUAGES["en"]["files"]["unexpected"]
    assert "MemoryError" in caplog.text

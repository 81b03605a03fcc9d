"""Piles: what is read of files and zips, and what a hostile zip can't do."""

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from helpers.browser import EXAMPLES
from web.components.files.files import row
from web.server import pile
from web.server.pile import MAX_ENTRIES, MAX_FILE, MEGABYTE, FileProblem, Item, opened
from web.texts import LANGUAGES, Texts

NUMBER = (EXAMPLES / "5-4079.png").read_bytes()
ENGLISH = Texts("en")


@pytest.fixture
def zipped(tmp_path):
    """Writes a zip: of each entry its name, or ZipInfo, and its content."""

    def write(*entries, method=zipfile.ZIP_DEFLATED) -> Path:
        path = tmp_path / "pile.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            for entry, content in entries:
                archive.writestr(entry, content)
        return path

    return write


def contents(*files) -> list[tuple[str, bytes | str]]:
    """Of every item its name, and its bytes or the reason why there are none."""
    found = []
    with opened(files) as items:
        for item in items:
            try:
                found.append((item.name, item.load()))
            except FileProblem as problem:
                found.append((item.name, problem.reason))
    return found


def patched(path: Path, record: bytes, offset: int, value: bytes) -> None:
    """Writes over a field of every such record in a zip."""
    content = bytearray(path.read_bytes())
    start = content.find(record)
    while start >= 0:
        content[start + offset : start + offset + len(value)] = value
        start = content.find(record, start + 4)
    path.write_bytes(content)


def test_files_and_zips_in_order(zipped, tmp_path):
    (tmp_path / "a.png").write_bytes(b"a")
    path = zipped(("b.png", b"b"), ("deep/c.png", b"c"))
    got = contents(("a.png", tmp_path / "a.png"), ("p.zip", path), ("a.png", tmp_path / "a.png"))
    assert got == [("a.png", b"a"), ("p.zip/b.png", b"b"), ("p.zip/deep/c.png", b"c"), ("a.png", b"a")]


def test_what_was_not_sent_is_told_in_its_place(tmp_path):
    (tmp_path / "a.png").write_bytes(b"a")
    got = contents(("gone", tmp_path / "gone"), ("lost", FileProblem("not_sent")), ("a", tmp_path / "a.png"))
    assert got == [("gone", "not_sent"), ("lost", "not_sent"), ("a", b"a")]


def test_a_zip_is_known_by_its_content(zipped, tmp_path):
    path = zipped(("1.png", b"1"))
    (tmp_path / "image.zip").write_bytes(NUMBER)
    assert contents(("nameless", path)) == [("nameless/1.png", b"1")]
    assert contents(("image.zip", tmp_path / "image.zip")) == [("image.zip", NUMBER)]


def test_folders_and_hidden_files_are_left_out(zipped):
    hidden = ["folder/", "__MACOSX/._1.png", ".DS_Store", "folder/.git/config"]
    path = zipped(*((name, b"") for name in hidden), ("folder/1.png", b"1"), ("../2.png", b"2"))
    assert contents(("p", path)) == [("p/folder/1.png", b"1"), ("p/../2.png", b"2")]


@pytest.mark.parametrize("entries", [[], [("folder/", b"")], [("__MACOSX/._x", b"x")]])
def test_empty_zip(zipped, entries):
    assert contents(("p.zip", zipped(*entries))) == [("p.zip", "zip_empty")]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_occur_twice_are_two_files(zipped):
    assert contents(("p", zipped(("1.png", b"1"), ("1.png", b"2")))) == [("p/1.png", b"1"), ("p/1.png", b"2")]


@pytest.mark.parametrize(("encoding", "name"), [("euc-kr", "숫자.png"), ("utf-8", "숫자.png"), ("cp437", "Größe.png")])
def test_names_that_dont_say_their_letters(zipped, encoding, name):
    raw = name.encode(encoding)
    path = zipped(("x" * len(raw), b"1"))
    patched(path, b"PK\3\4", 30, raw)
    patched(path, b"PK\1\2", 46, raw)
    assert contents(("p", path)) == [(f"p/{name}", b"1")]


def test_zip_in_zip_is_a_row_and_the_rest_goes_on(zipped):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("1.png", b"1")
    got = contents(("p", zipped(("inner.png", inner.getvalue()), ("2.png", b"2"))))
    assert got == [("p/inner.png", "zip_in_zip"), ("p/2.png", b"2")]


def test_encrypted_entry(zipped):
    path = zipped(("1.png", b"1"))
    patched(path, b"PK\3\4", 6, b"\1")
    patched(path, b"PK\1\2", 8, b"\1")
    assert contents(("p", path)) == [("p/1.png", "encrypted")]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_packing(zipped, method):
    assert contents(("p", zipped(("1.png", b"1"), method=method))) == [("p/1.png", "packed_unusually")]


def test_damaged_entry_and_the_rest_goes_on(zipped):
    path = zipped(("1.png", NUMBER), ("2.png", b"2"), method=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[100] ^= 0xFF
    path.write_bytes(content)
    assert contents(("p", path)) == [("p/1.png", "entry_damaged"), ("p/2.png", b"2")]


def test_damaged_zip(zipped):
    path = zipped(("1.png", NUMBER))
    content = path.read_bytes()
    for cut in (4, 40, len(content) // 2, len(content) - 10):
        path.write_bytes(content[:cut])
        assert contents(("p.zip", path)) == [("p.zip", "zip_damaged")]


def test_too_many_files_in_a_zip(zipped):
    path = zipped(*((f"{n}.png", b"") for n in range(MAX_ENTRIES + 1)))
    assert contents(("p.zip", path)) == [("p.zip", "zip_too_many")]
    assert len(contents(("p.zip", zipped(*((f"{n}.png", b"") for n in range(MAX_ENTRIES)))))) == MAX_ENTRIES


def test_a_huge_table_of_contents_is_not_even_read(tmp_path):
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    table = entry * 500_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, len(table), 0, 0)
    path = tmp_path / "table.zip"
    path.write_bytes(b"PK\3\4" + table + end)
    tracemalloc.start()
    assert contents(("p.zip", path)) == [("p.zip", "zip_too_many")]
    assert tracemalloc.get_traced_memory()[1] < 2 * MEGABYTE
    tracemalloc.stop()


def test_bomb_is_not_unpacked(zipped, monkeypatch):
    monkeypatch.setattr(pile, "MAX_UNPACKED", MEGABYTE)
    path = zipped(("1.png", bytes(MEGABYTE // 2)), ("2.png", bytes(MEGABYTE // 2 + 1)))
    assert contents(("p.zip", path)) == [("p.zip", "zip_too_large")]


def test_entry_that_unpacks_to_too_much_and_the_rest_goes_on(zipped):
    path = zipped(("bomb.png", bytes(MAX_FILE + 1)), ("2.png", b"2"))
    tracemalloc.start()
    assert contents(("p", path)) == [("p/bomb.png", "too_large"), ("p/2.png", b"2")]
    assert tracemalloc.get_traced_memory()[1] < MEGABYTE
    tracemalloc.stop()


def test_bomb_that_lies_of_its_size(zipped):
    path = zipped(("bomb.png", bytes(MAX_FILE)), ("2.png", b"2"))
    patched(path, b"PK\1\2", 24, struct.pack("<L", 1000))
    tracemalloc.start()
    got = contents(("p", path))
    assert tracemalloc.get_traced_memory()[1] < MEGABYTE
    tracemalloc.stop()
    assert got[0] == ("p/bomb.png", "entry_damaged")


def test_file_that_is_too_large(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(MAX_FILE + 1))
    assert contents(("large", path)) == [("large", "too_large")]


def test_row_of_what_was_read(reader):
    got = row(Item("7.png", lambda: NUMBER), reader, ENGLISH)
    expected = reader.read(NUMBER)
    assert (got["file"], got["state"]) == ("7.png", "sure")
    assert got["reading"] == expected.to_dict()
    assert got["probability"] == min(digit.probability for digit in expected.digits)
    assert got["thumbnail"].startswith("data:image/jpeg;base64,")
    assert len(got["thumbnail"]) < 10_000


def test_row_of_an_image_without_a_digit(reader):
    blank = io.BytesIO()
    Image.new("L", (50, 50), 255).save(blank, "PNG")
    got = row(Item("blank.png", blank.getvalue), reader, ENGLISH)
    assert (got["state"], got["probability"], got["reading"]["digits"]) == ("unsure", None, [])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "problem",
    [FileProblem("encrypted"), FileProblem("zip_too_many", count=2000), FileProblem("zip_too_large", megabytes=512)],
)
def test_row_of_a_problem_is_in_the_visitors_language(reader, language, problem):
    def load() -> bytes:
        raise problem

    got = row(Item("x", load), reader, Texts(language))
    sentence = LANGUAGES[language]["files"][problem.reason].format(**problem.facts)
    assert got == {"file": "x", "state": "not_read", "error": sentence}


def test_an_error_nobody_thought_of_is_a_row_too(reader, caplog):
    def load() -> bytes:
        raise MemoryError

    got = row(Item("x", load), reader, ENGLISH)
    assert got["error"] == LANGUAGES["en"]["files"]["unexpected"]
    assert "MemoryError" in caplog.text

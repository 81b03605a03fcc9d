"""Many files at once: what was sent, and what lies in zips, as one list of things to read.

It knows zips and what a hostile one may try; nothing is ever unpacked to disk. It knows neither images nor Gradio: what
a file holds is for the reader, whether its path may be opened at all is for whoever calls.
"""

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

MEGABYTE = 2**20
MAX_FILE = 32 * MEGABYTE  # bytes of one file, sent by itself or in a zip
MAX_UNPACKED = 512 * MEGABYTE  # bytes of all files in a zip
MAX_ENTRIES = 2000  # files in a zip

# A zip's table of contents is read in one go, and so is a piece of a file in it. 2000 long names take less.
_MAX_READ = MEGABYTE
_PIECE = 2**16

_ZIP = (b"PK\3\4", b"PK\5\6")  # how one begins: with a file, or with its end where it is empty
_PACKED_AS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others may claim gigabytes before they are unpacked
_ENCRYPTED = 0x1
_UTF8_NAME = 0x800

_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, NotImplementedError)


class FileProblem(Exception):
    """A file can't be handed to the reader.

    Args:
        reason: the key of its sentence in the section "files" of the languages.
        facts: what stands in that sentence.
    """

    def __init__(self, reason: str, **facts: object):
        super().__init__(reason)
        self.reason = reason
        self.facts = facts


@dataclass(frozen=True)
class Item:
    """One file of a pile.

    Attributes:
        name: what the visitor calls it; in a zip, "pile.zip/folder/7.png". Names may occur twice.
        load: gives its bytes, MAX_FILE at most, as long as the pile is open; raises FileProblem.
    """

    name: str
    load: Callable[[], bytes]


@contextmanager
def opened(files: Iterable[tuple[str, os.PathLike | str | FileProblem]]) -> Iterator[list[Item]]:
    """Everything to read in files that were sent, in order; zips are opened, what is hidden in them is left out.

    Args:
        files: of each its name, and its path or why there is none.
    """
    with ExitStack() as stack:
        items: list[Item] = []
        for name, path in files:
            if isinstance(path, FileProblem):
                items.append(_unreadable(name, path))
                continue
            try:
                items += _in_zip(name, stack.enter_context(_Bounded(path))) if _is_zip(path) else [_sent(name, path)]
            except FileProblem as problem:
                items.append(_unreadable(name, problem))
        yield items


class _Bounded(io.FileIO):
    """A file that is read in small pieces only: what a zip says of its own sizes may be a lie."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > _MAX_READ:
            raise FileProblem("zip_too_many", count=MAX_ENTRIES)
        return super().read(size) or b""


def _is_zip(path: os.PathLike | str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(4) in _ZIP
    except OSError:
        return False  # told when it is loaded


def _sent(name: str, path: os.PathLike | str) -> Item:
    def load() -> bytes:
        try:
            with open(path, "rb") as file:
                content = file.read(MAX_FILE + 1)
        except OSError:
            raise FileProblem("not_sent") from None  # it was, so long ago that it is deleted
        if len(content) > MAX_FILE:
            raise too_large()
        return content

    return Item(name, load)


def too_large() -> FileProblem:
    """One file is larger than MAX_FILE."""
    return FileProblem("too_large", megabytes=MAX_FILE // MEGABYTE)


def _unreadable(name: str, problem: FileProblem) -> Item:
    def load() -> bytes:
        raise problem

    return Item(name, load)


def _in_zip(zip_name: str, file: _Bounded) -> Iterator[Item]:
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGED:
        raise FileProblem("zip_damaged") from None
    entries = [(name, entry) for entry in archive.infolist() if not _is_hidden(name := _name(entry), entry)]
    if not entries:
        raise FileProblem("zip_empty")
    if len(entries) > MAX_ENTRIES:
        raise FileProblem("zip_too_many", count=MAX_ENTRIES)
    if sum(entry.file_size for _, entry in entries) > MAX_UNPACKED:
        raise FileProblem("zip_too_large", megabytes=MAX_UNPACKED // MEGABYTE)
    for name, entry in entries:
        yield Item(f"{zip_name}/{name}", partial(_unpacked, archive, entry))


def _name(entry: zipfile.ZipInfo) -> str:
    """An entry's name. Zips of a Korean Windows, and many others, don't say in which letters theirs are written."""
    if not entry.flag_bits & _UTF8_NAME:
        for encoding in ("utf-8", "euc-kr"):
            try:
                return entry.filename.encode("cp437").decode(encoding)
            except UnicodeError:
                continue
    return entry.filename


def _is_hidden(name: str, entry: zipfile.ZipInfo) -> bool:
    """Folders, and what systems put beside the files unasked."""
    parts = name.replace("\\", "/").split("/")
    return entry.is_dir() or any(
        part == "__MACOSX" or (part.startswith(".") and part not in (".", "..")) for part in parts
    )


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.flag_bits & _ENCRYPTED:
        raise FileProblem("encrypted")
    if entry.compress_type not in _PACKED_AS:
        raise FileProblem("packed_unusually")
    if entry.file_size > MAX_FILE:
        raise too_large()
    try:
        with archive.open(entry) as file:
            # No more than it says it has comes out, however much is in it.
            content = b"".join(iter(lambda: file.read(_PIECE), b""))
    except _DAMAGED:
        raise FileProblem("entry_damaged") from None
    if content.startswith(_ZIP):
        raise FileProblem("zip_in_zip")
    return content

"""Uploaded files: the uploads of a request and the contents of its zips, as one list of files to read.

This module handles zips, hostile ones included, and never unpacks anything to disk. It knows neither images nor Gradio:
the content of a file is left to the reader, and the caller checks whether a path may be opened at all.
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
MAX_FILE_BYTES = 32 * MEGABYTE  # of one file, uploaded by itself or inside a zip
MAX_ZIP_CONTENT_BYTES = 512 * MEGABYTE  # total uncompressed size of all files in a zip
MAX_ZIP_FILES = 2000

# A zip's central directory is read in a single call. The directory of 2000 files with long names is smaller than this.
_MAX_READ_BYTES = MEGABYTE
_CHUNK_BYTES = 2**16  # of a file in a zip that are decompressed at a time

_ZIP_SIGNATURES = (b"PK\3\4", b"PK\5\6")  # of a zip that starts with a file, and of an empty one
_COMPRESSION_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others may allocate gigabytes in advance
_ENCRYPTED_FLAG = 0x1
_UTF8_NAME_FLAG = 0x800

_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, NotImplementedError)


class FileError(Exception):
    """A file can't be passed to the reader.

    Args:
        reason: key of the message in the section "files" of the languages.
        facts: values of the placeholders in that message.
    """

    def __init__(self, reason: str, **facts: object):
        super().__init__(reason)
        self.reason = reason
        self.facts = facts


@dataclass(frozen=True)
class UploadedFile:
    """One file to read.

    Attributes:
        name: the visitor's name of the file; "archive.zip/folder/7.png" inside a zip. Names may occur twice.
        load: returns the content, at most MAX_FILE_BYTES, while the context of `open_uploads` lasts; raises FileError.
    """

    name: str
    load: Callable[[], bytes]


@contextmanager
def open_uploads(files: Iterable[tuple[str, os.PathLike | str | FileError]]) -> Iterator[list[UploadedFile]]:
    """Return all files to read, in order. Zips are replaced by the files in them, without hidden ones.

    Args:
        files: (name, path) of each upload, or (name, error) where it has no path.
    """
    with ExitStack() as stack:
        opened: list[UploadedFile] = []
        for name, path in files:
            if isinstance(path, FileError):
                opened.append(_failed_file(name, path))
                continue
            try:
                if _is_zip(path):
                    opened += _files_in_zip(name, stack.enter_context(_BoundedFile(path)))
                else:
                    opened.append(_plain_file(name, path))
            except FileError as error:
                opened.append(_failed_file(name, error))
        yield opened


class _BoundedFile(io.FileIO):
    """A file that refuses to read more than _MAX_READ_BYTES at once: the sizes stated in a zip may be false."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > _MAX_READ_BYTES:
            raise FileError("zip_too_many", count=MAX_ZIP_FILES)
        return super().read(size) or b""


def _is_zip(path: os.PathLike | str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(4) in _ZIP_SIGNATURES
    except OSError:
        return False  # UploadedFile.load reports the error


def _plain_file(name: str, path: os.PathLike | str) -> UploadedFile:
    def load() -> bytes:
        try:
            with open(path, "rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except OSError:
            raise FileError("not_sent") from None  # or it was uploaded so long ago that it has been deleted
        if len(content) > MAX_FILE_BYTES:
            raise file_too_large()
        return content

    return UploadedFile(name, load)


def file_too_large() -> FileError:
    """Return the error of a file that is larger than MAX_FILE_BYTES."""
    return FileError("too_large", megabytes=MAX_FILE_BYTES // MEGABYTE)


def _failed_file(name: str, error: FileError) -> UploadedFile:
    def load() -> bytes:
        raise error

    return UploadedFile(name, load)


def _files_in_zip(zip_name: str, file: _BoundedFile) -> Iterator[UploadedFile]:
    try:
        archive = zipfile.ZipFile(file)
    except _ZIP_ERRORS:
        raise FileError("zip_damaged") from None
    entries = [(name, entry) for entry in archive.infolist() if not _is_hidden(name := _decode_name(entry), entry)]
    if not entries:
        raise FileError("zip_empty")
    if len(entries) > MAX_ZIP_FILES:
        raise FileError("zip_too_many", count=MAX_ZIP_FILES)
    if sum(entry.file_size for _, entry in entries) > MAX_ZIP_CONTENT_BYTES:
        raise FileError("zip_too_large", megabytes=MAX_ZIP_CONTENT_BYTES // MEGABYTE)
    for name, entry in entries:
        yield UploadedFile(f"{zip_name}/{name}", partial(_unzip, archive, entry))


def _decode_name(entry: zipfile.ZipInfo) -> str:
    """Return an entry's name. Zips of a Korean Windows, and many others, do not state the encoding of their names."""
    if not entry.flag_bits & _UTF8_NAME_FLAG:
        for encoding in ("utf-8", "euc-kr"):
            try:
                return entry.filename.encode("cp437").decode(encoding)
            except UnicodeError:
                continue
    return entry.filename


def _is_hidden(name: str, entry: zipfile.ZipInfo) -> bool:
    """Return whether an entry is a folder, or a file that an operating system added to the zip."""
    parts = name.replace("\\", "/").split("/")
    return entry.is_dir() or any(
        part == "__MACOSX" or (part.startswith(".") and part not in (".", "..")) for part in parts
    )


def _unzip(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.flag_bits & _ENCRYPTED_FLAG:
        raise FileError("encrypted")
    if entry.compress_type not in _COMPRESSION_METHODS:
        raise FileError("packed_unusually")
    if entry.file_size > MAX_FILE_BYTES:
        raise file_too_large()
    try:
        with archive.open(entry) as file:
            # zipfile decompresses no more than the stated size, even if the entry contains more.
            content = b"".join(iter(lambda: file.read(_CHUNK_BYTES), b""))
    except _ZIP_ERRORS:
        raise FileError("entry_damaged") from None
    if content.startswith(_ZIP_SIGNATURES):
        raise FileError("zip_in_zip")
    return content

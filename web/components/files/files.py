"""The tab for many files: a drop zone, and a table that fills while the files are read.

files.js uploads the files and asks for their rows, a short slice of time per request. The server keeps nothing between
two requests: a visitor who stops or leaves has nothing running, and visitors take turns. Zips are opened by
web/server/uploaded_files.py.
"""

import asyncio
import base64
import logging
import time
from typing import Any, Literal

import anyio.to_thread
import cv2
import gradio as gr
from fastapi import HTTPException
from gradio.components.base import server
from pydantic import BaseModel, Field, NonNegativeInt, ValidationError

from digits import DigitReader, ImageError
from digits.images import shrink
from digits.reader import Stages
from web.components.component import html_options
from web.image_input import UploadedFilesOnly
from web.server.uploaded_files import (
    MAX_FILE_BYTES,
    MAX_ZIP_FILES,
    MEGABYTE,
    FileError,
    UploadedFile,
    file_too_large,
    open_uploads,
)
from web.texts import Texts, texts_for_request, whole_percent

READ_SLICE_SECONDS = 0.3  # of reading before the rows so far are returned, so that the table fills steadily
MAX_FILES_PER_REQUEST = 8
THUMBNAIL_SIDE = 160  # pixels of the longer side

log = logging.getLogger(__name__)


class FileReference(BaseModel):
    """A file as the browser names it, with the path of its upload or the reason why there is none."""

    name: str
    path: str = ""
    problem: Literal["", "not_sent", "too_large"] = ""


class RowsRequest(BaseModel):
    """A request for rows: the files of a batch, and how many of its rows the browser already has."""

    files: list[FileReference] = Field(max_length=MAX_FILES_PER_REQUEST)
    start: NonNegativeInt


class Files(UploadedFilesOnly, gr.HTML):
    """The tab for many files. It has no value; its rows are kept in the browser."""

    def __init__(self, reader: DigitReader, **options: Any):
        properties = {
            "files_per_request": MAX_FILES_PER_REQUEST,
            "megabytes": MAX_FILE_BYTES // MEGABYTE,
            "zip_files": MAX_ZIP_FILES,
        }
        scripts = ("files/collect.js", "files/table.js", "shared/save.js")
        super().__init__(None, **{**options, **properties, **html_options("files", *scripts)})
        self._reader = reader
        # Batches are read one slice at a time, in turn, whoever sent them: visitors who draw on the pad don't wait for
        # a thousand photos.
        self._lock = asyncio.Semaphore(1)

    @server
    async def read(self, payload: Any, request: gr.Request) -> dict[str, Any]:
        """Read the next files of a RowsRequest.

        Returns:
            "rows": the next rows, at least one where any is left. "total": the number of rows of the batch.

        Raises:
            HTTPException: 422, the payload is no RowsRequest.
        """
        try:
            rows_request = RowsRequest.model_validate(payload)
        except ValidationError:
            raise HTTPException(422, "Not a request of this page.") from None
        files = [(file.name, self._path(file)) for file in rows_request.files]
        texts = texts_for_request(request)
        async with self._lock:
            return await anyio.to_thread.run_sync(_read_slice, self._reader, texts, files, rows_request.start)

    def _path(self, file: FileReference) -> str | FileError:
        """Return the path of an upload, or why it can't be read."""
        if file.problem:
            return file_too_large() if file.problem == "too_large" else FileError(file.problem)
        try:
            return self.check_uploaded(file.path)
        except (gr.Error, ValueError, OSError):
            return FileError("not_sent")

    def api_info(self) -> dict[str, Any]:
        return {"type": "null"}


def _read_slice(
    reader: DigitReader, texts: Texts, files: list[tuple[str, str | FileError]], start: int
) -> dict[str, Any]:
    """Return the rows from `start` on that are read within READ_SLICE_SECONDS, and the number of all rows."""
    end = time.monotonic() + READ_SLICE_SECONDS
    rows = []
    with open_uploads(files) as uploads:
        for upload in uploads[start:]:
            rows.append(read_file(upload, reader, texts))
            if time.monotonic() > end:
                break
        return {"rows": rows, "total": len(uploads)}


def read_file(upload: UploadedFile, reader: DigitReader, texts: Texts) -> dict[str, Any]:
    """Read a file and return its row of the table: its name, and either its reading or the reason as "error"."""

    def not_read(reason: str) -> dict[str, Any]:
        return {"file": upload.name, "state": "not_read", "error": reason}

    try:
        stages = reader.stages(upload.load())
    except FileError as problem:
        return not_read(texts.text(f"files.{problem.reason}", **problem.facts))
    except ImageError as error:
        return not_read(texts.error_message(error))
    except Exception:  # whatever is wrong with one file, the others must still be read
        log.exception("A file could not be read")
        return not_read(texts.text("files.unexpected"))
    probability = min((digit.probability for digit in stages.reading.digits), default=None)
    return {
        "file": upload.name,
        "state": "certain" if stages.reading.certain else "uncertain",
        "probability": probability,
        "percent": None if probability is None else whole_percent(probability),
        "thumbnail": _thumbnail(stages),
        "reading": stages.reading.to_dict(),
    }


def _thumbnail(stages: Stages) -> str:
    """Return the image of a reading as the data: URL of a small JPEG."""
    rgb = shrink(stages.pixels, THUMBNAIL_SIDE)
    _, jpeg = cv2.imencode(".jpg", rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.tobytes()).decode()}"

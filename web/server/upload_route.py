"""POST /gradio_api/upload in place of Gradio's own route, and the temporary folder of the uploaded files.

Gradio's route buffers form fields of any size in memory, and leaves the part of an aborted upload on disk. Starlette's
parser bounds both: until the whole form has arrived, its files have no name, and they are deleted with the request. The
folder belongs to this server alone, so that every file in it can be deleted, whichever code wrote it.
"""

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

from gradio.utils import get_upload_folder
from gradio_client.utils import strip_invalid_filename_characters
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from web import texts
from web.components.files.files import MAX_FILES_PER_REQUEST
from web.server.uploaded_files import MAX_FILE_BYTES, MEGABYTE

MAX_FILE_AGE_SECONDS = 3600
MAX_STORED_BYTES = 2048 * MEGABYTE  # total size of all files; the oldest are deleted first
CLEANUP_INTERVAL_SECONDS = 60


@contextlib.contextmanager
def temporary_upload_folder() -> Iterator[Path]:
    """Make a folder for Gradio's files, inside GRADIO_TEMP_DIR or Gradio's default; delete it when the context ends."""
    parent = get_upload_folder()
    os.makedirs(parent, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="digits-", dir=parent, ignore_cleanup_errors=True) as folder:
        _set_gradio_folder(folder)
        try:
            yield Path(folder)
        finally:
            _set_gradio_folder(parent)


def _set_gradio_folder(folder: str) -> None:
    os.environ["GRADIO_TEMP_DIR"] = folder
    for module in ("gradio.mcp", "gradio.routes"):  # they read the variable when they are imported
        if module in sys.modules:
            vars(sys.modules[module])["DEFAULT_TEMP_DIR"] = folder


def delete_old_files(
    folder: Path, max_age_seconds: float = MAX_FILE_AGE_SECONDS, max_stored_bytes: int = MAX_STORED_BYTES
) -> None:
    """Delete the files of a folder that are too old, and the oldest files beyond the maximum total size.

    Args:
        folder: searched with its subfolders.
        max_age_seconds: maximum age of a file.
        max_stored_bytes: maximum total size of all files.
    """
    files = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # deleted in the meantime
            if path.is_file():
                status = path.stat()
                files.append((status.st_mtime, status.st_size, path))
    stored_bytes, oldest_allowed = 0, time.time() - max_age_seconds
    for modified_at, size, path in sorted(files, reverse=True):
        stored_bytes += size
        if modified_at < oldest_allowed or stored_bytes > max_stored_bytes:
            with contextlib.suppress(OSError):  # Windows does not delete an open file; the next call does
                path.unlink()
                if path.parent != folder:
                    path.parent.rmdir()


@contextlib.asynccontextmanager
async def periodic_cleanup() -> AsyncIterator[None]:
    """Call delete_old_files on the upload folder every CLEANUP_INTERVAL_SECONDS until the context ends."""

    async def clean_up_periodically() -> None:
        while True:
            await asyncio.to_thread(delete_old_files, Path(get_upload_folder()))
            await asyncio.sleep(CLEANUP_INTERVAL_SECONDS)

    task = asyncio.create_task(clean_up_periodically())
    yield
    task.cancel()


async def _upload(request: Request) -> JSONResponse:
    """Answer the paths of the files in order; 400 where the form is not one of files, 413 where a file is too large."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        return JSONResponse({"error": texts.FILES_ONLY}, 400)
    try:
        async with request.form(max_files=MAX_FILES_PER_REQUEST, max_fields=0) as form:
            files = [file for file in form.getlist("files") if isinstance(file, UploadFile)]
            if any((file.size or 0) > MAX_FILE_BYTES for file in files):
                return JSONResponse({"error": texts.too_large_message(MAX_FILE_BYTES)}, 413)
            return JSONResponse(await asyncio.to_thread(lambda: [_store(file.file, file.filename) for file in files]))
    except HTTPException:
        return JSONResponse({"error": texts.FILES_ONLY}, 400)


def _store(content: BinaryIO, name: str | None) -> str:
    upload_folder = Path(get_upload_folder())
    # The name of the subfolder can't be guessed, so that no visitor can request the file of another visitor.
    folder = Path(tempfile.mkdtemp(dir=upload_folder))
    path = folder / (strip_invalid_filename_characters(Path(name or "").name).strip(".") or "file")
    with path.open("xb") as file:
        shutil.copyfileobj(content, file)
    delete_old_files(upload_folder)
    return str(path)


# For launch(app_kwargs={"routes": ...}), whose routes take precedence over Gradio's.
UPLOAD_ROUTE = Route("/gradio_api/upload", _upload, methods=["POST"])

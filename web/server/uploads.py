"""Uploaded files: POST /gradio_api/upload in place of Gradio's own, and the temporary folder that they lie in.

Gradio's route holds form fields that are no files in memory, whatever their size, and leaves the part of an aborted
upload on disk. Starlette's parser bounds both: until all of a form has arrived, its files have no name and vanish with
the request. The folder is this server's own, so that all in it can be deleted, whoever wrote it.
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

from gradio.utils import get_upload_folder
from gradio_client.utils import strip_invalid_filename_characters
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from web import texts
from web.components.files.files import BATCH
from web.server.pile import MAX_FILE, MEGABYTE

MAX_AGE = 3600  # seconds that a file is kept
MAX_STORED = 2048 * MEGABYTE  # bytes of all files; the oldest go first
SWEEP_SECONDS = 60  # between two looks for files that are too old


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """Make a folder where Gradio keeps its files until the context ends, in GRADIO_TEMP_DIR or Gradio's own."""
    parent = get_upload_folder()
    os.makedirs(parent, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="digits-", dir=parent, ignore_cleanup_errors=True) as folder:
        _keep_files_in(folder)
        try:
            yield Path(folder)
        finally:
            _keep_files_in(parent)


def _keep_files_in(folder: str) -> None:
    os.environ["GRADIO_TEMP_DIR"] = folder
    for module in ("gradio.mcp", "gradio.routes"):  # these asked for it when they were imported
        if module in sys.modules:
            vars(sys.modules[module])["DEFAULT_TEMP_DIR"] = folder


def sweep(folder: Path, max_age: float = MAX_AGE, max_stored: int = MAX_STORED) -> None:
    """Delete the files in a folder that are older than `max_age` seconds, and the oldest beyond `max_stored` bytes."""
    files = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # deleted meanwhile
            if path.is_file():
                about = path.stat()
                files.append((about.st_mtime, about.st_size, path))
    stored, oldest = 0, time.time() - max_age
    for written, size, path in sorted(files, reverse=True):
        stored += size
        if written < oldest or stored > max_stored:
            with contextlib.suppress(OSError):  # on Windows a file that is read just now stays until the next time
                path.unlink()
                if path.parent != folder:
                    path.parent.rmdir()


@contextlib.asynccontextmanager
async def swept() -> AsyncIterator[None]:
    """Sweep the folder for uploads every SWEEP_SECONDS until the context ends."""

    async def sweep_again_and_again() -> None:
        while True:
            await asyncio.to_thread(sweep, Path(get_upload_folder()))
            await asyncio.sleep(SWEEP_SECONDS)

    sweeping = asyncio.create_task(sweep_again_and_again())
    yield
    sweeping.cancel()


async def _upload(request: Request) -> JSONResponse:
    """Answers the path of each file, in order: 400 where the form is not one of files, 413 where one is too large."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        return JSONResponse({"error": texts.FILES_ONLY}, 400)
    try:
        async with request.form(max_files=BATCH, max_fields=0) as form:
            files = form.getlist("files")
            if any(file.size > MAX_FILE for file in files):
                return JSONResponse({"error": texts.too_large(MAX_FILE)}, 413)
            return JSONResponse(await asyncio.to_thread(lambda: [_keep(file.file, file.filename) for file in files]))
    except HTTPException:
        return JSONResponse({"error": texts.FILES_ONLY}, 400)


def _keep(file, name: str | None) -> str:
    store = Path(get_upload_folder())
    # The name of the folder can't be guessed, so that nobody can ask for another visitor's file.
    folder = Path(tempfile.mkdtemp(dir=store))
    path = folder / (strip_invalid_filename_characters(Path(name or "").name).strip(".") or "file")
    with path.open("xb") as kept:
        shutil.copyfileobj(file, kept)
    sweep(store)
    return str(path)


# For launch(app_kwargs={"routes": ...}), whose routes go before Gradio's.
UPLOAD = Route("/gradio_api/upload", _upload, methods=["POST"])

"""Many files: a place to drop them, and a table that fills while they are read.

files.js sends the files and asks for their rows, a short slice of time at a time: nothing of a visitor is kept here in
between, who stops or leaves has nothing running, and piles take turns. What a zip is stands in web/server/pile.py.
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
from digits.images import shrunk
from digits.reader import Stages
from web.components.component import parts
from web.server.pile import MAX_ENTRIES, MAX_FILE, MEGABYTE, FileProblem, Item, opened, too_large
from web.source import LocalFiles
from web.texts import Texts, percent, spoken_by

SLICE = 0.3  # seconds of reading between two looks at the table
BATCH = 8  # files that are sent at a time
THUMBNAIL_SIDE = 160

log = logging.getLogger(__name__)


class SentFile(BaseModel):
    """A file as the browser tells of it: its name there, and the path it got by being sent or why it was not."""

    name: str
    path: str = ""
    problem: Literal["", "not_sent", "too_large"] = ""


class Wanted(BaseModel):
    """A question for rows: of which files, and how many rows are already there."""

    files: list[SentFile] = Field(max_length=BATCH)
    start: NonNegativeInt


class Files(LocalFiles, gr.HTML):
    """The room for many files. It has no value; its rows live in the browser."""

    def __init__(self, reader: DigitReader, **options: Any):
        limits = {"batch": BATCH, "megabytes": MAX_FILE // MEGABYTE, "entries": MAX_ENTRIES}
        scripts = ("files/dropped.js", "files/table.js", "shared/save.js")
        super().__init__(None, **{**options, **limits, **parts("files", *scripts)})
        self._reader = reader
        # One pile at a time reads, a slice each, whoever's it is: those who write on the pad don't wait for a thousand
        # photos.
        self._turn = asyncio.Semaphore(1)

    @server
    async def read(self, question: Any, request: gr.Request) -> dict[str, Any]:
        """Answers a Wanted: {"rows": the next ones, at least one where any is left, "total": how many there are}."""
        try:
            wanted = Wanted.model_validate(question)
        except ValidationError:
            raise HTTPException(422, "Not a question of this page.") from None
        files = [(file.name, self._path(file)) for file in wanted.files]
        async with self._turn:
            return await anyio.to_thread.run_sync(_slice, self._reader, spoken_by(request), files, wanted.start)

    def _path(self, file: SentFile) -> str | FileProblem:
        if file.problem:
            return too_large() if file.problem == "too_large" else FileProblem(file.problem)
        try:
            return self.uploaded(file.path)
        except (gr.Error, ValueError, OSError):
            return FileProblem("not_sent")

    def api_info(self) -> dict[str, Any]:
        return {"type": "null"}


def _slice(reader: DigitReader, texts: Texts, files: list[tuple[str, str | FileProblem]], start: int) -> dict[str, Any]:
    end = time.monotonic() + SLICE
    rows = []
    with opened(files) as items:
        for item in items[start:]:
            rows.append(row(item, reader, texts))
            if time.monotonic() > end:
                break
        return {"rows": rows, "total": len(items)}


def row(item: Item, reader: DigitReader, texts: Texts) -> dict[str, Any]:
    """What the table shows of a file: its name and either what was read or, as "error", one sentence why it was not."""

    def not_read(why: str) -> dict[str, Any]:
        return {"file": item.name, "state": "not_read", "error": why}

    try:
        stages = reader.stages(item.load())
    except FileProblem as problem:
        return not_read(texts.say(f"files.{problem.reason}", **problem.facts))
    except ImageError as error:
        return not_read(texts.problem(error))
    except Exception:  # one file must not end the reading of all others, whatever is wrong with it
        log.exception("A file of a pile could not be read")
        return not_read(texts.say("files.unexpected"))
    probability = min((digit.probability for digit in stages.reading.digits), default=None)
    return {
        "file": item.name,
        "state": "sure" if stages.reading.certain else "unsure",
        "probability": probability,
        "percent": None if probability is None else percent(probability),
        "thumbnail": _thumbnail(stages),
        "reading": stages.reading.to_dict(),
    }


def _thumbnail(stages: Stages) -> str:
    _, jpeg = cv2.imencode(".jpg", shrunk(stages.pixels, THUMBNAIL_SIDE)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.tobytes()).decode()}"

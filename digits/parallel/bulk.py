"""Millions of images on a Ray cluster: a folder or bucket in, Parquet out.

Ray Data lists, deals out, retries, writes and keeps the list of what is done; what an image says is the reader's. It
knows filesystems (any that Arrow reads), rows and Ray's actors, and it is the only room that imports Ray.
"""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote

import cv2
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import ray
from pyarrow import fs
from ray.data import Datasource
from ray.data.block import BlockMetadata
from ray.data.checkpoint import CheckpointConfig
from ray.data.datasource import ReadTask

from digits.classifier import DEFAULT_MODEL
from digits.images import IMAGE_SUFFIXES, ImageError
from digits.parallel import cores
from digits.reader import DigitReader
from digits.reading import Reading
from digits.resources import IS_INSTALLED, PACKAGE, ROOT

ROWS = pa.schema(
    [
        ("file", pa.string()),  # the whole address: /data/7.png, s3://bucket/7.png
        ("text", pa.string()),
        ("digits", pa.string()),  # JSON, as in the API's answer
        ("certain", pa.bool_()),
        ("lowest_certainty", pa.float32()),  # null where there are no digits
        ("error", pa.string()),  # why it could not be read; all else but `file` is null then
    ]
)

# Under --out: the rows, and Ray Data's own list of the files whose rows are written.
READINGS, DONE = "readings", "done"

# Files an actor is given at a time: some seconds of work, so that no actor is left alone with the rest.
TASK = 250

# Rows of one Parquet file, and so what a run that is killed does over again.
FILE_ROWS = 2500

# Files that an actor fetches at once, while it reads as many; a bucket answers late, and many at a time.
FETCHES = 8

# Of a cluster's slots (one for each core, if nobody said otherwise), those that no actor takes: listing, sifting and
# writing need some, and wait more than they compute.
SPARE_SLOTS = 2


class BulkError(RuntimeError):
    """A run can't begin: no such folder, or no such filesystem. The message says which."""


def connect(address: str) -> None:
    """Joins a cluster, and sends it the code and the model; "local" starts one on this machine, which ends with it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address == "local":
        ray.init("local", num_cpus=(os.cpu_count() or 1) + SPARE_SLOTS, include_dashboard=False)
        return
    excluded = ["/.venv", "/.git", "/assets", "/benchmarks", "/tests", "/training", "/web", "/runs"]
    checkout = {"working_dir": str(ROOT), "excludes": excluded}
    ray.init(address, runtime_env={"py_modules": [str(PACKAGE)]} if IS_INSTALLED else checkout)


def read_all(names: list[str], out: str, model: str | os.PathLike = DEFAULT_MODEL, file_rows: int = FILE_ROWS) -> None:
    """Reads all images that have no row under `out` yet, on the cluster that `connect` joined.

    Args:
        names: folders and files, as paths or as addresses of a filesystem that Arrow reads (s3://, gs://, hdfs://).
            Every machine of the cluster must see them.
        out: path or address of a folder, seen by every machine likewise; `readings/` there gets Parquet files with the
            columns of ROWS. One run at a time may write to it.
        model: path of another model, the same on every machine.
        file_rows: rows of one Parquet file; the last ones may have fewer.

    Raises:
        BulkError: a name leads nowhere.
    """
    places = list({place.address: place for place in map(_place, names)}.values())
    images = _Listing(places)
    target = _place(out)
    context = ray.data.DataContext.get_current().copy()
    # The list lies beside the rows, not among them: Ray Data searches all of their folder for halves to delete.
    context.checkpoint_config = CheckpointConfig(
        "file", f"{target.path}/{DONE}", delete_checkpoint_on_success=False, override_filesystem=target.filesystem
    )
    with ray.data.DataContext.current(context):
        ray.data.read_datasource(images, override_num_blocks=1).repartition(target_num_rows_per_block=TASK).map_batches(
            _Reader,
            fn_constructor_args=[places, None if model == DEFAULT_MODEL else os.path.abspath(model)],
            batch_size=TASK,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=max(1, int(ray.cluster_resources()["CPU"]) - SPARE_SLOTS)),
            num_cpus=1,
        ).write_parquet(f"{target.path}/{READINGS}", filesystem=target.filesystem, min_rows_per_file=file_rows)


def totals(out: str) -> tuple[int, int]:
    """How many rows lie under `out`, and how many of them are files that could not be read."""
    place = _place(out)
    path = f"{place.path}/{READINGS}"
    if place.filesystem.get_file_info(path).type == fs.FileType.NotFound:
        return 0, 0
    rows = pyarrow.dataset.dataset(path, schema=ROWS, filesystem=place.filesystem)
    return rows.count_rows(), rows.count_rows(filter=pc.field("error").is_valid())


@dataclass(frozen=True)
class _Place:
    """A file or folder, and how to get at it.

    Attributes:
        filesystem: Arrow's, as its address says.
        path: what it is called there.
        prefix: what makes an address of a path there; "" for this machine's own files.
    """

    filesystem: fs.FileSystem
    path: str
    prefix: str

    @property
    def kind(self) -> fs.FileType:
        return self.filesystem.get_file_info(self.path).type

    @property
    def is_image(self) -> bool:
        return os.path.splitext(self.path)[1].lower() in IMAGE_SUFFIXES

    @property
    def address(self) -> str:
        return self.prefix + self.path

    def holds(self, address: str) -> bool:
        return f"{address}/".startswith(f"{self.address}/")

    def entries(self, recursive: bool) -> tuple[list[str], list["_Place"]]:
        """The addresses of the images in a folder, and the folders in it."""
        entries = self.filesystem.get_file_info(fs.FileSelector(self.path, recursive=recursive))
        files = [_Place(self.filesystem, e.path, self.prefix) for e in entries if e.type == fs.FileType.File]
        folders = [_Place(self.filesystem, e.path, self.prefix) for e in entries if e.type == fs.FileType.Directory]
        return [file.address for file in files if file.is_image], folders

    def fetched(self, address: str) -> bytes | OSError:
        try:
            with self.filesystem.open_input_stream(address.removeprefix(self.prefix)) as stream:
                return stream.read()
        except OSError as error:
            return error


def _place(name: str) -> _Place:
    if "://" not in name:
        # Absolute, so that it names the same file tomorrow and elsewhere.
        return _Place(fs.LocalFileSystem(), os.path.abspath(name), "")
    try:
        filesystem, path = fs.FileSystem.from_uri(name)
    except (pa.ArrowException, OSError) as error:
        raise BulkError(f"{name} leads nowhere: {error}") from None
    path = path.rstrip("/")
    return _Place(filesystem, path, unquote(name.partition("?")[0]).rstrip("/").removesuffix(path))


class _Listing(Datasource):
    """The addresses of all images in files and folders, one column `file`; each subfolder is listed by its own task."""

    def __init__(self, places: list[_Place]):
        super().__init__()
        self._images: dict[str, None] = {}
        self._folders: list[_Place] = []
        for place in places:
            if place.kind == fs.FileType.NotFound:
                raise BulkError(f"There is no file or folder {place.address}.")
            around = [other for other in places if other is not place and other.holds(place.address)]
            if place.kind == fs.FileType.File:
                # One that its folder would give as well must not come twice.
                if not (around and place.is_image):
                    self._images[place.address] = None
            elif not around:
                images, folders = place.entries(recursive=False)
                self._images |= dict.fromkeys(images)
                self._folders += folders

    def estimate_inmemory_data_size(self) -> int | None:
        return None

    def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[ReadTask]:
        return [_listed(partial(list, self._images))] + [
            _listed(partial(_all_images, folder)) for folder in self._folders
        ]


def _listed(addresses: Callable[[], list[str]]) -> ReadTask:
    def read() -> list[pa.Table]:
        return [pa.table({"file": pa.array(addresses(), pa.string())})]

    return ReadTask(read, BlockMetadata(None, None, None, None))


def _all_images(folder: _Place) -> list[str]:
    return folder.entries(recursive=True)[0]


class _Reader:
    """An actor: loads the model once, then turns tables of addresses into tables of readings."""

    def __init__(self, places: list[_Place], model: str | None):
        cv2.setNumThreads(1)
        self._places = places
        self._reader = DigitReader(model or DEFAULT_MODEL)

    def __call__(self, files: pa.Table) -> pa.Table:
        addresses = files["file"].to_pylist()
        batches = [addresses[start : start + FETCHES] for start in range(0, len(addresses), FETCHES)]
        rows: list[dict[str, Any]] = []
        with ThreadPoolExecutor(FETCHES) as pool:
            coming = pool.map(self._fetched, addresses[:FETCHES])
            for batch, following in zip(batches, [*batches[1:], []]):
                contents = list(coming)
                coming = pool.map(self._fetched, following)  # on its way while this batch is read
                rows += self._rows(batch, contents)
        return pa.Table.from_pylist(rows, ROWS)

    def _fetched(self, address: str) -> bytes | OSError:
        return next(place for place in self._places if place.holds(address)).fetched(address)

    def _rows(self, addresses: list[str], contents: list[bytes | OSError]) -> list[dict[str, Any]]:
        readings = iter(cores.read_all(self._reader, [content for content in contents if isinstance(content, bytes)]))
        return [
            {"file": address, "error": f"The file could not be fetched: {content}"}
            if isinstance(content, OSError)
            else {"file": address} | _columns(next(readings))
            for address, content in zip(addresses, contents)
        ]


def _columns(reading: Reading | ImageError) -> dict[str, Any]:
    if isinstance(reading, ImageError):
        return {"error": str(reading)}
    said = reading.to_dict()
    return {
        "text": said["text"],
        "digits": json.dumps(said["digits"]),
        "certain": reading.certain,
        "lowest_certainty": min((digit.certainty for digit in reading.digits), default=None),
    }

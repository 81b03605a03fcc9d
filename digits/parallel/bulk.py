"""Read millions of images on a Ray cluster: a folder or bucket in, Parquet files out.

Ray Data lists, distributes, retries, writes, and keeps the list of what is done; the reader reads. This module handles
filesystems (any that Arrow reads), rows and Ray's actors, and it is the only module that imports Ray.
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
from digits.parallel.worker import read_images
from digits.reader import DigitReader
from digits.reading import Reading
from digits.resources import IS_INSTALLED, PACKAGE_DIR, RESOURCE_ROOT

ROW_SCHEMA = pa.schema(
    [
        ("file", pa.string()),  # the whole address: /data/7.png, s3://bucket/7.png
        ("text", pa.string()),
        ("digits", pa.string()),  # JSON, as in the API's response
        ("certain", pa.bool_()),
        ("lowest_certainty", pa.float32()),  # null where there are no digits
        ("error", pa.string()),  # why the file could not be read; all other columns but `file` are null then
    ]
)

# Folders under --out: the rows, and Ray Data's own list of the files whose rows are written.
READINGS_FOLDER, CHECKPOINT_FOLDER = "readings", "done"


@dataclass(frozen=True)
class BulkSettings:
    """Settings of a run.

    Attributes:
        files_per_task: files that an actor gets at a time: some seconds of work, so that no actor works long after the
            others have finished.
        rows_per_file: rows of one Parquet file, which a run repeats after it was killed.
        concurrent_fetches: files that an actor fetches at once, while it reads as many: a bucket responds slowly, and
            to many requests at a time.
        spare_slots: slots of the cluster (one per core, by default) that no actor takes: listing, filtering and writing
            need some, and wait more than they compute.
    """

    files_per_task: int = 250
    rows_per_file: int = 2500
    concurrent_fetches: int = 8
    spare_slots: int = 2


BULK = BulkSettings()


class BulkError(RuntimeError):
    """A run can't begin: no such folder, or no such filesystem. The message says which."""


def connect(address: str) -> None:
    """Connect to a cluster, and send it the code and the model.

    Args:
        address: what `ray.init` takes; "local" starts a cluster on this machine, which ends with this process.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address == "local":
        ray.init("local", num_cpus=(os.cpu_count() or 1) + BULK.spare_slots, include_dashboard=False)
        return
    excluded = ["/.venv", "/.git", "/assets", "/benchmarks", "/tests", "/training", "/web", "/runs"]
    checkout = {"working_dir": str(RESOURCE_ROOT), "excludes": excluded}
    ray.init(address, runtime_env={"py_modules": [str(PACKAGE_DIR)]} if IS_INSTALLED else checkout)


def read_to_parquet(
    names: list[str],
    out: str,
    model: str | os.PathLike = DEFAULT_MODEL,
    rows_per_file: int = BULK.rows_per_file,
) -> None:
    """Read all images that have no row under `out` yet, on the cluster of `connect`.

    Args:
        names: folders and files, as paths or as addresses of a filesystem that Arrow reads (s3://, gs://, hdfs://).
            Every machine of the cluster must see them.
        out: path or address of a folder, which every machine must see too. Its folder `readings/` gets Parquet files
            with the columns of ROW_SCHEMA. One run at a time may write to it.
        model: path of another model, the same on every machine.
        rows_per_file: rows of one Parquet file; the last ones may have fewer.

    Raises:
        BulkError: a file, folder or filesystem does not exist.
    """
    locations = list({location.address: location for location in map(_parse_location, names)}.values())
    images = _ImageListing(locations)
    target = _parse_location(out)
    context = ray.data.DataContext.get_current().copy()
    # The list is stored beside the rows, not among them: Ray Data searches the whole folder of the rows for incomplete
    # files to delete.
    context.checkpoint_config = CheckpointConfig(
        "file",
        f"{target.path}/{CHECKPOINT_FOLDER}",
        delete_checkpoint_on_success=False,
        override_filesystem=target.filesystem,
    )
    actor_count = max(1, int(ray.cluster_resources()["CPU"]) - BULK.spare_slots)
    with ray.data.DataContext.current(context):
        dataset = ray.data.read_datasource(images, override_num_blocks=1)
        dataset.repartition(target_num_rows_per_block=BULK.files_per_task).map_batches(
            _ReaderActor,
            fn_constructor_args=[locations, None if model == DEFAULT_MODEL else os.path.abspath(model)],
            batch_size=BULK.files_per_task,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=actor_count),
            num_cpus=1,
        ).write_parquet(
            f"{target.path}/{READINGS_FOLDER}", filesystem=target.filesystem, min_rows_per_file=rows_per_file
        )


def count_rows(out: str) -> tuple[int, int]:
    """Return how many rows are under `out`, and how many of them are files that could not be read."""
    location = _parse_location(out)
    path = f"{location.path}/{READINGS_FOLDER}"
    if location.filesystem.get_file_info(path).type == fs.FileType.NotFound:
        return 0, 0
    rows = pyarrow.dataset.dataset(path, schema=ROW_SCHEMA, filesystem=location.filesystem)
    return rows.count_rows(), rows.count_rows(filter=pc.field("error").is_valid())


@dataclass(frozen=True)
class _Location:
    """A file or folder in a filesystem.

    Attributes:
        filesystem: Arrow's, as the address says.
        path: its path there.
        prefix: what turns a path there into an address; "" for this machine's own files.
    """

    filesystem: fs.FileSystem
    path: str
    prefix: str

    @property
    def file_type(self) -> fs.FileType:
        return self.filesystem.get_file_info(self.path).type

    @property
    def is_image(self) -> bool:
        return os.path.splitext(self.path)[1].lower() in IMAGE_SUFFIXES

    @property
    def address(self) -> str:
        return self.prefix + self.path

    def contains(self, address: str) -> bool:
        return f"{address}/".startswith(f"{self.address}/")

    def list_folder(self, recursive: bool) -> tuple[list[str], list["_Location"]]:
        """Return the addresses of the images in this folder, and the folders in it."""
        entries = self.filesystem.get_file_info(fs.FileSelector(self.path, recursive=recursive))
        files = [_Location(self.filesystem, e.path, self.prefix) for e in entries if e.type == fs.FileType.File]
        folders = [_Location(self.filesystem, e.path, self.prefix) for e in entries if e.type == fs.FileType.Directory]
        return [file.address for file in files if file.is_image], folders

    def fetch(self, address: str) -> bytes | OSError:
        """Return the content of a file of this filesystem, or the error."""
        try:
            with self.filesystem.open_input_stream(address.removeprefix(self.prefix)) as stream:
                return stream.read()
        except OSError as error:
            return error


def _parse_location(name: str) -> _Location:
    if "://" not in name:
        # Absolute, so that it names the same file in a later run and on another machine.
        return _Location(fs.LocalFileSystem(), os.path.abspath(name), "")
    try:
        filesystem, path = fs.FileSystem.from_uri(name)
    except (pa.ArrowException, OSError) as error:
        raise BulkError(f"{name} leads nowhere: {error}") from None
    path = path.rstrip("/")
    return _Location(filesystem, path, unquote(name.partition("?")[0]).rstrip("/").removesuffix(path))


class _ImageListing(Datasource):
    """The addresses of all images in files and folders, in one column `file`. One task lists each subfolder."""

    def __init__(self, locations: list[_Location]):
        super().__init__()
        self._images: dict[str, None] = {}
        self._folders: list[_Location] = []
        for location in locations:
            if location.file_type == fs.FileType.NotFound:
                raise BulkError(f"There is no file or folder {location.address}.")
            parents = [other for other in locations if other is not location and other.contains(location.address)]
            if location.file_type == fs.FileType.File:
                # A file that its folder lists as well must not come twice.
                if not (parents and location.is_image):
                    self._images[location.address] = None
            elif not parents:
                images, folders = location.list_folder(recursive=False)
                self._images |= dict.fromkeys(images)
                self._folders += folders

    def estimate_inmemory_data_size(self) -> int | None:
        return None

    def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[ReadTask]:
        return [_make_read_task(partial(list, self._images))] + [
            _make_read_task(partial(_list_all_images, folder)) for folder in self._folders
        ]


def _make_read_task(list_addresses: Callable[[], list[str]]) -> ReadTask:
    def read() -> list[pa.Table]:
        return [pa.table({"file": pa.array(list_addresses(), pa.string())})]

    return ReadTask(read, BlockMetadata(None, None, None, None))


def _list_all_images(folder: _Location) -> list[str]:
    return folder.list_folder(recursive=True)[0]


class _ReaderActor:
    """Loads the model once, then converts tables of addresses to tables of readings."""

    def __init__(self, locations: list[_Location], model: str | None):
        cv2.setNumThreads(1)
        self._locations = locations
        self._reader = DigitReader(model or DEFAULT_MODEL)

    def __call__(self, files: pa.Table) -> pa.Table:
        addresses = files["file"].to_pylist()
        size = BULK.concurrent_fetches
        batches = [addresses[start : start + size] for start in range(0, len(addresses), size)]
        rows: list[dict[str, Any]] = []
        with ThreadPoolExecutor(size) as pool:
            fetched = pool.map(self._fetch, addresses[:size])
            for batch, following in zip(batches, [*batches[1:], []]):
                contents = list(fetched)
                fetched = pool.map(self._fetch, following)  # while this batch is read
                rows += self._read_rows(batch, contents)
        return pa.Table.from_pylist(rows, ROW_SCHEMA)

    def _fetch(self, address: str) -> bytes | OSError:
        return next(location for location in self._locations if location.contains(address)).fetch(address)

    def _read_rows(self, addresses: list[str], contents: list[bytes | OSError]) -> list[dict[str, Any]]:
        readings = iter(read_images(self._reader, [content for content in contents if isinstance(content, bytes)]))
        return [
            {"file": address, "error": f"The file could not be fetched: {content}"}
            if isinstance(content, OSError)
            else {"file": address} | _row_values(next(readings))
            for address, content in zip(addresses, contents)
        ]


def _row_values(reading: Reading | ImageError) -> dict[str, Any]:
    if isinstance(reading, ImageError):
        return {"error": str(reading)}
    values = reading.to_dict()
    return {
        "text": values["text"],
        "digits": json.dumps(values["digits"]),
        "certain": reading.certain,
        "lowest_certainty": min((digit.certainty for digit in reading.digits), default=None),
    }

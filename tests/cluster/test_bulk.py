"""python -m digits --ray gives the reader's readings, each file once, even if the run is interrupted."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from digits import ImageError
from helpers.cluster import two_worker_cluster
from helpers.drawing import draw

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "assets" / "examples"


@pytest.fixture(scope="module")
def cluster():
    with two_worker_cluster() as address:
        yield address


@pytest.fixture
def folder(tmp_path):
    """A folder with the examples, 36 drawings in subfolders, and files that are not images."""
    folder = tmp_path / "images"
    shutil.copytree(EXAMPLES, folder / "examples")
    for index in range(36):
        subfolder = folder / f"drawn {index % 3}" / "deeper"
        subfolder.mkdir(parents=True, exist_ok=True)
        draw(str(37 * index), size=(300 + 10 * index, 240), height=100, pen=8 + index % 7).save(
            subfolder / f"{index}.png"
        )
    (folder / "broken.png").write_bytes(b"\x89PNG broken")
    (folder / "empty.jpg").touch()
    content = (EXAMPLES / "5-4079.png").read_bytes()
    (folder / "truncated.png").write_bytes(content[: len(content) // 2])
    (folder / "missing.png").symlink_to(folder / "nowhere")
    (folder / "notes.txt").write_text("not an image, and not to be read")
    return folder


def run_digits(*arguments):
    """Run the command line and return the completed process."""
    command = [sys.executable, "-m", "digits", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def read_rows(files):
    """Return all rows of a Parquet file or of a folder of Parquet files."""
    import pyarrow.dataset

    return pyarrow.dataset.dataset(files).to_table().to_pylist()


def test_rows_equal_the_readers_readings_and_unreadable_files_have_a_reason(cluster, folder, tmp_path, reader):
    done = run_digits("--ray", cluster, folder, folder / "examples" / "1-7.png", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "47 files are in" in done.stdout
    assert "3 of them could not be read" in done.stdout
    images = [path for path in folder.rglob("*") if path.suffix in (".png", ".jpg") and path.exists()]
    got = {row["file"]: row for row in read_rows(tmp_path / "out" / "readings")}
    assert sorted(got) == sorted(map(str, images))
    for path in images:
        row = got[str(path)]
        if path.parent == folder:  # files that are not images
            with pytest.raises(ImageError) as error:
                reader.read(path.read_bytes())
            assert row == dict.fromkeys(row) | {"file": str(path), "error": str(error.value)}
            continue
        expected = reader.read(path.read_bytes())
        assert (row["text"], row["certain"], row["error"]) == (expected.text, expected.certain, None)
        digits = json.loads(row["digits"])
        assert len(digits) == len(expected.digits)
        for one, other in zip(digits, expected.to_dict()["digits"], strict=True):
            assert (one["digit"], one["certain"], one["box"]) == (other["digit"], other["certain"], other["box"])
            np.testing.assert_allclose(one["probs"], other["probs"], atol=1e-6)
        if expected.digits:
            assert row["lowest_certainty"] == pytest.approx(min(digit.certainty for digit in expected.digits), abs=1e-6)


def test_a_killed_run_is_resumed_and_gives_each_file_once(cluster, tmp_path):
    folder, out = tmp_path / "images", tmp_path / "out"
    folder.mkdir()
    drawn = [draw(str(n), size=(64, 64), height=40, pen=5) for n in range(10)]
    for index in range(1500):
        drawn[index % 10].save(folder / f"{index}.png")
    read = f"bulk.read_to_parquet([{str(folder)!r}], {str(out)!r}, rows_per_file=250)"
    command = [sys.executable, "-c", f"from digits.parallel import bulk; bulk.connect({cluster!r}); {read}"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True) as run:
        while not list(out.glob("done/*[0-9].parquet")):
            assert run.poll() is None
            time.sleep(0.05)
        run.send_signal(signal.SIGKILL)
    written = sum(len(read_rows(path)) for path in out.glob("done/*[0-9].parquet"))
    assert 0 < written < 1500

    # As if killed between writing a Parquet file and marking it as done: the file does not count.
    entry = next(out.glob("done/*[0-9].parquet"))
    entry.rename(entry.with_name(f"{entry.stem}.pending.parquet"))

    subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    names = [row["file"] for row in read_rows(out / "readings")]
    assert len(names) == len(set(names)) == 1500
    assert {row["error"] for row in read_rows(out / "readings")} == {None}

    before = sorted(path.name for path in out.glob("readings/*"))
    drawn[3].save(folder / "late.png")
    subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    assert len(read_rows(out / "readings")) == 1501
    assert set(before) < {path.name for path in out.glob("readings/*")}


def test_a_missing_folder_is_reported_in_one_sentence(cluster, tmp_path):
    done = run_digits("--ray", cluster, tmp_path / "none", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert f"There is no file or folder {tmp_path / 'none'}." in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_files_that_storage_cannot_provide_are_rows_too(tmp_path, reader):
    import pyarrow as pa

    from digits.parallel import bulk

    drawn = {str(tmp_path / f"{n}.png"): draw(str(n), size=(64, 64), height=40, pen=5) for n in range(20)}
    for number, (path, image) in enumerate(drawn.items()):
        if number % 3 == 0:
            image.save(path)
        elif number % 3 == 1:
            Path(path).write_bytes(b"no image")
    rows = bulk._ReaderActor([bulk._parse_location(str(tmp_path))], None)(pa.table({"file": list(drawn)})).to_pylist()
    assert [row["file"] for row in rows] == list(drawn)
    for number, (row, image) in enumerate(zip(rows, drawn.values(), strict=True)):
        if number % 3 == 0:
            assert (row["text"], row["error"]) == (reader.read(image).text, None)
        else:
            assert row["text"] is None
            assert ("is not an image", "could not be fetched")[number % 3 - 1] in row["error"]

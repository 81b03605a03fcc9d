"""python -m digits: readings on standard output, what went wrong on standard error, and an honest exit status."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digits import Reading
from digits.__main__ import main
from helpers.drawing import draw

ROOT = Path(__file__).parents[2]


def digits(*arguments, **options):
    command = [sys.executable, "-m", "digits", *map(str, arguments)]
    return subprocess.run(
        command, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options, text=True, cwd=ROOT
    )


@pytest.fixture
def folder(tmp_path):
    draw("7").save(tmp_path / "seven.png")
    draw("42", size=(420, 280)).save(tmp_path / "forty-two.jpg")
    (tmp_path / "deeper").mkdir()
    draw("3").save(tmp_path / "deeper" / "three.png")
    (tmp_path / "notes.txt").write_text("no image, and not to be read as one")
    return tmp_path


def test_one_photo_gives_its_digits_with_probabilities(folder):
    done = digits(folder / "forty-two.jpg")
    assert done.returncode == 0
    assert done.stderr == ""
    assert re.fullmatch(r"42  \(4 99\.\d %, 2 99\.\d %\)\n", done.stdout)


def test_the_json_of_one_photo_is_the_readers(folder, reader):
    done = digits("--json", folder / "seven.png")
    assert json.loads(done.stdout) == reader.read(folder / "seven.png").to_dict()


def test_the_json_of_an_image_has_all_that_the_contract_names(folder):
    said = json.loads(digits("--json", folder / "forty-two.jpg").stdout)
    assert list(said) == ["text", "digits", "numbers", "marks", "table", "rotation"]
    (number,) = said["numbers"]
    assert (number["text"], number["line"], said["marks"], said["table"], said["rotation"]) == ("42", 0, [], None, 0)


def test_standard_input_is_read(folder, reader):
    with (folder / "seven.png").open("rb") as photo:
        done = digits("--json", "-", stdin=photo)
    assert json.loads(done.stdout) == reader.read(folder / "seven.png").to_dict()
    # Of a pipe as well, and among files.
    command = [sys.executable, "-m", "digits", str(folder / "forty-two.jpg"), "-"]
    done = subprocess.run(command, input=(folder / "seven.png").read_bytes(), capture_output=True, cwd=ROOT)
    assert [line.split()[:2] for line in done.stdout.decode().splitlines()] == [
        [f"{folder / 'forty-two.jpg'}:", "42"],
        ["-:", "7"],
    ]


@pytest.mark.parametrize("sent", ["", "no image"])
def test_standard_input_that_is_no_image_is_reported(sent):
    done = digits("-", input=sent)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("-: ")
    assert "Traceback" not in done.stderr


def test_a_file_named_like_standard_input_is_a_file(folder):
    (folder / "seven.png").rename(folder / "-")
    command = [sys.executable, "-m", "digits", "./-"]
    done = subprocess.run(
        command, input="", capture_output=True, text=True, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert done.stdout.startswith("7 ")


def test_a_folder_is_read_whole_with_progress(folder):
    done = digits("--json", folder)
    assert done.returncode == 0
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {Path(line["file"]).name: line["text"] for line in lines} == {
        "seven.png": "7",
        "forty-two.jpg": "42",
        "three.png": "3",
    }
    assert "3/3" in done.stderr


def test_csv_is_a_table(folder):
    done = digits("--csv", folder / "seven.png", folder / "forty-two.jpg")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["text"] for row in rows] == ["7", "42"]
    assert all(0.5 < float(row["lowest_probability"]) <= 1 for row in rows)
    assert [row["certain"] for row in rows] == ["true", "true"]


def test_the_csv_of_a_table_has_its_rows_and_columns(tmp_path):
    cells = [["12", "40", "73"], ["5", "68", "90"], ["24", "3", "17"]]
    rows = [
        np.concatenate([np.asarray(draw(cell, size=(300, 160), height=80, pen=8)) for cell in row], axis=1)
        for row in cells
    ]
    Image.fromarray(np.concatenate(rows)).save(tmp_path / "table.png")
    done = digits("--csv", tmp_path / "table.png")
    assert list(csv.reader(io.StringIO(done.stdout))) == cells
    # Of several files each is one row.
    done = digits("--csv", tmp_path / "table.png", tmp_path / "table.png")
    header, *lines = csv.reader(io.StringIO(done.stdout))
    assert header == ["file", "text", "lowest_probability", "certain"]
    assert [text for _, text, *_ in lines] == ["\n".join(map(" ".join, cells))] * 2


class StubReader:
    """Reads every image as the same."""

    def __init__(self, reading):
        self.reading = reading

    def read_many(self, images):
        return [self.reading for _ in images]


@pytest.fixture
def csv_of(monkeypatch, capsys):
    """Return what `--csv` prints of files of which each has this reading."""

    def run(reading, *names):
        monkeypatch.setattr("digits.__main__.DigitReader", lambda model: StubReader(reading))
        assert main(["--csv", *names]) == 0
        return list(csv.reader(io.StringIO(capsys.readouterr().out)))

    return run


def test_cells_of_a_table_stay_what_they_are(csv_of):
    table = (("-5", "", "12,50"), ("+3", "1.5", "24/11/2026"))
    assert csv_of(Reading(table=table), "one.png") == [list(row) for row in table]
    header = ["file", "text", "lowest_probability", "certain"]
    assert csv_of(Reading(), "one.png") == [header, ["one.png", "", "", "false"]]
    assert csv_of(Reading(table=table), "one.png", "two.png") == [
        header,
        ["one.png", "", "", "false"],
        ["two.png", "", "", "false"],
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_a_spreadsheet_program_does_not_evaluate_the_name_of_a_file(csv_of, start):
    names = [f"{start}cmd|'/c calc'!A1.png", "one.png"]
    # With "--" the command line takes a name that begins with a hyphen.
    _, guarded, plain = csv_of(Reading(), "--", *names)
    assert [guarded[0], plain[0]] == [f"'{names[0]}", "one.png"]


def test_the_name_of_a_file_is_one_cell(csv_of):
    _, row, _ = csv_of(Reading(), 'a,"b"\r=1\n.png', "one.png")
    assert row == ['a,"b"\\r=1\n.png', "", "", "false"]


def test_a_broken_file_is_reported_and_the_rest_go_on(folder):
    (folder / "broken.png").write_bytes(b"\x89PNG broken")
    done = digits(folder / "broken.png", folder / "seven.png")
    assert done.returncode == 1
    assert "broken.png" in done.stderr
    assert "Traceback" not in done.stderr
    assert "seven.png: 7" in done.stdout


@pytest.mark.parametrize("form", [(), ("--csv",), ("--json",)])
def test_a_name_that_can_not_be_printed_is_escaped(folder, form):
    try:
        draw("5").save(os.fsencode(folder) + b"/m\xff.png", "PNG")
    except OSError:
        pytest.skip("this system has no such names")
    done = digits(*form, folder, env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"})
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    (line,) = (line for line in done.stdout.splitlines() if "\\udcff.png" in line)
    assert "5" in line
    assert "seven.png" in done.stdout


def test_a_name_that_is_too_long_is_reported_and_the_rest_go_on(folder):
    done = digits(folder / "seven.png", "x" * 5000, folder / "forty-two.jpg")
    assert done.returncode == 1
    assert "could not be opened" in done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["7", "42"]


def test_a_blank_page_says_so(tmp_path):
    Image.new("L", (200, 200), 255).save(tmp_path / "blank.png")
    done = digits(tmp_path / "blank.png")
    assert done.returncode == 0
    assert done.stdout == "no digit found\n"


def test_a_missing_model_is_one_sentence(folder):
    done = digits("--model", folder / "none.onnx", folder / "seven.png")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "make train" in done.stderr


def test_without_gradio_the_page_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["serve"]) == 2
    assert capsys.readouterr().err == 'The page needs Gradio: pip install ".[web]"\n'


def test_without_ray_a_cluster_is_one_sentence(folder):
    # Ray hidden, wherever it is installed.
    code = "import sys; sys.modules['ray'] = None; from digits.__main__ import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "--ray", "local", str(folder), "--out", str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr == 'Reading on a cluster needs Ray: pip install ".[ray]"\n'


def test_no_cache_folder_is_needed_nor_made(folder):
    home = folder / "home"
    home.mkdir()
    done = digits(folder / "seven.png", env=os.environ | {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")})
    assert done.stderr == ""
    assert not list(home.iterdir())
    done = digits(folder / "seven.png", env=os.environ | {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null"})
    assert done.stdout.startswith("7 ")
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_sentence(folder):
    with open("/dev/full", "w") as full:
        done = digits(folder / "seven.png", stdout=full)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "could not be written" in done.stderr

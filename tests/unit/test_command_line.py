"""The command line: readings on standard output, errors on standard error, and the exit status."""

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


def run_digits(*arguments, **options):
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
    (tmp_path / "notes.txt").write_text("not an image, and skipped")
    return tmp_path


def test_one_photo_prints_digits_with_probabilities(folder):
    done = run_digits(folder / "forty-two.jpg")
    assert done.returncode == 0
    assert done.stderr == ""
    assert re.fullmatch(r"42  \(4 99\.\d %, 2 99\.\d %\)\n", done.stdout)


def test_json_of_one_photo_is_that_of_the_reader(folder, reader):
    done = run_digits("--json", folder / "seven.png")
    assert json.loads(done.stdout) == reader.read(folder / "seven.png").to_dict()


def test_json_has_every_key_of_the_contract(folder):
    values = json.loads(run_digits("--json", folder / "forty-two.jpg").stdout)
    assert list(values) == ["text", "digits", "numbers", "marks", "table", "rotation"]
    (number,) = values["numbers"]
    assert (number["text"], number["line"], values["marks"], values["table"], values["rotation"]) == (
        "42",
        0,
        [],
        None,
        0,
    )


def test_standard_input_is_read(folder, reader):
    with (folder / "seven.png").open("rb") as photo:
        done = run_digits("--json", "-", stdin=photo)
    assert json.loads(done.stdout) == reader.read(folder / "seven.png").to_dict()
    # Also from a pipe, and together with files.
    command = [sys.executable, "-m", "digits", str(folder / "forty-two.jpg"), "-"]
    done = subprocess.run(command, input=(folder / "seven.png").read_bytes(), capture_output=True, cwd=ROOT)
    assert [line.split()[:2] for line in done.stdout.decode().splitlines()] == [
        [f"{folder / 'forty-two.jpg'}:", "42"],
        ["-:", "7"],
    ]


@pytest.mark.parametrize("content", ["", "no image"])
def test_invalid_standard_input_is_reported(content):
    done = run_digits("-", input=content)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("-: ")
    assert "Traceback" not in done.stderr


def test_dot_slash_hyphen_is_a_file(folder):
    (folder / "seven.png").rename(folder / "-")
    command = [sys.executable, "-m", "digits", "./-"]
    done = subprocess.run(
        command, input="", capture_output=True, text=True, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert done.stdout.startswith("7 ")


def test_folder_is_read_recursively_with_progress(folder):
    done = run_digits("--json", folder)
    assert done.returncode == 0
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {Path(line["file"]).name: line["text"] for line in lines} == {
        "seven.png": "7",
        "forty-two.jpg": "42",
        "three.png": "3",
    }
    assert "3/3" in done.stderr


def test_csv_has_a_row_per_file(folder):
    done = run_digits("--csv", folder / "seven.png", folder / "forty-two.jpg")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["text"] for row in rows] == ["7", "42"]
    assert all(0.5 < float(row["lowest_probability"]) <= 1 for row in rows)
    assert [row["certain"] for row in rows] == ["true", "true"]


def test_csv_of_a_table_has_its_rows_and_columns(tmp_path):
    cells = [["12", "40", "73"], ["5", "68", "90"], ["24", "3", "17"]]
    rows = [
        np.concatenate([np.asarray(draw(cell, size=(300, 160), height=80, pen=8)) for cell in row], axis=1)
        for row in cells
    ]
    Image.fromarray(np.concatenate(rows)).save(tmp_path / "table.png")
    done = run_digits("--csv", tmp_path / "table.png")
    assert list(csv.reader(io.StringIO(done.stdout))) == cells
    # With several files, each file is one row.
    done = run_digits("--csv", tmp_path / "table.png", tmp_path / "table.png")
    header, *lines = csv.reader(io.StringIO(done.stdout))
    assert header == ["file", "text", "lowest_probability", "certain"]
    assert [text for _, text, *_ in lines] == ["\n".join(map(" ".join, cells))] * 2


class StubReader:
    """Returns the same reading for every image."""

    def __init__(self, reading):
        self.reading = reading

    def read_many(self, images):
        return [self.reading for _ in images]


@pytest.fixture
def run_csv(monkeypatch, capsys):
    """Return a function that runs `--csv` on files which all have the same reading, and returns the rows."""

    def run(reading, *names):
        monkeypatch.setattr("digits.__main__.DigitReader", lambda model: StubReader(reading))
        assert main(["--csv", *names]) == 0
        return list(csv.reader(io.StringIO(capsys.readouterr().out)))

    return run


def test_cells_of_a_table_are_not_escaped(run_csv):
    table = (("-5", "", "12,50"), ("+3", "1.5", "24/11/2026"))
    assert run_csv(Reading(table=table), "one.png") == [list(row) for row in table]
    header = ["file", "text", "lowest_probability", "certain"]
    assert run_csv(Reading(), "one.png") == [header, ["one.png", "", "", "false"]]
    assert run_csv(Reading(table=table), "one.png", "two.png") == [
        header,
        ["one.png", "", "", "false"],
        ["two.png", "", "", "false"],
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_file_names_are_escaped_for_spreadsheet_programs(run_csv, start):
    names = [f"{start}cmd|'/c calc'!A1.png", "one.png"]
    # After "--" the command line accepts a name that begins with a hyphen.
    _, escaped, plain = run_csv(Reading(), "--", *names)
    assert [escaped[0], plain[0]] == [f"'{names[0]}", "one.png"]


def test_file_name_is_one_cell(run_csv):
    _, row, _ = run_csv(Reading(), 'a,"b"\r=1\n.png', "one.png")
    assert row == ['a,"b"\\r=1\n.png', "", "", "false"]


def test_broken_file_is_reported_and_the_rest_is_read(folder):
    (folder / "broken.png").write_bytes(b"\x89PNG broken")
    done = run_digits(folder / "broken.png", folder / "seven.png")
    assert done.returncode == 1
    assert "broken.png" in done.stderr
    assert "Traceback" not in done.stderr
    assert "seven.png: 7" in done.stdout


@pytest.mark.parametrize("form", [(), ("--csv",), ("--json",)])
def test_unprintable_file_name_is_escaped(folder, form):
    try:
        draw("5").save(os.fsencode(folder) + b"/m\xff.png", "PNG")
    except OSError:
        pytest.skip("this system does not allow such names")
    done = run_digits(*form, folder, env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"})
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    (line,) = (line for line in done.stdout.splitlines() if "\\udcff.png" in line)
    assert "5" in line
    assert "seven.png" in done.stdout


def test_too_long_file_name_is_reported_and_the_rest_is_read(folder):
    done = run_digits(folder / "seven.png", "x" * 5000, folder / "forty-two.jpg")
    assert done.returncode == 1
    assert "could not be opened" in done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["7", "42"]


def test_blank_page_prints_that_no_digit_was_found(tmp_path):
    Image.new("L", (200, 200), 255).save(tmp_path / "blank.png")
    done = run_digits(tmp_path / "blank.png")
    assert done.returncode == 0
    assert done.stdout == "no digit found\n"


def test_missing_model_prints_one_line(folder):
    done = run_digits("--model", folder / "none.onnx", folder / "seven.png")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "make train" in done.stderr


def test_serve_without_gradio_prints_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["serve"]) == 2
    assert capsys.readouterr().err == 'The page needs Gradio: pip install ".[web]"\n'


def test_ray_option_without_ray_prints_what_to_install(folder):
    # Ray can't be imported in this process, even if it is installed.
    code = "import sys; sys.modules['ray'] = None; from digits.__main__ import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "--ray", "local", str(folder), "--out", str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr == 'Reading on a cluster needs Ray: pip install ".[ray]"\n'


def test_no_cache_folder_is_needed_or_created(folder):
    home = folder / "home"
    home.mkdir()
    done = run_digits(folder / "seven.png", env=os.environ | {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")})
    assert done.stderr == ""
    assert not list(home.iterdir())
    done = run_digits(folder / "seven.png", env=os.environ | {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null"})
    assert done.stdout.startswith("7 ")
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_disk_prints_one_line(folder):
    with open("/dev/full", "w") as full:
        done = run_digits(folder / "seven.png", stdout=full)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "could not be written" in done.stderr

"""The figures in the documents are those of the tables, which were measured with the shipped models."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.drawn import DRAWN_SETS
from benchmarks.sets import SETS
from digits.classifier import DEFAULT_MODEL
from digits.pages import DEFAULT_PAGE_MODEL
from helpers.tables import cell

REPOSITORY = Path(__file__).parents[2]
ACCURACY = (REPOSITORY / "benchmarks" / "accuracy.md").read_text()
SPEED = (REPOSITORY / "benchmarks" / "speed.md").read_text()
LOAD = (REPOSITORY / "benchmarks" / "load.md").read_text()
OVERLOAD = (REPOSITORY / "benchmarks" / "overload.md").read_text()
OCR = (REPOSITORY / "benchmarks" / "ocr_rivals.md").read_text()
RIVALS = (REPOSITORY / "benchmarks" / "rivals.md").read_text()
FUZZ = (REPOSITORY / "benchmarks" / "fuzz.md").read_text()
CLUSTER = (REPOSITORY / "benchmarks" / "cluster.md").read_text()
SCALING = (REPOSITORY / "docs" / "scaling.md").read_text()
README = (REPOSITORY / "README.md").read_text()
FIGURES = (REPOSITORY / "docs" / "figures.md").read_text()
CARD = (REPOSITORY / "models" / "README.md").read_text()

# README's columns, and those of the accuracy table.
README_COLUMNS = {
    "exactly right": "exactly right",
    "certain": "vouched for",
    "certain, but wrong": "vouched for and wrong",
}


@pytest.mark.parametrize("measured", [ACCURACY, SPEED, FUZZ], ids=["accuracy", "speed", "fuzz"])
def test_tables_were_measured_with_the_shipped_models(measured):
    digests = re.findall(r"SHA-256 begins with (\w+)", measured)
    assert 1 <= len(digests) <= 2  # the digit network's and the page network's
    for digest, model in zip(digests, (DEFAULT_MODEL, DEFAULT_PAGE_MODEL)):
        assert hashlib.sha256(model.read_bytes()).hexdigest().startswith(digest)


def table_rows(document, first_column):
    """Return the rows of the table whose first column has that name, as dicts by column; of a cell all of its text."""
    lines = document[document.index(f"| {first_column} |") :].partition("\n\n")[0].splitlines()
    head, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if not line.startswith("|-")]
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_model_card_quotes_the_accuracy_table():
    table = [line for line in ACCURACY.partition("\n\n")[0].splitlines() if not line.startswith("|-")]
    assert [line.split(" | ")[0].removeprefix("| ") for line in table] == ["set", *SETS, *DRAWN_SETS]
    assert [line for line in table if line not in CARD] == []


def test_the_readme_quotes_the_accuracy_table():
    measured = {row["set"]: row for row in table_rows(ACCURACY, "set")}
    quoted = table_rows(README, "pictures")
    assert len(quoted) >= 12
    for row in quoted:
        (name,) = re.findall(r"\(`([^`]+)`\)$", row["pictures"])
        parts = [measured[part] for part in (name, f"{name} (look)", f"{name} (count)") if part in measured]
        counts = [int(part["images"]) for part in parts]
        assert row["images"] == f"{sum(counts):,}", name
        for column, source in README_COLUMNS.items():
            shares = [float(part[source].rstrip("%")) for part in parts if part[source]]
            mean = f"{np.average(shares, weights=counts):.1f}%" if shares else ""
            assert row[column] == mean, (name, column)


def test_the_readme_quotes_the_comparison_with_other_ocr():
    measured = {(f"`dev/{row['set']}`, {row['images']}", row["contestant"]): row for row in table_rows(OCR, "set")}
    quoted = table_rows(README, "exactly right, median time")
    assert len(quoted) * 4 == len(measured)
    for row in quoted:
        name = row.pop("exactly right, median time")
        for program, figures in row.items():
            contestant = "this reader" if program == "this program" else program
            source = measured[name, contestant]
            assert figures == f"{source['exactly right']}, {source['ms a picture']} ms", (name, contestant)


def test_the_figures_quote_the_corruptions_mean_and_the_roc_area():
    (mean,) = re.findall(r"\*\*mean\*\* \| \*\*([\d.]+)%", ACCURACY)
    (area,) = re.findall(r"ROC curve ([\d.]+)", ACCURACY)
    assert f"{mean} % right" in FIGURES
    assert f"ROC curve of {area}" in FIGURES


def test_the_figures_quote_the_shipped_networks_accuracy():
    (accuracy,) = re.findall(r"MNIST test accuracy \| \*\*([\d.]+)%", CARD)
    assert f"**{accuracy} %**" in FIGURES


def test_the_documents_quote_the_speed():
    drawing = cell(SPEED, "480x480 drawing of a 7", "read()")
    photo = cell(SPEED, "12-megapixel photo of a 7", "read()")
    page = cell(SPEED, "12-megapixel photo of a page of numbers", "read()")
    (start,) = re.findall(r"command line, one 480x480 drawing \| ([\d.]+ s)", SPEED)
    figures = " ".join(FIGURES.split())
    assert f"a 480x480 drawing in {drawing}, a 12-megapixel photo in {photo}" in figures
    assert f"line answers {start}" in figures
    for document in (README, FIGURES):
        assert f"drawing in {drawing}" in document
        assert f"a 12-megapixel photo of a page of numbers in {page}" in " ".join(document.split())


def test_the_figures_quote_the_fuzz_results():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in FUZZ.splitlines()[2:5]]
    assert sum(int(row[1]) for row in rows) == 100_000
    assert {row[4] for row in rows} == {"0"}
    slowest = max((row[6] for row in rows), key=lambda seconds: float(seconds.split()[0]))
    assert f"the slowest took {slowest} of a core" in " ".join(FIGURES.split())


def test_the_figures_quote_load_and_memory():
    for server in ("ours", "Flask + Keras"):
        row = rf"^\| {re.escape(server)} \| 28x28 digit \| 32 \| (\d+) .* \| (\d+) ms \| 0 \|"
        ((rate, p99),) = re.findall(row, LOAD, re.MULTILINE)
        assert f"{rate} requests/s, 99 % within {int(p99):,} ms" in FIGURES
    for server in ("ours", "Gradio + Keras"):
        (megabytes,) = re.findall(rf"^\| {re.escape(server)} \| (\d+) MB", LOAD, re.MULTILINE)
        assert f"{megabytes} MB" in FIGURES


def test_the_figures_quote_the_overload():
    rows = dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|$", OVERLOAD, re.MULTILINE))
    max_rate, offered_rate = (
        int(rows[name].removesuffix("/s")) for name in ("rate that it holds, 32 callers", "asked for 600 s")
    )
    assert abs(offered_rate - 2 * max_rate) <= 1
    assert rows["answered otherwise"] == rows["answers that differ from the serial run's"] == "0"
    figures = " ".join(FIGURES.split())
    assert f"Asked for {offered_rate:,} requests/s for ten minutes, twice what it holds" in figures
    assert f"it answered {int(rows['answered'].partition(',')[0]):,}" in figures
    assert f"refused {int(rows['refused with 503']):,} with 503" in figures
    assert f"the next one in {rows['first answer once it was over'].partition(',')[0]} once" in figures


def test_the_figures_quote_the_rivals():
    times = dict(re.findall(r"^\| ([^|]+?) \| ([\d.]+) ms", RIVALS, re.MULTILINE))
    (row,) = re.findall(r"^\| the network alone, one core .*$", FIGURES, re.MULTILINE)
    for name, milliseconds in times.items():
        shown = f"{float(milliseconds):.0f}" if float(milliseconds) > 10 else milliseconds
        assert re.search(rf"\b{re.escape(shown)} ms", row), name


def test_the_scaling_document_quotes_the_measurements():
    rows = [line for line in CLUSTER.splitlines() if line.startswith("|")]
    assert len(rows) == 14
    assert [line for line in rows if line not in SCALING] == []
    for image in ("28x28 digit", "560x420 photo of a digit"):
        (rate,) = re.findall(rf"^\| ours \| {image} \| 32 \| (\d+) ", LOAD, re.MULTILINE)
        assert re.search(rf"\b{rate}\b", SCALING)

"""The figures: accuracy, speed and size of the shipped model, from the files that training and benchmarks write.

It has no figures of its own. Names of data sets, columns and rows come from the files; the browser shows the text that
a language has for a name (`texts.figures`), and otherwise the name. Where a file is missing, its section has no rows
and the page says so.
"""

import json
import re
from pathlib import Path
from typing import Any

import gradio as gr

from digits.resources import RESOURCE_ROOT
from web.components.component import html_options
from web.components.figures.curves import draw_curves

Table = dict[str, list[Any]]
Run = dict[str, Any]  # the content of a file in models/metrics/


def create_figures() -> gr.HTML:
    """Create the component."""
    return gr.HTML(load_figures(), elem_classes="figures", **html_options("figures"))


def load_figures(project: Path = RESOURCE_ROOT) -> dict[str, Any]:
    """Return all figures as plain data.

    Args:
        project: the folder that has models/ and benchmarks/.

    Returns:
        "headline": pairs of a name and its figure, without those that have not been measured.
        "sections": in order of display, each with
            "name" and "file", the file that its figures are from,
            "facts", the values for its texts; a text whose values are missing is not shown,
            "head" and "rows" of its table, whose names are labels (see `table_label`),
            "pictures" instead of a table, SVG by name (see `draw_curves`).
            A section without rows and pictures has not been measured.
    """
    accuracy = _read_text(project / "benchmarks" / "accuracy.md")
    speed = _read_text(project / "benchmarks" / "speed.md")
    accuracy_table, speed_table = _find_table(accuracy, "set"), _find_table(speed, "image")
    corruptions = _find_table(accuracy, "corruption")
    metrics_files = sorted((project / "models" / "metrics").glob("*.json"))
    metrics = {path.stem: json.loads(_read_text(path)) for path in metrics_files}
    metrics.pop("pages", None)  # the page network has another task and other figures
    shipped = metrics.pop("shipped", {})
    runs = list(metrics.values())
    members = [run for run in runs if shipped and run["arch"] == shipped["arch"] and run["seed"] in shipped["seeds"]]
    histories = [run["history"] for run in members if "history" in run]

    size = sum(path.stat().st_size for path in (project / "models").glob("*.onnx"))
    headline = [
        ("mnist", f"{shipped['test_accuracy']:.2%}" if shipped else ""),
        ("single", _cell(accuracy_table, "dev/single", "exactly right")),
        ("size", f"{size / 1e6:.2f} MB" if size else ""),
        ("drawing", _cell(speed_table, "480x480 drawing of a 7", "read()")),
    ]
    accuracy_facts = {
        "model": _find(r"SHA-256 begins with (\w+)", accuracy),
        "area": _find(r"ROC curve ([\d.]+)", accuracy),
        "shapes": _find(r"Drawn tables: ([\d.]+%)", accuracy),
        "cells": _find(r"and ([\d.]+%) of all [\d,]+ cells", accuracy),
        "all_cells": _find(r"of all ([\d,]+) cells", accuracy),
    }
    corruption_facts = {
        "count": re.sub(r"\d+", lambda number: f"{int(number[0]):,}", _find(r"first (\d+) test images", accuracy)),
        "ways": sum(name != "mean" for name, *_ in corruptions.get("rows", [])),
    }
    speed_facts = {"runs": _find(r"Medians of (\d+) runs", speed), "cores": _find(r"one of (\d+) cores", speed)}
    training_facts = {
        "count": len(histories),
        "epochs": max((run["epochs"] for run in members), default=""),
        "best": ", ".join(str(run["best_epoch"]) for run in members),
    }
    return {
        "headline": [(name, figure) for name, figure in headline if figure],
        "sections": [
            _section("accuracy", "benchmarks/accuracy.md", accuracy_table, accuracy_facts),
            _section("corruptions", "benchmarks/accuracy.md", corruptions, corruption_facts),
            _section("confusion", "models/metrics/shipped.json", _confusion_table(shipped), _confusion_facts(shipped)),
            _section("speed", "benchmarks/speed.md", speed_table, speed_facts),
            _section("cold_start", "benchmarks/speed.md", _find_table(speed, "cold start")),
            _section("networks", "models/metrics", _networks_table(shipped, runs)),
            {
                **_section("curves", "models/metrics", {}, training_facts),
                "pictures": {name: draw_curves(histories, name) for name in ("loss", "accuracy")}
                if histories
                else None,
            },
        ],
    }


def parse_tables(markdown: str) -> list[Table]:
    """Return the tables of a Markdown text: each has a "head" of names, and "rows" of as many cells, all as text."""
    parsed: list[Table] = []
    previous = ""
    for line in markdown.splitlines():
        if re.fullmatch(r"[|\s:-]*-[|\s:-]*", line) and previous.startswith("|"):
            parsed.append({"head": _split_row(previous), "rows": []})
        elif parsed and line.startswith("|") and previous.startswith("|"):
            parsed[-1]["rows"].append(_split_row(line))
        previous = line
    return parsed


def table_label(name: str) -> dict[str, str]:
    """Return a name from a file, and the key under which the languages may have a text for it."""
    return {"name": name, "key": re.sub(r"\W+", "_", name.lower()).strip("_")}


def _section(name: str, file: str, table: Table, facts: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "file": file,
        "facts": {fact: value for fact, value in (facts or {}).items() if value not in ("", None)},
        "head": [table_label(column) for column in table.get("head", [])],
        "rows": [[table_label(row), *cells] for row, *cells in table.get("rows", [])],
    }


def _read_text(path: Path) -> str:
    """Return the content of a file, empty where there is none."""
    return path.read_text("utf-8") if path.exists() else ""


def _find(pattern: str, text: str) -> str:
    """Return the first group of a pattern's first match, empty where it does not match."""
    match = re.search(pattern, text)
    return match[1] if match else ""


def _split_row(line: str) -> list[str]:
    return [cell.strip().strip("*") for cell in line.strip().strip("|").split("|")]


def _find_table(markdown: str, first_column: str) -> Table:
    """Return the first table whose first column has this name, empty where there is none."""
    return next((table for table in parse_tables(markdown) if table["head"][0] == first_column), {})


def _cell(table: Table, row: str, column: str) -> str:
    cells = next((cells for cells in table.get("rows", []) if cells[0] == row), None)
    return cells[table["head"].index(column)] if cells and column in table["head"] else ""


def _confusion_table(run: Run) -> Table:
    counts = run.get("test_confusion")
    if not counts:
        return {}
    return {
        "head": ["is", *map(str, range(10))],
        "rows": [[str(digit), *map(str, row)] for digit, row in enumerate(counts)],
    }


def _confusion_facts(run: Run) -> dict[str, Any]:
    """Return the number of test images and of errors, and which digit is most often read as which."""
    counts = run.get("test_confusion")
    if not counts:
        return {}
    count, digit, other = max((counts[i][j], i, j) for i in range(10) for j in range(10) if i != j)
    return {
        "images": f"{run['test_images']:,}",
        "errors": run["test_errors"],
        "count": count,
        "digit": digit,
        "other": other,
    }


def _networks_table(shipped: Run, runs: list[Run]) -> Table:
    """Return a table with the shipped network first, then all others, the most accurate first."""
    best_first = sorted(runs, key=lambda run: -run["test_accuracy"])
    rows = [
        [
            run["arch"],
            " + ".join(map(str, run.get("seeds", [run.get("seed")]))),
            f"{run['parameters']:,}",
            f"{run['bytes'] / 1e6:.2f} MB",
            f"{run['latency_ms']:.2f} ms",
            f"{run['test_accuracy']:.2%}",
            str(run["test_errors"]),
        ]
        for run in ([shipped] if shipped else []) + best_first
    ]
    head = ["network", "seed", "parameters", "size", "one image", "MNIST test accuracy", "test errors"]
    return {"head": head, "rows": rows}

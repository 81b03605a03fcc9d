"""The figures: how good, how fast and how large the shipped model is, as training and the benchmarks wrote it down.

It reads their files, and knows no figure of its own. Names of sets, columns and rows are theirs; the browser puts into
words what it has a text for (`texts.figures`), and shows the rest as it stands. A file that is absent leaves a section
without rows, and the page says so.
"""

import json
import re
from pathlib import Path
from typing import Any

import gradio as gr

from digits.resources import ROOT
from web.components.component import parts
from web.components.figures.curves import curves

Table = dict[str, list]


def figures() -> gr.HTML:
    """The figures on the page."""
    return gr.HTML(measured(), elem_classes="figures", **parts("figures"))


def measured(project: Path = ROOT) -> dict[str, Any]:
    """All figures, as plain data.

    Args:
        project: the folder that has models/ and benchmarks/.

    Returns:
        "headline": pairs of a name and its figure, only those that were measured. "sections", in order: each with a
        "name", the "file" it is from, "facts" for its sentences (a note without its facts isn't said), and a table as
        "head" and "rows" (see `named`), or "pictures" (see `curves`); with neither where the file, or what is looked
        for in it, is absent.
    """
    accuracy, speed = _text(project / "benchmarks" / "accuracy.md"), _text(project / "benchmarks" / "speed.md")
    metrics = {path.stem: json.loads(_text(path)) for path in sorted((project / "models" / "metrics").glob("*.json"))}
    metrics.pop("pages", None)  # the page network's: another task, with other figures
    shipped = metrics.pop("shipped", {})
    runs = list(metrics.values())
    members = [run for run in runs if shipped and run["arch"] == shipped["arch"] and run["seed"] in shipped["seeds"]]
    histories = [run["history"] for run in members if "history" in run]

    single = _cell(_table(accuracy, "set"), "dev/single", "exactly right")
    drawing = [_cell(_table(speed, "image"), "480x480 drawing of a 7", name) for name in ("read()", "whole road")]
    size = sum(path.stat().st_size for path in (project / "models").glob("*.onnx"))
    headline = [
        ("mnist", f"{shipped['test_accuracy']:.2%}" if shipped else ""),
        ("single", single),
        ("size", f"{size / 1e6:.2f} MB" if size else ""),
        ("drawing", "".join(drawing)),
    ]
    measured_with = {"model": _found(r"SHA-256 begins with (\w+)", accuracy)}
    conditions = {"runs": _found(r"Medians of (\d+) runs", speed), "cores": _found(r"one of (\d+) cores", speed)}
    area = {"area": _found(r"ROC curve ([\d.]+)", accuracy)}
    drawn = {
        "shapes": _found(r"Drawn tables: ([\d.]+%)", accuracy),
        "cells": _found(r"and ([\d.]+%) of all [\d,]+ cells", accuracy),
        "all_cells": _found(r"of all ([\d,]+) cells", accuracy),
    }
    corruptions = _table(accuracy, "corruption")
    spoilt = {
        "count": _found(r"first (\d+) test images", accuracy),
        "ways": sum(name != "mean" for name, *_ in corruptions.get("rows", [])),
    }
    learnt = {
        "count": len(histories),
        "epochs": max((run["epochs"] for run in members), default=""),
        "best": ", ".join(str(run["best_epoch"]) for run in members),
    }
    return {
        "headline": [pair for pair in headline if pair[1]],
        "sections": [
            _section("accuracy", "benchmarks/accuracy.md", _table(accuracy, "set"), measured_with | area | drawn),
            _section("corruptions", "benchmarks/accuracy.md", corruptions, spoilt),
            _section("confusion", "models/metrics/shipped.json", _confusion(shipped), _worst(shipped)),
            _section("speed", "benchmarks/speed.md", _table(speed, "image"), conditions),
            _section("cold_start", "benchmarks/speed.md", _table(speed, "cold start")),
            _section("networks", "models/metrics", _networks(shipped, runs)),
            {
                **_section("curves", "models/metrics", {}, learnt),
                "pictures": {name: curves(histories, name) for name in ("loss", "accuracy")} if histories else None,
            },
        ],
    }


def tables(markdown: str) -> list[Table]:
    """The tables of a Markdown text: each has a "head" of names, and "rows" of as many cells, all as they stand."""
    found: list[Table] = []
    before = ""
    for line in markdown.splitlines():
        if re.fullmatch(r"[|\s:-]*-[|\s:-]*", line) and before.startswith("|"):
            found.append({"head": _cells(before), "rows": []})
        elif found and line.startswith("|") and before.startswith("|"):
            found[-1]["rows"].append(_cells(line))
        before = line
    return found


def named(word: str) -> dict[str, str]:
    """A name of a file: its word as it stands, and the key under which the languages have theirs."""
    return {"word": word, "key": re.sub(r"\W+", "_", word.lower()).strip("_")}


def _section(name: str, file: str, table: Table, facts: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "file": file,
        "facts": {fact: value for fact, value in (facts or {}).items() if value not in ("", None)},
        "head": [named(word) for word in table.get("head", [])],
        "rows": [[named(first), *cells] for first, *cells in table.get("rows", [])],
    }


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else ""


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("*") for cell in line.strip().strip("|").split("|")]


def _table(markdown: str, first_column: str) -> Table:
    return next((table for table in tables(markdown) if table["head"][0] == first_column), {})


def _cell(table: Table, row: str, column: str) -> str:
    cells = next((cells for cells in table.get("rows", []) if cells[0] == row), None)
    return cells[table["head"].index(column)] if cells and column in table["head"] else ""


def _confusion(run: dict[str, Any]) -> Table:
    counts = run.get("test_confusion")
    if not counts:
        return {}
    return {
        "head": ["is", *map(str, range(10))],
        "rows": [[str(digit), *map(str, row)] for digit, row in enumerate(counts)],
    }


def _worst(run: dict[str, Any]) -> dict[str, Any]:
    """How many test images are read wrongly, and which digit is most often taken for which."""
    counts = run.get("test_confusion")
    if not counts:
        return {}
    mistakes = [(counts[i][j], i, j) for i in range(10) for j in range(10) if i != j]
    count, digit, other = max(mistakes)
    return {
        "images": f"{run['test_images']:,}",
        "errors": run["test_errors"],
        "count": count,
        "digit": digit,
        "other": other,
    }


def _networks(shipped: dict[str, Any], runs: list[dict[str, Any]]) -> Table:
    """What ships first, then the networks, the best first."""
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

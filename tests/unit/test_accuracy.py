"""The floor of the table in benchmarks/accuracy.md, with a small margin: a reader that got worse does not pass."""

import csv
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.accuracy import (
    HEAD,
    area_under_roc,
    certainty,
    character_error,
    corruption_table,
    digit_lines,
    is_right,
    row,
    tables_right_in_part,
)
from benchmarks.drawn import Truth
from benchmarks.ocr_rivals import joined_lines
from benchmarks.sets import SETS, cvl_digits, mnist_pages, multi, one_part
from digits.classifier import Classifier

# Of each set, how many images are read here, and the least part that must be exactly right.
FLOORS = {
    "MNIST test": (10_000, 0.995),
    "dev/single": (408, 0.99),
    "dev/pen_digits": (1000, 0.955),
    "dev/usps_train": (3000, 0.99),
    "dev/pen_strings": (249, 0.88),
    "dev/multi": (72, 0.9),
}


def samples_of(name, mnist_path, count=None):
    try:
        return list(islice(SETS[name](mnist_path.parent), count))
    except FileNotFoundError:
        pytest.skip(f"{name} is not on this machine")


def test_the_shipped_model_reads_the_mnist_test_set(mnist):
    probabilities, _ = Classifier().classify(mnist["x_test"] / np.float32(255))
    assert (probabilities.argmax(1) == mnist["y_test"]).mean() >= 0.9965


@pytest.mark.parametrize("name", FLOORS)
def test_real_handwriting_is_read_as_well_as_the_table_says(reader, mnist_path, name):
    count, floor = FLOORS[name]
    images, texts = zip(*samples_of(name, mnist_path, count))
    right = np.mean([is_right(reading, text) for reading, text in zip(reader.read_many(images), texts)])
    assert right >= floor


def test_pasting_a_digit_on_a_page_costs_next_to_nothing(mnist_path, reader):
    pages, texts = zip(*islice(mnist_pages(mnist_path.parent), 1000))
    right = np.mean([reading.text == text for reading, text in zip(reader.read_many(pages), texts)])
    assert right >= 0.985


def test_corrupted_digits_are_read(mnist_path, reader):
    *_, mean = corruption_table(reader, mnist_path.parent, 300)
    assert float(mean.split("**")[3].rstrip("%")) >= 94


def test_the_reader_knows_digits_from_other_symbols(mnist_path, reader):
    digits, others = (
        list(reader.read_many(image for image, _ in samples_of(name, mnist_path, 800)))
        for name in ("dev/single", "dev/not_digits")
    )
    area = area_under_roc(*(np.array([certainty(one) for one in readings]) for readings in (digits, others)))
    assert area >= 0.98
    right = [
        one.certain and is_right(one, text) for one, (_, text) in zip(digits, samples_of("dev/single", mnist_path))
    ]
    assert np.mean(right) >= 0.94
    assert np.mean([one.certain for one in others]) <= 0.12


# What is scored, on readings made up here.


def read(text, certain=True):
    digits = [SimpleNamespace(label=label, probability=0.9, certain=certain, box=(0, 0, 1, 1)) for label in text]
    return SimpleNamespace(text=text, certain=certain, digits=digits, numbers=[], table=None, rotation=0)


def cells_of(name, readings, texts):
    names, _ = HEAD.splitlines()
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in (names, row(name, readings, texts, 1.0))]
    return dict(zip(*table, strict=True))


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("12.50", "1250"),
        ("-5", "5"),
        ("24/11/2026 12:30", "241120261230"),
        ("1\n\n - \n2 3\n", "1\n23"),
        ("x", ""),
        ("", ""),
    ],
)
def test_only_the_digits_of_each_line_are_compared(text, digits):
    assert digit_lines(text) == digits


def test_lines_marks_tables_and_rotations_are_scored_where_they_count():
    assert is_right(read("1,250 7"), "12507")
    assert not is_right(read("12\n50"), "1250")
    assert is_right(read("12.50"), Truth("12.50", with_marks=True))
    assert not is_right(read("1250"), Truth("12.50", with_marks=True))
    assert is_right(read("1 250"), Truth("1250"))
    turned = read("69")
    turned.rotation = 180
    assert is_right(turned, Truth("69", rotation=180))
    assert not is_right(turned, Truth("69", rotation=90))
    table = read("12")
    assert not is_right(table, Truth("1 2", table=(("1", "2"),)))
    table.table = [["1", "2"]]
    assert is_right(table, Truth("1 2", table=(("1", "2"),)))
    assert not is_right(table, Truth("1 2", table=(("1",), ("2",))))


def test_parts_of_tables_are_counted():
    truth = Truth("", table=(("1", "2"), ("3", "4")))
    right, short, none = read(""), read(""), read("")
    right.table, short.table = [["1", "2"], ["3", "9"]], [["1"]]
    said = tables_right_in_part([right, short, none], [truth] * 3)
    assert "33.3% have the right rows and columns" in said
    assert "33.33% of all 12 cells" in said


def test_characters_wrong_are_a_part_of_the_true_ones():
    assert character_error([("123", "124"), ("", "5"), ("77", "7")]) == 3 / 5


def test_a_row_says_what_was_vouched_for():
    readings = [read("1"), read("2", certain=False), read("3"), read("")]
    readings[3].certain = False
    cells = cells_of("numbers", readings, ["1", "2", "4", "5"])
    assert cells["exactly right"] == "50.00%"
    assert cells["nothing found"] == "25.00%"
    assert cells["vouched for"] == "50.00%"
    assert cells["vouched for and wrong"] == "25.00%"
    assert cells["right ones vouched for"] == "50.00%"
    assert cells["largest right"] == "50.00%"


def test_without_a_digit_anything_vouched_for_is_wrong():
    unsure = read("12", certain=False)
    one_sure = read("12", certain=False)
    one_sure.digits[1].certain = True
    a_number = read("")
    a_number.certain, a_number.numbers = False, [SimpleNamespace(certain=True)]
    cells = cells_of("no digits", [unsure, one_sure, a_number, unsure], [None] * 4)
    assert cells["vouched for"] == cells["vouched for and wrong"] == "50.00%"
    assert cells["exactly right"] == cells["right ones vouched for"] == ""


def test_parts_and_descriptions_are_told_apart(tmp_path):
    for folder, rows in {
        "multi": [("a.png", "look", "12|3"), ("b.png", "look", "0 to 100 in 8 rows")],
        "documents": [("a.png", "look", "1 2|3"), ("b.png", "count", "4")],
    }.items():
        (tmp_path / "dev" / folder).mkdir(parents=True)
        with (tmp_path / "dev" / folder / "labels.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("path", "part", "label"), *rows])
    assert [text for _, text in multi(tmp_path)] == ["12\n3"]
    assert list(one_part("documents", "look", tmp_path)) == [(tmp_path / "dev/documents/a.png", "1 2\n3")]
    assert [text for _, text in one_part("documents", "count", tmp_path)] == ["4"]
    images = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    np.savez(tmp_path / "dev/cvl_digits.npz", images=images, labels=np.array([5, 6, 7, 8]), writers=[9, 2, 9, 3])
    assert [text for _, text in cvl_digits("look", tmp_path)] == ["6"]
    assert [text for _, text in cvl_digits("count", tmp_path)] == ["5", "7", "8"]


def test_boxes_side_by_side_make_a_line():
    boxes = [[[x, y], [x + 10, y], [x + 10, y + 10], [x, y + 10]] for x, y in [(50, 2), (0, 0), (0, 30), (30, 33)]]
    assert list(joined_lines(np.array(boxes), ("2", "1", "3", "4"))) == ["1 2", "3 4"]

"""The accuracy of the reader stays near the table in benchmarks/accuracy.md, and the scores are computed correctly."""

import csv
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.accuracy import (
    TABLE_HEADER,
    area_under_roc,
    character_error,
    corruption_table,
    describe_table_accuracy,
    digit_lines,
    is_right,
    lowest_certainty,
    table_row,
)
from benchmarks.drawn import Truth
from benchmarks.ocr_rivals import join_lines
from benchmarks.sets import SETS, cvl_digits, folder_part, mnist_pages, several_digits
from digits.classifier import Classifier

# Number of images of each set that are read, and the minimum fraction of them that must be exactly right.
MIN_ACCURACIES = {
    "MNIST test": (10_000, 0.995),
    "dev/single": (408, 0.99),
    "dev/pen_digits": (1000, 0.955),
    "dev/usps_train": (3000, 0.99),
    "dev/pen_strings": (249, 0.88),
    "dev/multi": (72, 0.9),
}


def load_samples(name, mnist_path, count=None):
    try:
        return list(islice(SETS[name](mnist_path.parent), count))
    except FileNotFoundError:
        pytest.skip(f"{name} is not on this machine")


def test_the_shipped_model_reads_the_mnist_test_set(mnist):
    probabilities, _ = Classifier().classify(mnist["x_test"] / np.float32(255))
    assert (probabilities.argmax(1) == mnist["y_test"]).mean() >= 0.9965


@pytest.mark.parametrize("name", MIN_ACCURACIES)
def test_real_handwriting_is_read_with_the_accuracy_of_the_table(reader, mnist_path, name):
    count, min_accuracy = MIN_ACCURACIES[name]
    images, texts = zip(*load_samples(name, mnist_path, count))
    accuracy = np.mean([is_right(reading, text) for reading, text in zip(reader.read_many(images), texts)])
    assert accuracy >= min_accuracy


def test_pasted_digits_on_pages_are_read_almost_as_well(mnist_path, reader):
    pages, texts = zip(*islice(mnist_pages(mnist_path.parent), 1000))
    accuracy = np.mean([reading.text == text for reading, text in zip(reader.read_many(pages), texts)])
    assert accuracy >= 0.985


def test_corrupted_digits_are_read(mnist_path, reader):
    *_, mean = corruption_table(reader, mnist_path.parent, 300)
    assert float(mean.split("**")[3].rstrip("%")) >= 94


def test_certainty_separates_digits_from_other_symbols(mnist_path, reader):
    digits, symbols = (
        list(reader.read_many(image for image, _ in load_samples(name, mnist_path, 800)))
        for name in ("dev/single", "dev/not_digits")
    )
    area = area_under_roc(*(np.array([lowest_certainty(one) for one in readings]) for readings in (digits, symbols)))
    assert area >= 0.98
    right = [
        one.certain and is_right(one, text) for one, (_, text) in zip(digits, load_samples("dev/single", mnist_path))
    ]
    assert np.mean(right) >= 0.9
    assert np.mean([one.certain for one in symbols]) <= 0.12


# The scores, computed on made-up readings.


def make_reading(text, certain=True):
    digits = [SimpleNamespace(label=label, probability=0.9, certain=certain, box=(0, 0, 1, 1)) for label in text]
    return SimpleNamespace(text=text, certain=certain, digits=digits, numbers=[], table=None, rotation=0)


def row_cells(name, readings, texts):
    names, _ = TABLE_HEADER.splitlines()
    table = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in (names, table_row(name, readings, texts, 1.0))
    ]
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


def test_lines_marks_tables_and_rotations_are_scored_where_required():
    assert is_right(make_reading("1,250 7"), "12507")
    assert not is_right(make_reading("12\n50"), "1250")
    assert is_right(make_reading("12.50"), Truth("12.50", with_marks=True))
    assert not is_right(make_reading("1250"), Truth("12.50", with_marks=True))
    assert is_right(make_reading("1 250"), Truth("1250"))
    turned = make_reading("69")
    turned.rotation = 180
    assert is_right(turned, Truth("69", rotation=180))
    assert not is_right(turned, Truth("69", rotation=90))
    table = make_reading("12")
    assert not is_right(table, Truth("1 2", table=(("1", "2"),)))
    table.table = [["1", "2"]]
    assert is_right(table, Truth("1 2", table=(("1", "2"),)))
    assert not is_right(table, Truth("1 2", table=(("1",), ("2",))))


def test_correct_shapes_and_cells_of_tables_are_counted():
    truth = Truth("", table=(("1", "2"), ("3", "4")))
    right, short, none = make_reading(""), make_reading(""), make_reading("")
    right.table, short.table = [["1", "2"], ["3", "9"]], [["1"]]
    sentence = describe_table_accuracy([right, short, none], [truth] * 3)
    assert "33.3% have the right rows and columns" in sentence
    assert "33.33% of all 12 cells" in sentence


def test_character_error_is_a_fraction_of_the_true_characters():
    assert character_error([("123", "124"), ("", "5"), ("77", "7")]) == 3 / 5


def test_a_row_counts_certain_readings():
    readings = [make_reading("1"), make_reading("2", certain=False), make_reading("3"), make_reading("")]
    readings[3].certain = False
    cells = row_cells("numbers", readings, ["1", "2", "4", "5"])
    assert cells["exactly right"] == "50.00%"
    assert cells["nothing found"] == "25.00%"
    assert cells["vouched for"] == "50.00%"
    assert cells["vouched for and wrong"] == "25.00%"
    assert cells["right ones vouched for"] == "50.00%"
    assert cells["largest right"] == "50.00%"


def test_without_a_digit_every_certain_reading_is_wrong():
    uncertain = make_reading("12", certain=False)
    one_certain = make_reading("12", certain=False)
    one_certain.digits[1].certain = True
    certain_number = make_reading("")
    certain_number.certain, certain_number.numbers = False, [SimpleNamespace(certain=True)]
    cells = row_cells("no digits", [uncertain, one_certain, certain_number, uncertain], [None] * 4)
    assert cells["vouched for"] == cells["vouched for and wrong"] == "50.00%"
    assert cells["exactly right"] == cells["right ones vouched for"] == ""


def test_sets_yield_their_part_and_skip_descriptions(tmp_path):
    for folder, rows in {
        "multi": [("a.png", "look", "12|3"), ("b.png", "look", "0 to 100 in 8 rows")],
        "documents": [("a.png", "look", "1 2|3"), ("b.png", "count", "4")],
    }.items():
        (tmp_path / "dev" / folder).mkdir(parents=True)
        with (tmp_path / "dev" / folder / "labels.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("path", "part", "label"), *rows])
    assert [text for _, text in several_digits(tmp_path)] == ["12\n3"]
    assert list(folder_part("documents", "look", tmp_path)) == [(tmp_path / "dev/documents/a.png", "1 2\n3")]
    assert [text for _, text in folder_part("documents", "count", tmp_path)] == ["4"]
    images = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    np.savez(tmp_path / "dev/cvl_digits.npz", images=images, labels=np.array([5, 6, 7, 8]), writers=[9, 2, 9, 3])
    assert [text for _, text in cvl_digits("look", tmp_path)] == ["6"]
    assert [text for _, text in cvl_digits("count", tmp_path)] == ["5", "7", "8"]


def test_boxes_side_by_side_form_a_line():
    boxes = [[[x, y], [x + 10, y], [x + 10, y + 10], [x, y + 10]] for x, y in [(50, 2), (0, 0), (0, 30), (30, 33)]]
    assert list(join_lines(np.array(boxes), ("2", "1", "3", "4"))) == ["1 2", "3 4"]

"""A reading's text, certainty and JSON, for digits and marks at given boxes."""

import dataclasses
import json

import numpy as np
import pytest

from digits.layout import Symbol, arrange
from digits.reading import Digit, Mark, Number, Reading


def make_digit(label, box=(0, 0, 10, 20), probability=0.91, certain=True, line=0):
    probabilities = np.full(10, (1 - probability) / 9, np.float32)
    probabilities[int(label)] = probability
    return Digit(label, probability, probabilities, box, 0.9, certain, np.zeros((28, 28), np.float32), line)


def make_reading(*lines, uncertain=(), mark_probability=0.9):
    """Lay out text, one character every 14 pixels; "#" is other writing, and the `uncertain` digits are not certain."""
    symbols, results = [], []
    for line, text in enumerate(lines):
        for at, character in enumerate(text):
            box = (14 * at, 40 * line + (14 if character in ".," else 0), 14 * at + 10, 40 * line + 20)
            if character == "-":
                box = (box[0], 40 * line + 8, box[2], 40 * line + 12)
            if character.isdigit():
                results.append(make_digit(character, box, certain=character not in uncertain, line=line))
            elif character != " ":
                results.append(None if character == "#" else Mark(character, mark_probability, box))
            if character != " ":
                symbols.append(Symbol(character.replace("#", ""), box))
    return Reading.from_layout(arrange(symbols), results)


def test_empty_reading():
    reading = Reading()
    assert (reading.text, reading.digits, reading.numbers, reading.marks) == ("", (), (), ())
    assert (reading.table, reading.rotation, reading.certain) == (None, 0, False)
    assert reading.to_dict() == {
        "text": "", "digits": [], "numbers": [], "marks": [], "table": None, "rotation": 0
    }  # fmt: skip
    with pytest.raises(ValueError, match="empty"):
        _ = reading.least_sure


@pytest.mark.parametrize(
    "lines", [("4079",), ("12.50",), ("-5",), ("24/11/2026",), ("12:30",), ("12   34", "5"), ("1", "2", "3")]
)
def test_text_is_the_written_text(lines):
    reading = make_reading(*lines)
    assert reading.text == "\n".join(" ".join(line.split()) for line in lines)
    assert reading.certain
    assert "".join(digit.label for digit in reading.digits) == "".join(filter(str.isdigit, "".join(lines)))


def test_number_has_digits_marks_box_and_line():
    reading = make_reading("404", "-12.50")
    first, second = reading.numbers
    assert (first.text, first.line, first.marks, first.box) == ("404", 0, (), (0, 0, 38, 20))
    assert (second.text, second.line, second.box) == ("-12.50", 1, (0, 40, 80, 60))
    assert [mark.mark for mark in second.marks] == ["-", "."]
    assert [digit.label for digit in second.digits] == list("1250")
    assert [digit.line for digit in second.digits] == [1, 1, 1, 1]
    assert reading.marks == second.marks


def test_marks_outside_numbers_are_in_the_reading_and_not_in_the_text():
    reading = make_reading("100.-")
    assert reading.text == "100"
    assert [mark.mark for mark in reading.marks] == [".", "-"]
    assert reading.numbers[0].marks == ()
    assert reading.certain


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (make_reading("40   79"), [True, True]),
        (make_reading("40   79", uncertain="7"), [True, False]),
        (make_reading("12.5", mark_probability=0.4), [False]),
        (make_reading("125.", mark_probability=0.4), [True]),
        (make_reading("125#"), [True]),
        (make_reading("12#5"), [True, True]),
    ],
    ids=["all", "a digit", "a mark inside", "a mark outside", "writing beside", "writing between"],
)
def test_reading_is_certain_where_all_numbers_are_and_it_is_complete(reading, expected):
    # Other writing is 4 pixels away, 0.2 heights: beside the numbers, not touching them.
    assert [number.certain for number in reading.numbers] == expected
    assert reading.certain == (all(expected) and reading.complete)


def test_incomplete_reading_is_not_certain():
    assert not make_reading("125#").complete
    assert not make_reading("125#").certain
    number = Number("4", (make_digit("4"),), (), (0, 0, 10, 20), True, 0)
    assert Reading((make_digit("4"),), (), (number,)).certain
    assert not Reading((make_digit("4"),), (), (number,), complete=False).certain


def test_number_touched_by_other_writing_is_not_certain():
    symbols = [make_digit("4"), None]
    layout = arrange([Symbol("4", (0, 0, 10, 20)), Symbol("", (11, 0, 20, 20))])
    reading = Reading.from_layout(layout, symbols)
    assert not reading.numbers[0].certain
    assert not reading.certain


def test_least_sure_digit_is_an_uncertain_one():
    digits = (
        make_digit("1", probability=0.5),
        make_digit("2", probability=0.8, certain=False),
        make_digit("3", probability=0.9),
    )
    assert Reading(digits).least_sure == 1
    assert Reading(digits[::2]).least_sure == 0


def test_top_digits_are_sorted_and_ties_keep_their_order():
    assert make_digit("4", probability=0.91).top(3) == [
        ("4", pytest.approx(0.91)), ("0", pytest.approx(0.01)), ("1", pytest.approx(0.01))
    ]  # fmt: skip
    assert len(make_digit("4").top(20)) == 10


def test_json_has_plain_values_and_the_keys_of_the_contract():
    data = json.loads(json.dumps(make_reading("4.0", "7").to_dict()))
    assert list(data) == ["text", "digits", "numbers", "marks", "table", "rotation"]
    assert data["text"] == "4.0\n7"
    assert list(data["digits"][0]) == ["digit", "prob", "probs", "top", "certain", "box"]
    assert data["digits"][0]["digit"] == 4
    assert len(data["digits"][0]["probs"]) == 10
    assert data["digits"][0]["top"][0] == ["4", pytest.approx(0.91)]
    assert data["numbers"] == [
        {"text": "4.0", "certain": True, "box": [0, 0, 38, 20], "line": 0},
        {"text": "7", "certain": True, "box": [0, 40, 10, 60], "line": 1},
    ]
    assert data["marks"] == [{"mark": ".", "prob": 0.9, "box": [14, 14, 24, 20]}]


def test_table_is_in_the_reading_and_in_the_json():
    reading = make_reading("12    5", "7     340", "99    1")
    assert reading.table == (("12", "5"), ("7", "340"), ("99", "1"))
    assert reading.to_dict()["table"] == [["12", "5"], ["7", "340"], ["99", "1"]]


@pytest.mark.parametrize("count", [0, 1, 2000])
def test_repr_fits_on_one_line(count):
    reading = make_reading(*["4079"] * (count // 4 or min(count, 1))) if count else Reading()
    assert "\n" not in repr(reading)
    assert len(repr(reading)) <= 140
    for part in reading.digits[:1] + reading.numbers[:1]:
        assert "\n" not in repr(part)
        assert len(repr(part)) <= 140


def test_wrong_number_of_symbols_is_refused():
    with pytest.raises(ValueError, match="1 symbols were laid out, not 2"):
        Reading.from_layout(arrange([Symbol("4", (0, 0, 10, 20))]), [make_digit("4"), make_digit("5")])


def test_readings_are_frozen():
    for part in (Reading(), make_digit("4"), Mark(".", 0.9, (0, 0, 1, 1)), Number("4", (), (), (0, 0, 1, 1), True, 0)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            part.line = 3

"""The floor of the table in benchmarks/accuracy.md, with a small margin: a reader that got worse does not pass."""

from itertools import islice

import numpy as np
import pytest

from benchmarks.accuracy import area_under_roc, certainty, corruption_table
from benchmarks.sets import SETS, mnist_pages
from digits.classifier import Classifier

# Of each set, how many images are read here, and the least part that must be exactly right.
FLOORS = {
    "MNIST test": (10_000, 0.995),
    "dev/single": (408, 0.98),
    "dev/pen_digits": (1000, 0.975),
    "dev/usps_train": (3000, 0.985),
    "dev/pen_strings": (249, 0.92),
    "dev/multi": (73, 0.93),
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
    right = np.mean([reading.text == text for reading, text in zip(reader.read_many(images), texts)])
    assert right >= floor


def test_pasting_a_digit_on_a_page_costs_next_to_nothing(mnist_path, reader):
    pages, texts = zip(*islice(mnist_pages(mnist_path.parent), 1000))
    right = np.mean([reading.text == text for reading, text in zip(reader.read_many(pages), texts)])
    assert right >= 0.99


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
    right = [one.certain and one.text == text for one, (_, text) in zip(digits, samples_of("dev/single", mnist_path))]
    assert np.mean(right) >= 0.975
    assert np.mean([one.certain for one in others]) <= 0.12

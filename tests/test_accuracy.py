"""The shipped model's floor: a reader that got worse does not pass."""

import numpy as np

from benchmarks.sets import mnist_pages
from digits.classifier import Classifier


def test_the_shipped_model_reads_the_mnist_test_set(mnist):
    probabilities, _ = Classifier().classify(mnist["x_test"] / np.float32(255))
    assert (probabilities.argmax(1) == mnist["y_test"]).mean() >= 0.9965


def test_pasting_a_digit_on_a_page_costs_next_to_nothing(mnist_path, reader):
    pages, texts = zip(*(sample for sample, _ in zip(mnist_pages(mnist_path.parent), range(1000))))
    right = np.mean([reading.text == text for reading, text in zip(reader.read_many(pages), texts)])
    assert right >= 0.99


def test_mnist_images_are_read_as_whole_images(mnist, reader):
    readings = reader.read_many(mnist["x_test"][:2000])
    right = np.mean([reading.text == str(label) for reading, label in zip(readings, mnist["y_test"])])
    assert right >= 0.99

"""What is cut out of composed pages to train the digit network: truly labelled, framed, and the same on any machine."""

import numpy as np
import pytest

from digits.classifier import Classifier
from training.data import Digits, load_mnist
from training.hands import Shapes
from training.page_crops import _boxes, page_crops, page_crops_on_cores
from training.pages import OTHER, Page
from training.synthesis import NOT_A_DIGIT


@pytest.fixture(scope="module")
def digits(mnist_path):
    validation = load_mnist(mnist_path).validation
    return Digits(validation.images[:500], validation.labels[:500])


def test_crops_are_frames_of_what_their_labels_say(digits):
    cut = page_crops(Shapes(digits), 400, np.random.default_rng(0))
    assert cut.images.shape == (400, 28, 28, 1)
    assert cut.images.dtype == np.float32
    assert 0 <= cut.images.min() < cut.images.max() <= 1
    assert cut.images.any((1, 2, 3)).all()
    is_digit = cut.labels != NOT_A_DIGIT
    assert 0.4 < is_digit.mean() < 0.9
    probabilities, said = Classifier().classify(cut.images[..., 0])
    # Pages are hard, and crops of them dirty: chance would be a tenth, and no difference.
    assert (probabilities.argmax(1) == cut.labels)[is_digit].mean() > 0.6
    assert said[is_digit].mean() > said[~is_digit].mean() + 0.2


def test_boxes_are_near_the_written_ones_and_strays_hold_no_digit():
    boxes = np.array([(20, 30, 44, 70), (50, 30, 70, 70), (90, 30, 96, 70), (100, 30, 130, 70)], np.float32)
    labels = np.array([3, 5, 1, OTHER])
    page = Page(np.zeros((128, 160, 3), np.uint8), boxes, labels, np.full(4, 40, np.float32))
    random = np.random.default_rng(0)
    strays = 0
    for _ in range(100):
        for box, label in _boxes(page, random):
            if label != NOT_A_DIGIT:
                written = boxes[labels.tolist().index(label)]
                assert np.abs(np.array(box) - written).max() < 0.2 * max(written[2:] - written[:2])
            elif np.abs(np.array(box) - boxes[3]).max() > 8:
                strays += 1
                left, top, right, bottom = box
                x, y = (boxes[:3, 0] + boxes[:3, 2]) / 2, (boxes[:3, 1] + boxes[:3, 3]) / 2
                held = (left < x) & (x < right) & (top < y) & (y < bottom)
                assert held.sum() in (0, 1, 2)
                # A box round one digit and no other is that digit's, not a stray.
                if held.sum() == 1:
                    overlap = np.minimum(right, boxes[:3, 2]) - np.maximum(left, boxes[:3, 0])
                    assert overlap[held][0] < 0.9 * (boxes[:3, 2] - boxes[:3, 0])[held][0]
    assert strays > 20


def test_the_number_of_cores_changes_nothing(digits, monkeypatch):
    monkeypatch.setattr("training.page_crops.CHUNK", 6)
    one, two = (page_crops_on_cores(digits, 10, 3, cores) for cores in (1, 2))
    assert len(one.labels) == 10
    np.testing.assert_array_equal(one.images, two.images)
    np.testing.assert_array_equal(one.labels, two.labels)
    other = page_crops_on_cores(digits, 10, 4, 1)
    assert not np.array_equal(one.images, other.images)

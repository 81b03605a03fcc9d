"""Probabilities are made honest, and certainty is bought with as little refusal as it takes."""

import numpy as np
import pytest

from training.calibration import certainty_threshold, expected_calibration_error, fit_temperature, softmax


def drawn_labels(probabilities, seed=0):
    """Labels that come true exactly as often as the probabilities say."""
    random = np.random.default_rng(seed)
    return (probabilities.cumsum(1) > random.random((len(probabilities), 1))).argmax(1)


def test_the_temperature_that_was_put_in_is_found():
    logits = np.random.default_rng(0).normal(0, 2, (20_000, 10))
    labels = drawn_labels(softmax(logits))
    assert fit_temperature(logits, labels) == pytest.approx(1, rel=0.05)
    assert fit_temperature(2.5 * logits, labels) == pytest.approx(2.5, rel=0.05)


def test_calibration_error_of_known_cases():
    sure = np.eye(10)[np.zeros(100, int)]
    assert expected_calibration_error(sure, np.zeros(100, int)) == pytest.approx(0)
    assert expected_calibration_error(sure, np.ones(100, int)) == pytest.approx(1)
    half_right = np.repeat([0, 1], 50)
    assert expected_calibration_error(sure, half_right) == pytest.approx(0.5)


def test_honest_probabilities_have_little_calibration_error():
    probabilities = softmax(np.random.default_rng(0).normal(0, 2, (50_000, 10)))
    labels = drawn_labels(probabilities)
    assert expected_calibration_error(probabilities, labels) < 0.01
    assert expected_calibration_error(probabilities**3 / (probabilities**3).sum(1, keepdims=True), labels) > 0.1


def test_the_threshold_keeps_errors_of_the_certain_under_one_in_a_thousand():
    # 9,000 right at 0.99, 1,000 at 0.7 of which 100 are wrong: only the former may be certain.
    probabilities = np.full((10_000, 10), 0.01 / 9)
    probabilities[:, 0] = 0.99
    probabilities[9_000:] = 0.3 / 9
    probabilities[9_000:, 0] = 0.7
    labels = np.zeros(10_000, int)
    labels[-100:] = 1
    threshold = certainty_threshold(probabilities, labels)
    certain = probabilities.max(1) >= threshold
    assert certain[:9_000].all()
    assert (labels[certain] != 0).mean() <= 0.001


def test_a_network_that_is_always_right_is_certain_from_one_half_on():
    assert certainty_threshold(np.eye(10)[np.arange(10)], np.arange(10)) == 0.5

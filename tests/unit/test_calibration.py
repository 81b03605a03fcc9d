"""Probabilities are made honest."""

import numpy as np
import pytest

from training.calibration import expected_calibration_error, fit_temperature, softmax


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
    sure = np.ones(100)
    assert expected_calibration_error(sure, np.ones(100, bool)) == pytest.approx(0)
    assert expected_calibration_error(sure, np.zeros(100, bool)) == pytest.approx(1)
    assert expected_calibration_error(sure, np.arange(100) < 50) == pytest.approx(0.5)


def test_honest_probabilities_have_little_calibration_error():
    probabilities = softmax(np.random.default_rng(0).normal(0, 2, (50_000, 10)))
    right = probabilities.argmax(1) == drawn_labels(probabilities)
    assert expected_calibration_error(probabilities.max(1), right) < 0.01
    boastful = probabilities**3 / (probabilities**3).sum(1, keepdims=True)
    assert expected_calibration_error(boastful.max(1), right) > 0.1

"""Temperature scaling and the expected calibration error."""

import numpy as np
import pytest

from training.calibration import expected_calibration_error, fit_temperature, softmax


def sample_labels(probabilities, seed=0):
    """Return random labels that are distributed as the probabilities say."""
    random = np.random.default_rng(seed)
    return (probabilities.cumsum(1) > random.random((len(probabilities), 1))).argmax(1)


def test_the_true_temperature_is_found():
    logits = np.random.default_rng(0).normal(0, 2, (20_000, 10))
    labels = sample_labels(softmax(logits))
    assert fit_temperature(logits, labels) == pytest.approx(1, rel=0.05)
    assert fit_temperature(2.5 * logits, labels) == pytest.approx(2.5, rel=0.05)


def test_calibration_error_of_known_cases():
    confidence = np.ones(100)
    assert expected_calibration_error(confidence, np.ones(100, bool)) == pytest.approx(0)
    assert expected_calibration_error(confidence, np.zeros(100, bool)) == pytest.approx(1)
    assert expected_calibration_error(confidence, np.arange(100) < 50) == pytest.approx(0.5)


def test_calibrated_probabilities_have_a_small_calibration_error():
    probabilities = softmax(np.random.default_rng(0).normal(0, 2, (50_000, 10)))
    is_correct = probabilities.argmax(1) == sample_labels(probabilities)
    assert expected_calibration_error(probabilities.max(1), is_correct) < 0.01
    overconfident = probabilities**3 / (probabilities**3).sum(1, keepdims=True)
    assert expected_calibration_error(overconfident.max(1), is_correct) > 0.1

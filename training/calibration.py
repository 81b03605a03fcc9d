"""Calibrate the digit network's probabilities on validation data, which it was not trained on."""

import numpy as np

# Minimum certainty (0..1) at which the reader marks a digit as certain. Chosen on real handwriting and real symbols:
# with a lower threshold more than a tenth of the symbols are taken for digits, with a higher one more than a fiftieth
# of the digits are marked as uncertain.
MIN_CERTAINTY = 0.45


def softmax(logits: np.ndarray) -> np.ndarray:
    """Turn logits (N, 10) into probabilities (N, 10), whose rows sum to 1."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Turn logits (N,) into probabilities (N,) in 0..1."""
    return 1 / (1 + np.exp(-logits))


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean of -log of the probabilities (N, 10) that were given to the labels (N,)."""
    return float(-np.log(probabilities[np.arange(len(labels)), labels] + 1e-12).mean())


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the divisor of the logits that makes the labels most probable (Guo et al., "On calibration", 2017)."""
    candidates = np.geomspace(0.25, 4, 161)
    losses = [cross_entropy(softmax(logits / t), labels) for t in candidates]
    return round(float(candidates[int(np.argmin(losses))]), 4)


def expected_calibration_error(confidence: np.ndarray, is_correct: np.ndarray, bins: int = 15) -> float:
    """Return the mean gap between confidence and accuracy over equal bins of confidence (Naeini et al., 2015).

    Args:
        confidence: float (N,) in 0..1, the probability of each prediction.
        is_correct: bool (N,), whether the prediction was correct.
        bins: number of bins.
    """
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(is_correct[bin_of == number].mean() - confidence[bin_of == number].mean()) * (bin_of == number).mean()
        for number in set(bin_of)
    ]
    return float(sum(gaps))

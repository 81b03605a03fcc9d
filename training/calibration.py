"""Honest probabilities: how sure the network may be, measured on validation data it was not trained on."""

import numpy as np

# The certainty from which on the reader vouches for a digit. Chosen on real handwriting and real symbols: lower, more
# than a tenth of the symbols would pass for digits; higher, more than a fiftieth of the digits would be doubted.
CERTAIN_FROM = 0.45


def softmax(logits: np.ndarray) -> np.ndarray:
    """float (N, 10) -> float (N, 10), rows that sum to 1."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """float (N,) -> float (N,) in 0..1."""
    return 1 / (1 + np.exp(-logits))


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The mean of -log of the probability (N, 10) given to each label (N,)."""
    return float(-np.log(probabilities[np.arange(len(labels)), labels] + 1e-12).mean())


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The divisor of the logits that makes the labels most probable (Guo et al., "On calibration", 2017)."""
    candidates = np.geomspace(0.25, 4, 161)
    losses = [cross_entropy(softmax(logits / t), labels) for t in candidates]
    return round(float(candidates[int(np.argmin(losses))]), 4)


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """The mean gap between confidence (N,) and accuracy over equal bins of confidence (Naeini et al., 2015).

    Args:
        confidence: the probability given to each answer, 0..1.
        right: bool (N,): whether the answer was right.
    """
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(right[which == b].mean() - confidence[which == b].mean()) * (which == b).mean() for b in set(which)]
    return float(sum(gaps))

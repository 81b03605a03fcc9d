"""Honest probabilities: how sure the network may be, measured on validation data it was not trained on."""

import numpy as np

# Of the validation digits that the reader calls certain, at most this part may be wrong.
CERTAIN_ERROR = 0.001


def softmax(logits: np.ndarray) -> np.ndarray:
    """float (N, 10) -> float (N, 10), rows that sum to 1."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The divisor of the logits that makes the labels most probable (Guo et al., "On calibration", 2017)."""
    rows = np.arange(len(labels))
    candidates = np.geomspace(0.25, 4, 161)
    losses = [-np.log(softmax(logits / t)[rows, labels] + 1e-12).mean() for t in candidates]
    return round(float(candidates[int(np.argmin(losses))]), 4)


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """The mean gap between confidence and accuracy over equal bins of confidence (Naeini et al., 2015)."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(right[which == b].mean() - confidence[which == b].mean()) * (which == b).mean() for b in set(which)]
    return float(sum(gaps))


def certainty_threshold(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The lowest probability from which on at most CERTAIN_ERROR of the digits are wrong, and at least 0.5."""
    confidence, wrong = probabilities.max(1), probabilities.argmax(1) != labels
    order = np.argsort(-confidence, kind="stable")
    allowed = np.cumsum(wrong[order]) <= CERTAIN_ERROR * np.arange(1, len(order) + 1)
    last = np.flatnonzero(allowed)
    threshold = confidence[order[last[-1]]] if len(last) else 1.0
    return round(float(np.clip(threshold, 0.5, 0.9999)), 4)

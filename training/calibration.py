"""Honest probabilities: how sure the network may be, measured on validation data it was not trained on."""

import numpy as np

# Of the validation digits that the reader calls certain, at most this part may be wrong.
CERTAIN_ERROR = 0.001


def softmax(logits: np.ndarray) -> np.ndarray:
    """float (N, 10) -> float (N, 10), rows that sum to 1."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The mean of -log of the probability (N, 10) given to each label (N,)."""
    return float(-np.log(probabilities[np.arange(len(labels)), labels] + 1e-12).mean())


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The divisor of the logits that makes the labels most probable (Guo et al., "On calibration", 2017)."""
    candidates = np.geomspace(0.25, 4, 161)
    losses = [cross_entropy(softmax(logits / t), labels) for t in candidates]
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
    confidence, errors = confidence[order], np.cumsum(wrong[order])
    # Equal probabilities are certain together or not at all.
    is_last_of_equals = np.append(confidence[1:] < confidence[:-1], True)
    candidates = np.flatnonzero(is_last_of_equals & (errors <= CERTAIN_ERROR * np.arange(1, len(order) + 1)))
    if not len(candidates):
        threshold = 1.0
    else:
        is_everything = candidates[-1] == len(order) - 1
        threshold = 0.0 if is_everything else confidence[candidates[-1]]
    # Rounded up, so that no doubtful one slips under it.
    return float(np.clip(np.ceil(threshold * 1e4) / 1e4, 0.5, 0.9999))

"""Fit the weights with which the two networks' outputs are combined, on composed pages of validation digits.

Neither network was trained on these digits. The pages are read as the reader reads them, and the detections are
compared with what is written on the page. This module knows nothing of how the networks were trained.
"""

import cv2
import numpy as np
from tqdm import tqdm

from digits.classifier import Classifier
from digits.crops import crop
from digits.fusion import FEATURES, ScoreFusion, certainty_features, clipped_log, may_be_digit
from digits.pages import PageNetwork
from training.classes import OTHER
from training.export import ExportError
from training.glyph_library import GlyphLibrary
from training.pages import Page, compose_page

# Maximum error rate of the composed digits that are certain. With it, at most one picture in a hundred is certain and
# wrong on most development sets (benchmarks/accuracy.md).
MAX_CERTAIN_ERROR_RATE = 0.005

# Minimum number of digits to fit the weights to.
MIN_FITTED_DIGITS = 20

# Shortest and longest side of a composed page, pixels.
PAGE_SIDES = (96, 640)

# A detection has the label of a character on the page from this intersection over union on.
MIN_MATCH_IOU = 0.3

# Characters of a writer whose digits are lower than this are not counted, pixels.
MIN_COUNTED_SIZE = 9


def fit_score_fusion(
    pages: PageNetwork, classifier: Classifier, library: GlyphLibrary, count: int, seed: int
) -> ScoreFusion:
    """Read composed pages, and fit the fusion's weights to the correct and wrong labels.

    Args:
        pages: the page network.
        classifier: the digit network.
        library: digits and fonts that neither network was trained on.
        count: number of pages.
        seed: seed of the random generator.

    Raises:
        ExportError: the page network found fewer than MIN_FITTED_DIGITS digits.
    """
    random = np.random.default_rng(seed)
    samples = [_read_page(pages, library, random) for _ in tqdm(range(count), "reading pages", mininterval=10)]
    centre, classes, frames, labels = (np.concatenate(part) for part in zip(*samples))
    probabilities, is_digit = classifier.classify(frames)
    page = classes[:, :10] / classes[:, :10].sum(1, keepdims=True)
    is_true_digit = (labels >= 0) & (labels < 10)
    if is_true_digit.sum() < MIN_FITTED_DIGITS:
        raise ExportError(f"The page network found no digit, or few, on {count} composed pages: train it longer.")
    page_weight, crop_weight = _fit_exponents(page[is_true_digit], probabilities[is_true_digit], labels[is_true_digit])
    draft = ScoreFusion(page_weight, crop_weight, (0.0,) * len(FEATURES), 0.0, 0.0, 1.0)
    fused = draft.multiply(page, probabilities)
    x = certainty_features(centre, classes, page, probabilities, is_digit, fused)
    is_correct = fused.argmax(1) == labels
    weights, bias = _fit_logistic_regression(x, is_correct)
    certainty = 1 / (1 + np.exp(-(x @ weights + bias)))
    is_read = (classes.argmax(1) < 10) | (certainty > 0.5)
    return ScoreFusion(
        page_weight,
        crop_weight,
        tuple(weights.tolist()),
        bias,
        _fit_centre_threshold(centre[is_read], is_true_digit[is_read]),
        _fit_certainty_threshold(certainty[is_read], is_correct[is_read]),
    )


def _read_page(
    pages: PageNetwork, library: GlyphLibrary, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Detect the characters of one composed page, and match them with what is written on it.

    Returns:
        Of each detection: float32 (N,), probability of the centre; float32 (N, classes); crops, float32 (N, 28, 28);
        true labels, int64 (N,), -1 where there is no digit.
    """
    sides = np.exp(random.uniform(np.log(PAGE_SIDES[0]), np.log(PAGE_SIDES[1]), 2)).astype(int)
    page = compose_page((int(sides[0]), int(sides[1])), library, random)
    zoom = np.exp(random.uniform(-0.2, 0.7))
    picture = cv2.resize(page.picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    zoom = picture.shape[1] / page.picture.shape[1]
    characters, _ = pages.find(picture)
    characters = [found for found in characters if may_be_digit(found)]
    matches = [(found, _match_label(np.array(found.box) / zoom, page)) for found in characters]
    labels = [label for _, label in matches if label is not None]
    characters = [found for found, label in matches if label is not None]
    frames = [crop(picture, found.box) for found in characters]
    return (
        np.array([found.centre_probability for found in characters], np.float32),
        np.array([found.class_probabilities for found in characters], np.float32).reshape(-1, len(pages.classes)),
        np.array(frames, np.float32).reshape(-1, 28, 28),
        np.array(labels, np.int64),
    )


def _match_label(box: np.ndarray, page: Page) -> int | None:
    """Return the label of the character in a box, -1 where there is no digit, None where the box is not counted."""
    if not len(page.boxes):
        return -1
    left, top = np.maximum(box[:2], page.boxes[:, :2]).T
    right, bottom = np.minimum(box[2:], page.boxes[:, 2:]).T
    intersection = np.maximum(0, right - left) * np.maximum(0, bottom - top)
    areas = np.prod(page.boxes[:, 2:] - page.boxes[:, :2], axis=1)
    union = np.maximum(1e-6, np.prod(box[2:] - box[:2]) + areas - intersection)
    best = int((intersection / union).argmax())
    if (intersection / union)[best] < MIN_MATCH_IOU:
        ignored = (page.labels < 0) & (intersection > 0)
        return None if ignored.any() else -1
    label = int(page.labels[best])
    if label < 0 or page.sizes[best] < MIN_COUNTED_SIZE:
        return None
    return label if label < OTHER else -1


def _fit_exponents(page: np.ndarray, crop_probabilities: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return the exponents of the page's and the crop's probabilities (N, 10) that make the labels most probable."""
    best = (np.inf, 0.5, 0.5)
    logs = clipped_log(page), clipped_log(crop_probabilities)
    for page_exponent in np.arange(0, 1.55, 0.05):
        for crop_exponent in np.arange(0, 1.55, 0.05):
            mixed = page_exponent * logs[0] + crop_exponent * logs[1]
            mixed -= mixed.max(1, keepdims=True)
            loss = float((np.log(np.exp(mixed).sum(1)) - mixed[np.arange(len(labels)), labels]).mean())
            best = min(best, (loss, float(page_exponent), float(crop_exponent)))
    return best[1], best[2]


def _fit_logistic_regression(x: np.ndarray, is_correct: np.ndarray, decay: float = 1e-3) -> tuple[np.ndarray, float]:
    """Fit a logistic regression by Newton's method, with a small weight decay; return weights and bias."""
    x = np.column_stack([x, np.ones(len(x))]).astype(np.float64)
    weights = np.zeros(x.shape[1])
    for _ in range(30):
        probability = 1 / (1 + np.exp(-(x @ weights).clip(-30, 30)))
        gradient = x.T @ (probability - is_correct) / len(x) + decay * weights
        hessian = (x * (probability * (1 - probability))[:, None]).T @ x / len(x) + decay * np.eye(len(weights))
        weights -= np.linalg.solve(hessian, gradient)
    return weights[:-1], float(weights[-1])


def _fit_centre_threshold(centre: np.ndarray, is_true: np.ndarray) -> float:
    """Return the threshold of the centre's probability that maximizes true minus false detections."""
    order = np.argsort(-centre)
    return float(centre[order[np.cumsum(np.where(is_true[order], 1, -1)).argmax()]])


def _fit_certainty_threshold(certainty: np.ndarray, is_correct: np.ndarray) -> float:
    """Return the lowest certainty from which on at most MAX_CERTAIN_ERROR_RATE are wrong; at most 0.99."""
    order = np.argsort(-certainty)
    wrong = np.cumsum(~is_correct[order]) / np.arange(1, len(order) + 1)
    allowed = np.flatnonzero(wrong <= MAX_CERTAIN_ERROR_RATE)
    return float(min(0.99, certainty[order[allowed[-1]]] if len(allowed) else 0.99))

"""Fit how the two networks' answers are weighed, on composed pages of digits that neither was trained on.

The pages are read as the reader reads them; what was found is compared with what was written. It knows nothing of how
the networks were trained.
"""

import cv2
import numpy as np
from tqdm import tqdm

from digits.classifier import Classifier
from digits.crops import crop
from digits.judge import FEATURES, Judge, bounded_log, features, may_be_digit
from digits.pages import PageNetwork
from training.export import ExportError
from training.hands import Shapes
from training.pages import OTHER, compose

# At most this part of the composed digits that are vouched for may be wrong. At this bound at most one picture in a
# hundred is vouched for wrongly on most development sets (benchmarks/accuracy.md).
WRONG_AMONG_CERTAIN = 0.005

# Fewer digits can't tell how answers are weighed.
LEAST_DIGITS = 20

SIDES = (96, 640)


def fit_judge(pages: PageNetwork, classifier: Classifier, shapes: Shapes, count: int, seed: int) -> Judge:
    """Read `count` composed pages, and fit the weights of a judge to what was right and wrong.

    Raises:
        ExportError: hardly a digit was found.
    """
    random = np.random.default_rng(seed)
    told = [_told(pages, classifier, shapes, random) for _ in tqdm(range(count), "judging", mininterval=10)]
    centre, classes, frames, truth = (np.concatenate(part) for part in zip(*told))
    probabilities, is_digit = classifier.classify(frames)
    page = classes[:, :10] / classes[:, :10].sum(1, keepdims=True)
    is_true_digit = (truth >= 0) & (truth < 10)
    if is_true_digit.sum() < LEAST_DIGITS:
        raise ExportError(f"The page network found no digit, or few, on {count} composed pages: train it longer.")
    page_weight, crop_weight = _fusion(page[is_true_digit], probabilities[is_true_digit], truth[is_true_digit])
    draft = Judge(page_weight, crop_weight, (0.0,) * len(FEATURES), 0.0, 0.0, 1.0)
    fused = draft.fused(page, probabilities)
    x = features(centre, classes, page, probabilities, is_digit, fused)
    right = fused.argmax(1) == truth
    weights, bias = _logistic(x, right)
    certainty = 1 / (1 + np.exp(-(x @ weights + bias)))
    is_read = (classes.argmax(1) < 10) | (certainty > 0.5)
    return Judge(
        page_weight,
        crop_weight,
        tuple(weights.tolist()),
        bias,
        _centre_from(centre[is_read], is_true_digit[is_read]),
        _certain_from(certainty[is_read], right[is_read]),
    )


def _told(pages, classifier, shapes, random):
    """What both networks are asked about one composed page: centre, classes, frames, and the truth (-1 for nothing)."""
    sides = np.exp(random.uniform(np.log(SIDES[0]), np.log(SIDES[1]), 2)).astype(int)
    page = compose((int(sides[0]), int(sides[1])), shapes, random)
    zoom = np.exp(random.uniform(-0.2, 0.7))
    picture = cv2.resize(page.picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    zoom = picture.shape[1] / page.picture.shape[1]
    characters, _ = pages.find(picture)
    characters = [found for found in characters if may_be_digit(found)]
    truth = [_truth(np.array(found.box) / zoom, page) for found in characters]
    kept = [at for at, label in enumerate(truth) if label is not None]
    characters = [characters[at] for at in kept]
    frames = [crop(picture, found.box) for found in characters]
    return (
        np.array([found.centre for found in characters], np.float32),
        np.array([found.classes for found in characters], np.float32).reshape(-1, len(pages.classes)),
        np.array(frames, np.float32).reshape(-1, 28, 28),
        np.array([truth[at] for at in kept], np.int64),
    )


def _truth(box: np.ndarray, page) -> int | None:
    """The label of what was written in a box; -1 where nothing was; None where that does not count."""
    if not len(page.boxes):
        return -1
    left, top = np.maximum(box[:2], page.boxes[:, :2]).T
    right, bottom = np.minimum(box[2:], page.boxes[:, 2:]).T
    shared = np.maximum(0, right - left) * np.maximum(0, bottom - top)
    areas = np.prod(page.boxes[:, 2:] - page.boxes[:, :2], axis=1)
    union = np.maximum(1e-6, np.prod(box[2:] - box[:2]) + areas - shared)
    best = int((shared / union).argmax())
    if (shared / union)[best] < 0.3:
        ignored = (page.labels < 0) & (shared > 0)
        return None if ignored.any() else -1
    label = int(page.labels[best])
    return None if label < 0 or page.sizes[best] < 9 else label if label < OTHER else -1


def _fusion(page, crop_probabilities, truth) -> tuple[float, float]:
    """The two exponents that make the true digits most probable."""
    best = (np.inf, 0.5, 0.5)
    logs = bounded_log(page), bounded_log(crop_probabilities)
    for a in np.arange(0, 1.55, 0.05):
        for b in np.arange(0, 1.55, 0.05):
            mixed = a * logs[0] + b * logs[1]
            mixed -= mixed.max(1, keepdims=True)
            loss = float((np.log(np.exp(mixed).sum(1)) - mixed[np.arange(len(truth)), truth]).mean())
            best = min(best, (loss, float(a), float(b)))
    return best[1], best[2]


def _logistic(x: np.ndarray, right: np.ndarray, decay: float = 1e-3) -> tuple[np.ndarray, float]:
    """Fit a logistic regression by Newton's method, with a little weight decay."""
    x = np.column_stack([x, np.ones(len(x))]).astype(np.float64)
    weights = np.zeros(x.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-(x @ weights).clip(-30, 30)))
        gradient = x.T @ (chance - right) / len(x) + decay * weights
        curvature = (x * (chance * (1 - chance))[:, None]).T @ x / len(x) + decay * np.eye(len(weights))
        weights -= np.linalg.solve(curvature, gradient)
    return weights[:-1], float(weights[-1])


def _centre_from(centre: np.ndarray, is_true: np.ndarray) -> float:
    """The least centre from which on a digit is more probably there than not: most true ones less the false ones."""
    order = np.argsort(-centre)
    return float(centre[order[np.cumsum(np.where(is_true[order], 1, -1)).argmax()]])


def _certain_from(certainty: np.ndarray, right: np.ndarray) -> float:
    """The least certainty from which on at most WRONG_AMONG_CERTAIN are wrong, and no higher than 0.99."""
    order = np.argsort(-certainty)
    wrong = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    allowed = np.flatnonzero(wrong <= WRONG_AMONG_CERTAIN)
    return float(min(0.99, certainty[order[allowed[-1]]] if len(allowed) else 0.99))

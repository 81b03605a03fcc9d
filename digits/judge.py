"""What a character is, and how sure that is: the page network's and the digit network's answers, weighed together.

The weights are fitted on composed pages that neither network was trained on (training/judging.py) and stand in the page
network's file. It knows probabilities, and nothing of pictures.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np

from digits.classifier import ModelError
from digits.pages import OTHER, Character

FEATURES = ("centre", "is_digit_on_page", "is_digit_in_crop", "label", "page_label", "crop_label")

SCALARS = ("page_weight", "crop_weight", "bias", "centre_from", "certain_from")

# Logarithms of probabilities are bounded: no network is surer than this.
LEAST_PROBABILITY = 1e-4


# Below this probability on the page the digit network is not asked whether other writing is a digit after all: it would
# have to be surer than its own errors allow.
MAY_BE_DIGIT = 0.05

# What is at least this part as probable as the least that is taken for a character leaves a doubt.
DOUBTED = 0.5


class Verdict(NamedTuple):
    """What the two networks say together of characters that may be digits.

    Attributes:
        probabilities: float32 (N, 10), rows sum to 1.
        certainty: float32 (N,): how probable it is that each is one digit, and the most probable one, 0..1.
    """

    probabilities: np.ndarray
    certainty: np.ndarray


@dataclass(frozen=True)
class Judge:
    """Weighs two networks' answers.

    Attributes:
        page_weight, crop_weight: exponents of the probabilities of either network in their product.
        weights: of each of FEATURES, in the logistic regression of certainty.
        bias: of that regression.
        centre_from: how probable a centre must be for a character to be taken for one.
        certain_from: the certainty from which on the reader vouches for a digit.
    """

    page_weight: float
    crop_weight: float
    weights: tuple[float, ...]
    bias: float
    centre_from: float
    certain_from: float

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "Judge":
        """Take the weights from a page network's metadata.

        Raises:
            ModelError: they are not there, or not what is expected.
        """
        try:
            said = json.loads(metadata["judge"])
            weights = tuple(float(said["weights"][name]) for name in FEATURES)
            numbers = {name: float(said[name]) for name in SCALARS}
            if not np.isfinite([*weights, *numbers.values()]).all():
                raise ValueError("a weight is no number")
            if not all(0 <= numbers[name] <= 1 for name in ("centre_from", "certain_from")):
                raise ValueError("a limit is no probability")
            return cls(weights=weights, **numbers)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                "The page network's file does not say how its answers are weighed; make it anew with 'make train'."
            ) from error

    def to_metadata(self) -> str:
        """Write the weights as `from_metadata` reads them."""
        return json.dumps({**asdict(self), "weights": dict(zip(FEATURES, self.weights))})

    def accepted(self, characters: list[Character]) -> list[Character]:
        """Keep the characters that are more probably there than not.

        A digit or mark that may be there, apart from these, becomes other writing: a number beside which it stands may
        lack it, and is not vouched for.
        """
        kept = [found for found in characters if found.centre >= self.centre_from]
        doubted = [
            found._replace(text=OTHER)
            for found in characters
            if DOUBTED * self.centre_from <= found.centre < self.centre_from
            and (found.text != OTHER or may_be_digit(found))
            and not any(_is_within(found, other) for other in kept)
        ]
        return kept + doubted

    def weigh(self, centre: np.ndarray, classes: np.ndarray, crop: np.ndarray, is_digit: np.ndarray) -> Verdict:
        """Weigh the answers about N characters.

        Args:
            centre: float (N,), the page network: that a character stands there.
            classes: float (N, C), the page network: what it is; the first ten are the digits.
            crop: float (N, 10), the digit network: which digit it is.
            is_digit: float (N,), the digit network: that its crop is one digit.
        """
        page = classes[:, :10] / np.maximum(classes[:, :10].sum(1, keepdims=True), LEAST_PROBABILITY)
        probabilities = self.fused(page, crop)
        certainty = 1 / (
            1 + np.exp(-(features(centre, classes, page, crop, is_digit, probabilities) @ self.weights + self.bias))
        )
        return Verdict(probabilities, certainty.astype(np.float32))

    def fused(self, page: np.ndarray, crop: np.ndarray) -> np.ndarray:
        """Multiply two rows of probabilities, float (N, 10) each, by their weights: float32 (N, 10), rows sum to 1."""
        logs = self.page_weight * bounded_log(page) + self.crop_weight * bounded_log(crop)
        powers = np.exp(logs - logs.max(1, keepdims=True))
        return (powers / powers.sum(1, keepdims=True)).astype(np.float32)


def may_be_digit(found: Character) -> bool:
    """Whether the digit network is asked about a character."""
    return float(found.classes[:10].sum()) >= MAY_BE_DIGIT


def _is_within(found: Character, other: Character) -> bool:
    """Whether the middle of a character lies in the box of another one, of which it is a part then."""
    left, top, right, bottom = other.box
    x, y = (found.box[0] + found.box[2]) / 2, (found.box[1] + found.box[3]) / 2
    return left < x < right and top < y < bottom


def bounded_log(probabilities: np.ndarray) -> np.ndarray:
    """The logarithm, from LEAST_PROBABILITY on."""
    return np.log(np.maximum(probabilities, LEAST_PROBABILITY))


def features(
    centre: np.ndarray,
    classes: np.ndarray,
    page: np.ndarray,
    crop: np.ndarray,
    is_digit: np.ndarray,
    probabilities: np.ndarray,
) -> np.ndarray:
    """What certainty is judged by, float (N, 6), in the order of FEATURES; arguments as for Judge.weigh."""
    label = probabilities.argmax(1)
    rows = np.arange(len(label))

    def log_odds(probability: np.ndarray) -> np.ndarray:
        return bounded_log(probability) - bounded_log(1 - probability)

    return np.stack(
        [
            log_odds(centre),
            log_odds(classes[:, :10].sum(1)),
            log_odds(is_digit),
            log_odds(probabilities[rows, label]),
            log_odds(page[rows, label]),
            log_odds(crop[rows, label]),
        ],
        1,
    )

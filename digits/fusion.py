"""Fuse the outputs of both networks: what a character is, and how certain that is.

The weights are fitted on composed pages that neither network was trained on, and are stored in the page network's
metadata. It knows probabilities, and nothing of pictures.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from digits.classifier import ModelError
from digits.pages import OTHER_WRITING, Character

# The metadata key of the page network's file that holds the weights.
METADATA_KEY = "judge"

# The keys of the features' weights, in the order of `certainty_features`.
FEATURES = ("centre", "is_digit_on_page", "is_digit_in_crop", "label", "page_label", "crop_label")

# The keys of the other numbers, by the attribute of ScoreFusion.
KEYS = {
    "page_weight": "page_weight",
    "crop_weight": "crop_weight",
    "bias": "bias",
    "min_centre_probability": "centre_from",
    "min_certainty": "certain_from",
}


@dataclass(frozen=True)
class FusionSettings:
    """Settings of the fusion.

    Attributes:
        min_probability: lower probabilities are raised to this before their logarithm is taken: no network is more
            certain than this of anything.
        min_digit_probability: the digit network is not asked about a character that the page network finds less
            probable to be a digit, 0..1: the digit network would have to be more certain than its own errors allow.
        doubtful_share: a character is doubtful, not ignored, from this share of `min_centre_probability` on.
    """

    min_probability: float = 1e-4
    min_digit_probability: float = 0.05
    doubtful_share: float = 0.5


FUSION = FusionSettings()


class FusedScores(NamedTuple):
    """The fused scores of N characters that may be digits.

    Attributes:
        probabilities: float32 (N, 10), rows sum to 1.
        certainty: float32 (N,): the probability that each is one digit, and the most probable one, 0..1.
    """

    probabilities: np.ndarray
    certainty: np.ndarray


@dataclass(frozen=True)
class ScoreFusion:
    """The fitted fusion of both networks' scores.

    Attributes:
        page_weight, crop_weight: exponents of the probabilities of the page and the digit network in their product.
        weights: of each of FEATURES, in the logistic regression of certainty.
        bias: of that regression.
        min_centre_probability: characters below this centre probability are not accepted.
        min_certainty: the certainty from which the reader vouches for a digit.
    """

    page_weight: float
    crop_weight: float
    weights: tuple[float, ...]
    bias: float
    min_centre_probability: float
    min_certainty: float

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "ScoreFusion":
        """Read the weights from a page network's metadata.

        Raises:
            ModelError: they are missing or invalid.
        """
        try:
            values = json.loads(metadata[METADATA_KEY])
            weights = tuple(float(values["weights"][name]) for name in FEATURES)
            numbers = {attribute: float(values[key]) for attribute, key in KEYS.items()}
            if not np.isfinite([*weights, *numbers.values()]).all():
                raise ValueError("a weight is not finite")
            if not all(0 <= numbers[name] <= 1 for name in ("min_centre_probability", "min_certainty")):
                raise ValueError("a threshold is not in 0..1")
            return cls(weights=weights, **numbers)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                "The page network's file does not say how its answers are weighed; make it anew with 'make train'."
            ) from error

    def to_metadata(self) -> str:
        """Return the weights as JSON, as `from_metadata` reads them."""
        # The order of the keys is part of the file.
        return json.dumps(
            {
                "page_weight": self.page_weight,
                "crop_weight": self.crop_weight,
                "weights": dict(zip(FEATURES, self.weights)),
                "bias": self.bias,
                KEYS["min_centre_probability"]: self.min_centre_probability,
                KEYS["min_certainty"]: self.min_certainty,
            }
        )

    def select_characters(self, characters: list[Character]) -> list[Character]:
        """Return the characters that are more probably there than not, and the doubtful ones as other writing.

        A doubtful digit or mark that lies apart from the accepted characters becomes other writing: a number beside it
        may lack it, and is not vouched for.
        """
        accepted = [one for one in characters if one.centre_probability >= self.min_centre_probability]
        min_doubtful = FUSION.doubtful_share * self.min_centre_probability
        doubtful = [
            one._replace(text=OTHER_WRITING)
            for one in characters
            if min_doubtful <= one.centre_probability < self.min_centre_probability
            and (one.text != OTHER_WRITING or may_be_digit(one))
            and not any(_is_within(one, other) for other in accepted)
        ]
        return accepted + doubtful

    def fuse(self, centre: np.ndarray, classes: np.ndarray, crop: np.ndarray, is_digit: np.ndarray) -> FusedScores:
        """Fuse the scores of N characters.

        Args:
            centre: float (N,), the page network's probability that a character stands there.
            classes: float (N, C), the page network's probabilities of its classes; the first ten are the digits.
            crop: float (N, 10), the digit network's probabilities of the digits.
            is_digit: float (N,), the digit network's probability that its crop is one digit.
        """
        page = classes[:, :10] / np.maximum(classes[:, :10].sum(1, keepdims=True), FUSION.min_probability)
        probabilities = self.multiply(page, crop)
        features = certainty_features(centre, classes, page, crop, is_digit, probabilities)
        certainty = 1 / (1 + np.exp(-(features @ self.weights + self.bias)))
        return FusedScores(probabilities, certainty.astype(np.float32))

    def multiply(self, page: np.ndarray, crop: np.ndarray) -> np.ndarray:
        """Return the weighted product of the probabilities of both networks.

        Args:
            page, crop: float (N, 10), of the page and the digit network.

        Returns:
            float32 (N, 10), rows sum to 1.
        """
        logs = self.page_weight * clipped_log(page) + self.crop_weight * clipped_log(crop)
        powers = np.exp(logs - logs.max(1, keepdims=True))
        return (powers / powers.sum(1, keepdims=True)).astype(np.float32)


def may_be_digit(character: Character) -> bool:
    """Return whether the digit network is asked about a character."""
    return float(character.class_probabilities[:10].sum()) >= FUSION.min_digit_probability


def _is_within(character: Character, other: Character) -> bool:
    """Return whether the middle of a character lies in the box of another, which makes it a part of the other."""
    left, top, right, bottom = other.box
    x, y = (character.box[0] + character.box[2]) / 2, (character.box[1] + character.box[3]) / 2
    return left < x < right and top < y < bottom


def clipped_log(probabilities: np.ndarray) -> np.ndarray:
    """Return the logarithm of probabilities that are raised to `FusionSettings.min_probability` at least."""
    return np.log(np.maximum(probabilities, FUSION.min_probability))


def certainty_features(
    centre: np.ndarray,
    classes: np.ndarray,
    page: np.ndarray,
    crop: np.ndarray,
    is_digit: np.ndarray,
    probabilities: np.ndarray,
) -> np.ndarray:
    """Return the features of certainty, float (N, 6), in the order of FEATURES.

    Args:
        centre, classes, crop, is_digit: as for `ScoreFusion.fuse`.
        page: float (N, 10), the first ten columns of `classes`, scaled to sum to 1.
        probabilities: float (N, 10), the product of `page` and `crop`.
    """
    label = probabilities.argmax(1)
    rows = np.arange(len(label))

    def log_odds(probability: np.ndarray) -> np.ndarray:
        return clipped_log(probability) - clipped_log(1 - probability)

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

"""The scores of both networks are fused by the documented formula, and a file without valid weights is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from digits import ModelError
from digits.fusion import FEATURES, FUSION, ScoreFusion
from digits.pages import PageNetwork

FUSER = ScoreFusion(0.6, 0.9, (0.7, 0.4, 0.5, 1.1, 0.3, 0.2), -1.5, 0.3, 0.95)


def random_scores(count=200, seed=0):
    """Return centre, class, crop and is_digit probabilities of characters, from uncertain to certain."""
    random = np.random.default_rng(seed)
    sharp = random.uniform(0.2, 8, (count, 1))
    page, others, crop = (np.exp(sharp * random.normal(0, 1, (count, size))) for size in (10, 7, 10))
    page, others, crop = (part / part.sum(1, keepdims=True) for part in (page, others, crop))
    on_page = random.uniform(0.05, 1, (count, 1))
    classes = np.concatenate([page * on_page, others * (1 - on_page)], axis=1)
    return (
        random.uniform(0, 1, count).astype(np.float32),
        classes.astype(np.float32),
        crop.astype(np.float32),
        random.uniform(0, 1, count).astype(np.float32),
    )


def test_metadata_round_trip_keeps_the_weights():
    assert ScoreFusion.from_metadata({"judge": FUSER.to_metadata()}) == FUSER


def test_shipped_network_has_valid_weights():
    fusion = ScoreFusion.from_metadata(PageNetwork().metadata)
    assert 0 < fusion.min_centre_probability < 1
    assert 0.5 < fusion.min_certainty <= 1


def metadata_without(name):
    values = json.loads(FUSER.to_metadata())
    return json.dumps({key: value for key, value in values.items() if key != name})


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        *(
            {"judge": value}
            for value in (
                "",
                "{",
                "7",
                "null",
                "[]",
                json.dumps({**json.loads(FUSER.to_metadata()), "bias": "soon"}),
                json.dumps({**json.loads(FUSER.to_metadata()), "weights": [1, 2, 3, 4, 5, 6]}),
                json.dumps({**json.loads(FUSER.to_metadata()), "weights": {"centre": 1}}),
                *map(
                    metadata_without, ("page_weight", "crop_weight", "weights", "bias", "centre_from", "certain_from")
                ),
            )
        ),
    ],
    ids=str,
)
def test_metadata_without_valid_weights_are_refused(metadata):
    with pytest.raises(ModelError, match="make train"):
        ScoreFusion.from_metadata(metadata)


@pytest.mark.parametrize("name", ["page_weight", "crop_weight", "bias", "centre_from", "certain_from"])
@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_weights_that_are_not_finite_are_refused(name, value):
    values = json.loads(FUSER.to_metadata()) | {name: float(value)}
    with pytest.raises(ModelError, match="make train"):
        ScoreFusion.from_metadata({"judge": json.dumps(values)})


@pytest.mark.parametrize("name", ["min_centre_probability", "min_certainty"])
@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_thresholds_outside_0_to_1_are_refused(name, value):
    with pytest.raises(ModelError, match="make train"):
        ScoreFusion.from_metadata({"judge": replace(FUSER, **{name: value}).to_metadata()})


def test_probabilities_are_the_weighted_product_of_both_networks():
    centre, classes, crop, is_digit = random_scores()
    fused = FUSER.fuse(centre, classes, crop, is_digit).probabilities
    assert fused.dtype == np.float32
    for row, page, of_crop in zip(fused, classes[:, :10].astype(float), crop.astype(float)):
        page = page / page.sum()
        floor = FUSION.min_probability
        product = np.maximum(page, floor) ** 0.6 * np.maximum(of_crop, floor) ** 0.9
        np.testing.assert_allclose(row, product / product.sum(), atol=1e-5)


def test_certainty_is_the_logistic_regression_of_the_features():
    centre, classes, crop, is_digit = random_scores()
    scores = FUSER.fuse(centre, classes, crop, is_digit)
    assert scores.certainty.dtype == np.float32
    assert len(FEATURES) == len(FUSER.weights)
    for at, label in enumerate(scores.probabilities.argmax(1)):
        on_page = float(classes[at, :10].sum())
        probabilities = (
            centre[at],
            on_page,
            is_digit[at],
            scores.probabilities[at, label],
            classes[at, label] / on_page,
            crop[at, label],
        )
        floor = FUSION.min_probability
        odds = [(max(float(p), floor), max(1 - float(p), floor)) for p in probabilities]
        score = FUSER.bias + sum(w * (np.log(yes) - np.log(no)) for w, (yes, no) in zip(FUSER.weights, odds))
        assert scores.certainty[at] == pytest.approx(1 / (1 + np.exp(-score)), abs=2e-3)


def test_no_characters_give_empty_scores():
    centre, classes, crop, is_digit = random_scores(0)
    scores = FUSER.fuse(centre, classes.reshape(0, 17), crop.reshape(0, 10), is_digit)
    assert scores.probabilities.shape == (0, 10)
    assert scores.certainty.shape == (0,)


@pytest.mark.parametrize("extreme", [0.0, 1.0])
def test_probabilities_of_0_and_1_give_finite_scores(extreme):
    classes, crop = np.zeros((1, 17), np.float32), np.zeros((1, 10), np.float32)
    classes[0, 16 if extreme == 0 else 3] = crop[0, 3] = 1
    with np.errstate(all="raise"):
        scores = FUSER.fuse(*(np.full(1, extreme, np.float32),), classes, crop, np.full(1, extreme, np.float32))
    assert np.isfinite(scores.probabilities).all()
    assert scores.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert 0 <= scores.certainty[0] <= 1


@settings(derandomize=True, deadline=None, database=None, max_examples=100)
@given(seed=some.integers(0, 10_000), raised=some.floats(0.01, 1), which=some.sampled_from(["centre", "is_digit"]))
def test_certainty_rises_with_each_networks_probability(seed, raised, which):
    centre, classes, crop, is_digit = random_scores(5, seed)
    before = FUSER.fuse(centre, classes, crop, is_digit)
    if which == "centre":
        centre = np.minimum(1, centre + np.float32(raised))
    else:
        is_digit = np.minimum(1, is_digit + np.float32(raised))
    after = FUSER.fuse(centre, classes, crop, is_digit)
    assert (after.certainty >= before.certainty).all()
    np.testing.assert_array_equal(after.probabilities, before.probabilities)


@settings(derandomize=True, deadline=None, database=None, max_examples=100)
@given(seed=some.integers(0, 10_000), label=some.integers(0, 9), share=some.floats(0.01, 0.99))
def test_fused_probability_rises_with_the_digit_networks_probability(seed, label, share):
    centre, classes, crop, is_digit = random_scores(5, seed)
    before = FUSER.fuse(centre, classes, crop, is_digit).probabilities[:, label]
    crop = crop * np.float32(1 - share)
    crop[:, label] += np.float32(share)
    after = FUSER.fuse(centre, classes, crop, is_digit).probabilities[:, label]
    assert (after >= before - 1e-6).all()

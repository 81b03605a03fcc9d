"""The judge weighs both networks' answers as its formula says, and refuses a file that does not hold its weights."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from digits import ModelError
from digits.judge import FEATURES, LEAST_PROBABILITY, Judge
from digits.pages import PageNetwork

JUDGE = Judge(0.6, 0.9, (0.7, 0.4, 0.5, 1.1, 0.3, 0.2), -1.5, 0.3, 0.95)


def answers(count=200, seed=0):
    """Centres, classes, crops and is_digit of characters, from doubtful to sure."""
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


def test_weights_come_back_from_the_metadata_as_they_went_in():
    assert Judge.from_metadata({"judge": JUDGE.to_metadata()}) == JUDGE


def test_the_shipped_network_holds_a_judge():
    judge = Judge.from_metadata(PageNetwork().metadata)
    assert 0 < judge.centre_from < 1
    assert 0.5 < judge.certain_from <= 1


def without(name):
    said = json.loads(JUDGE.to_metadata())
    return json.dumps({key: value for key, value in said.items() if key != name})


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        *(
            {"judge": said}
            for said in (
                "",
                "{",
                "7",
                "null",
                "[]",
                json.dumps({**json.loads(JUDGE.to_metadata()), "bias": "soon"}),
                json.dumps({**json.loads(JUDGE.to_metadata()), "weights": [1, 2, 3, 4, 5, 6]}),
                json.dumps({**json.loads(JUDGE.to_metadata()), "weights": {"centre": 1}}),
                *map(without, ("page_weight", "crop_weight", "weights", "bias", "centre_from", "certain_from")),
            )
        ),
    ],
    ids=str,
)
def test_metadata_that_hold_no_weights_are_refused(metadata):
    with pytest.raises(ModelError, match="make train"):
        Judge.from_metadata(metadata)


@pytest.mark.parametrize("name", ["page_weight", "crop_weight", "bias", "centre_from", "certain_from"])
@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_weights_that_are_no_numbers_are_refused(name, value):
    said = json.loads(JUDGE.to_metadata()) | {name: float(value)}
    with pytest.raises(ModelError, match="make train"):
        Judge.from_metadata({"judge": json.dumps(said)})


@pytest.mark.parametrize("name", ["centre_from", "certain_from"])
@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_limits_that_are_no_probabilities_are_refused(name, value):
    with pytest.raises(ModelError, match="make train"):
        Judge.from_metadata({"judge": replace(JUDGE, **{name: value}).to_metadata()})


def test_probabilities_are_the_weighted_product_of_both_networks():
    centre, classes, crop, is_digit = answers()
    got = JUDGE.weigh(centre, classes, crop, is_digit).probabilities
    assert got.dtype == np.float32
    for row, page, of_crop in zip(got, classes[:, :10].astype(float), crop.astype(float)):
        page = page / page.sum()
        product = np.maximum(page, LEAST_PROBABILITY) ** 0.6 * np.maximum(of_crop, LEAST_PROBABILITY) ** 0.9
        np.testing.assert_allclose(row, product / product.sum(), atol=1e-5)


def test_certainty_is_the_logistic_regression_of_the_features():
    centre, classes, crop, is_digit = answers()
    verdict = JUDGE.weigh(centre, classes, crop, is_digit)
    assert verdict.certainty.dtype == np.float32
    assert len(FEATURES) == len(JUDGE.weights)
    for at, label in enumerate(verdict.probabilities.argmax(1)):
        on_page = float(classes[at, :10].sum())
        probabilities = (
            centre[at],
            on_page,
            is_digit[at],
            verdict.probabilities[at, label],
            classes[at, label] / on_page,
            crop[at, label],
        )
        bounds = [(max(float(p), LEAST_PROBABILITY), max(1 - float(p), LEAST_PROBABILITY)) for p in probabilities]
        score = JUDGE.bias + sum(w * (np.log(yes) - np.log(no)) for w, (yes, no) in zip(JUDGE.weights, bounds))
        assert verdict.certainty[at] == pytest.approx(1 / (1 + np.exp(-score)), abs=2e-3)


def test_without_characters_there_is_no_verdict():
    centre, classes, crop, is_digit = answers(0)
    verdict = JUDGE.weigh(centre, classes.reshape(0, 17), crop.reshape(0, 10), is_digit)
    assert verdict.probabilities.shape == (0, 10)
    assert verdict.certainty.shape == (0,)


@pytest.mark.parametrize("extreme", [0.0, 1.0])
def test_networks_that_are_quite_sure_give_numbers(extreme):
    classes, crop = np.zeros((1, 17), np.float32), np.zeros((1, 10), np.float32)
    classes[0, 16 if extreme == 0 else 3] = crop[0, 3] = 1
    with np.errstate(all="raise"):
        verdict = JUDGE.weigh(*(np.full(1, extreme, np.float32),), classes, crop, np.full(1, extreme, np.float32))
    assert np.isfinite(verdict.probabilities).all()
    assert verdict.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert 0 <= verdict.certainty[0] <= 1


@settings(derandomize=True, deadline=None, database=None, max_examples=100)
@given(seed=some.integers(0, 10_000), raised=some.floats(0.01, 1), which=some.sampled_from(["centre", "is_digit"]))
def test_a_surer_network_makes_the_reader_surer(seed, raised, which):
    centre, classes, crop, is_digit = answers(5, seed)
    before = JUDGE.weigh(centre, classes, crop, is_digit)
    if which == "centre":
        centre = np.minimum(1, centre + np.float32(raised))
    else:
        is_digit = np.minimum(1, is_digit + np.float32(raised))
    after = JUDGE.weigh(centre, classes, crop, is_digit)
    assert (after.certainty >= before.certainty).all()
    np.testing.assert_array_equal(after.probabilities, before.probabilities)


@settings(derandomize=True, deadline=None, database=None, max_examples=100)
@given(seed=some.integers(0, 10_000), label=some.integers(0, 9), share=some.floats(0.01, 0.99))
def test_a_digit_that_one_network_thinks_more_probable_is_more_probable(seed, label, share):
    centre, classes, crop, is_digit = answers(5, seed)
    before = JUDGE.weigh(centre, classes, crop, is_digit).probabilities[:, label]
    crop = crop * np.float32(1 - share)
    crop[:, label] += np.float32(share)
    after = JUDGE.weigh(centre, classes, crop, is_digit).probabilities[:, label]
    assert (after >= before - 1e-6).all()

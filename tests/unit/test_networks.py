"""The digit networks have the expected parameters and outputs."""

import numpy as np
import pytest

from training.networks import NETWORKS


# Counted by hand from the layers: weights and biases, and four numbers per channel of batch normalization.
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("two-block", (9 * 64 + 64) + 4 * 64 + (9 * 64 * 128 + 128) + 4 * 128 + (49 * 128 * 512 + 512) + 512 * 10 + 10),
        ("three-conv", (9 * 32 + 32) + (9 * 32 * 64 + 64) + (9 * 64 * 64 + 64) + (9 * 64 * 64 + 64) + 64 * 10 + 10),
    ],
)
def test_parameters(name, parameters):
    assert NETWORKS[name]().count_params() == parameters


@pytest.mark.parametrize("name", NETWORKS)
def test_the_output_has_ten_logits(name):
    network = NETWORKS[name]()
    assert network.predict(np.zeros((3, 28, 28, 1), np.float32), verbose=0).shape == (3, 10)


def test_standardized_weights_have_no_mean_and_keep_the_variance_of_activations():
    network = NETWORKS["standardized"]()
    noise = np.random.default_rng(0).normal(size=(8, 28, 28, 1)).astype(np.float32)
    x = noise
    for layer in network.layers[1:]:
        x = layer(x)
        if "standardized" in layer.name:
            # Half of a ReLU's outputs are zero; the second moment is of order one after each of the six layers.
            assert 0.1 < float(np.mean(np.square(np.asarray(x)))) < 10

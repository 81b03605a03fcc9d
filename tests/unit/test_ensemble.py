"""The shipped model gives the average of its networks' outputs, in a file that the reader accepts."""

import json

import keras
import numpy as np
import onnxruntime
import pytest

from digits.classifier import FRAME_CONTRACT, Classifier
from training import networks
from training.ensemble import export_average
from training.export import ExportError, export_onnx

METADATA = {"labels": json.dumps(list("0123456789")), "frame": FRAME_CONTRACT, "certain_from": "0.5"}
OUTPUTS = ["probabilities", "is_digit"]


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((40, 28, 28, 1), np.float32)


@pytest.fixture(scope="module")
def members(tmp_path_factory, images):
    """Return two networks whose weights are exact in half precision, so that averaging loses nothing."""
    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("members")
    files = [folder / "one.onnx", folder / "two.onnx"]
    for file in files:
        network = networks.three_conv()
        network.set_weights([weight.astype(np.float16) for weight in network.get_weights()])
        export_onnx(network, networks.build_is_digit_head(network), 0.01, METADATA, images, file)
    return files


def run_file(file, images):
    return onnxruntime.InferenceSession(file).run(OUTPUTS, {"image": images})


def test_outputs_are_the_mean(members, images, tmp_path):
    export_average(members, METADATA, images, tmp_path / "average.onnx")
    one, two, average = (run_file(file, images) for file in (*members, tmp_path / "average.onnx"))
    assert np.abs(one[0] - two[0]).max() > 0.01
    for mean, first, second in zip(average, one, two, strict=True):
        np.testing.assert_allclose(mean, (first + second) / 2, atol=1e-5)
    np.testing.assert_allclose(average[0].sum(1), 1, atol=1e-5)


def test_the_file_of_two_is_as_large_as_that_of_one(members, images, tmp_path):
    export_average(members, METADATA, images, tmp_path / "average.onnx")
    assert (tmp_path / "average.onnx").stat().st_size < 1.1 * members[0].stat().st_size


def test_the_classifier_loads_the_file(members, images, tmp_path):
    export_average(members, METADATA, images, tmp_path / "average.onnx")
    probabilities, is_digit = Classifier(tmp_path / "average.onnx").classify(images[..., 0])
    assert probabilities.shape == (40, 10)
    assert is_digit.shape == (40,)


def test_one_member_is_an_average_too(members, images, tmp_path):
    export_average(members[:1], METADATA, images, tmp_path / "average.onnx")
    for averaged, expected in zip(
        run_file(tmp_path / "average.onnx", images), run_file(members[0], images), strict=True
    ):
        np.testing.assert_allclose(averaged, expected, atol=1e-5)


def test_a_failed_check_leaves_the_old_average(members, images, tmp_path, monkeypatch):
    old = tmp_path / "digits.onnx"
    old.write_bytes(b"old")
    monkeypatch.setattr("training.ensemble._average", lambda models: models[0])
    with pytest.raises(ExportError, match="disagrees"):
        export_average(members, METADATA, images, old)
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]

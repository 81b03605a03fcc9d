"""An exported file gives back the network that was trained, and what it says of its training."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from digits.classifier import DEFAULT_MODEL, Classifier
from digits.pages import DEFAULT_PAGE_MODEL

ROOT = Path(__file__).parent.parent


def test_weights_of_the_page_network_give_its_answers():
    from training.export import ExportError, as_float32
    from training.exported import take_weights
    from training.page_network import page_network

    other = page_network()
    take_weights(other, DEFAULT_PAGE_MODEL)
    picture = np.random.default_rng(1).uniform(0, 1, (1, 96, 128, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(DEFAULT_PAGE_MODEL, providers=["CPUExecutionProvider"])
    (characters,) = session.run(["characters"], {"page": picture})
    maps = as_float32(other).predict(picture, verbose=0)
    # Weights have 11 bits in the file: answers of some ten differ by a few hundredths at most.
    np.testing.assert_allclose(maps[..., 1:-1], characters, atol=0.1)
    with pytest.raises(ExportError, match="convolutions"):
        take_weights(other, DEFAULT_MODEL)


def test_weights_of_the_digit_network_give_its_answers(mnist_path):
    from training.calibration import softmax
    from training.data import load_mnist
    from training.exported import take_weights
    from training.networks import standardized

    network = standardized()
    take_weights(network, DEFAULT_MODEL)
    images, labels = (part[:200] for part in load_mnist(mnist_path).validation)
    # The file divides the logits by a temperature; the order of the answers is the same.
    theirs, _ = Classifier(DEFAULT_MODEL).classify(images)
    ours = softmax(network.predict(images, verbose=0))
    assert (ours.argmax(1) == theirs.argmax(1)).mean() > 0.99
    assert (ours.argmax(1) == labels).mean() > 0.97


def test_a_file_names_the_runs_that_made_it(tmp_path):
    from training.export import ExportError
    from training.exported import runs_before

    kept = ("steps", "tiles")
    runs = runs_before(DEFAULT_PAGE_MODEL, kept)
    assert sum(run["tiles"] for run in runs) > 200_000
    said = {"steps": 7, "tiles": 28, "train_minutes": 1, "before": runs}
    model = onnx.load(DEFAULT_PAGE_MODEL)
    onnx.helper.set_model_props(model, {"training": json.dumps(said)})
    onnx.save(model, tmp_path / "next.onnx")
    assert runs_before(tmp_path / "next.onnx", kept) == [*runs, {"steps": 7, "tiles": 28}]
    with pytest.raises(ExportError, match="how it was trained"):
        runs_before(ROOT / "README.md", kept)

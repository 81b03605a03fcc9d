"""The digit network's file is validated, and frames are classified."""

import json

import numpy as np
import onnx
import pytest

from digits import ModelError
from digits.classifier import DEFAULT_MODEL, Classifier
from helpers.models import with_metadata


@pytest.fixture(scope="module")
def classifier():
    return Classifier()


def test_rows_sum_to_one_and_batches_agree_with_single_frames(classifier):
    frames = np.random.default_rng(0).random((600, 28, 28), np.float32)
    batched, is_digit = classifier.classify(frames)
    assert batched.shape == (600, 10)
    assert batched.dtype == is_digit.dtype == np.float32
    assert batched.sum(1) == pytest.approx(np.ones(600), abs=1e-5)
    assert is_digit.shape == (600,)
    assert is_digit.min() >= 0
    assert is_digit.max() <= 1 + 1e-6
    single = np.concatenate([classifier.classify(frame[None])[0] for frame in frames[:20]])
    assert np.abs(single - batched[:20]).max() < 1e-5


def test_no_frames_give_no_rows(classifier):
    probabilities, is_digit = classifier.classify(np.zeros((0, 28, 28), np.float32))
    assert probabilities.shape == (0, 10)
    assert is_digit.shape == (0,)


def test_shipped_model_has_the_contract():
    model = onnx.load(DEFAULT_MODEL)
    onnx.checker.check_model(model, full_check=True)
    (image,) = model.graph.input
    assert image.name == "image"
    assert image.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    batch, *shape = image.type.tensor_type.shape.dim
    assert batch.dim_param or not batch.HasField("dim_value")
    assert [d.dim_value for d in shape] == [28, 28, 1]
    assert {output.name for output in model.graph.output} >= {"probabilities", "is_digit"}
    assert DEFAULT_MODEL.stat().st_size <= 1_500_000


def test_missing_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="make train"):
        Classifier(tmp_path / "none.onnx")


def test_truncated_model_is_refused(tmp_path):
    part = tmp_path / "part.onnx"
    part.write_bytes(DEFAULT_MODEL.read_bytes()[:50_000])
    with pytest.raises(ModelError, match="can't be loaded"):
        Classifier(part)


def test_model_with_another_contract_is_refused(tmp_path):
    with pytest.raises(ModelError, match="32x32"):
        Classifier(with_metadata(DEFAULT_MODEL, tmp_path / "other.onnx", frame="32x32"))


@pytest.mark.parametrize(
    "metadata",
    [
        *({"labels": labels} for labels in ("{", '["1"]', "7", json.dumps(list("1234567890")))),
        *({"labels": json.dumps(labels)} for labels in (list("abcdefghij"), list(range(10)))),
        *({"certain_from": value} for value in ("soon", "nan", "-3", "1e9", "inf")),
    ],
    ids=str,
)
def test_model_with_invalid_metadata_is_refused(tmp_path, metadata):
    with pytest.raises(ModelError, match="make train"):
        Classifier(with_metadata(DEFAULT_MODEL, tmp_path / "invalid.onnx", **metadata))


def test_onnx_file_of_another_kind_is_refused(tmp_path):
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])],
        "other",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, tmp_path / "foreign.onnx")
    with pytest.raises(ModelError, match="not a model for this reader"):
        Classifier(tmp_path / "foreign.onnx")

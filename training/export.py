"""Export a trained digit network to an ONNX file, and check the file against Keras.

This module knows the model's contract: names, shapes and metadata.
"""

import os
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime

from digits.classifier import DIGIT_OUTPUTS
from training.calibration import sigmoid, softmax

OPSET = 18

# Maximum difference between an output of the file and Keras's.
PARITY_TOLERANCE = 1e-5


class ExportError(RuntimeError):
    """The exported file failed a check; the message says which."""


def export_onnx(
    network: keras.Model,
    head: keras.Model,
    temperature: float,
    metadata: dict[str, str],
    images: np.ndarray,
    path: Path,
) -> None:
    """Write the network as ONNX, compare the file with Keras, and then replace `path` atomically.

    The graph's input is `image`, float32 (N, 28, 28, 1) in 0..1. Its outputs are `probabilities`, float32 (N, 10), and
    `is_digit`, float32 (N,): the probability that the image shows exactly one digit.

    Args:
        network: 28x28 image -> ten logits.
        head: 28x28 image -> one logit, whether it is a digit (networks.build_is_digit_head).
        temperature: divisor of the logits before the softmax.
        metadata: the file's metadata_props.
        images: float32 (N, 28, 28, 1); file and Keras must agree on every image.
        path: the file to write or replace.

    Raises:
        ExportError: the file failed a check; `path` is unchanged.
    """
    combined = as_float32(keras.Model(network.input, [network.output, head.output]))
    model = _convert(combined, temperature)
    write_checked_model(model, metadata, lambda part: check_parity(combined, temperature, part, images), path)


def write_checked_model(
    model: onnx.ModelProto, metadata: dict[str, str], check: Callable[[Path], None], path: Path
) -> None:
    """Write a model to a temporary file beside `path`, check it, and then replace `path` atomically.

    Args:
        metadata: the file's metadata_props.
        check: receives the path of the temporary file, and raises ExportError where the file is wrong.
        path: the file to write or replace.

    Raises:
        ExportError: the file failed a check; `path` is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        onnx.helper.set_model_props(model, metadata)
        onnx.save(model, part)
        onnx.checker.check_model(str(part), full_check=True)
        check(part)
        os.replace(part, path)
    except onnx.checker.ValidationError as error:
        raise ExportError(f"onnx.checker refused the model: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def run_model(path: Path, images: np.ndarray) -> list[np.ndarray]:
    """Return the outputs of a file's model for images (N, 28, 28, 1), in the order of DIGIT_OUTPUTS."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    batches = [
        session.run(DIGIT_OUTPUTS, {"image": images[start : start + 500]}) for start in range(0, len(images), 500)
    ]
    return [np.concatenate(column) for column in zip(*batches)]


def as_float32(network: keras.Model) -> keras.Model:
    """Return the network with float32 computation, whatever precision it was trained in."""
    if network.compute_dtype == "float32" and all(layer.compute_dtype == "float32" for layer in network.layers):
        return network

    def in_float32(layer: keras.layers.Layer) -> keras.layers.Layer:
        return layer.__class__.from_config({**layer.get_config(), "dtype": "float32"})

    copy = keras.models.clone_model(network, clone_function=in_float32)
    copy.set_weights(network.get_weights())
    return copy


def check_parity(combined: keras.Model, temperature: float, path: Path, images: np.ndarray) -> None:
    """Raise ExportError unless every argmax is equal and every output is within PARITY_TOLERANCE of Keras's."""
    probabilities, is_digit = run_model(path, images)
    logits, digit_logit = combined.predict(images, batch_size=500, verbose=0)
    keras_probabilities, keras_is_digit = softmax(logits / temperature), sigmoid(digit_logit[:, 0])
    difference = float(max(np.abs(probabilities - keras_probabilities).max(), np.abs(is_digit - keras_is_digit).max()))
    unequal = int((probabilities.argmax(1) != keras_probabilities.argmax(1)).sum())
    if unequal or not difference <= PARITY_TOLERANCE:
        raise ExportError(
            f"The ONNX model disagrees with Keras: {unequal} of {len(images)} digits differ, and outputs by "
            f"up to {difference:.1e} (at most {PARITY_TOLERANCE:.0e} is allowed)."
        )


def _convert(combined: keras.Model, temperature: float) -> onnx.ModelProto:
    """Convert the two-output Keras model to ONNX, with temperature, softmax and sigmoid inside the graph."""
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec((None, 28, 28, 1), tf.float32, name="image")]

    # from_keras fails on Keras 3 (tf2onnx issue 2448); a function keeps the given names of inputs and outputs.
    @tf.function(input_signature=signature)
    def read(image: tf.Tensor) -> dict[str, tf.Tensor]:
        logits, digit_logit = combined(image, training=False)
        return {
            "probabilities": tf.nn.softmax(logits / temperature),
            "is_digit": tf.sigmoid(digit_logit[:, 0]),
        }

    model, _ = tf2onnx.convert.from_function(read, input_signature=signature, opset=OPSET)
    return model

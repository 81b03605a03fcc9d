"""A trained Keras network -> a checked ONNX file.

Knows the model's contract (names, shapes, metadata) and how to prove that the file keeps it. All conversion stands
here, so that tf2onnx could be swapped in one place.
"""

import os
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from digits.classifier import OUTPUTS
from training.calibration import sigmoid, softmax

OPSET = 18
TOLERANCE = 1e-5


class ExportError(RuntimeError):
    """The exported file failed a check; the message says which."""


def export_onnx(
    network: keras.Model,
    head: keras.Model,
    temperature: float,
    metadata: dict[str, str],
    images: np.ndarray,
    path: Path,
):
    """Writes the network as ONNX, proves it against Keras, and only then puts it in its place, in one step.

    The graph takes `image`, float32 (N, 28, 28, 1) in 0..1, and gives `probabilities`, float32 (N, 10), and `is_digit`,
    float32 (N,): how probable it is that the frame shows one digit at all.

    Args:
        network: 28x28 ink -> ten logits.
        head: the same ink -> one logit, whether it is a digit (networks.is_digit_head).
        temperature: what the logits are divided by before the softmax.
        metadata: goes into the file's metadata_props.
        images: float32 (N, 28, 28, 1); file and Keras must agree on every one.
        path: the file to write or replace.

    Raises:
        ExportError: the file failed a check; what was at `path` is untouched.
    """
    both = as_float32(keras.Model(network.input, [network.output, head.output]))
    model = _convert(both, temperature)
    put_in_place(model, metadata, lambda part: check_parity(both, temperature, part, images), path)


def put_in_place(model, metadata: dict[str, str], check: Callable[[Path], None], path: Path) -> None:
    """Writes a model beside `path`, proves the file, and only then puts it in its place, in one step.

    Args:
        model: an onnx.ModelProto.
        metadata: goes into the file's metadata_props.
        check: takes the file that was written, and raises ExportError where it is not right.
        path: the file to write or replace.

    Raises:
        ExportError: the file failed a check; what was at `path` is untouched.
    """
    import onnx

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


def outputs(path: Path, images: np.ndarray) -> list[np.ndarray]:
    """What a file's model says of images, in the order of OUTPUTS."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    batches = [session.run(OUTPUTS, {"image": images[start : start + 500]}) for start in range(0, len(images), 500)]
    return [np.concatenate(column) for column in zip(*batches)]


def as_float32(network: keras.Model) -> keras.Model:
    """The same network computing in float32, whatever precision it was trained in."""
    if network.compute_dtype == "float32" and all(layer.compute_dtype == "float32" for layer in network.layers):
        return network

    def in_float32(layer):
        return layer.__class__.from_config({**layer.get_config(), "dtype": "float32"})

    copy = keras.models.clone_model(network, clone_function=in_float32)
    copy.set_weights(network.get_weights())
    return copy


def check_parity(both: keras.Model, temperature: float, path: Path, images: np.ndarray):
    """Raises ExportError unless every argmax is equal and every output within TOLERANCE of Keras's."""
    ours, our_is_digit = outputs(path, images)
    logits, digit_logit = both.predict(images, batch_size=500, verbose=0)
    theirs, their_is_digit = softmax(logits / temperature), sigmoid(digit_logit[:, 0])
    difference = float(max(np.abs(ours - theirs).max(), np.abs(our_is_digit - their_is_digit).max()))
    unequal = int((ours.argmax(1) != theirs.argmax(1)).sum())
    if unequal or not difference <= TOLERANCE:
        raise ExportError(
            f"The ONNX model disagrees with Keras: {unequal} of {len(images)} digits differ, and outputs by "
            f"up to {difference:.1e} (at most {TOLERANCE:.0e} is allowed)."
        )


def _convert(both: keras.Model, temperature: float):
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec((None, 28, 28, 1), tf.float32, name="image")]

    # from_keras fails on Keras 3 (tf2onnx issue 2448); a function keeps the names that it is given.
    @tf.function(input_signature=signature)
    def read(image):
        logits, digit_logit = both(image, training=False)
        return {
            "probabilities": tf.nn.softmax(logits / temperature),
            "is_digit": tf.sigmoid(digit_logit[:, 0]),
        }

    model, _ = tf2onnx.convert.from_function(read, input_signature=signature, opset=OPSET)
    return model

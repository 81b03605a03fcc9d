"""A trained page network -> a checked ONNX file.

Weights are kept in half precision and are single precision again once the file is loaded. The file is proved against
Keras, on pictures of several sizes, before it takes its place.
"""

import json
import re
from pathlib import Path

import keras
import numpy as np

from digits.pages import OUTPUTS
from training.ensemble import halved
from training.export import OPSET, ExportError, as_float32, put_in_place
from training.networks import RELU_GAIN, StandardizedConv2D
from training.page_targets import CENTRE, FIRST_CLASS, SMALL

# How far Keras's outputs may lie from the file's, whose weights are rounded to 11 bits: on average, in probability.
TOLERANCE = 0.002

# The names of an exported network's weights.
_KERNEL = re.compile(r"standardized_conv2d(?:_(\d+))?_\d+/mul")
_BIAS = re.compile(r"standardized_conv2d(?:_(\d+))?_\d+/Cast/")
_DENSE = ("dense_1/Cast/", "dense_1/BiasAdd/")

# A standardized kernel is the same at any scale; this is the usual deviation of its weights after a long training, from
# which on the learning rate has the effect that it had at that training's end.
SPREAD = 0.2


def export_pages(network: keras.Model, metadata: dict[str, str], pictures: np.ndarray, path: Path) -> None:
    """Write the page network as ONNX, prove it against Keras, and only then put it in its place, in one step.

    The graph takes `page`, float32 (1, H, W, 3) in 0..1, H and W multiples of 32, and gives, at a quarter of the size:
    `centre` (1, h, w) and `small` (1, h, w), probabilities, and `characters` (1, h, w, C): class logits and box.

    Args:
        network: see page_network.page_network.
        metadata: goes into the file's metadata_props.
        pictures: uint8 (N, H, W, 3); file and Keras must agree on every one, and on parts of them.
        path: the file to write or replace.

    Raises:
        ExportError: the file failed a check; what was at `path` is untouched.
    """
    network = as_float32(network)
    put_in_place(_convert(network), metadata, lambda part: _check(network, part, pictures), path)


def take_weights(network: keras.Model, path: Path) -> None:
    """Give a network the weights of a file that export_pages wrote, so that training can go on from there.

    Args:
        network: see page_network.page_network.
        path: the file; its weights have half precision.

    Raises:
        ExportError: the file can't be read, or its network has another shape.
    """
    import onnx
    from onnx import numpy_helper

    try:
        tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    except Exception as error:  # onnx raises protobuf's errors, which it doesn't name
        raise ExportError(f"{path} can't be read as an ONNX file: {error}") from error
    # Convolutions are numbered in the order in which they were built.
    kernels = {int(found[1] or 0): name for name in tensors if (found := _KERNEL.search(name))}
    biases = {int(found[1] or 0): name for name in tensors if (found := _BIAS.search(name))}
    convolutions = [layer for layer in network.layers if isinstance(layer, StandardizedConv2D)]
    if len(convolutions) != len(kernels) or kernels.keys() != biases.keys():
        raise ExportError(f"{path} has {len(kernels)} convolutions in place of {len(convolutions)}.")
    try:
        for number, layer in zip(sorted(kernels), convolutions):
            kernel = tensors[kernels[number]].astype(np.float32).transpose(2, 3, 1, 0)
            length = np.sqrt((kernel**2).sum((0, 1, 2))) + 1e-12
            spread = SPREAD * np.sqrt(kernel[..., 0].size)
            layer.set_weights([kernel / length * spread, length / RELU_GAIN, tensors[biases[number]]])
        dense = [tensors[next(name for name in tensors if end in name)] for end in _DENSE]
        network.layers[-1].set_weights([dense[0].astype(np.float32), dense[1]])
    except (ValueError, StopIteration) as error:
        raise ExportError(f"{path} holds another network than the one that is trained: {error}") from error


def runs_before(path: Path) -> list[dict]:
    """Return what a file says of the training runs that its weights went through, the first run first.

    Raises:
        ExportError: it says nothing of them.
    """
    import onnx

    try:
        said = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        run = json.loads(said["training"])
        earlier = run.pop("before", [])
        kept = ("steps", "learning_rate", "tiles", "train_minutes")
        return [*earlier, {key: run[key] for key in kept if key in run}]
    except Exception as error:  # onnx raises protobuf's errors, which it doesn't name
        raise ExportError(f"{path} does not say how it was trained: {error!r}") from error


def add_metadata(path: Path, metadata: dict[str, str]) -> None:
    """Replace the metadata of an ONNX file, in one step."""
    import onnx

    put_in_place(onnx.load(path), metadata, lambda part: None, path)


def _convert(network: keras.Model):
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec((1, None, None, 3), tf.float32, name="page")]

    @tf.function(input_signature=signature)
    def find(page):
        maps = network(page, training=False)
        return {
            "centre": tf.sigmoid(maps[..., CENTRE]),
            "characters": maps[..., FIRST_CLASS:SMALL],
            "small": tf.sigmoid(maps[..., SMALL]),
        }

    model, _ = tf2onnx.convert.from_function(find, input_signature=signature, opset=OPSET)
    return halved(model)


def _check(network: keras.Model, path: Path, pictures: np.ndarray) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for number, picture in enumerate(pictures):
        side = 64 + 32 * (number % 6)
        part = picture[None, :side, : side + 32].astype(np.float32) / 255
        centre, _, small = session.run(OUTPUTS, {"page": part})
        maps = network.predict(part, verbose=0)
        for ours, channel in ((centre, CENTRE), (small, SMALL)):
            difference = float(np.abs(ours - 1 / (1 + np.exp(-maps[..., channel]))).mean())
            if not difference <= TOLERANCE:
                raise ExportError(
                    f"The ONNX page network disagrees with Keras by {difference:.1e} on average "
                    f"(at most {TOLERANCE:.0e} is allowed)."
                )

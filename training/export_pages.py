"""Export a trained page network to an ONNX file, check the file against Keras, and load weights from such a file.

Weights are stored in half precision and cast to single precision when the file is loaded. The check compares the file
with Keras on pictures of several sizes.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from digits.pages import PAGE_OUTPUTS
from training.ensemble import store_in_half_precision
from training.export import OPSET, ExportError, as_float32, write_checked_model
from training.networks import RELU_GAIN, StandardizedConv2D
from training.page_targets import CENTRE_CHANNEL, FIRST_CLASS_CHANNEL, SMALL_CHANNEL

# Maximum mean difference between probabilities of Keras and of the file, whose weights are rounded to 11 bits.
PAGE_PARITY_TOLERANCE = 0.002

# Parts of the names of an exported network's weights.
_KERNEL_NAME = re.compile(r"standardized_conv2d(?:_(\d+))?_\d+/mul")
_BIAS_NAME = re.compile(r"standardized_conv2d(?:_(\d+))?_\d+/Cast/")
_DENSE_NAMES = ("dense_1/Cast/", "dense_1/BiasAdd/")

# Standard deviation to which loaded kernels are scaled. The output of a standardized kernel does not depend on its
# scale, but the effect of the learning rate does. This is the usual value after a long training, so that training
# continues with the learning rate's effect at that training's end.
KERNEL_STANDARD_DEVIATION = 0.2


def export_pages(network: keras.Model, metadata: dict[str, str], pictures: np.ndarray, path: Path) -> None:
    """Write the page network as ONNX, compare the file with Keras, and then replace `path` atomically.

    The graph's input is `page`, float32 (1, H, W, 3) in 0..1, H and W multiples of 32. Its outputs, at a quarter of the
    size, are `centre` (1, h, w) and `small` (1, h, w), probabilities, and `characters` (1, h, w, C), class logits and
    box.

    Args:
        network: see page_network.build_page_network.
        metadata: the file's metadata_props.
        pictures: uint8 (N, H, W, 3); file and Keras must agree on a crop of every picture.
        path: the file to write or replace.

    Raises:
        ExportError: the file failed a check; `path` is unchanged.
    """
    network = as_float32(network)
    write_checked_model(_convert(network), metadata, lambda part: _check_parity(network, part, pictures), path)


def load_exported_weights(network: keras.Model, path: Path) -> None:
    """Load the weights of a file that export_pages wrote into a network, to continue training from there.

    Args:
        network: see page_network.build_page_network.
        path: the file; its weights have half precision.

    Raises:
        ExportError: the file can't be read, or its network has another architecture.
    """
    try:
        tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    except Exception as error:  # onnx raises protobuf's errors, whose types it doesn't export
        raise ExportError(f"{path} can't be read as an ONNX file: {error}") from error
    # The names number the convolutions in the order in which they were built.
    kernels = {int(match[1] or 0): name for name in tensors if (match := _KERNEL_NAME.search(name))}
    biases = {int(match[1] or 0): name for name in tensors if (match := _BIAS_NAME.search(name))}
    convolutions = [layer for layer in network.layers if isinstance(layer, StandardizedConv2D)]
    if len(convolutions) != len(kernels) or kernels.keys() != biases.keys():
        raise ExportError(f"{path} has {len(kernels)} convolutions in place of {len(convolutions)}.")
    try:
        for number, layer in zip(sorted(kernels), convolutions):
            kernel = tensors[kernels[number]].astype(np.float32).transpose(2, 3, 1, 0)
            norm = np.sqrt((kernel**2).sum((0, 1, 2))) + 1e-12
            target_norm = KERNEL_STANDARD_DEVIATION * np.sqrt(kernel[..., 0].size)
            layer.set_weights([kernel / norm * target_norm, norm / RELU_GAIN, tensors[biases[number]]])
        dense = [tensors[next(name for name in tensors if end in name)] for end in _DENSE_NAMES]
        network.layers[-1].set_weights([dense[0].astype(np.float32), dense[1]])
    except (ValueError, StopIteration) as error:
        raise ExportError(f"{path} holds another network than the one that is trained: {error}") from error


def load_average_weights(network: keras.Model, paths: Sequence[Path]) -> None:
    """Load the average of the weights of exported files (Wortsman et al., "Model soups", 2022).

    Networks that share most of their training lie close together, and their average is often better than each of them.

    Args:
        network: see page_network.build_page_network.
        paths: files that export_pages wrote, of networks that share a part of their training.

    Raises:
        ExportError: a file can't be read, or its network has another architecture.
    """
    loaded = []
    for path in paths:
        load_exported_weights(network, path)
        loaded.append(network.get_weights())
    network.set_weights([np.mean(values, 0) for values in zip(*loaded)])


def read_training_runs(path: Path) -> list[dict[str, Any]]:
    """Return the figures of the training runs that made a file's weights, from its metadata, the first run first.

    Raises:
        ExportError: the file can't be read, or has no such metadata.
    """
    try:
        properties = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        run = json.loads(properties["training"])
        earlier = run.pop("before", [])
        keys = ("steps", "learning_rate", "tiles", "train_minutes")
        return [*earlier, {key: run[key] for key in keys if key in run}]
    except Exception as error:  # onnx raises protobuf's errors, whose types it doesn't export
        raise ExportError(f"{path} does not say how it was trained: {error!r}") from error


def add_metadata(path: Path, metadata: dict[str, str]) -> None:
    """Replace the metadata of an ONNX file atomically."""
    write_checked_model(onnx.load(path), metadata, lambda part: None, path)


def _convert(network: keras.Model) -> onnx.ModelProto:
    """Convert the network to ONNX, with the sigmoids inside the graph and weights in half precision."""
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec((1, None, None, 3), tf.float32, name="page")]

    @tf.function(input_signature=signature)
    def find(page: tf.Tensor) -> dict[str, tf.Tensor]:
        maps = network(page, training=False)
        return {
            "centre": tf.sigmoid(maps[..., CENTRE_CHANNEL]),
            "characters": maps[..., FIRST_CLASS_CHANNEL:SMALL_CHANNEL],
            "small": tf.sigmoid(maps[..., SMALL_CHANNEL]),
        }

    model, _ = tf2onnx.convert.from_function(find, input_signature=signature, opset=OPSET)
    return store_in_half_precision(model)


def _check_parity(network: keras.Model, path: Path, pictures: np.ndarray) -> None:
    """Raise ExportError where probabilities differ from Keras's by more than PAGE_PARITY_TOLERANCE on average."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for number, picture in enumerate(pictures):
        side = 64 + 32 * (number % 6)
        crop = picture[None, :side, : side + 32].astype(np.float32) / 255
        centre, _, small = session.run(PAGE_OUTPUTS, {"page": crop})
        maps = network.predict(crop, verbose=0)
        for output, channel in ((centre, CENTRE_CHANNEL), (small, SMALL_CHANNEL)):
            difference = float(np.abs(output - 1 / (1 + np.exp(-maps[..., channel]))).mean())
            if not difference <= PAGE_PARITY_TOLERANCE:
                raise ExportError(
                    f"The ONNX page network disagrees with Keras by {difference:.1e} on average "
                    f"(at most {PAGE_PARITY_TOLERANCE:.0e} is allowed)."
                )

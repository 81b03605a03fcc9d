"""An exported ONNX file -> the weights of the network in it, and how it was trained, so that training can go on.

It knows how the exported weights are named, and nothing of what the networks are for.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from training.export import ExportError
from training.networks import RELU_GAIN, StandardizedConv2D

# The names of an exported network's weights; layers of a kind are numbered in the order in which they were built.
_KERNEL = re.compile(r"standardized_conv2d(?:_(\d+))?_\d+/mul")
_BIAS = re.compile(r"standardized_conv2d(?:_(\d+))?_\d+/Cast/")
_DENSE = re.compile(r"dense(?:_(\d+))?_\d+/Cast/")
_DENSE_BIAS = re.compile(r"dense(?:_(\d+))?_\d+/BiasAdd/")

# A standardized kernel is the same at any scale; this is the usual deviation of its weights after a long training, from
# which on the learning rate has the effect that it had at that training's end.
SPREAD = 0.2


def take_weights(network: keras.Model, path: Path, member: int | None = None) -> None:
    """Give a network of standardized convolutions and one dense layer the weights of an exported file.

    Args:
        network: networks.standardized() or page_network.page_network().
        path: a file that train_export.py wrote; its weights have half precision. Layers that were built later, as the
            head of the digit network was, are left out.
        member: which network of an averaged file, from 0; None where the file holds one.

    Raises:
        ExportError: the file can't be read, or its network has another shape.
    """
    import onnx
    from onnx import numpy_helper

    try:
        graph = onnx.load(path).graph
    except Exception as error:  # onnx raises protobuf's errors, which it doesn't name
        raise ExportError(f"{path} can't be read as an ONNX file: {error}") from error
    own = "" if member is None else f"member{member}/"
    tensors = {tensor.name: tensor for tensor in graph.initializer if tensor.name.startswith(own)}

    def in_order(pattern: re.Pattern) -> list[np.ndarray]:
        numbered = sorted((int(found[1] or 0), name) for name in tensors if (found := pattern.search(name)))
        return [numpy_helper.to_array(tensors[name]).astype(np.float32) for _, name in numbered]

    kernels, biases = in_order(_KERNEL), in_order(_BIAS)
    convolutions = [layer for layer in network.layers if isinstance(layer, StandardizedConv2D)]
    if len(kernels) < len(convolutions) or len(kernels) != len(biases):
        raise ExportError(f"{path} has {len(kernels)} convolutions in place of {len(convolutions)}.")
    try:
        for layer, kernel, bias in zip(convolutions, kernels, biases):
            kernel = kernel.transpose(2, 3, 1, 0)
            length = np.sqrt((kernel**2).sum((0, 1, 2))) + 1e-12
            spread = SPREAD * np.sqrt(kernel[..., 0].size)
            layer.set_weights([kernel / length * spread, length / RELU_GAIN, bias])
        network.layers[-1].set_weights([in_order(_DENSE)[0], in_order(_DENSE_BIAS)[0]])
    except (ValueError, IndexError) as error:
        raise ExportError(f"{path} holds another network than the one that is trained: {error}") from error


def runs_before(path: Path, kept: Sequence[str]) -> list[dict]:
    """Return what a file says of the training runs that its weights went through, the first run first.

    Args:
        path: a file that train_export.py wrote.
        kept: the figures of each run that are returned, where the file has them.

    Raises:
        ExportError: it says nothing of them.
    """
    import onnx

    try:
        said = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        run = json.loads(said["training"])
        earlier = run.pop("before", [])
        return [*earlier, {key: run[key] for key in kept if key in run}]
    except Exception as error:  # onnx raises protobuf's errors, which it doesn't name
        raise ExportError(f"{path} does not say how it was trained: {error!r}") from error

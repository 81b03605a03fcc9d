"""A trained page network -> a checked ONNX file.

Weights are kept in half precision and are single precision again once the file is loaded. The file is proved against
Keras, on pictures of several sizes, before it takes its place.
"""

from pathlib import Path

import keras
import numpy as np

from digits.pages import OUTPUTS
from training.ensemble import halved
from training.export import OPSET, ExportError, as_float32, put_in_place
from training.page_targets import CENTRE, FIRST_CLASS, SMALL

# How far Keras's outputs may lie from the file's, whose weights are rounded to 11 bits: on average, in probability.
TOLERANCE = 0.002


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

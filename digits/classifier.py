"""Run the digit network, an ONNX model: 28x28 frames -> probabilities.

A model's own properties (labels, contract of its frames, threshold for a certain digit) are read from the file's
metadata, so that a model can't be paired with the wrong code. It knows nothing of pages and boxes.
"""

import json
import os
from pathlib import Path

import numpy as np

# Stops onnxruntime's requests to the network and its cache folder. It reads the variable when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime  # noqa: E402

from digits.resources import RESOURCE_ROOT  # noqa: E402

DEFAULT_MODEL = RESOURCE_ROOT / "models" / "digits.onnx"

# The contract between frame.py, the training script and the model. The model's metadata names its contract.
FRAME_CONTRACT = "mnist-20-in-28-centre-of-mass"

DIGIT_OUTPUTS = ["probabilities", "is_digit"]

LABELS = list("0123456789")

# The most frames in one call of the network: larger batches gain no speed and cost memory.
MAX_BATCH_FRAMES = 256


class ModelError(RuntimeError):
    """A model file is missing, broken or of another kind; the message says what to do."""


def open_session(
    path: Path, key: str, contract: str, inputs: set[str], outputs: set[str]
) -> onnxruntime.InferenceSession:
    """Load an ONNX file after checking its contract, inputs and outputs.

    Args:
        path: the file.
        key: the metadata key that holds its contract.
        contract: the required contract.
        inputs, outputs: the required names; the file may have more outputs.

    Raises:
        ModelError: the file is missing, is not an ONNX model, or has another contract.
    """
    if not path.is_file():
        raise ModelError(
            f"There is no model at {path}. Train one with 'make train', or name another with the model option."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # fastest where callers run in parallel
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a different class for each kind of broken file
        raise ModelError(f"{path} can't be loaded as an ONNX model; train it anew with 'make train'.") from error
    metadata = session.get_modelmeta().custom_metadata_map
    has_inputs = {node.name for node in session.get_inputs()} == inputs
    if metadata.get(key) != contract or not has_inputs or not {node.name for node in session.get_outputs()} >= outputs:
        raise ModelError(
            f"{path} is not a model for this reader: its {key} contract is {metadata.get(key)!r}, "
            f"and {contract!r} is needed. Models are made by train_export.py."
        )
    return session


class Classifier:
    """The digit network, ready to run; safe to call from several threads at once.

    Args:
        model: path of an ONNX file written by train_export.py.

    Raises:
        ModelError: the file is missing, is not an ONNX model, or has another contract or other labels.

    Attributes:
        metadata: the file's metadata: training figures, version, labels, contract.
        certain_threshold: the certainty from which the reader vouches for a single digit, 0..1.
    """

    def __init__(self, model: str | os.PathLike = DEFAULT_MODEL):
        path = Path(model)
        self._session = open_session(path, "frame", FRAME_CONTRACT, {"image"}, set(DIGIT_OUTPUTS))
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        try:
            labels = json.loads(self.metadata["labels"])
            self.certain_threshold = float(self.metadata["certain_from"])
        except (KeyError, ValueError) as error:
            raise ModelError(
                f"{path} does not say what its labels are, or when it is sure; make it anew with 'make train'."
            ) from error
        if labels != LABELS:
            raise ModelError(f"{path} has other labels than 0 to 9 in order; make it anew with 'make train'.")
        if not 0 <= self.certain_threshold <= 1:
            raise ModelError(
                f"{path} is sure from {self.certain_threshold} on, which is no probability; "
                "make it anew with 'make train'."
            )

    def classify(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Classify frames.

        Args:
            frames: float32 (N, 28, 28) in 0..1, ink bright; N may be zero.

        Returns:
            The probabilities of the ten digits, float32 (N, 10), whose rows sum to 1, and the probability that a frame
            shows exactly one digit, float32 (N,).
        """
        frames = np.asarray(frames, np.float32).reshape(-1, 28, 28, 1)
        if not len(frames):
            return np.zeros((0, len(LABELS)), np.float32), np.zeros(0, np.float32)
        batches = [
            self._session.run(DIGIT_OUTPUTS, {"image": frames[start : start + MAX_BATCH_FRAMES]})
            for start in range(0, len(frames), MAX_BATCH_FRAMES)
        ]
        probabilities, is_digit = (np.concatenate(column) for column in zip(*batches))
        return probabilities, is_digit

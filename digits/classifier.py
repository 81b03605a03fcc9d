"""The ONNX model: 28x28 frames -> probabilities.

All that is particular to one model (its labels, what its frames must look like, when it is sure) is read from the
file's own metadata, so that a model can't be paired with the wrong code. It knows nothing of pages and boxes.
"""

import json
import os
from pathlib import Path

import numpy as np

# No request leaves the machine, and nothing is kept in a cache folder: read by onnxruntime when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime  # noqa: E402

from digits.resources import ROOT  # noqa: E402

DEFAULT_MODEL = ROOT / "models" / "digits.onnx"

# The contract between frame.py, the training script and the model; the file says which one it speaks.
FRAME_CONTRACT = "mnist-20-in-28-centre-of-mass"

OUTPUTS = ["probabilities", "is_digit"]

LABELS = list("0123456789")

# Frames a call of the network: larger batches gain no speed and cost memory.
BATCH = 256


class ModelError(RuntimeError):
    """The model file is missing, broken or of another kind; the message says what to do."""


def open_session(
    path: Path, key: str, contract: str, inputs: set[str], outputs: set[str]
) -> onnxruntime.InferenceSession:
    """Load an ONNX file that says it speaks a contract.

    Args:
        path: the file.
        key: where its metadata names its contract.
        contract: the contract that is needed.
        inputs, outputs: names; the file may have more outputs.

    Raises:
        ModelError: no such file, not an ONNX model, or a model with another contract.
    """
    if not path.is_file():
        raise ModelError(
            f"There is no model at {path}. Train one with 'make train', or name another with the model option."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # best where callers run side by side
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a class of its own for every way a file can be broken
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
    """A trained network, ready to run; safe to call from several threads at once.

    Args:
        model: path of an ONNX file written by train_export.py.

    Raises:
        ModelError: no such file, not an ONNX model, a model with another contract, or one with other labels.
    """

    def __init__(self, model: str | os.PathLike = DEFAULT_MODEL):
        path = Path(model)
        self._session = open_session(path, "frame", FRAME_CONTRACT, {"image"}, set(OUTPUTS))
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        try:
            labels = json.loads(self.metadata["labels"])
            self.certain_from = float(self.metadata["certain_from"])
        except (KeyError, ValueError) as error:
            raise ModelError(
                f"{path} does not say what its labels are, or when it is sure; make it anew with 'make train'."
            ) from error
        if labels != LABELS:
            raise ModelError(f"{path} has other labels than 0 to 9 in order; make it anew with 'make train'.")
        if not 0 <= self.certain_from <= 1:
            raise ModelError(
                f"{path} is sure from {self.certain_from} on, which is no probability; make it anew with 'make train'."
            )

    def classify(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Reads frames.

        Args:
            frames: float32 (N, 28, 28) in 0..1, ink bright; N may be zero.

        Returns:
            The probabilities of the ten digits, float32 (N, 10), whose rows sum to 1, and how probable it is that a
            frame shows one digit at all, float32 (N,).
        """
        frames = np.asarray(frames, np.float32).reshape(-1, 28, 28, 1)
        if not len(frames):
            return np.zeros((0, len(LABELS)), np.float32), np.zeros(0, np.float32)
        batches = [
            self._session.run(OUTPUTS, {"image": frames[start : start + BATCH]})
            for start in range(0, len(frames), BATCH)
        ]
        probabilities, is_digit = (np.concatenate(column) for column in zip(*batches))
        return probabilities, is_digit

"""MNIST: where it is found, that it is whole, and how it is split.

Knows files and shapes; nothing of networks. The test set is handed out apart, so that training can't lean on it.
"""

import gzip
from pathlib import Path
from typing import NamedTuple

import numpy as np

# The last images of a fixed shuffle are for validation: the same ones in every run, whatever the seed of the training.
SPLIT_SEED = 20261120
VALIDATION_PART = 1 / 12

IDX_FILES = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}


class DataError(ValueError):
    """The data is missing, broken or wrongly shaped; the message says which and what to do."""


class Digits(NamedTuple):
    """Images float32 (N, 28, 28, 1) in 0..1, ink bright, and labels int64 (N,) in 0..9."""

    images: np.ndarray
    labels: np.ndarray


def joined(*parts: Digits) -> Digits:
    """Several sets as one."""
    return Digits(np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts]))


class Mnist(NamedTuple):
    train: Digits
    validation: Digits
    test: Digits


def load_mnist(path: str | None, limit: int | None = None) -> Mnist:
    """Loads MNIST and splits a validation set off its training set.

    Args:
        path: an .npz in Keras's layout, a folder with the four original IDX .gz files, or None for Keras's own loader
            (which downloads the data once).
        limit: keep only so many images of each set, for a trial run.

    Raises:
        DataError: missing, broken or wrongly shaped.
    """
    if path is None:
        arrays = _from_keras()
    elif Path(path).is_dir():
        arrays = _from_idx(Path(path))
    else:
        arrays = _from_npz(Path(path))
    train = _checked(arrays, "train", path)
    test = _checked(arrays, "test", path)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(train.labels))
    for_validation = max(1, round(len(order) * VALIDATION_PART))
    parts = (order[:-for_validation], order[-for_validation:])
    train, validation = (Digits(train.images[part], train.labels[part]) for part in parts)
    return Mnist(*(Digits(images[:limit], labels[:limit]) for images, labels in (train, validation, test)))


def _from_keras() -> dict[str, np.ndarray]:
    import keras

    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    except Exception as error:  # whatever stops the download, the answer is the same
        raise DataError(
            "MNIST could not be downloaded. Name a copy with --data: an .npz in Keras's layout or a folder with the "
            "four original .gz files."
        ) from error
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def _from_npz(path: Path) -> dict[str, np.ndarray]:
    if not path.exists():
        raise DataError(f"There is no data at {path}. Give --data an .npz in Keras's layout or a folder of IDX files.")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in IDX_FILES}
    except KeyError as error:
        raise DataError(f"{path} is not in Keras's layout: it lacks the array {error.args[0].split()[0]}.") from error
    except Exception as error:  # numpy and zipfile raise whatever the bytes lead them to
        raise DataError(f"{path} is damaged or no .npz file. Please fetch it again.") from error


def _from_idx(folder: Path) -> dict[str, np.ndarray]:
    arrays = {}
    for name, file in IDX_FILES.items():
        path = folder / file
        if not path.exists():
            raise DataError(f"There is no {file} in {folder}: all four of MNIST's original files are needed.")
        try:
            content = gzip.decompress(path.read_bytes())
            # IDX: two zero bytes, the type (8 is uint8), the number of dimensions, each as a big-endian int32.
            dimensions = content[3]
            shape = np.frombuffer(content, ">i4", dimensions, 4)
            if content[:3] != b"\0\0\x08":
                raise ValueError("not an IDX file of bytes")
            arrays[name] = np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
        except (OSError, ValueError, EOFError, IndexError, gzip.zlib.error) as error:
            raise DataError(f"{path} is damaged or no IDX file. Please fetch it again.") from error
    return arrays


def _checked(arrays: dict[str, np.ndarray], part: str, path: str | None) -> Digits:
    images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
    where = path or "Keras's MNIST"
    if images.ndim != 3 or images.shape[1:] != (28, 28) or images.dtype != np.uint8:
        raise DataError(f"x_{part} in {where} must be uint8 (N, 28, 28), and is {images.dtype} {images.shape}.")
    if labels.shape != images.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"y_{part} in {where} must hold one whole number for each of the {len(images)} images.")
    if len(labels) < 2 or labels.min() < 0 or labels.max() > 9:
        raise DataError(f"y_{part} in {where} must hold labels from 0 to 9, and at least two of them.")
    return Digits((images / 255).astype(np.float32)[..., None], labels.astype(np.int64))

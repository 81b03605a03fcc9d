"""Load MNIST, validate it, and split off a validation set.

The test set is a separate field, which training does not use. This module knows nothing of networks.
"""

import gzip
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

# The last images of a shuffle with this seed are the validation set: the same ones for every seed of the training.
SPLIT_SEED = 20261120
VALIDATION_FRACTION = 1 / 12  # of the training set

IDX_FILES = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}


class DataError(ValueError):
    """The data is missing, damaged or has the wrong shape; the message says which, and what to do."""


class Digits(NamedTuple):
    """Images float32 (N, 28, 28, 1) in 0..1, ink bright, and labels int64 (N,) in 0..9."""

    images: np.ndarray
    labels: np.ndarray


def concatenate(*parts: Digits) -> Digits:
    """Return several sets as one."""
    return Digits(np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts]))


class Mnist(NamedTuple):
    """MNIST, with a validation set that was split off its training set."""

    train: Digits
    validation: Digits
    test: Digits


def load_mnist(path: str | None, limit: int | None = None) -> Mnist:
    """Load MNIST and split a validation set off its training set.

    Args:
        path: an .npz in Keras's layout, a folder with the four original IDX .gz files, or None for Keras's own loader,
            which downloads the data once.
        limit: maximum number of images of each set, for a trial run.

    Raises:
        DataError: the data is missing, damaged or has the wrong shape.
    """
    if path is None:
        arrays = _load_keras()
    elif Path(path).is_dir():
        arrays = _load_idx(Path(path))
    else:
        arrays = _load_npz(Path(path))
    train = _validate(arrays, "train", path)
    test = _validate(arrays, "test", path)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(train.labels))
    validation_count = max(1, round(len(order) * VALIDATION_FRACTION))
    parts = (order[:-validation_count], order[-validation_count:])
    train, validation = (Digits(train.images[part], train.labels[part]) for part in parts)
    return Mnist(*(Digits(images[:limit], labels[:limit]) for images, labels in (train, validation, test)))


def _load_keras() -> dict[str, np.ndarray]:
    """Download MNIST with Keras's loader, or take it from Keras's cache."""
    import keras

    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    except Exception as error:  # the message is the same whatever made the download fail
        raise DataError(
            "MNIST could not be downloaded. Name a copy with --data: an .npz in Keras's layout or a folder with the "
            "four original .gz files."
        ) from error
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def _load_npz(path: Path) -> dict[str, np.ndarray]:
    """Read the four arrays from an .npz file."""
    if not path.exists():
        raise DataError(f"There is no data at {path}. Give --data an .npz in Keras's layout or a folder of IDX files.")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in IDX_FILES}
    except KeyError as error:
        raise DataError(f"{path} is not in Keras's layout: it lacks the array {error.args[0].split()[0]}.") from error
    except Exception as error:  # numpy and zipfile raise errors of many types on damaged files
        raise DataError(f"{path} is damaged or not an .npz file. Download it again.") from error


def _load_idx(folder: Path) -> dict[str, np.ndarray]:
    """Read the four arrays from the original IDX .gz files."""
    arrays = {}
    for name, file in IDX_FILES.items():
        path = folder / file
        if not path.exists():
            raise DataError(f"There is no {file} in {folder}: all four of MNIST's original files are needed.")
        try:
            content = gzip.decompress(path.read_bytes())
            # IDX header: two zero bytes, the type (8 is uint8), the number of dimensions, each as a big-endian int32.
            dimensions = content[3]
            shape = np.frombuffer(content, ">i4", dimensions, 4)
            if content[:3] != b"\0\0\x08":
                raise ValueError("not an IDX file of bytes")
            arrays[name] = np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
        except (OSError, ValueError, EOFError, IndexError, zlib.error) as error:
            raise DataError(f"{path} is damaged or not an IDX file. Download it again.") from error
    return arrays


def _validate(arrays: dict[str, np.ndarray], part: str, path: str | None) -> Digits:
    """Check the shapes, types and labels of one part, "train" or "test", and return it as Digits."""
    images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
    source = path or "Keras's MNIST"
    if images.ndim != 3 or images.shape[1:] != (28, 28) or images.dtype != np.uint8:
        raise DataError(f"x_{part} in {source} must be uint8 (N, 28, 28), but is {images.dtype} {images.shape}.")
    if labels.shape != images.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"y_{part} in {source} must hold one whole number for each of the {len(images)} images.")
    if len(labels) < 2 or labels.min() < 0 or labels.max() > 9:
        raise DataError(f"y_{part} in {source} must hold labels from 0 to 9, and at least two of them.")
    return Digits((images / 255).astype(np.float32)[..., None], labels.astype(np.int64))

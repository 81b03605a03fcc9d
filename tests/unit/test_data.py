"""MNIST is loaded from both formats, split in the same way every time, and refused where it is incomplete."""

import gzip

import numpy as np
import pytest

from training.data import IDX_FILES, DataError, load_mnist


@pytest.fixture
def arrays():
    random = np.random.default_rng(0)
    sizes = {"train": 240, "test": 40}
    images = {f"x_{part}": random.integers(0, 256, (n, 28, 28), np.uint8) for part, n in sizes.items()}
    labels = {f"y_{part}": random.integers(0, 10, n).astype(np.uint8) for part, n in sizes.items()}
    return images | labels


def write_idx(folder, arrays):
    for name, file in IDX_FILES.items():
        array = arrays[name]
        header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
        (folder / file).write_bytes(gzip.compress(header + array.tobytes()))


def test_both_formats_give_the_same_digits(tmp_path, arrays):
    np.savez(tmp_path / "mnist.npz", **arrays)
    (tmp_path / "idx").mkdir()
    write_idx(tmp_path / "idx", arrays)
    from_npz, from_idx = load_mnist(str(tmp_path / "mnist.npz")), load_mnist(str(tmp_path / "idx"))
    for npz_part, idx_part in zip(from_npz, from_idx):
        np.testing.assert_array_equal(npz_part.images, idx_part.images)
        np.testing.assert_array_equal(npz_part.labels, idx_part.labels)


def test_validation_is_a_part_of_the_training_set_and_shares_no_image_with_the_rest(tmp_path, arrays):
    np.savez(tmp_path / "mnist.npz", **arrays)
    mnist = load_mnist(str(tmp_path / "mnist.npz"))
    assert (len(mnist.train.labels), len(mnist.validation.labels), len(mnist.test.labels)) == (220, 20, 40)
    train, validation = ({i.tobytes() for i in part.images} for part in (mnist.train, mnist.validation))
    assert not train & validation
    original = {(i / 255).astype(np.float32).tobytes() for i in arrays["x_train"]}
    assert train | validation == original


def test_values_are_between_zero_and_one(tmp_path, arrays):
    np.savez(tmp_path / "mnist.npz", **arrays)
    test = load_mnist(str(tmp_path / "mnist.npz")).test
    assert test.images.shape == (40, 28, 28, 1)
    assert test.images.dtype == np.float32
    np.testing.assert_allclose(test.images[..., 0] * 255, arrays["x_test"], atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": np.zeros((240, 27, 28), np.uint8)}, "28"),
        ({"x_train": np.zeros((240, 28, 28), np.float32)}, "uint8"),
        ({"y_train": np.zeros(239, np.uint8)}, "240"),
        ({"y_test": np.full(40, 10, np.uint8)}, "0 to 9"),
        ({"y_test": np.zeros(40, np.float64)}, "whole number"),
        ({"y_test": None}, "lacks"),
    ],
)
def test_the_error_names_data_with_a_wrong_shape(tmp_path, arrays, change, message):
    changed = {name: array for name, array in (arrays | change).items() if array is not None}
    np.savez(tmp_path / "mnist.npz", **changed)
    with pytest.raises(DataError, match=message):
        load_mnist(str(tmp_path / "mnist.npz"))


def test_the_error_names_missing_and_damaged_files(tmp_path, arrays):
    with pytest.raises(DataError, match="no data"):
        load_mnist(str(tmp_path / "none.npz"))
    (tmp_path / "broken.npz").write_bytes(b"PK broken")
    with pytest.raises(DataError, match="damaged"):
        load_mnist(str(tmp_path / "broken.npz"))
    np.save(tmp_path / "one.npy", arrays["x_train"])
    with pytest.raises(DataError, match="not an .npz"):
        load_mnist(str(tmp_path / "one.npy"))
    np.savez_compressed(tmp_path / "torn.npz", **arrays | {"x_train": np.zeros((240, 28, 28), np.uint8)})
    content = bytearray((tmp_path / "torn.npz").read_bytes())
    content[100:140] = b"\xff" * 40
    (tmp_path / "torn.npz").write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        load_mnist(str(tmp_path / "torn.npz"))
    write_idx(tmp_path, arrays)
    labels = tmp_path / IDX_FILES["y_test"]
    labels.write_bytes(labels.read_bytes()[:30])
    with pytest.raises(DataError, match="damaged"):
        load_mnist(str(tmp_path))
    labels.unlink()
    with pytest.raises(DataError, match="t10k-labels"):
        load_mnist(str(tmp_path))


def test_the_real_mnist_is_complete(mnist_path):
    mnist = load_mnist(str(mnist_path))
    assert (len(mnist.train.labels), len(mnist.validation.labels), len(mnist.test.labels)) == (55_000, 5_000, 10_000)
    # The known number of images of each digit in the test set.
    assert np.bincount(mnist.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]

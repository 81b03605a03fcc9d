"""What several tests share: a reader, and MNIST where this machine has it."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from digits import DigitReader
from helpers.browser import browser, open_page, page, playwright, server  # noqa: F401  (fixtures of the page's tests)

# Where tests run in the background ctrl-C is ignored, and all that they start would ignore it as well.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def reader():
    return DigitReader()


@pytest.fixture(scope="session")
def mnist_path():
    """MNIST in Keras's layout: named by MNIST_NPZ, or beside the project."""
    path = Path(os.environ.get("MNIST_NPZ", Path(__file__).parent.parent.parent / "shared" / "data" / "mnist.npz"))
    if not path.exists():
        pytest.skip("MNIST is not on this machine: set MNIST_NPZ to an mnist.npz in Keras's layout")
    return path


@pytest.fixture(scope="session")
def mnist(mnist_path):
    with np.load(mnist_path) as arrays:
        return dict(arrays)

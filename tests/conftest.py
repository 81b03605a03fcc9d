"""Fixtures that several tests share: a reader, and MNIST where this machine has it."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digits import DigitReader
from helpers.browser import browser, open_page, page, playwright, server  # noqa: F401  (fixtures of the page's tests)

# Background jobs of a shell ignore ctrl-C, and the processes that tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def reader() -> DigitReader:
    return DigitReader()


@pytest.fixture(scope="session")
def mnist_path() -> Path:
    """Return the path of MNIST in Keras's layout: from MNIST_NPZ, or beside the project."""
    path = Path(os.environ.get("MNIST_NPZ", Path(__file__).parent.parent.parent / "shared" / "data" / "mnist.npz"))
    if not path.exists():
        pytest.skip("MNIST is not on this machine: set MNIST_NPZ to an mnist.npz in Keras's layout")
    return path


@pytest.fixture(scope="session")
def mnist(mnist_path: Path) -> dict[str, Any]:
    with np.load(mnist_path) as arrays:
        return dict(arrays)

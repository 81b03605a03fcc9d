"""A seeded thousand of cases that nobody thought of; benchmarks/fuzz.py has as many as one likes."""

import pickle
import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra import numpy as some_numpy

from benchmarks.fuzz import MOST_SECONDS, case, check
from benchmarks.hostile import KINDS, files
from digits.crops import crop

# A busy machine is slower than one on which the bounds hold (benchmarks/fuzz.py); what runs away is slower still.
SLOWEST = 5

SEEDED = settings(derandomize=True, deadline=None, database=None)


@pytest.fixture(scope="module", autouse=True)
def one_core():
    """Two seconds of the processor are two seconds of one core."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(threads)


@pytest.mark.parametrize("start", range(0, 600, 100))
def test_what_is_no_digit_is_answered_or_refused_in_time(reader, start):
    for number in range(start, start + 100):
        kind, source = case(0, number)
        began = time.process_time()
        try:
            check(reader, source)
        except Exception as error:
            pytest.fail(f"Case {number} of seed 0, of the {kind}: {error!r}")
        assert time.process_time() - began < SLOWEST * MOST_SECONDS, number


@pytest.mark.parametrize(("seed", "number"), [(1, 13), (2, 2150), (2, 4319), (2, 5724), (3, 19662)])
def test_what_once_broke_does_no_more(reader, seed, number):
    _, source = case(seed, number)
    began = time.process_time()
    check(reader, source)
    assert time.process_time() - began < SLOWEST * MOST_SECONDS


def test_a_case_is_the_same_whenever_it_is_made():
    for number in range(20):
        kind, source = case(5, number)
        assert kind in KINDS
        assert pickle.dumps(source) == pickle.dumps(case(5, number)[1])


@settings(SEEDED, max_examples=200)
@given(
    content=some.sampled_from(files()),
    bytes_=some.lists(some.tuples(some.integers(0, 2**13), some.integers(0, 255)), max_size=6),
    length=some.integers(0, 2**13),
)
def test_a_file_with_other_bytes_is_answered_or_refused(reader, content, bytes_, length):
    mutated = bytearray(content)
    for at, byte in bytes_:
        mutated[at % len(mutated)] = byte
    check(reader, bytes(mutated[: length or None]))


@settings(SEEDED, max_examples=100)
@given(
    some_numpy.arrays(
        some.one_of(some_numpy.integer_dtypes(), some_numpy.floating_dtypes(), some_numpy.boolean_dtypes()),
        some_numpy.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=12),
    )
)
def test_any_array_is_answered_or_refused(reader, array):
    check(reader, array)


@settings(SEEDED, max_examples=200)
@given(
    pixels=some_numpy.arrays(
        np.uint8,
        some.tuples(some.integers(1, 40), some.integers(1, 40), some.just(3)),
        elements=some.sampled_from([0, 0, 80, 255]),
    ),
    corner=some.tuples(some.floats(-20, 50), some.floats(-20, 50)),
    sides=some.tuples(some.floats(0.01, 60), some.floats(0.01, 60)),
)
def test_any_box_on_any_picture_is_a_frame(pixels, corner, sides):
    framed = crop(pixels, (*corner, corner[0] + sides[0], corner[1] + sides[1]))
    assert framed.shape == (28, 28)
    assert framed.dtype == np.float32
    assert np.isfinite(framed).all()
    assert 0 <= framed.min() <= framed.max() <= 1

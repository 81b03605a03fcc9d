"""About a thousand seeded fuzz cases; benchmarks/fuzz.py runs any number of them."""

import pickle
import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra import numpy as some_numpy

from benchmarks.fuzz import MAX_CASE_CPU_SECONDS, check_case, generate_case
from benchmarks.hostile import INPUT_GENERATORS, original_files
from digits.crops import crop

# The tests allow a multiple of the limit of benchmarks/fuzz.py, because a busy machine is slower than an idle one. A
# runaway case still takes longer.
TIME_LIMIT_FACTOR = 5

SEEDED = settings(derandomize=True, deadline=None, database=None)


@pytest.fixture(scope="module", autouse=True)
def one_core():
    """Run OpenCV on one core, so that processor time is the time of one core."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(threads)


@pytest.mark.parametrize("start", range(0, 600, 100))
def test_a_hostile_input_is_read_or_refused_in_time(reader, start):
    for number in range(start, start + 100):
        kind, source = generate_case(0, number)
        began = time.process_time()
        try:
            check_case(reader, source)
        except Exception as error:
            pytest.fail(f"Case {number} of seed 0 ({kind}): {error!r}")
        assert time.process_time() - began < TIME_LIMIT_FACTOR * MAX_CASE_CPU_SECONDS, number


@pytest.mark.parametrize(("seed", "number"), [(1, 13), (2, 2150), (2, 4319), (2, 5724), (3, 19662)])
def test_a_case_that_failed_before_passes(reader, seed, number):
    _, source = generate_case(seed, number)
    began = time.process_time()
    check_case(reader, source)
    assert time.process_time() - began < TIME_LIMIT_FACTOR * MAX_CASE_CPU_SECONDS


def test_a_case_depends_on_its_seed_and_number_only():
    for number in range(20):
        kind, source = generate_case(5, number)
        assert kind in INPUT_GENERATORS
        assert pickle.dumps(source) == pickle.dumps(generate_case(5, number)[1])


@settings(SEEDED, max_examples=200)
@given(
    content=some.sampled_from(original_files()),
    changes=some.lists(some.tuples(some.integers(0, 2**13), some.integers(0, 255)), max_size=6),
    length=some.integers(0, 2**13),
)
def test_a_file_with_changed_bytes_is_read_or_refused(reader, content, changes, length):
    mutated = bytearray(content)
    for at, byte in changes:
        mutated[at % len(mutated)] = byte
    check_case(reader, bytes(mutated[: length or None]))


@settings(SEEDED, max_examples=100)
@given(
    some_numpy.arrays(
        some.one_of(some_numpy.integer_dtypes(), some_numpy.floating_dtypes(), some_numpy.boolean_dtypes()),
        some_numpy.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=12),
    )
)
def test_any_array_is_read_or_refused(reader, array):
    check_case(reader, array)


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
def test_a_crop_of_any_box_is_a_valid_frame(pixels, corner, sides):
    framed = crop(pixels, (*corner, corner[0] + sides[0], corner[1] + sides[1]))
    assert framed.shape == (28, 28)
    assert framed.dtype == np.float32
    assert np.isfinite(framed).all()
    assert 0 <= framed.min() <= framed.max() <= 1

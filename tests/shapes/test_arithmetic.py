from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnexp.shapes.arithmetic import Axis, broadcasts, by, nested_shape

SMALL = st.integers(1, 9)
AXES = st.builds(Axis, st.integers(1, 40), SMALL, SMALL, st.integers(1, 4), st.sampled_from(["same", "valid"]))


@pytest.mark.parametrize(
    ("axis", "output", "before", "after"),
    [
        (Axis(3, 2, 1, 1, "valid"), 2, 0, 0),  # the article's convolution: 3×3 digits under a 2×2 kernel
        (Axis(2, 2, 1, 1, "same"), 2, 0, 1),  # the article's pool
        (Axis(28, 3, 2, 1, "same"), 14, 0, 1),  # the article's first look: stride 2
        (Axis(14, 2, 2, 1, "valid"), 7, 0, 0),
        (Axis(28, 3, 1, 1, "same"), 28, 1, 1),
        (Axis(28, 5, 1, 2, "same"), 28, 4, 4),  # reaches 9 cells
        (Axis(28, 1, 2, 1, "same"), 14, 0, 0),
        (Axis(9, 3, 1, 4, "valid"), 1, 0, 0),
        (Axis(8, 3, 1, 4, "valid"), 0, 0, 0),
        (Axis(3, 7, 1, 1, "same"), 3, 3, 3),
        (Axis(1, 4, 3, 1, "same"), 1, 1, 2),
    ],
)
def test_sizes_and_padding_by_hand(axis, output, before, after):
    assert (axis.output, axis.before, axis.after) == (output, before, after)


def covered(axis: Axis, start: int) -> list[int]:
    """The cells that a window which starts at cell `start` looks at."""
    return [start + i * axis.dilation for i in range(axis.kernel)]


@pytest.mark.slow
@given(AXES)
def test_valid_counts_the_windows_that_lie_inside(axis):
    starts = range(0, axis.size, axis.stride)
    inside = [s for s in starts if all(0 <= cell < axis.size for cell in covered(axis, s))]
    if axis.padding == "valid":
        assert max(axis.output, 0) == len(inside)
        assert axis.fits == bool(inside)


@given(AXES)
def test_same_lays_a_window_for_every_step_over_the_padded_cells(axis):
    if axis.padding == "valid":
        return
    assert axis.output == len(range(0, axis.size, axis.stride))
    last = max(covered(axis, -axis.before + (axis.output - 1) * axis.stride))
    assert last - axis.after <= axis.size - 1  # every padded cell beyond the end is looked at …
    if axis.before + axis.after > 0:
        assert last == axis.size - 1 + axis.after  # … and no cell beyond the padding is
    assert axis.after - axis.before in (0, 1)


@given(AXES)
def test_the_largest_kernel_fits_and_one_more_does_not(axis):
    def fits(kernel: int) -> bool:
        return Axis(axis.size, kernel, axis.stride, axis.dilation, "valid").fits

    assert fits(axis.largest_kernel)
    assert not fits(axis.largest_kernel + 1)


SHAPES = st.lists(st.integers(0, 3), max_size=4).map(tuple)


@given(SHAPES)
def test_nested_shape_is_numpys(shape):
    lists = np.zeros(shape).tolist()
    assert nested_shape(lists) == np.array(lists).shape


@given(SHAPES, st.lists(st.integers(1, 3), max_size=4).map(tuple))
def test_broadcasts_as_numpy_does(shape, target):
    try:
        np.broadcast_to(np.zeros(shape), target)
        possible = True
    except ValueError:
        possible = False
    assert broadcasts(shape, target) == possible


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([[1, 2], [3]], "lists side by side of shapes 2 and 1"),
        ([1, [2]], "lists side by side of shapes one number and 1"),
        (["a", 1], "'a' among the values"),
        ([True], "true among the values"),
        ([None], "null among the values"),
        ([float("nan")], "nan among the values"),
        ([1e39], r"1e\+39 among the values"),
        ([10**400], "10000+… among the values"),
    ],
)
def test_what_is_no_array_of_numbers_is_said(values, words):
    with pytest.raises(ValueError, match=words):
        nested_shape(values)


def test_shapes_are_read_with_times():
    assert (by((28, 28, 1)), by((5,)), by(())) == ("28×28×1", "5", "one number")

from __future__ import annotations

import numpy as np
import pytest

from cnnexp.analysis.windows import never_read, patch_at, positions, reaches_outside
from cnnexp.shapes import Axis

AXES = [
    Axis(size, kernel, stride, dilation, padding)
    for size in (1, 2, 5, 8)
    for kernel in (1, 2, 3, 4)
    for stride, dilation in ((1, 1), (2, 1), (3, 1), (1, 2))
    for padding in ("same", "valid")
]


@pytest.mark.parametrize("axis", [axis for axis in AXES if axis.fits])
def test_windows_read_what_a_padded_array_would_give(axis):
    cells = np.arange(1, axis.size + 1)
    padded = np.pad(cells, (axis.before, axis.after))
    values = np.repeat(cells[None, :, None], 2, axis=2)
    one = Axis(1, 1, 1, 1, "valid")
    for index in range(axis.output):
        patch, inside = patch_at(values, (one, axis), 0, index)
        start = index * axis.stride
        wanted = padded[start : start + axis.reach : axis.dilation]
        assert patch[0, :, 0].tolist() == patch[0, :, 1].tolist() == wanted.tolist()
        assert inside[0].tolist() == (wanted > 0).tolist()
        assert reaches_outside(axis)[index] == (wanted == 0).any()


def test_cells_that_no_window_reaches_are_counted():
    assert never_read(Axis(28, 3, 2, 1, "valid")) == 1
    assert never_read(Axis(9, 1, 4, 1, "same")) == 0
    assert never_read(Axis(8, 1, 4, 1, "same")) == 3
    assert positions(Axis(3, 2, 1, 1, "same"), 2).tolist() == [2, 3]

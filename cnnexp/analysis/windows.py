"""The cells that one position of a window reads: of a kernel or a pool, with those outside told apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.shapes import Axis

Window = tuple[Axis, Axis]


def positions(axis: Axis, index: int) -> NDArray[np.int64]:
    """Cells along one axis that the window reads at its position `index`; below 0 or from `size` up: outside."""
    return index * axis.stride - axis.before + np.arange(axis.kernel, dtype=np.int64) * axis.dilation


def patch_at(values: NDArray[Any], window: Window, row: int, column: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """What the window reads of (height, width, channels) for the output cell (row, column).

    Returns (kernel height, kernel width, channels) with 0 outside, and (kernel height, kernel width): True inside.
    """
    rows, columns = positions(window[0], row), positions(window[1], column)
    inside = _inside(rows, values.shape[0])[:, None] & _inside(columns, values.shape[1])[None, :]
    near = values[np.clip(rows, 0, values.shape[0] - 1)[:, None], np.clip(columns, 0, values.shape[1] - 1)[None, :]]
    return np.where(inside[..., None], near, 0), inside


def reaches_outside(axis: Axis) -> NDArray[np.bool_]:
    """For each position of the window along an axis: whether any cell that it reads lies outside."""
    found = [not _inside(positions(axis, index), axis.size).all() for index in range(axis.output)]
    return np.array(found, dtype=np.bool_)


def never_read(axis: Axis) -> int:
    """Cells at the bottom or right that no window reaches."""
    return max(-axis.overhang, 0)


def _inside(cells: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    return (cells >= 0) & (cells < size)


def pixels_seen(windows: Sequence[Window], row: int, column: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the picture that the cell (row, column) behind `windows` (first layer first) depends on.

    It depends on each pixel where one of these rows meets one of these columns, and on no other. None lie outside;
    there are none at all where the windows read only cells outside.
    """
    heights, widths = [window[0] for window in windows], [window[1] for window in windows]
    return _seen(heights, row), _seen(widths, column)


def _seen(axes: Sequence[Axis], index: int) -> NDArray[np.int64]:
    """Backwards through the layers; what lies outside a layer's input holds no pixel, so it is left behind there."""
    cells = np.array([index], dtype=np.int64)
    for axis in reversed(axes):
        read = np.unique(np.array([positions(axis, int(cell)) for cell in cells], dtype=np.int64))
        cells = read[_inside(read, axis.size)]
    return cells

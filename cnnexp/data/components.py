"""Connected shapes in a mask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Component:
    """Pixels that touch along a side or at a corner: how many, in which box, and whether on the mask's edge."""

    label: int
    area: int
    top: int
    left: int
    bottom: int  # the last row and column of the box
    right: int
    touches: bool

    @property
    def length(self) -> int:
        """The longer side of the box."""
        return max(self.bottom - self.top, self.right - self.left) + 1

    def gap(self, other: Component) -> int:
        """Pixels between the two boxes along the axis where they are further apart; 0 where they meet."""
        down = max(self.top, other.top) - min(self.bottom, other.bottom) - 1
        across = max(self.left, other.left) - min(self.right, other.right) - 1
        return max(down, across, 0)


@dataclass(frozen=True, eq=False)
class Components:
    """labels (h, w): which component each pixel belongs to, -1 outside."""

    labels: NDArray[np.int64]
    parts: list[Component]

    def mask_of(self, parts: Iterable[Component]) -> Mask:
        """The pixels (h, w) of some of the components."""
        return np.isin(self.labels, [part.label for part in parts])


def components(mask: Mask) -> Components:
    """The components of a mask (h, w), by their first pixel in reading order."""
    height, width = mask.shape
    rows, starts, ends = _runs(mask)
    roots = _joined(len(rows), *_neighbours(rows, starts, ends, width))
    names, labels = np.unique(roots, return_inverse=True)
    top, left = (_extreme(np.minimum, values, labels, len(names)) for values in (rows, starts))
    bottom, right = (_extreme(np.maximum, values, labels, len(names)) for values in (rows, ends - 1))
    areas = np.bincount(labels, ends - starts, len(names)).astype(np.int64)
    touches = (top == 0) | (left == 0) | (bottom == height - 1) | (right == width - 1)
    columns = [array.tolist() for array in (areas, top, left, bottom, right, touches)]
    numbered = np.full(mask.shape, -1, np.int64)
    numbered[mask] = np.repeat(labels, ends - starts)
    return Components(numbered, [Component(label, *row) for label, row in enumerate(zip(*columns, strict=True))])


def grown(mask: Mask) -> Mask:
    """The mask and every pixel beside it."""
    height, width = mask.shape
    around = np.pad(mask, 1)
    shifted = [around[i : i + height, j : j + width] for i in range(3) for j in range(3)]
    larger: Mask = np.logical_or.reduce(shifted)
    return larger


def _runs(mask: Mask) -> tuple[Integers, Integers, Integers]:
    """Row, first column and column after the last of each unbroken stretch of a row, in reading order."""
    steps = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(steps == 1)
    return rows, starts, np.nonzero(steps == -1)[1]


def _neighbours(rows: Integers, starts: Integers, ends: Integers, width: int) -> tuple[Integers, Integers]:
    """Pairs of runs, one a row below the other, that share a side or a corner."""
    line = width + 2  # no two rows share a number
    first = np.searchsorted(rows * line + ends, (rows + 1) * line + starts, "left")
    after = np.searchsorted(rows * line + starts, (rows + 1) * line + ends, "right")
    counts = np.maximum(after - first, 0)
    upper = np.repeat(np.arange(len(rows)), counts)
    lower = np.arange(counts.sum()) + np.repeat(first - (np.cumsum(counts) - counts), counts)
    return upper, lower


def _joined(count: int, a: Integers, b: Integers) -> Integers:
    """For each of `count` things the lowest one that pairs a[i], b[i] lead to: roots are hung lower until none is."""
    roots = np.arange(count)
    while True:
        lowest = np.minimum(roots[a], roots[b])
        hung = roots.copy()
        np.minimum.at(hung, roots[a], lowest)
        np.minimum.at(hung, roots[b], lowest)
        hung = hung[hung]
        if np.array_equal(hung, roots):
            return roots
        roots = hung


def _extreme(choose: np.ufunc, values: Integers, labels: Integers, count: int) -> Integers:
    """The lowest or highest of the values of each label."""
    order = np.argsort(labels, kind="stable")
    begins = np.searchsorted(labels[order], np.arange(count))
    found: Integers = choose.reduceat(values[order], begins) if count else values[:0]
    return found

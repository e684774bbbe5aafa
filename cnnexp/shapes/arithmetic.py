"""Sizes along one axis of a picture, and shapes of nested lists. Whole numbers only: no NumPy, no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cnnexp.config.choices import Padding
from cnnexp.errors import show

Pair = tuple[int, int]
Shape = tuple[int, ...]
MAX_FLOAT32 = 3.4028234663852886e38


@dataclass(frozen=True)
class Axis:
    """A window that steps along `size` cells: a kernel's or a pool's height or width.

    TensorFlow's rule (https://www.tensorflow.org/api_docs/python/tf/nn, "Notes on padding"), all in cells:
    same   output = ceil(size / stride); (output - 1)·stride + reach - size cells lie outside, if that is above 0,
           half of them before the first cell (rounded down), the rest after the last one
    valid  output = floor((size - reach) / stride) + 1, and no cell lies outside
    """

    size: int
    kernel: int
    stride: int
    dilation: int
    padding: Padding

    @property
    def reach(self) -> int:
        """Cells from the window's first to its last, both counted."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def output(self) -> int:
        """Positions of the window; below 1 where it does not fit."""
        if self.padding == "same":
            return -(-self.size // self.stride)
        return (self.size - self.reach) // self.stride + 1

    @property
    def fits(self) -> bool:
        return self.output >= 1

    @property
    def overhang(self) -> int:
        """What `same` lacks to its last window: the cells outside, or how many it could do without (below 0)."""
        return (self.output - 1) * self.stride + self.reach - self.size

    @property
    def before(self) -> int:
        """Cells outside at the top or left."""
        return self._outside // 2

    @property
    def after(self) -> int:
        """Cells outside at the bottom or right."""
        return self._outside - self.before

    @property
    def _outside(self) -> int:
        return max(self.overhang, 0) if self.padding == "same" else 0

    @property
    def largest_kernel(self) -> int:
        """The largest kernel (at this dilation) that lies inside."""
        return (self.size - 1) // self.dilation + 1


def axes(size: Sequence[int], kernel: Pair, stride: Pair, dilation: Pair, padding: Padding) -> tuple[Axis, Axis]:
    """Height and width of a window on maps whose first two numbers are their height and width."""
    height, width = (Axis(size[i], kernel[i], stride[i], dilation[i], padding) for i in range(2))
    return height, width


def nested_shape(values: object) -> Shape:
    """The shape of nested lists of numbers: () for a number, (2, 3) for two lists of three.

    Raises ValueError, in words, where lists side by side differ in shape or something is no number that float32 holds.
    """
    if isinstance(values, list):
        shapes = [nested_shape(value) for value in values]
        if len(set(shapes)) > 1:
            raise ValueError(f"lists side by side of shapes {' and '.join(by(s) for s in dict.fromkeys(shapes))}")
        return (len(values), *(shapes[0] if shapes else ()))
    if isinstance(values, bool) or not isinstance(values, int | float) or not abs(values) <= MAX_FLOAT32:
        raise ValueError(f"{show(values)} among the values")
    return ()


def broadcasts(shape: Shape, target: Shape) -> bool:
    """Whether NumPy would stretch `shape` to `target`: compared from the last axis, each equal or 1."""
    if len(shape) > len(target):
        return False
    return all(n in (1, m) for n, m in zip(reversed(shape), reversed(target), strict=False))


def by(shape: Sequence[int]) -> str:
    """A shape as one reads it: 28×28×1; one number for a list of them."""
    return "×".join(map(str, shape)) if shape else "one number"

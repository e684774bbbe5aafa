"""Which pixels matter: a patch slid over the picture, and what that takes from the probability of one class.

Zeiler and Fergus, "Visualizing and understanding convolutional networks" (2014), section 4.2. The patch has the
picture's own median, which is the paper of a digit: it takes strokes away and adds none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import ceil, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ask = Callable[[NDArray[Any]], NDArray[np.float32]]
"""Images (n, height, width, channels) to probabilities (n, classes)."""

SHARE = 6  # a patch is about this part of the picture's shorter side
MOST_PLACES = 1024
AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Occlusion:
    """A picture (height, width, channels) covered at one place after the other.

    label: the class that is asked about; patch: pixels of the square that covers; fill (channels,): its value.
    rows, columns: the pixels that it was centred on. whole (classes,) and covered (rows, columns, classes):
    probabilities of the picture as it is, and covered there.
    """

    image: NDArray[Any]
    label: int
    patch: int
    fill: NDArray[Any]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    whole: NDArray[np.float32]
    covered: NDArray[np.float32]

    @property
    def step(self) -> int:
        """Pixels between two places."""
        return step_of(self.image)

    @property
    def drops(self) -> NDArray[np.float64]:
        """(rows, columns): how much of the class's probability each place takes; below 0 where it gives some."""
        drops: NDArray[np.float64] = float(self.whole[self.label]) - self.covered[..., self.label].astype(np.float64)
        return drops

    @property
    def drops_by_pixel(self) -> NDArray[np.float64]:
        """(height, width): for each pixel the drop of the place nearest to it."""
        height, width = self.image.shape[:2]
        rows, columns = np.arange(height) // self.step, np.arange(width) // self.step
        by_pixel: NDArray[np.float64] = self.drops[rows[:, None], columns[None, :]]
        return by_pixel

    @property
    def worst(self) -> tuple[int, int]:
        """The place (of rows, of columns) that takes most, the first of equal ones."""
        row, column = np.unravel_index(self.drops.argmax(), self.drops.shape)
        return int(row), int(column)

    def square(self, place: tuple[int, int]) -> tuple[slice, slice]:
        """The pixels that are covered at one place, cut at the borders."""
        height, width = self.image.shape[:2]
        row, column = int(self.rows[place[0]]), int(self.columns[place[1]])
        return _reach(row, self.patch, height), _reach(column, self.patch, width)


def occlude(image: NDArray[Any], label: int, ask: Ask, patch: int) -> Occlusion:
    """The picture covered with a patch on every pixel, or, where it has more than 1,024, on every `step`-th."""
    height, width, _ = image.shape
    step, fill = step_of(image), np.median(image, axis=(0, 1)).astype(image.dtype)
    rows, columns = (np.minimum(np.arange(step // 2, n + step // 2, step), n - 1) for n in (height, width))
    places = list(product(rows.tolist(), columns.tolist()))
    answers = []
    for start in range(0, len(places), AT_ONCE):
        some = places[start : start + AT_ONCE]
        pictures = np.repeat(image[np.newaxis], len(some), axis=0)
        for picture, (row, column) in zip(pictures, some, strict=True):
            picture[_reach(row, patch, height), _reach(column, patch, width)] = fill
        answers.append(ask(pictures))
    covered = np.concatenate(answers).reshape(len(rows), len(columns), -1)
    return Occlusion(image, label, patch, fill, rows, columns, ask(image[np.newaxis])[0], covered)


def step_of(image: NDArray[Any]) -> int:
    """Pixels between two places, so that there are at most about 1,024 of them."""
    return ceil(sqrt(image.shape[0] * image.shape[1] / MOST_PLACES))


def usual_patch(height: int, width: int) -> int:
    """An odd number of pixels, about a sixth of the shorter side: 5 for MNIST's digits."""
    return max(1, round(min(height, width) / SHARE)) | 1


def _reach(centre: int, patch: int, side: int) -> slice:
    first = centre - patch // 2
    return slice(max(first, 0), min(first + patch, side))

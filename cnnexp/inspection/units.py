"""Single units of a layer: where they stand, how strongly they answer, and which pixels they see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.analysis.windows import pixels_seen
from cnnexp.shapes import Layer

Cell = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Unit:
    """One number of a layer's output.

    rows, columns: the pixels that it depends on are where one of these rows meets one of these columns.
    """

    layer: Layer
    row: int
    column: int
    channel: int
    value: float
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]

    @property
    def square(self) -> tuple[slice, slice] | None:
        """The smallest rectangle of the picture around what it sees; None where it sees nothing of it."""
        if not (self.rows.size and self.columns.size):
            return None
        rows, columns = (slice(int(seen[0]), int(seen[-1]) + 1) for seen in (self.rows, self.columns))
        return rows, columns

    @property
    def at_border(self) -> bool:
        """Whether a part of its receptive field lies outside the picture."""
        field, square = self.layer.receptive_field, self.square
        if field is None or square is None:
            return True
        return (square[0].stop - square[0].start, square[1].stop - square[1].start) != field


@dataclass(frozen=True, eq=False)
class Example:
    """A picture that excites a filter: its position in the data, its class, and the unit that answers strongest."""

    index: int
    label: int
    unit: Unit


def unit_at(layers: Sequence[Layer], name: str, cell: Cell, value: float) -> Unit:
    """The unit (row, column, channel) of a layer; `layers` are all that have a window, first to last."""
    names = [layer.name for layer in layers]
    upto = layers[: names.index(name) + 1]
    rows, columns = pixels_seen([layer.window for layer in upto if layer.window is not None], *cell[:2])
    return Unit(upto[-1], *cell, value, rows, columns)


def strongest_cell(maps: NDArray[Any], channel: int | None = None) -> Cell:
    """The largest output of (height, width, channels), or of one channel of it; the first of equal ones counts."""
    values = maps if channel is None else maps[..., [channel]]
    row, column, place = np.unravel_index(values.argmax(), values.shape)
    return int(row), int(column), int(place) if channel is None else channel


def examples_of(
    layers: Sequence[Layer], name: str, peaks: tuple[NDArray[Any], NDArray[Any]], labels: NDArray[Any], channel: int,
    most: int,
) -> tuple[Example, ...]:  # fmt: skip
    """The pictures that excite a channel most, strongest first; none of those that leave it at its lowest.

    peaks: values (n, channels) and places (n, channels, 2) of each picture's strongest unit.
    """
    values, places = peaks[0][:, channel], peaks[1][:, channel]
    order = [i for i in np.argsort(-values, kind="stable")[:most].tolist() if values[i] > values.min()]
    return tuple(
        Example(i, int(labels[i]), unit_at(layers, name, (*places[i].tolist(), channel), float(values[i])))
        for i in order
    )

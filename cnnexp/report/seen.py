"""What the layers of several runs made of the same digits, chosen from their records so that a page can hold it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.analysis.comparison import ComparedRun
from cnnexp.analysis.differences import merged
from cnnexp.drawing import shown_epoch
from cnnexp.figures.scales import Limits, shared_limits
from cnnexp.report.images import thinned, tiles_uri

PIXELS = 2_000_000  # of all maps together, about 1.6 MB as text
COLUMNS = 4
SIZES = (
    (10, 8, 12),
    (10, 8, 8),
    (10, 6, 8),
    (10, 6, 6),
    (10, 4, 6),
    (10, 4, 4),
    (5, 4, 4),
    (5, 3, 3),
    (3, 2, 3),
    (1, 1, 2),
)
"""Digits, channels and epochs that are shown: the first of these that stays below PIXELS."""

Tiles = NDArray[np.float32]  # (digits, channels, h, w) of maps, (1, filters, kh, kw) of kernels


@dataclass(frozen=True)
class Strip:
    """A run's tiles of one layer: epoch → picture. size: (h, w) of a tile; rows: digits below each other.

    limits: of the colours; is_cut: whether a few values lie above and count as the highest.
    """

    uris: Mapping[int, str]
    size: tuple[int, int]
    channels: int
    rows: int
    limits: Limits
    is_cut: bool


@dataclass(frozen=True, eq=False)
class Seen:
    """What is shown: layers and kernels by (letter, layer); steps: the slider's epochs; kept: letter → step → epoch.

    images, labels: the digits that went in. left_out: letter → why a run is not shown.
    """

    runs: tuple[ComparedRun, ...]
    layers: tuple[str, ...]
    steps: tuple[int, ...]
    kept: Mapping[str, Mapping[int, int]]
    images: NDArray[Any]
    labels: NDArray[np.int64]
    maps: Mapping[tuple[str, str], Strip]
    kernels: Mapping[tuple[str, str], Strip]
    left_out: Mapping[str, str]


@dataclass
class _Probed:
    """One run that kept maps: of which digits, at which epochs, in which layers of (h, w)."""

    run: ComparedRun
    digests: NDArray[np.uint64]
    epochs: tuple[int, ...]
    layers: Mapping[str, tuple[int, int]]
    channels: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    chosen: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def block_of(self, layer: str) -> str:
        """The block that a layer belongs to."""
        return next((one.owner for one in self.run.table.layers if one.name == layer and one.owner), layer)

    def at(self, step: int) -> int:
        """The epoch that is shown at a step: the last one kept until then, else the first."""
        return max([epoch for epoch in self.epochs if epoch <= step] or self.epochs[:1])


def what_layers_saw(runs: Sequence[ComparedRun]) -> Seen | None:
    """Maps and kernels of the runs that kept some of the same digits; None where there are none."""
    probed, left_out = _sharing([_probed(run) for run in runs], runs)
    if not probed:
        return None
    digests = reduce(np.intersect1d, (one.digests for one in probed))
    layers = merged([list(one.layers) for one in probed])
    digits, channels, epochs = _size(probed, len(digests))
    steps = _spread(sorted({epoch for one in probed for epoch in one.epochs}), epochs)
    images, labels = _choose_digits(probed, digests, digits)
    maps, kernels = _tiles(probed, steps, channels)
    return Seen(
        tuple(one.run for one in probed), tuple(layers), steps,
        {one.run.letter: {step: one.at(step) for step in steps} for one in probed},
        images, labels, _strips(maps), _strips(kernels), left_out,
    )  # fmt: skip


def _probed(run: ComparedRun) -> _Probed | None:
    record = run.record
    if not record.probed_epochs:
        return None
    maps = record.probes(record.probed_epochs[-1]).maps
    sizes = {layer: thinned(array).shape[1:3] for layer, array in maps.items()}
    layers = {layer: (height, width) for layer, (height, width) in sizes.items()}
    return _Probed(run, record.digits()["digests"], record.probed_epochs, layers) if layers else None


def _sharing(probed: Sequence[_Probed | None], runs: Sequence[ComparedRun]) -> tuple[list[_Probed], dict[str, str]]:
    """The runs that kept maps of digits that the first such run kept too, and why the others are not among them."""
    found: list[_Probed] = []
    left_out: dict[str, str] = {}
    for one, run in zip(probed, runs, strict=True):
        if one is None:
            left_out[run.letter] = "it kept no maps"
        elif not len(reduce(np.intersect1d, (each.digests for each in [*found, one]))):
            left_out[run.letter] = "it kept maps of other digits"
        else:
            found.append(one)
    return found, left_out


def _size(probed: Sequence[_Probed], digits: int) -> tuple[int, int, int]:
    """Digits, channels and epochs that stay below PIXELS together."""
    for size in SIZES:
        pixels = sum(
            (height + 1) * (width + 1) * min(size[0], digits) * size[1] * min(size[2], len(one.epochs))
            for one in probed for height, width in one.layers.values()
        )  # fmt: skip
        if pixels <= PIXELS:
            break
    return size


def _spread(epochs: Sequence[int], most: int) -> tuple[int, ...]:
    """At most so many of the epochs, the first and the last among them."""
    places = np.unique(np.round(np.linspace(0, len(epochs) - 1, min(most, len(epochs)))).astype(int))
    return tuple(epochs[place] for place in places)


def _choose_digits(
    probed: Sequence[_Probed], digests: NDArray[np.uint64], most: int
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Images and labels of the shared digits in the first run's order; where each run keeps them."""
    first = probed[0].run.record.digits()
    order = [digest for digest in first["digests"] if digest in digests][:most]
    for one in probed:
        where = {int(digest): place for place, digest in enumerate(one.digests)}
        one.chosen = np.array([where[int(digest)] for digest in order])
    return first["images"][probed[0].chosen], first["labels"][probed[0].chosen]


def _tiles(
    probed: Sequence[_Probed], steps: Sequence[int], channels: int
) -> tuple[dict[tuple[str, str], dict[int, Tiles]], dict[tuple[str, str], dict[int, Tiles]]]:
    """(letter, layer) → epoch → tiles, of maps and of kernels: a channel's kernel stands where its map stands."""
    maps: dict[tuple[str, str], dict[int, Tiles]] = {}
    kernels: dict[tuple[str, str], dict[int, Tiles]] = {}
    for one in probed:
        record, letter = one.run.record, one.run.letter
        _choose_channels(one, channels)
        for epoch in sorted({one.at(step) for step in steps}):
            found = record.probes(epoch)
            for layer, array in found.maps.items():
                some = thinned(array[one.chosen][..., one.channels[one.block_of(layer)]])
                maps.setdefault((letter, layer), {})[epoch] = np.moveaxis(some, -1, 1)
            for layer, array in found.filters.items():
                if layer in one.channels:
                    some = array[:, :, 0, one.channels[layer]]
                    kernels.setdefault((letter, layer), {})[epoch] = np.moveaxis(some, -1, 0)[np.newaxis]
    return maps, kernels


def _choose_channels(one: _Probed, channels: int) -> None:
    """Of each block the channels with the largest mean absolute value after training, in their own order."""
    after = one.run.record.probes(shown_epoch(one.run.record)).maps
    for layer, array in after.items():
        if (block := one.block_of(layer)) not in one.channels:
            strength = np.abs(array).mean(axis=(0, 1, 2))
            one.channels[block] = np.sort(np.argsort(-strength, kind="stable")[:channels])


def _strips(tiles: Mapping[tuple[str, str], Mapping[int, Tiles]]) -> dict[tuple[str, str], Strip]:
    """Pictures on one colour scale a layer, over all runs, epochs and digits."""
    scales = {layer: _scale(list(_of_layer(tiles, layer))) for layer in {layer for _, layer in tiles}}
    strips = {}
    for (letter, layer), by_epoch in tiles.items():
        rows, channels, height, width = next(iter(by_epoch.values())).shape
        limits, is_cut = scales[layer]
        uris = {epoch: tiles_uri(array, COLUMNS, limits) for epoch, array in by_epoch.items()}
        strips[letter, layer] = Strip(uris, (height, width), channels, rows, limits, is_cut)
    return strips


def _scale(arrays: Sequence[Tiles]) -> tuple[Limits, bool]:
    """Limits of one scale; of values from 0 up without the highest 0.5 %, which would leave all else dark."""
    low, high = shared_limits(arrays)
    positive = np.concatenate([array[np.isfinite(array) & (array > 0)] for array in arrays])
    if low < 0 or not positive.size:
        return (low, high), False
    usual = float(np.quantile(positive, 0.995))
    return (0.0, usual), usual < high


def _of_layer(tiles: Mapping[tuple[str, str], Mapping[int, Tiles]], layer: str) -> Iterable[Tiles]:
    return (array for (_, name), by_epoch in tiles.items() if name == layer for array in by_epoch.values())

"""What a trained network does with one picture: its maps, the pixels that matter, one unit, what excites filters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.data import Digits, Split
from cnnexp.errors import ConfigError, RunError
from cnnexp.evaluation import data_of, digits_for
from cnnexp.inspection.network import Network
from cnnexp.inspection.occlusion import Occlusion, occlude, usual_patch
from cnnexp.inspection.passage import INSPECTIONS, WINDOWED, check_cell, check_folder
from cnnexp.inspection.question import AskedOfRun
from cnnexp.inspection.subject import Subject, choose_subject, filled_split_name, place_of
from cnnexp.inspection.units import Example, Unit, examples_of, strongest_cell, unit_at
from cnnexp.runs.record import RunRecord
from cnnexp.shapes import Layer, check_shapes

MOST_EXAMPLES = 8
Maps = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Excited:
    """The pictures of a split that excite a layer's filters most, strongest first, by filter.

    values (n, channels), places (n, channels, 2): every picture's strongest output of each filter, and its cell.
    """

    layer: Layer
    split_name: str
    split: Split
    values: NDArray[np.float32]
    places: NDArray[np.int64]
    examples: Mapping[int, tuple[Example, ...]]


@dataclass(frozen=True, eq=False, repr=False)
class RunInspection:
    """A picture in a trained network.

    layers: every convolution and pool; maps: what leaves each, (height, width, channels); strongest: a unit of each.
    probabilities (classes,); filters: kernels by block; unit, excited: None in a network without convolutions.
    epochs: by epochs done the maps of the layers that the run kept; empty unless asked for.
    folder: where its files are, or will be; pictures: their names, once written; mlflow: as in `Inspection`.
    """

    record: RunRecord
    asked: AskedOfRun
    subject: Subject
    layers: tuple[Layer, ...]
    probabilities: NDArray[np.float32]
    maps: Maps
    strongest: Mapping[str, Unit]
    filters: Maps
    occlusion: Occlusion
    unit: Unit | None
    excited: Excited | None
    epochs: Mapping[int, Maps]
    folder: Path
    pictures: tuple[str, ...] = ()
    mlflow: tuple[str, str, str] | None = None

    def __repr__(self) -> str:
        return f"<RunInspection of {self.subject.told} by {self.record.id} in {self.folder}>"

    @property
    def shown(self) -> tuple[Layer, ...]:
        return tuple(layer for layer in self.layers if self.asked.layer in (None, layer.name))

    @property
    def ranking(self) -> list[int]:
        """Classes, the likeliest first."""
        order: list[int] = np.argsort(-self.probabilities, kind="stable").tolist()
        return order


def inspect_run(
    record: RunRecord, asked: AskedOfRun, overrides: Sequence[str] = (), folder: str | None = None
) -> RunInspection:
    """The picture that is asked for, through the run's network; nothing is written yet.

    overrides: other digits than the run's own (`data…`). Raises ConfigError, DataError or RunError.
    """
    layers = _windowed(record)
    _check(asked, record, layers)
    if folder is not None:
        check_folder(Path(folder).expanduser())
    digits, network = digits_for(record, data_of(record, overrides)), Network(record)
    subject = choose_subject(record, digits, asked, network)
    target = _named(record, subject, asked, overrides) if folder is None else Path(folder).expanduser()
    check_folder(target)

    probabilities, maps = network.probabilities(subject.image[np.newaxis])[0], network.maps(subject.image)
    label = int(probabilities.argmax()) if subject.label is None else subject.label
    patch = asked.patch or usual_patch(*subject.image.shape[:2])
    strongest = {name: _unit(layers, name, maps, strongest_cell(maps[name])) for name in maps}
    layer = _layer_of_unit(asked, layers)
    return RunInspection(
        record, asked, subject, layers, probabilities, maps, strongest, network.filters(),
        occlude(subject.image, label, network.probabilities, patch),
        _asked_unit(asked, layers, layer, maps) if layer else None,
        _excited(asked, layers, layer, digits, network) if layer else None,
        _epochs(record, subject) if asked.epochs else {}, target,
    )  # fmt: skip


def _windowed(record: RunRecord) -> tuple[Layer, ...]:
    height, width, channels = record.data["image_shape"]
    table = check_shapes(record.config.model, (height, width, channels), len(record.class_names))
    return tuple(layer for layer in table.layers if layer.kind in WINDOWED)


def _check(asked: AskedOfRun, record: RunRecord, layers: Sequence[Layer]) -> None:
    """Raise ConfigError for a layer, cell, filter or patch that the network does not have."""
    if not (record.folder / "weights.npz").is_file():
        raise RunError(record.id, f"{record.status} without weights", "a run that trained its network to the end")
    named = {"layer": asked.layer, asked.cell_word: asked.cell, "filter": asked.filter}
    if not layers and (given := [name for name, value in named.items() if value is not None]):
        raise ConfigError(given[0], str(named[given[0]]), "a network with blocks", f"Run {record.id} has none.")
    names = [layer.name for layer in layers]
    if asked.layer is not None and asked.layer not in names:
        raise ConfigError("layer", repr(asked.layer), f"one of {', '.join(names)}")
    if layer := _layer_of_unit(asked, layers):
        channels = layer.output[-1]
        if asked.filter is not None and not 0 <= asked.filter < channels:
            raise ConfigError("filter", str(asked.filter), f"0 to {channels - 1}, the channels of {layer.name}")
        if asked.cell is not None:
            check_cell(asked.cell, layer, asked.cell_word)
    side = min(record.data["image_shape"][:2])
    if asked.patch is not None and not 1 <= asked.patch <= side:
        hint = "The picture is no larger." if asked.patch > side else "Without --patch it is about a sixth of the side."
        raise ConfigError("patch", str(asked.patch), f"1 to {side} pixels", hint)


def _layer_of_unit(asked: AskedOfRun, layers: Sequence[Layer]) -> Layer | None:
    """The layer that was named, else the last convolution."""
    if asked.layer is not None:
        return next(layer for layer in layers if layer.name == asked.layer)
    return next((layer for layer in reversed(layers) if layer.kind == "Conv2D"), None)


def _named(record: RunRecord, subject: Subject, asked: AskedOfRun, overrides: Sequence[str]) -> Path:
    """The same question gets the same folder, another one another."""
    parts = [*overrides, subject.digest, asked.layer, asked.cell, asked.filter, asked.epochs, asked.patch]
    short = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]
    return Path.cwd() / INSPECTIONS / f"{record.id}-{short}"


def _unit(layers: Sequence[Layer], name: str, maps: Maps, cell: tuple[int, int, int]) -> Unit:
    return unit_at(layers, name, cell, float(maps[name][cell]))


def _asked_unit(asked: AskedOfRun, layers: Sequence[Layer], layer: Layer, maps: Maps) -> Unit:
    """The unit that was named; without a channel in the strongest one, without a cell the strongest."""
    row, column, channel = strongest_cell(maps[layer.name], asked.filter)
    if asked.cell is not None:
        row, column, channel = (*asked.cell, channel)[:3]
    return _unit(layers, layer.name, maps, (row, column, channel))


def _excited(asked: AskedOfRun, layers: Sequence[Layer], layer: Layer, digits: Digits, network: Network) -> Excited:
    name = asked.split or filled_split_name(digits)
    split = digits.splits[name]
    values, places = peaks = network.peaks(layer.name, split.images)
    channels = range(layer.output[-1]) if asked.filter is None else [asked.filter]
    examples = {c: examples_of(layers, layer.name, peaks, split.labels, c, MOST_EXAMPLES) for c in channels}
    return Excited(layer, name, split, values, places, examples)


def _epochs(record: RunRecord, subject: Subject) -> dict[int, Maps]:
    """The maps of the picture after each epoch that was kept."""
    place = place_of(record, subject)
    if place is None:  # pragma: no cover
        raise ValueError(subject.told)
    probes: dict[int, Any] = {epoch: record.probes(epoch).maps for epoch in record.probed_epochs}
    return {epoch: {name: array[place] for name, array in maps.items()} for epoch, maps in probes.items()}

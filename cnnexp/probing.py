"""Which maps and filters a run keeps: of fixed digits, at most about a dozen epochs, closer together at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.config.schema import ExperimentConfig
from cnnexp.data import Digits, Split
from cnnexp.runs.record import FILTERS_BEFORE
from cnnexp.runs.writer import RunWriter

if TYPE_CHECKING:
    import keras

SERIES = 12
FLOAT16_MAX = float(np.finfo(np.float16).max)


def map_epochs(epochs: int, first: int = 0) -> tuple[int, ...]:
    """At most a dozen of the epochs `first`..`epochs`, both included, evenly spaced on a logarithmic scale."""
    spaced = np.round(np.geomspace(1, max(epochs, 1), SERIES - 1)).astype(int)
    early = np.arange(1, SERIES)
    chosen = np.maximum(spaced, early)
    return tuple(sorted({first, *(int(e) for e in chosen if first <= e <= epochs), epochs}))


def fixed_digits(split: Split, classes: tuple[int, ...]) -> Split:
    """The first image of each class that the split has, in the order of `classes`."""
    found = [np.flatnonzero(split.labels == label)[:1] for label in classes]
    return split.take(np.concatenate([*found, np.zeros(0, np.int64)]).astype(np.int64))


class Probing:
    """Writes probes/digits.npz once, and probes/epoch_NNN.npz for the epochs that the config asks for.

    The filters before training are kept whatever it asks for.
    """

    def __init__(self, run: RunWriter, config: ExperimentConfig, digits: Digits) -> None:
        wanted, self._layers = config.figures.epochs, config.figures.layers
        self._epochs = map_epochs(config.training.epochs) if wanted == "auto" else tuple(wanted)
        classes = config.figures.digits
        chosen = tuple(range(min(digits.classes, 10))) if classes == "all" else tuple(classes)
        source = digits.validation if len(digits.validation) else digits.train
        self._split = fixed_digits(source, chosen)
        self._run = run
        arrays = {"images": self._split.images, "labels": self._split.labels, "digests": self._split.digests}
        run.arrays("probes/digits.npz", arrays)

    def keep(self, model: keras.Model, epoch: int, *, last: bool) -> None:
        """Keep this epoch's maps and filters if it is one of those asked for, or the last; filters before training."""
        if epoch in self._epochs or last:
            self._write(model, epoch)
        elif epoch == 0:
            self._run.arrays(FILTERS_BEFORE, _filters(model))

    def finish(self, model: keras.Model) -> None:
        """Keep the maps of the kept weights too, where their epoch is not among those kept."""
        record = self._run.read()
        epoch = int(record.result.get("best/epoch", record.epochs_done))
        if epoch not in record.probed_epochs:
            self._write(model, epoch)

    def _write(self, model: keras.Model, epoch: int) -> None:
        from cnnexp.nn.probes import layer_maps

        maps = layer_maps(model, self._split.images) if len(self._split) else {}
        wanted = {name: array for name, array in maps.items() if self._layers == "all" or name in self._layers}
        arrays = {f"maps/{name}": _small(array) for name, array in wanted.items()}
        self._run.arrays(f"probes/epoch_{epoch:03d}.npz", arrays | _filters(model))


def _filters(model: keras.Model) -> dict[str, NDArray[Any]]:
    from cnnexp.nn.probes import filters

    return {f"filters/{name}": _small(array) for name, array in filters(model).items()}


def _small(array: NDArray[Any]) -> NDArray[Any]:
    """float16, or float32 where a value would not fit."""
    fits = array.size == 0 or float(np.abs(array).max()) < FLOAT16_MAX
    return array.astype(np.float16 if fits else np.float32)

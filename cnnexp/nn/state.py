"""All that the next epoch depends on: a training goes on from it to the same bits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnexp.config.schema import EarlyStopping
from cnnexp.nn.arrays import Arrays
from cnnexp.nn.seeding import derive
from cnnexp.nn.weights import assign, get_weights, set_weights, to_array

if TYPE_CHECKING:
    import keras

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class Progress:
    """What early stopping and the choice of the best epoch remember. Epoch 0 is never the best one."""

    best_epoch: int = 0
    best_loss: float = math.inf
    watched: float = math.inf
    """best value of the watched metric so far; accuracy counts negative, so that lower is better"""
    waited: int = 0
    """epochs since then"""
    stopped: bool = False

    def after(self, epoch: int, metrics: Metrics, stopping: EarlyStopping | None) -> Progress:
        """Progress once `epoch` gave these `metrics`; the earlier of two equal epochs is the better one."""
        progress = self
        if metrics.get("loss/val", math.inf) < self.best_loss:
            progress = replace(self, best_epoch=epoch, best_loss=metrics["loss/val"])
        if stopping is None:
            return progress
        value = metrics[stopping.monitor] * (-1.0 if stopping.monitor == "accuracy/val" else 1.0)
        if value < self.watched - stopping.min_delta:
            return replace(progress, watched=value, waited=0)
        return replace(progress, waited=self.waited + 1, stopped=self.waited + 1 >= stopping.patience)


@dataclass(frozen=True)
class TrainingState:
    """A training after `epoch` epochs. Arrays are by variable name; `best` is empty unless the best is kept."""

    epoch: int
    weights: Arrays
    streams: Arrays
    optimizer: Arrays
    best: Arrays = field(default_factory=dict)
    progress: Progress = Progress()
    history: tuple[Metrics, ...] = ()
    """metrics of epochs 1 to `epoch`"""


def capture(model: keras.Model, epoch: int) -> TrainingState:
    """The compiled model's variables, copied; nothing of progress."""
    return TrainingState(
        epoch,
        weights=get_weights(model),
        streams={name: to_array(variable) for name, variable in _streams(model).items()},
        optimizer={variable.path: to_array(variable) for variable in model.optimizer.variables},
    )


def restore(model: keras.Model, state: TrainingState) -> None:
    """The compiled model becomes what `capture` saw. Raises RunError where the state belongs to another model."""
    set_weights(model, state.weights, "checkpoint")
    assign(_streams(model), state.streams, "checkpoint")
    assign({variable.path: variable for variable in model.optimizer.variables}, state.optimizer, "checkpoint")


def seed_streams(model: keras.Model, seed: int, epoch: int) -> None:
    """Dropout of this epoch starts at a point that comes from (seed, layer, epoch) alone."""
    for name, variable in _streams(model).items():
        variable.assign(np.array([derive(seed, name, epoch), 0], dtype=variable.dtype))


def _streams(model: keras.Model) -> dict[str, Any]:
    """State of each layer's random generator, by the layer's name: Keras's own names count the process's models."""
    return {x.name: x.seed_generator.state for x in model.layers if hasattr(x, "seed_generator")}

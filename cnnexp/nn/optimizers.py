"""Keras's optimizers by the name that a config uses, with the learning rate read from a table."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnexp.config.choices import AdamW
from cnnexp.config.schema import Training
from cnnexp.nn.schedules import is_constant, learning_rates

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
}


class TableSchedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The learning rate of step k is entry k of a table, and its last entry from there on."""

    def __init__(self, rates: NDArray[np.float32]) -> None:
        self.rates = rates

    def __call__(self, step: Any) -> Any:
        last = len(self.rates) - 1
        index = keras.ops.minimum(keras.ops.cast(step, "int32"), last)
        return keras.ops.take(keras.ops.convert_to_tensor(self.rates), index)

    def get_config(self) -> dict[str, Any]:
        return {"rates": self.rates.tolist()}


def build_optimizer(training: Training, steps_per_epoch: int) -> Any:
    """The optimizer; its variables' names do not depend on what the process built before."""
    choice = training.optimizer
    options = {name: getattr(choice, name) for name in type(choice).model_fields if name != "type"}
    if not options["weight_decay"] and not isinstance(choice, AdamW):  # Keras: None is off, AdamW needs a number
        del options["weight_decay"]
    rate: Any = training.learning_rate
    if not is_constant(training):
        rate = TableSchedule(learning_rates(training, steps_per_epoch))
    return OPTIMIZERS[choice.type](rate, **options, global_clipnorm=training.gradient_clip, name="optimizer")

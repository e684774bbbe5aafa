"""One override to try against each thing that can go wrong: made from the config of the run, not a fixed phrase."""

from __future__ import annotations

import math

from cnnexp.config.layers import dense_layers
from cnnexp.config.schema import ExperimentConfig

USUAL_RATE = {"sgd": 0.1, "adam": 0.001, "adamw": 0.001, "rmsprop": 0.001}
"""A rate that trains most networks: Keras's own defaults, for sgd ten times that."""

SATURATING = ("sigmoid", "tanh", "softsign")


def one_digit(value: float) -> str:
    """A positive number rounded to its first digit, as one writes it: 0.0003."""
    digits = -math.floor(math.log10(value))
    return f"{round(value, digits):.12g}"


def lower_rate(config: ExperimentConfig) -> str:
    """A tenth of the learning rate, or the optimizer's usual one if that is lower."""
    training = config.training
    return f"training.learning_rate={one_digit(min(training.learning_rate / 10, USUAL_RATE[training.optimizer.type]))}"


def rate_times(config: ExperimentConfig, factor: float) -> str:
    """The learning rate times `factor` (above 1), but not above the optimizer's usual one, unless ten times is."""
    training = config.training
    most = max(USUAL_RATE[training.optimizer.type], training.learning_rate * 10)
    return f"training.learning_rate={one_digit(min(training.learning_rate * factor, most))}"


def shorter_warmup(config: ExperimentConfig) -> str:
    """A fifth of the training."""
    return f"training.schedule.warmup_epochs={config.training.epochs / 5:g}"


def smaller_start(config: ExperimentConfig) -> str:
    """An initializer whose scale follows the layer's size; batch normalization where it is that already."""
    usual = "model.kernel_initializer=glorot_uniform"
    same = config.model.kernel_initializer.type == "glorot_uniform"
    return "model.batch_normalization=true" if same else usual


def living_units(config: ExperimentConfig, was_dead: bool) -> str:
    """A slope below 0 keeps units alive; where they are dead before training, the biases are what holds them there."""
    if was_dead and config.model.bias_initializer.type != "zeros":
        return "model.bias_initializer=zeros"
    return "model.activation=leaky_relu"


def stronger_gradients(config: ExperimentConfig) -> str:
    """relu instead of what flattens out on both sides; else batch normalization, or He's initializer if that is on."""
    if config.model.activation in SATURATING:
        return "model.activation=relu"
    return (
        "model.kernel_initializer=he_normal" if config.model.batch_normalization else "model.batch_normalization=true"
    )


def against_overfitting(config: ExperimentConfig) -> str:
    """More varied digits; the weights of the best epoch where they vary already."""
    return "data.augmentation.shift=2" if config.data.augmentation.is_off else "training.keep=best"


def more_steps(config: ExperimentConfig) -> str:
    """A quarter of the batch: four times the steps in the same epochs."""
    return f"training.batch_size={max(config.training.batch_size // 4, 1)}"


def more_epochs(config: ExperimentConfig) -> str:
    """Twice as many."""
    return f"training.epochs={2 * config.training.epochs}"


def less_dropout(config: ExperimentConfig) -> str | None:
    """Half of the largest dropout, at the key that sets it; None where nothing is dropped."""
    model = config.model
    own = {f"model.blocks.{name}.dropout": block.dropout for name, block in model.blocks.items()}
    for dense in dense_layers(model):
        inherits = model.dense[dense.name].dropout is None
        own["model.dropout" if inherits else f"model.dense.{dense.name}.dropout"] = dense.dropout
    key = max(own, key=lambda name: own[name], default="")
    return f"{key}={own[key] / 2:.2g}" if key and own[key] > 0 else None

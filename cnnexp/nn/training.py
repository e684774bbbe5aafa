"""Training as a generator: one result an epoch. An epoch depends only on the config and the state before it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnnexp.config.schema import Evaluation, ExperimentConfig, Training
from cnnexp.data.digits import Digits, Split
from cnnexp.errors import ConfigError, TrainingError
from cnnexp.nn.arrays import digest
from cnnexp.nn.augment import change, draw_changes
from cnnexp.nn.forward import accuracy, cross_entropy, logits
from cnnexp.nn.optimizers import build_optimizer
from cnnexp.nn.schedules import learning_rates
from cnnexp.nn.signals import DIGITS, LayerSignals, SignalMeter
from cnnexp.nn.state import Metrics, TrainingState, capture, restore, seed_streams
from cnnexp.nn.weights import set_weights

OnBatch = Callable[[int, int, float], None]
"""Told after each batch: batches done, batches in the epoch, running mean of the loss."""


@dataclass(frozen=True)
class EpochResult:
    """What one epoch gave; epoch 0 is before training and has no training metrics."""

    epoch: int
    metrics: Metrics
    weights_sha256: str
    signals: dict[str, LayerSignals]
    is_best: bool
    """lowest loss/val of epochs 1 to this one"""
    stopped: bool
    """early stopping ends the training here"""
    state: TrainingState
    """all that the next epoch depends on"""


def train(
    model: keras.Model,
    digits: Digits,
    config: ExperimentConfig,
    start: TrainingState | None = None,
    on_batch: OnBatch | None = None,
) -> Iterator[EpochResult]:
    """Results of the epochs that are left after `start` (None: all, and epoch 0 if the config asks for it).

    When the generator ends, the model has the weights that `training.keep` says. Raises ConfigError where
    validation is asked for and there is none; RunError where `start` belongs to another model; TrainingError
    where the loss is no longer finite.
    """
    _need_validation(config.training, digits.validation)
    trainer = _Trainer(model, digits, config, on_batch)
    if start is None:
        state = capture(model, epoch=0)
        if config.evaluation.before_training:
            yield trainer.result(state, state, trainer.measured())
    else:
        restore(model, start)
        state = start
    while state.epoch < config.training.epochs and not state.progress.stopped:
        result = trainer.epoch(state)
        state = result.state
        yield result
    if config.training.keep == "best":
        set_weights(model, state.best, "best weights")


class _Trainer:
    def __init__(self, model: keras.Model, digits: Digits, config: ExperimentConfig, on_batch: OnBatch | None) -> None:
        self.model, self.split, self.config, self.on_batch = model, digits.train, config, on_batch
        self.steps = math.ceil(len(digits.train) / config.training.batch_size)
        self.rates = learning_rates(config.training, self.steps)
        self.step = _compiled_step(model, digits, config.training, self.steps)
        self.evaluated = _evaluated(digits, config.evaluation)
        self.meter = SignalMeter(model, _spread(digits.train, DIGITS))

    def epoch(self, before: TrainingState) -> EpochResult:
        number = before.epoch + 1
        began = time.perf_counter()
        metrics = self._pass(number)
        metrics["learning_rate"] = float(self.rates[number * self.steps - 1])
        metrics["time/epoch_seconds"] = time.perf_counter() - began
        metrics |= self.measured()
        _need_finite(metrics.get("loss/val", 0.0), f"loss/val after epoch {number}")
        return self.result(before, self._state(before, metrics), metrics)

    def _pass(self, epoch: int) -> dict[str, float]:
        """Every training digit once; order and dropout come from (seed, epoch), changes from the index as well."""
        seed, size = self.config.seed, self.config.training.batch_size
        order = np.random.default_rng([seed, epoch]).permutation(len(self.split))
        images_of = self._images(epoch)
        seed_streams(self.model, seed, epoch)
        self.model.reset_metrics()
        logs: dict[str, Any] = {}
        for done in range(self.steps):
            chosen = order[done * size : (done + 1) * size]
            logs = self.step(images_of(chosen), self.split.labels[chosen])
            loss = float(logs["loss"])
            _need_finite(loss, f"loss/train in epoch {epoch}, batch {done + 1} of {self.steps}")
            if self.on_batch is not None:
                self.on_batch(done + 1, self.steps, loss)
        return {"loss/train": float(logs["loss"]), "accuracy/train": float(logs["accuracy"])}

    def _images(self, epoch: int) -> Callable[[Any], Any]:
        augmentation, images = self.config.data.augmentation, self.split.images
        if augmentation.is_off:
            return lambda chosen: images[chosen]
        changes = draw_changes(augmentation, len(images), self.config.seed, epoch)
        return lambda chosen: change(images[chosen], changes[chosen])

    def measured(self) -> dict[str, float]:
        """Loss and accuracy on the fixed digits, dropout off."""
        metrics = {}
        for name, split in self.evaluated.items():
            scores = logits(self.model, split.images, self.config.evaluation.batch_size)
            metrics[f"loss/{name}"] = cross_entropy(scores, split.labels)
            metrics[f"accuracy/{name}"] = accuracy(scores, split.labels)
        return metrics

    def _state(self, before: TrainingState, metrics: Metrics) -> TrainingState:
        training = self.config.training
        state = capture(self.model, before.epoch + 1)
        progress = before.progress.after(state.epoch, metrics, training.early_stopping)
        best = before.best
        if training.keep == "best" and progress.best_epoch == state.epoch:
            best = state.weights
        return replace(state, best=best, progress=progress, history=(*before.history, metrics))

    def result(self, before: TrainingState, after: TrainingState, metrics: Metrics) -> EpochResult:
        return EpochResult(
            epoch=after.epoch,
            metrics=metrics,
            weights_sha256=digest(after.weights),
            signals=self.meter.measure(before.weights),
            is_best=0 < after.epoch == after.progress.best_epoch,
            stopped=after.progress.stopped,
            state=after,
        )


def _compiled_step(model: keras.Model, digits: Digits, training: Training, steps: int) -> Any:
    """One update as a function of (images, labels) that gives the running means; traced once for any batch size."""
    model.compile(
        optimizer=build_optimizer(training, steps),
        loss=_loss(training.label_smoothing, digits.classes),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        jit_compile=False,
    )
    model.optimizer.build(model.trainable_variables)
    signature = [
        tf.TensorSpec((None, *digits.image_shape), digits.train.images.dtype),
        tf.TensorSpec((None,), digits.train.labels.dtype),
    ]
    return tf.function(lambda x, y: model.train_step((x, y)), input_signature=signature, autograph=False)


def _loss(smoothing: float, classes: int) -> Any:
    if smoothing == 0:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def smoothed(labels: Any, scores: Any) -> Any:
        targets = keras.ops.one_hot(keras.ops.cast(labels, "int32"), classes)
        return keras.losses.categorical_crossentropy(targets, scores, from_logits=True, label_smoothing=smoothing)

    return smoothed


def _evaluated(digits: Digits, evaluation: Evaluation) -> dict[str, Split]:
    splits = {"train_eval": _spread(digits.train, evaluation.train_size), "val": digits.validation}
    return {name: split for name, split in splits.items() if len(split)}


def _spread(split: Split, size: int) -> Split:
    """At most `size` images, evenly spread over the split: the same ones for any seed."""
    size = min(size, len(split))
    return split.take(np.arange(size) * len(split) // max(size, 1))


def _need_validation(training: Training, validation: Split) -> None:
    if len(validation) == 0 and (training.early_stopping or training.keep == "best"):
        key = "training.early_stopping" if training.early_stopping else "training.keep"
        raise ConfigError(key, "no validation digits", "some to watch", "set data.validation_size")


def _need_finite(loss: float, where: str) -> None:
    if not math.isfinite(loss):
        raise TrainingError(
            where,
            str(loss),
            "a finite number",
            "try a lower training.learning_rate, training.gradient_clip=1, a warm-up or smaller initial weights",
        )

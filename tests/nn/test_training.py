from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from cnnexp.config.schema import ExperimentConfig
from cnnexp.data.digits import Digits
from cnnexp.errors import ConfigError, RunError, TrainingError
from cnnexp.nn.arrays import digest
from cnnexp.nn.checkpoint import load_latest, save
from cnnexp.nn.forward import cross_entropy, logits
from cnnexp.nn.model import build_model
from cnnexp.nn.seeding import derive
from cnnexp.nn.state import TrainingState
from cnnexp.nn.training import EpochResult, train
from cnnexp.nn.weights import get_weights

Config = Callable[..., ExperimentConfig]

EVERYTHING = {
    "model": {"batch_normalization": True, "dropout": 0.5},
    "training": {
        "epochs": 5, "keep": "best", "label_smoothing": 0.1, "gradient_clip": 0.5,
        "schedule": {"type": "cosine", "warmup_epochs": 0.5}, "early_stopping": {"patience": 3},
    },
    "data": {"augmentation": {"shift": 1.0, "rotate": 20.0, "zoom": 0.1}},
}  # fmt: skip


def build(config: ExperimentConfig) -> keras.Model:
    return build_model(config.model, (8, 8, 1), 3, 255.0, config.seed, config.training.dtype)


def run(
    config: ExperimentConfig, digits: Digits, start: TrainingState | None = None
) -> tuple[keras.Model, list[EpochResult]]:
    model = build(config)
    return model, list(train(model, digits, config, start))


def untimed(result: EpochResult) -> Any:
    metrics = {name: value for name, value in result.metrics.items() if name != "time/epoch_seconds"}
    return result.epoch, metrics, result.weights_sha256, result.signals, result.is_best, result.stopped


@pytest.mark.slow
def test_an_epoch_is_what_keras_s_own_fit_does_with_that_order(digits: Digits, config: Config) -> None:
    options = config(model={"dropout": 0.0}, training={"epochs": 1})
    model, (before, after) = run(options, digits)
    theirs = build(options)
    theirs.compile(
        keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    order = np.random.default_rng([0, 1]).permutation(130)
    x, y = digits.train.images[order], digits.train.labels[order]
    validation = (digits.validation.images, digits.validation.labels)
    history = theirs.fit(x, y, batch_size=50, shuffle=False, verbose=0, validation_data=validation).history
    assert after.metrics["loss/train"] == pytest.approx(history["loss"][0], rel=1e-6)
    assert after.metrics["accuracy/train"] == pytest.approx(history["accuracy"][0], rel=1e-6)
    assert after.metrics["loss/val"] == pytest.approx(history["val_loss"][0], rel=1e-5)
    assert after.metrics["accuracy/val"] == pytest.approx(history["val_accuracy"][0], rel=1e-6)
    for ours, kept in zip(model.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(ours, kept, rtol=1e-4, atol=1e-6)
    assert before.weights_sha256 != after.weights_sha256 == digest(get_weights(model))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_going_on_from_a_checkpoint_gives_the_bits_of_a_run_never_interrupted(
    digits: Digits, config: Config, tmp_path: Path, dtype: str
) -> None:
    options = config(**EVERYTHING | {"training": EVERYTHING["training"] | {"dtype": dtype}})
    whole, results = run(options, digits)
    assert [result.epoch for result in results][:3] == [0, 1, 2]
    save(tmp_path, results[2].state, "key")
    resumed, rest = run(options, digits, load_latest(tmp_path, "key"))
    assert [untimed(result) for result in rest] == [untimed(result) for result in results[3:]]
    assert digest(get_weights(resumed)) == digest(get_weights(whole))
    assert digest(rest[-1].state.optimizer) == digest(results[-1].state.optimizer)
    assert len(rest[-1].state.history) == rest[-1].epoch


@pytest.mark.slow
def test_the_seed_decides_everything_and_every_epoch_has_its_own_order(digits: Digits, config: Config) -> None:
    first, again, other = (run(config(training={"epochs": 2}, seed=seed), digits)[1] for seed in (0, 0, 1))
    assert [untimed(result) for result in first] == [untimed(result) for result in again]
    assert {result.weights_sha256 for result in first}.isdisjoint(result.weights_sha256 for result in other)


@pytest.mark.slow
def test_dropout_starts_each_epoch_where_seed_layer_and_epoch_say(digits: Digits, config: Config) -> None:
    dense = {"a": {"units": 4}, "b": {"units": 4}}
    _, results = run(config(model={"dense": dense}, training={"epochs": 2}), digits)
    starts = [{name: int(state[0]) for name, state in result.state.streams.items()} for result in results[1:]]
    assert starts == [{f"{layer}_dropout": derive(0, f"{layer}_dropout", epoch) for layer in dense} for epoch in (1, 2)]
    counters = [int(state[1]) for result in results[1:] for state in result.state.streams.values()]
    assert min(counters) == max(counters) > 0


@pytest.mark.slow
def test_measuring_does_not_change_the_training(digits: Digits, config: Config) -> None:
    _, full = run(config(training={"epochs": 1}), digits)
    bare = {"before_training": False, "train_size": 0, "batch_size": 7}
    _, lean = run(config(training={"epochs": 1}, evaluation=bare), digits)
    assert [result.epoch for result in full] == [0, 1]
    assert full[1].weights_sha256 == lean[0].weights_sha256
    assert full[0].metrics.keys() == {"loss/val", "accuracy/val", "loss/train_eval", "accuracy/train_eval"}
    assert full[1].metrics.keys() - lean[0].metrics.keys() == {"loss/train_eval", "accuracy/train_eval"}
    assert lean[0].metrics.keys() >= {"loss/train", "accuracy/train", "learning_rate", "time/epoch_seconds"}


def test_early_stopping_ends_with_the_best_weights(digits: Digits, config: Config) -> None:
    training = {"epochs": 30, "optimizer": "sgd", "learning_rate": 2.0, "keep": "best", "early_stopping": {}}
    options = config(training=training, seed=2)
    model, results = run(options, digits)
    losses = {result.epoch: result.metrics["loss/val"] for result in results if result.epoch}
    best = min(losses, key=lambda epoch: losses[epoch])
    assert len(losses) < 30
    assert [result.stopped for result in results[-2:]] == [False, True]
    assert [result.epoch for result in results if result.is_best][-1] == best < len(losses)
    assert cross_entropy(logits(model, digits.validation.images, 1000), digits.validation.labels) == losses[best]
    kept, nothing = run(options, digits, results[-1].state)
    assert nothing == []
    assert digest(get_weights(kept)) == digest(get_weights(model))


def test_a_loss_that_is_not_finite_ends_the_training_with_epoch_and_hint(digits: Digits, config: Config) -> None:
    options = config(training={"optimizer": "sgd", "learning_rate": 1e30})
    results = train(build(options), digits, options)
    assert next(results).epoch == 0
    with pytest.raises(TrainingError, match=r"in epoch 1, batch \d of 3: got (nan|inf), expected a finite") as error:
        next(results)
    assert "lower training.learning_rate" in str(error.value)


@pytest.mark.slow
def test_weights_that_break_in_the_last_batch_are_noticed_by_validation(digits: Digits, config: Config) -> None:
    options = config(training={"optimizer": "sgd", "learning_rate": 1e38, "batch_size": 130})
    with pytest.raises(TrainingError, match="loss/val after epoch 1"):
        list(train(build(options), digits, options))


@pytest.mark.slow
def test_progress_is_told_after_each_batch(digits: Digits, config: Config) -> None:
    told: list[tuple[int, int, float]] = []
    options = config(training={"epochs": 1}, evaluation={"before_training": False})
    (result,) = train(build(options), digits, options, on_batch=lambda *batch: told.append(batch))
    assert [batch[:2] for batch in told] == [(1, 3), (2, 3), (3, 3)]
    assert told[-1][2] == result.metrics["loss/train"]


def test_label_smoothing_is_keras_s(digits: Digits, config: Config) -> None:
    options = config(model={"dropout": 0.0}, training={"epochs": 1, "batch_size": 130, "label_smoothing": 0.2})
    scores = build(options)(digits.train.images)
    judge = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)
    _, results = run(options, digits)
    expected = float(judge(np.eye(3, dtype=np.float32)[digits.train.labels], scores))
    assert results[1].metrics["loss/train"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_without_validation_there_is_nothing_to_watch(digits: Digits, config: Config) -> None:
    bare = replace(digits, validation=digits.validation.take(slice(0)))
    _, results = run(config(training={"epochs": 1}), bare)
    assert "loss/val" not in results[1].metrics
    options = config(training={"keep": "best"})
    with pytest.raises(ConfigError, match=r"training\.keep: got no validation digits"):
        run(options, bare)


@pytest.mark.slow
def test_a_state_of_another_model_is_refused(digits: Digits, config: Config) -> None:
    _, results = run(config(training={"epochs": 1}), digits)
    with pytest.raises(RunError, match=r"checkpoint: got dense_1/kernel"):
        run(config(model={"dense": {"dense_1": {"units": 5}}}), digits, results[1].state)

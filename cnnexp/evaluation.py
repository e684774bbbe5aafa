"""Measuring trained networks: the kept weights at the end of a run, and any run on any digits later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.analysis.scores import accuracy_of, class_scores, confusion_counts, standard_error, surest_mistakes
from cnnexp.config.schema import Data, ExperimentConfig
from cnnexp.data import Digits, Split, load_digits, overlap
from cnnexp.errors import ConfigError, DataError, RunError
from cnnexp.nn.arrays import read_arrays
from cnnexp.nn.forward import logits, losses, probabilities
from cnnexp.nn.seeding import make_deterministic
from cnnexp.runs.record import RunRecord
from cnnexp.runs.writer import RunWriter
from cnnexp.shapes import layer_table

if TYPE_CHECKING:
    import keras

MISTAKES, SAMPLES_PER_CLASS = 20, 8
NO_DIGITS = Split.of(np.zeros((0, 1, 1, 1), np.uint8), np.zeros(0, np.int64))


@dataclass(frozen=True)
class Evaluation:
    """A network on one split. loss in nats; precision and recall (classes,) 0..1, NaN where undefined."""

    digits: int
    loss: float
    accuracy: float
    standard_error: float
    confusion: NDArray[np.int64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network says of n labelled digits: probabilities (n, classes), and the loss of each (n,) in nats."""

    probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]
    losses: NDArray[np.float64]

    @classmethod
    def of(cls, scores: NDArray[np.float32], labels: NDArray[np.int64]) -> Predictions:
        """From one score a class (n, classes): the probability of 0 that a large one leaves has a finite loss."""
        return cls(probabilities(scores), labels, losses(scores, labels))


def evaluation_of(found: Predictions) -> Evaluation:
    """What predictions of at least one digit say against its label."""
    labels = found.labels
    accuracy, counts = accuracy_of(found.probabilities, labels), confusion_counts(found.probabilities, labels)
    scores = class_scores(counts)
    error = standard_error(accuracy, len(labels))
    loss = float(found.losses.mean())
    return Evaluation(len(labels), loss, accuracy, error, counts, scores.precision, scores.recall)


def measure_kept_weights(run: RunWriter, model: keras.Model, digits: Digits, config: ExperimentConfig) -> None:
    """Write predictions.npz, pictures.npz, weights.npz and the result event, all of the kept weights."""
    from cnnexp.nn.weights import save_weights

    metrics = _measure(run, model, digits, config, test=config.evaluation.test)
    save_weights(run.folder / "weights.npz", model)  # last: a record with weights can be evaluated
    run.event("result", metrics=metrics)


def measure_test(record: RunRecord) -> dict[str, float]:
    """loss/test and accuracy/test of a finished run; measured now, and recorded, if it was not tested before.

    Raises DataError where its digits are not those that it was trained with, RunError while it is still written.
    """
    if "accuracy/test" not in record.result:
        digits = load_digits(record.config.data)
        if digits.digest != record.data["digest"]:
            raise DataError(digits.source, f"digest {digits.digest}", f"{record.data['digest']}, as the run recorded")
        run = RunWriter.reopen(record.folder)
        try:
            run.event("result", metrics=_measure(run, load_model(record), digits, record.config, test=True))
        finally:
            run.close()
    result = record.fresh().result
    return {key: result[key] for key in ("loss/test", "accuracy/test") if key in result}


def _measure(
    run: RunWriter, model: keras.Model, digits: Digits, config: ExperimentConfig, *, test: bool
) -> dict[str, float]:
    splits = {"validation": digits.validation, "test": digits.test if test else NO_DIGITS}
    found = {name: predict(model, split, config.evaluation.batch_size) for name, split in splits.items() if len(split)}
    arrays: dict[str, NDArray[Any]] = {"train/digests": digits.train.digests}
    metrics = kept_epoch(run.read(), config.training.keep)
    for name, one in found.items():
        arrays |= {
            f"{name}/probabilities": one.probabilities,
            f"{name}/losses": one.losses,
            f"{name}/labels": one.labels,
            f"{name}/digests": splits[name].digests,
        }
        if name == "test":
            result = evaluation_of(one)
            metrics |= {"loss/test": result.loss, "accuracy/test": result.accuracy}
    run.arrays("predictions.npz", arrays)
    run.arrays("pictures.npz", _pictures(digits, splits, found))
    return metrics


def kept_epoch(record: RunRecord, keep: str) -> dict[str, float]:
    """best/epoch, best/loss_val, best/accuracy_val: the epoch whose weights are the result (`keep`: last or best)."""
    epochs = [event for event in record.epochs if event["epoch"] > 0 and "loss/val" in event["metrics"]]
    if not epochs:
        return {"best/epoch": float(record.epochs_done)}
    kept = min(epochs, key=lambda event: event["metrics"]["loss/val"]) if keep == "best" else epochs[-1]
    metrics = kept["metrics"]
    return {
        "best/epoch": float(kept["epoch"]),
        "best/loss_val": metrics["loss/val"],
        "best/accuracy_val": metrics["accuracy/val"],
    }


def _pictures(digits: Digits, splits: Mapping[str, Split], found: Mapping[str, Predictions]) -> dict[str, NDArray[Any]]:
    """The digits behind two pictures: some of each class, and the mistakes that the network was surest of."""
    train = digits.train
    some = np.concatenate(
        [np.flatnonzero(train.labels == label)[:SAMPLES_PER_CLASS] for label in range(digits.classes)]
    )
    pictures: dict[str, NDArray[Any]] = {"samples/images": train.images[some], "samples/labels": train.labels[some]}
    for name, one in found.items():
        chosen = surest_mistakes(one.probabilities, one.labels, MISTAKES)
        pictures |= {
            f"mistakes/{name}/images": splits[name].images[chosen],
            f"mistakes/{name}/labels": one.labels[chosen],
            f"mistakes/{name}/probabilities": one.probabilities[chosen],
            f"mistakes/{name}/index": chosen,
        }
    return pictures


def predict(model: keras.Model, split: Split, batch_size: int) -> Predictions:
    """What a network says of a split's digits."""
    return Predictions.of(logits(model, split.images, batch_size), split.labels)


@dataclass(frozen=True)
class Measured:
    """An evaluation of a recorded network: of what, and how many of those digits it was trained on."""

    evaluation: Evaluation
    source: str
    class_names: tuple[str, ...]
    trained: int


def data_of(record: RunRecord, overrides: Sequence[str]) -> Data:
    """The digits that `data=SOURCE` names, or those of a record with single keys (`data.folder=…`) changed.

    Raises ConfigError for anything else than `data`: what is measured may be another, never the network.
    """
    from cnnexp.config.compose import compose_config
    from cnnexp.config.overrides import parse
    from cnnexp.config.problems import checked

    values = record.config.data.model_dump(mode="json")
    words = parse(overrides)
    for word in words:
        group, _, key = word.key_or_group.partition(".")
        if group != "data" or word.is_sweep_override():
            hint = "Beside a run the digits may be others, never the network."
            raise ConfigError(word.key_or_group, f"`{word.input_line}`", "data=SOURCE or data.KEY=VALUE", hint)
        *above, last = key.split(".")
        node = values
        for part in above:
            node = node.setdefault(part, {})
        node[last] = None if word.is_delete() else word.value()
    chooses = any(word.key_or_group == "data" for word in words)
    return compose_config(overrides).config.data if chooses else checked({"data": values}).data


def digits_for(record: RunRecord, data: Data) -> Digits:
    """The digits of `data`, which the recorded network can read.

    Raises DataError where their pictures or classes are not those of the network, RunError where it has no weights.
    """
    if not (record.folder / "weights.npz").is_file():
        raise RunError(record.id, f"{record.status} without weights", "a run that trained its network to the end")
    digits = load_digits(data)
    expected = (tuple(record.data["image_shape"]), record.class_names)
    if (digits.image_shape, digits.class_names) != expected:
        got = (
            f"pictures {digits.image_shape} of {len(digits.class_names)} classes ({', '.join(digits.class_names[:10])})"
        )
        wanted = f"{expected[0]} and the classes {', '.join(record.class_names)}, which the network knows"
        raise DataError(digits.source, got, wanted)
    return digits


def evaluate_record(record: RunRecord, data: Data, split: str, *, trained_too: bool = False) -> Measured:
    """A recorded network on one split of `data`.

    Raises DataError where the split is empty, where its pictures or classes are not those of the network, and,
    unless `trained_too`, where the network was trained on any of its digits; RunError where it has no weights.
    """
    digits = digits_for(record, data)
    chosen = digits.splits[split]
    if len(chosen) == 0:
        raise DataError(f"{digits.source}, {split}", "no digits", "some to measure")
    known = record.predictions("train")
    if not known:
        raise RunError(record.id, "no digests of the digits it was trained on", "to know which those are")
    trained = overlap(chosen.digests, known["digests"])
    if trained and not trained_too:
        raise DataError(
            f"{digits.source}, {split}", f"{trained:,} of {len(chosen):,} digits it was trained on",
            "digits that the network has not seen", "Measure another --split, or say --trained to measure them anyway.",
        )  # fmt: skip
    found = predict(load_model(record), chosen, record.config.evaluation.batch_size)
    return Measured(evaluation_of(found), digits.source, digits.class_names, trained)


def load_model(record: RunRecord, threads: int | None = None) -> keras.Model:
    """The recorded network with its kept weights, rebuilt from the checked config; no code is read from the record.

    threads: inside one operation; None: as many as the run had.
    """
    config, weights = record.config, _weights_of(record)
    make_deterministic(config.seed, threads or record.threads)
    from cnnexp.nn.model import build_model
    from cnnexp.nn.weights import set_weights

    height, width, channels = record.data["image_shape"]
    model = build_model(
        config.model, (height, width, channels), len(record.class_names), config.data.divisor, config.seed,
        config.training.dtype,
    )  # fmt: skip
    set_weights(model, weights, str(record.folder / "weights.npz"))
    return model


def _weights_of(record: RunRecord) -> dict[str, NDArray[Any]]:
    """The kept weights; as many numbers as the config's network has, so that no larger one is ever built.

    Raises RunError where they are missing, damaged or another network's.
    """
    path = record.folder / "weights.npz"
    weights = read_arrays(path)
    height, width, channels = record.data["image_shape"]
    needed = layer_table(record.config.model, (height, width, channels), len(record.class_names)).parameters
    found = sum(array.size for array in weights.values())
    if found != needed:
        raise RunError(str(path), f"{found:,} numbers", f"the {needed:,} parameters of the network in its config.yaml")
    return weights

"""Records that were never trained: who reads which digit right is said by hand."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from cnnexp.config.compose import compose_config
from cnnexp.config.identity import to_yaml, variant_of
from cnnexp.config.schema import ExperimentConfig
from cnnexp.runs.files import write_json
from cnnexp.runs.record import RunRecord
from cnnexp.runs.writer import Header, RunWriter

DIGITS = tuple(map(str, range(10)))
CHANNELS = 6


def made_run(
    runs: Path, right: Sequence[bool] | str, *overrides: str, name: str = "", digests: Sequence[int] = (), **more: Any
) -> RunRecord:
    """A FINISHED run that read the test digits 0, 1, … (classes in turn) right or wrong, as `right` says ("+-+").

    more: split, class_names, source, digest, kept (epochs whose maps are kept), trained (digests), seed of the maps.
    """
    hits = np.array([each in (True, "+") for each in right])
    names = tuple(more.get("class_names", DIGITS))
    labels = np.arange(len(hits)) % len(names)
    probabilities = np.full((len(hits), len(names)), 0.1 / (len(names) - 1), np.float32)
    probabilities[np.arange(len(hits)), np.where(hits, labels, (labels + 1) % len(names))] = 0.9
    split = more.get("split", "test")
    arrays = {
        f"{split}/probabilities": probabilities,
        f"{split}/labels": labels,
        f"{split}/digests": np.array(digests or range(100, 100 + len(hits)), np.uint64),
        "train/digests": np.array(more.get("trained", [1, 2, 3]), np.uint64),
    }
    writer = _started(runs, overrides, name or " ".join(overrides) or "plain", names, more)
    with writer.recording():
        for epoch in range(3):
            writer.epoch(epoch, _metrics(epoch, float(hits.mean())), "w" * 64, {})
        fixed = more.get("fixed", 10)
        for epoch in more.get("kept", (0, 2)):
            writer.arrays(f"probes/epoch_{epoch:03d}.npz", _probes(epoch, more.get("seed", 0), fixed))
        writer.arrays("probes/digits.npz", _fixed(fixed, len(names)))
        writer.arrays("predictions.npz", arrays)
        accuracy = float(hits.mean())
        writer.event(
            "result", metrics={"best/epoch": 2.0, "best/accuracy_val": accuracy, "best/loss_val": 1 - accuracy}
        )
    writer.close()
    return writer.read()


def _started(runs: Path, overrides: Sequence[str], name: str, names: Sequence[str], more: dict[str, Any]) -> RunWriter:
    config = composed(tuple(overrides))
    data = {
        "source": more.get("source", "mnist_5k"),
        "digest": more.get("digest", "0123456789abcdef"),
        "sizes": {"train": 3, "validation": 0, "test": 20},
        "class_counts": {"train": [1] * len(names)},
        "image_shape": [28, 28, 1],
        "class_names": list(names),
    }
    identity = {"variant": variant_of(config), "recipe": "r" * 12, "run_key": "k" * 12}
    header = Header(name, tuple(overrides), "cnnexp train " + " ".join(overrides), identity, data, {})
    writer = RunWriter.create(runs, header, {"config.yaml": to_yaml(config), "code.patch": ""})
    write_json(writer.folder / "environment.json", more.get("environment", {"python": "3.11", "threads": 2}))
    return writer


@cache
def _default() -> dict[str, Any]:
    return compose_config([]).config.model_dump(mode="json")


@cache
def composed(overrides: tuple[str, ...]) -> ExperimentConfig:
    """The default config with these keys changed; Hydra, which takes its time, composes only the default."""
    values = deepcopy(_default())
    for word in overrides:
        key, _, text = word.partition("=")
        *above, last = key.split(".")
        reduce(getitem, above, values)[last] = yaml.safe_load(text)
    return ExperimentConfig.model_validate(values)


def _metrics(epoch: int, accuracy: float) -> dict[str, float]:
    metrics = {"loss/val": 2.3 / (epoch + 1), "accuracy/val": accuracy if epoch else 0.1}
    return metrics | ({"time/epoch_seconds": 1.5, "loss/train_eval": 2.0 / (epoch + 1)} if epoch else {})


def _probes(epoch: int, seed: int, digits: int) -> dict[str, NDArray[Any]]:
    """Noise, which no compression makes smaller."""
    generator = np.random.default_rng([seed, epoch])
    sizes = {"conv_1": 28, "conv_1_pool": 14, "conv_2": 14, "conv_2_pool": 7}
    maps = {
        f"maps/{layer}": generator.random((digits, size, size, CHANNELS)).astype(np.float16)
        for layer, size in sizes.items()
    }
    filters = {
        "filters/conv_1": generator.normal(size=(3, 3, 1, CHANNELS)).astype(np.float16),
        "filters/conv_2": generator.normal(size=(3, 3, CHANNELS, CHANNELS)).astype(np.float16),
    }
    return maps | filters


def _fixed(count: int, classes: int) -> dict[str, NDArray[Any]]:
    images = np.zeros((count, 28, 28, 1), np.uint8)
    images[:, 4:24, 13:15] = 255
    return {"images": images, "labels": np.arange(count) % classes, "digests": np.arange(count, dtype=np.uint64)}

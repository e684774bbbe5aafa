"""Records made by hand, without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from cnnexp.config.compose import compose_config
from cnnexp.config.identity import to_yaml
from cnnexp.config.schema import ExperimentConfig
from cnnexp.runs.files import write_json
from cnnexp.runs.record import RunRecord
from cnnexp.runs.writer import Header, RunWriter

DATA = {
    "source": "mnist_5k",
    "digest": "0123456789abcdef",
    "sizes": {"train": 4000, "validation": 500, "test": 500},
    "image_shape": [28, 28, 1],
    "class_names": [str(digit) for digit in range(10)],
}
POINT: dict[str, object] = {
    "name": "", "varied": {}, "verdict": "will run", "run": "", "reason": "", "run_key": "", "variant": "",
    "parameters": 0, "multiply_adds": 0,
}  # fmt: skip
"""A point of a sweep but for its number."""

IDENTITY = {"variant": "v" * 12, "recipe": "r" * 12, "run_key": "k" * 12}


@cache
def composed(overrides: tuple[str, ...]) -> ExperimentConfig:
    """Each config once a session."""
    return compose_config(overrides).config


def create_run(runs: Path, overrides: Sequence[str] = (), name: str = "kernel_size=5") -> RunWriter:
    """A new record that has just started."""
    config = composed(tuple(overrides))
    header = Header(name, tuple(overrides), "cnnexp train " + " ".join(overrides), IDENTITY, DATA, {})
    writer = RunWriter.create(runs, header, {"config.yaml": to_yaml(config), "code.patch": "diff\n"})
    write_json(writer.folder / "environment.json", {"python": "3.11"})
    return writer


def epoch(writer: RunWriter, number: int) -> None:
    """One epoch with pictures of two layers."""
    metrics = {"loss/val": 1 / (number + 1), "accuracy/val": 1 - 1 / (number + 2)}
    if number:
        metrics |= {"loss/train": 1.5 / (number + 1), "time/epoch_seconds": 0.25}
    writer.epoch(number, metrics, "w" * 64, {})
    for layer, shape in {"conv_1": (120, 300), "conv_1_pool": (60, 60)}.items():
        pixels = np.random.default_rng(number).integers(0, 256, (*shape, 3), dtype=np.uint8)
        path = writer.folder / "figures" / "series" / "feature_maps" / layer / f"epoch_{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)


def finish(writer: RunWriter, epochs: int = 3) -> RunRecord:
    """Train `epochs` epochs, measure, end and close."""
    with writer.recording():
        for number in range(epochs + 1):
            epoch(writer, number)
        read = {"probabilities": np.eye(5, 10, dtype=np.float32), "labels": np.arange(5)}
        digests = np.arange(5, dtype=np.uint64)
        writer.arrays("predictions.npz", {f"test/{key}": array for key, array in {**read, "digests": digests}.items()})
        writer.arrays("probes/epoch_003.npz", {"maps/conv_1": np.ones((1, 4, 4, 2), np.float16)})
        metrics = {"best/epoch": float(epochs), "accuracy/test": 0.98, "loss/test": 0.07}
        writer.event("result", metrics=metrics)
        Image.new("RGB", (40, 30)).save(writer.folder / "figures" / "curves.png")
    writer.close()
    return writer.read()

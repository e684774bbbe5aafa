"""`cnnexp train` against the shortest honest Keras script: same model, data and epochs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.measure import Measured, cnnexp, pairs, python
from cnnexp.config.schema import Data
from cnnexp.data import load_digits

EPOCHS = 3
QUIET = ("evaluation.train_size=0", "evaluation.before_training=false")


def _source() -> Literal["mnist", "mnist_5k"]:
    return "mnist" if os.environ.get("CNNEXP_MNIST_DIR") else "mnist_5k"


def _overrides() -> list[str]:
    return [f"data={_source()}", f"training.epochs={EPOCHS}"]


@contextmanager
def plain_script(data: Data, epochs: int, runs: int = 1) -> Iterator[list[str]]:
    """The plain script's command, on the same digits written as plain arrays."""
    digits = load_digits(data)
    splits = {"": digits.train, "_val": digits.validation, "_test": digits.test}
    with tempfile.TemporaryDirectory() as folder:
        images = {f"x{name}": split.images for name, split in splits.items()}
        labels = {f"y{name}": split.labels for name, split in splits.items()}
        np.savez(Path(folder) / "digits.npz", **images, **labels)
        yield python("-m", "benchmarks.plain_keras", folder, str(epochs), str(runs))


def _loop(measured: Measured) -> float:
    return float(measured.printed["loop"])


def loop(count: int) -> None:
    """The training loop without loss/train_eval and step 0."""
    with plain_script(Data(source=_source()), EPOCHS) as plain:
        ours = python("-m", "benchmarks.our_loop", *_overrides(), *QUIET)
        pairs("training loop, without train_eval and step 0", ours, plain, count,
              {"seconds": _loop, "peak MiB": lambda measured: measured.memory})  # fmt: skip


def loop_measured(count: int) -> None:
    """The training loop with loss/train_eval and step 0."""
    with plain_script(Data(source=_source()), EPOCHS) as plain:
        ours = python("-m", "benchmarks.our_loop", *_overrides())
        pairs("training loop, with train_eval and step 0", ours, plain, count, {"seconds": _loop})


def checkpoints(count: int) -> None:
    """The training loop with a checkpoint and a hash every epoch, against the same without both."""
    script = ("-m", "benchmarks.checkpoint_loop")
    pairs("training loop, with a checkpoint and a hash of all weights every epoch against without",
          python(*script, "with", *_overrides()), python(*script, "without", *_overrides()), count,
          {"seconds": _loop, "CPU seconds": lambda measured: float(measured.printed["cpu"])})  # fmt: skip


def process(count: int) -> None:
    """The whole process: record, pictures, MLflow and all, against the plain script."""
    with plain_script(Data(source=_source()), EPOCHS) as plain:
        pairs("whole process with all pictures", cnnexp("train", *_overrides()), plain, count,
              {"seconds": lambda measured: measured.seconds, "peak MiB": lambda measured: measured.memory})  # fmt: skip

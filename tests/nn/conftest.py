"""TensorFlow started once, and digits and configs small enough to train in a blink."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cnnexp.config.schema import ExperimentConfig
from cnnexp.data.digits import Digits, Split
from cnnexp.nn.seeding import resolve_threads, start_tensorflow

SIZE = 8
CLASSES = 3


start_tensorflow(resolve_threads("auto"))  # here: the test modules import Keras as they are collected


def bars(count: int, seed: int) -> Split:
    """Noisy 8x8 pictures of one bright bar each; its place tells the class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    images = rng.integers(0, 120, (count, SIZE, SIZE, 1))
    for image, label in zip(images, labels, strict=True):
        image[2 * label + 1] += 100
    return Split.of(images.astype(np.uint8), labels)


@pytest.fixture(scope="session")
def digits() -> Digits:
    return Digits(bars(130, 0), bars(40, 1), bars(40, 2), ("a", "b", "c"), "bars")


@pytest.fixture(scope="session")
def config() -> Callable[..., ExperimentConfig]:
    """Builds a small config: one block of 2 filters, one dense layer of 4 units, 3 epochs of 3 batches."""

    def build(
        model: dict[str, Any] | None = None, training: dict[str, Any] | None = None, **rest: Any
    ) -> ExperimentConfig:
        small = {"blocks": {"conv_1": {"filters": 2}}, "dense": {"dense_1": {"units": 4}}}
        short = {"epochs": 3, "batch_size": 50, "learning_rate": 0.01}
        return ExperimentConfig.model_validate(
            {"model": small | (model or {}), "training": short | (training or {}), **rest}
        )

    return build

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from cnnexp.config.schema import Training
from cnnexp.nn.optimizers import build_optimizer

START = np.array([1.0, -2.0, 3.0], np.float32)
GRADIENTS = [np.array(g, np.float32) for g in ([0.1, -0.3, 0.5], [3.0, 0.0, 4.0], [-1.0, 1.0, 0.2])]


def steps(optimizer: Any) -> list[np.ndarray]:
    variable = keras.Variable(START)
    seen = []
    for gradient in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        seen.append(variable.numpy().copy())
    return seen


def ours(**training: Any) -> list[np.ndarray]:
    options = {"learning_rate": 0.1, "epochs": 1} | training
    return steps(build_optimizer(Training.model_validate(options), steps_per_epoch=3))


@pytest.mark.parametrize(
    ("optimizer", "theirs"),
    [
        ("adam", lambda: keras.optimizers.Adam(0.1)),
        (
            {"type": "adam", "beta_1": 0.5, "weight_decay": 0.1},
            lambda: keras.optimizers.Adam(0.1, 0.5, weight_decay=0.1),
        ),
        ("adamw", lambda: keras.optimizers.AdamW(0.1)),
        ({"type": "adamw", "weight_decay": 0.0}, lambda: keras.optimizers.Adam(0.1)),
        ({"type": "rmsprop", "rho": 0.5}, lambda: keras.optimizers.RMSprop(0.1, rho=0.5)),
        (
            {"type": "sgd", "momentum": 0.9, "nesterov": True},
            lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        ),
    ],
)
def test_equals_keras_s_optimizer_of_that_name(optimizer: Any, theirs: Any) -> None:
    np.testing.assert_array_equal(ours(optimizer=optimizer), steps(theirs()))


def test_clipping_shortens_the_gradient_to_the_norm() -> None:
    expected = [START - 0.1 * GRADIENTS[0]]
    expected.append(expected[0] - 0.1 * GRADIENTS[1] / 5)  # its norm is 5
    np.testing.assert_allclose(ours(optimizer="sgd", gradient_clip=1.0)[:2], expected, rtol=1e-6)


def test_each_step_takes_its_rate_from_the_table_and_the_last_one_stays() -> None:
    schedule = {"type": "step", "every": 1, "factor": 0.5}
    training = Training.model_validate({"learning_rate": 0.1, "epochs": 2, "optimizer": "sgd", "schedule": schedule})
    seen = steps(build_optimizer(training, steps_per_epoch=1))
    rates = [0.1, 0.05, 0.05]
    moved = np.cumsum([rate * gradient for rate, gradient in zip(rates, GRADIENTS, strict=True)], axis=0)
    np.testing.assert_allclose(seen, START - moved, rtol=1e-6)

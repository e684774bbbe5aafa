from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from cnnexp.config.schema import Training
from cnnexp.nn.schedules import is_constant, learning_rates


def rates(schedule: Any, epochs: int = 4, steps: int = 5, rate: float = 0.8) -> np.ndarray:
    training = Training.model_validate({"epochs": epochs, "learning_rate": rate, "schedule": schedule})
    table = learning_rates(training, steps)
    assert (table.shape, table.dtype) == ((epochs * steps,), np.float32)
    return table


def test_constant_is_constant_unless_it_warms_up() -> None:
    np.testing.assert_array_equal(rates("constant"), np.full(20, np.float32(0.8)))
    assert is_constant(Training())
    assert not is_constant(Training.model_validate({"schedule": {"type": "constant", "warmup_epochs": 1}}))


def test_warm_up_rises_from_0_in_a_line_to_the_full_rate() -> None:
    table = rates({"type": "constant", "warmup_epochs": 0.8})
    np.testing.assert_allclose(table[:5], [0.2, 0.4, 0.6, 0.8, 0.8], rtol=1e-6)
    assert (table[4:] == np.float32(0.8)).all()


def test_step_drops_after_every_so_many_epochs() -> None:
    table = rates({"type": "step", "every": 2, "factor": 0.25})
    np.testing.assert_allclose(table, np.repeat([0.8, 0.2], 10), rtol=1e-6)


@pytest.mark.parametrize("final", [0.0, 0.1])
def test_cosine_is_keras_s_own(final: float) -> None:
    theirs = keras.optimizers.schedules.CosineDecay(0.8, decay_steps=19, alpha=final)
    table = rates({"type": "cosine", "final": final})
    np.testing.assert_allclose(table, [float(theirs(step)) for step in range(20)], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(table[[0, -1]], [0.8, 0.8 * final], rtol=1e-6)


def test_cosine_starts_where_warm_up_ends() -> None:
    table = rates({"type": "cosine", "warmup_epochs": 1})
    np.testing.assert_allclose(table[:6], [0.16, 0.32, 0.48, 0.64, 0.8, 0.8], rtol=1e-6)
    assert (np.diff(table[5:]) < 0).all()
    assert table[-1] == 0


def test_one_cycle_rises_to_the_full_rate_and_falls() -> None:
    table = rates({"type": "one_cycle", "rise": 0.3, "start": 0.1, "final": 0.01}, epochs=3, steps=7)  # 0 … 20
    np.testing.assert_allclose(table[[0, 3, 6, 13, 20]], [0.08, 0.44, 0.8, 0.404, 0.008], rtol=1e-5)
    assert (np.diff(table[:7]) > 0).all()
    assert (np.diff(table[6:]) < 0).all()


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "one_cycle"])
def test_one_step_in_all_is_finite(schedule: str) -> None:
    assert np.isfinite(rates(schedule, epochs=1, steps=1)).all()
    assert np.isfinite(rates({"type": schedule, "warmup_epochs": 9.0}, epochs=1, steps=2)).all()

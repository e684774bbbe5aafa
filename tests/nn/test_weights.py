from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from cnnexp.config.schema import Model
from cnnexp.errors import RunError
from cnnexp.nn.arrays import write_arrays
from cnnexp.nn.model import build_model
from cnnexp.nn.weights import get_weights, load_weights, save_weights


def build(seed: int, units: int = 4) -> keras.Model:
    config = Model.model_validate({"dense": {"d": {"units": units}}})
    return build_model(config, (8, 8, 1), 3, 255.0, seed)


def test_names_do_not_depend_on_what_was_built_before() -> None:
    assert list(get_weights(build(0))) == ["d/kernel", "d/bias", "output/kernel", "output/bias"]


def test_saved_weights_come_back(tmp_path: Path) -> None:
    first, second = build(0), build(1)
    save_weights(tmp_path / "weights.npz", first)
    load_weights(tmp_path / "weights.npz", second)
    for ours, theirs in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_weights_of_another_model_are_refused_and_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    save_weights(path, build(0, units=5))
    model = build(1)
    before = get_weights(model)
    with pytest.raises(RunError, match=r"d/kernel: float32 of shape \[64, 5\], expected float32 of shape \[64, 4\]"):
        load_weights(path, model)
    write_arrays(path, before | {"extra/kernel": np.zeros(2)})
    with pytest.raises(RunError, match=r"extra/kernel: float64 of shape \[2\], expected no such variable"):
        load_weights(path, model)
    for name, array in get_weights(model).items():
        np.testing.assert_array_equal(array, before[name])

from __future__ import annotations

import keras
import numpy as np
import pytest

from cnnexp.config.schema import Model
from cnnexp.data.digits import Digits
from cnnexp.nn.forward import probabilities
from cnnexp.nn.model import build_model
from cnnexp.nn.signals import CHUNK, SignalMeter
from cnnexp.nn.weights import get_weights


def norm(*arrays: np.ndarray) -> float:
    return float(np.sqrt(sum((array.astype(np.float64) ** 2).sum() for array in arrays)))


def test_the_gradient_of_a_single_layer_is_the_one_known_in_closed_form(digits: Digits) -> None:
    split = digits.train
    assert len(split) % CHUNK != 0  # the last chunk is a smaller one
    assert len(split) > CHUNK
    model = build_model(Model(), digits.image_shape, 3, 255.0, seed=0)
    signals = SignalMeter(model, split).measure(get_weights(model))["output"]
    slope = (probabilities(np.asarray(model(split.images))) - np.eye(3)[split.labels]) / len(split)
    pixels = split.images.reshape(len(split), -1) / 255
    assert signals.gradient_norm == pytest.approx(norm(pixels.T @ slope, slope.sum(axis=0)), rel=1e-4)


def test_sizes_and_dead_units_worked_by_hand(digits: Digits) -> None:
    block = {
        "filters": 2,
        "kernel_size": 1,
        "use_bias": False,
        "kernel_initializer": {"type": "values", "values": [3, -4]},
    }
    config = Model.model_validate({"blocks": {"c": block | {"batch_normalization": True}}})
    model = build_model(config, digits.image_shape, 3, 255.0, seed=0)
    before = get_weights(model) | {"c/kernel": np.array([0, -4], np.float32).reshape(1, 1, 1, 2)}
    signals = SignalMeter(model, digits.train).measure(before)
    assert list(signals) == ["c", "output"]
    assert signals["c"].weight_norm == 5
    assert signals["c"].update_ratio == pytest.approx(0.6)
    assert signals["c"].dead_units == 0.5  # pixels are not negative: the second channel never passes relu
    zeros = (digits.train.images == 0).mean()
    assert signals["c"].zero_activations == pytest.approx((1 + zeros) / 2)
    assert signals["output"].update_ratio == 0


def test_measuring_changes_nothing(digits: Digits) -> None:
    config = Model.model_validate({"blocks": {"c": {"filters": 2, "batch_normalization": True, "dropout": 0.5}}})
    model = build_model(config, digits.image_shape, 3, 255.0, seed=0)
    before = [keras.ops.convert_to_numpy(variable).copy() for variable in model.variables]
    SignalMeter(model, digits.train).measure(get_weights(model))
    for array, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(array, variable.numpy())

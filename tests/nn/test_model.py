from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from cnnexp.config.schema import Model
from cnnexp.errors import ConfigError
from cnnexp.nn.model import build_model
from cnnexp.nn.weights import get_weights

BLOCK = {"conv_1": {"filters": 2}}
DENSE = {"dense_1": {"units": 4}}
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1)).astype(np.uint8)


def build(seed: int = 0, dtype: str = "float32", **model: Any) -> keras.Model:
    return build_model(Model.model_validate(model), (8, 8, 1), 3, 255.0, seed, dtype)


def names(model: keras.Model) -> list[str]:
    return [layer.name for layer in model.layers]


def test_layers_stand_in_order_under_their_own_names() -> None:
    blocks = {
        "first": {"filters": 2, "batch_normalization": True, "dropout": 0.1},
        "second": {"filters": 3, "pool": "none"},
    }
    assert names(build(blocks=blocks, dense=DENSE)) == [
        "input", "rescaling", "first", "first_batch_normalization", "first_activation", "first_pool", "first_dropout",
        "second", "flatten", "dense_1", "dense_1_dropout", "output",
    ]  # fmt: skip


def test_without_blocks_or_dense_layers_only_the_output_learns() -> None:
    model = build()
    assert names(model) == ["input", "rescaling", "flatten", "output"]
    kernel, bias = model.get_weights()
    expected = IMAGES.reshape(5, 64) / 255 @ kernel + bias
    np.testing.assert_allclose(model(IMAGES, training=False), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("kind", "reduce"), [("average", np.mean), ("max", np.max)])
def test_global_pooling_takes_one_number_a_channel(kind: str, reduce: Any) -> None:
    model = build(blocks={"c": {"filters": 1, "kernel_size": 1, "kernel_initializer": "ones"}}, global_pooling=kind,
                  pool="none", output={"kernel_initializer": "ones"})  # fmt: skip
    expected = reduce(IMAGES / 255, axis=(1, 2))
    np.testing.assert_allclose(model(IMAGES), np.repeat(expected, 3, axis=1), rtol=1e-5)


def test_equals_the_same_network_written_in_keras() -> None:
    blocks = {"c": {"filters": 2, "kernel_size": [3, 2], "strides": [2, 1], "padding": "valid", "activation": "tanh"}}
    pool = {"type": "average", "pool_size": 2, "strides": 1, "padding": "valid"}
    ours = build(blocks=blocks, pool=pool, dense={"d": {"units": 4, "activation": "elu"}}, dropout=0)
    theirs = keras.Sequential([
        keras.Input((8, 8, 1)), keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(2, (3, 2), strides=(2, 1), activation="tanh"),
        keras.layers.AveragePooling2D(2, strides=1), keras.layers.Flatten(),
        keras.layers.Dense(4, activation="elu"), keras.layers.Dense(3),
    ])  # fmt: skip
    theirs.set_weights(ours.get_weights())
    np.testing.assert_array_equal(ours(IMAGES), theirs(IMAGES))


def test_initial_weights_depend_on_seed_and_own_layer_only() -> None:
    first, again, other = (get_weights(build(seed=s, blocks=BLOCK, dense=DENSE)) for s in (0, 0, 1))
    deeper = get_weights(build(blocks=BLOCK, dense={"before": {"units": 4}} | DENSE))
    for name in ("conv_1/kernel", "output/kernel"):
        np.testing.assert_array_equal(first[name], again[name])
        np.testing.assert_array_equal(first[name], deeper[name])
        assert (first[name] != other[name]).any()


def test_options_reach_the_initializer() -> None:
    wide = {"type": "random_normal", "stddev": 1.0, "mean": 7.0}
    kernel = build(blocks={"c": {"filters": 200}}, kernel_initializer=wide).get_layer("c").kernel.numpy()
    assert abs(kernel.mean() - 7) < 0.1
    assert abs(kernel.std() - 1) < 0.1


def test_values_broadcast_last_axis_first() -> None:
    values = {"type": "values", "values": [1, 10, -1]}
    blocks = {"c": {"filters": 3, "kernel_size": 1, "kernel_initializer": values, "activation": "linear"}}
    maps = build(blocks=blocks, pool="none").get_layer("c").kernel.numpy()
    np.testing.assert_array_equal(maps, [[[[1, 10, -1]]]])


@pytest.mark.parametrize("values", [[1, 2], [[1, 2], [3]], ["a"], [float("nan")], [[[[[1.0]]]]]])
def test_values_that_do_not_fit_are_refused_by_their_key(values: list[Any]) -> None:
    initializer = {"type": "values", "values": values}
    with pytest.raises(ConfigError, match=r"model\.blocks\.c\.kernel_initializer\.values: got") as refusal:
        build(blocks={"c": {"filters": 3, "kernel_size": 1, "kernel_initializer": initializer}})
    assert "[1, 1, 1, 3]" in str(refusal.value)


def test_mixed_precision_stays_in_the_model() -> None:
    model = build(dtype="mixed_bfloat16", blocks=BLOCK, dense=DENSE)
    assert model.get_layer("conv_1").compute_dtype == "bfloat16"
    assert model.get_layer("output").compute_dtype == "float32"
    assert {str(variable.dtype) for variable in model.weights} == {"float32"}
    assert build(blocks=BLOCK).get_layer("conv_1").compute_dtype == "float32"


def test_a_saved_model_loads_in_plain_keras(tmp_path: Any) -> None:
    values = {"type": "values", "values": [1, -1]}
    model = build(blocks={"c": {"filters": 2, "kernel_initializer": values}}, dense=DENSE)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded(IMAGES), model(IMAGES))

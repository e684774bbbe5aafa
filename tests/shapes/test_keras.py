"""Keras as the judge of names, order, sizes and parameters, and gradients as the judge of receptive fields."""

from __future__ import annotations

import numpy as np
import pytest

from cnnexp.config.schema import Model
from cnnexp.nn.seeding import resolve_threads, start_tensorflow
from cnnexp.shapes import LayerTable, layer_table


def built(drawn_model):
    """Keras's own word on a model: its layers after the input; None if Keras refuses to build it."""
    start_tensorflow(resolve_threads("auto"))
    from cnnexp.nn.model import build_model

    model, image, classes = drawn_model
    try:
        return build_model(model, image, classes, divisor=255, seed=0).layers[1:]
    except ValueError:
        return None


def as_keras_says(layer):
    """Name, class, output shape, parameters and trainable parameters of a Keras layer."""
    trainable = sum(int(np.prod(w.shape)) for w in layer.trainable_weights)
    return (layer.name, type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params(), trainable)


def check_against_keras(drawn_model) -> LayerTable:
    table, judge = layer_table(*drawn_model), built(drawn_model)
    if judge is None:
        assert table.misfit is not None
    else:
        assert table.misfit is None
        ours = [(x.name, x.kind, x.output, x.parameters, x.trainable_parameters) for x in table.layers]
        assert ours == [as_keras_says(layer) for layer in judge]
    return table


def test_keras_agrees_on_drawn_models(drawn):
    tables = [check_against_keras(drawn(seed)) for seed in range(60)]
    assert sum(table.misfit is None for table in tables) >= 30


@pytest.mark.slow
def test_keras_agrees_on_thousands_of_drawn_models(drawn):
    import keras

    possible = 0
    for seed in range(1_000, 6_000):
        possible += check_against_keras(drawn(seed)).misfit is None
        if seed % 100 == 0:
            keras.backend.clear_session()
    assert possible >= 2_000


def seen_pixels(model: Model, image: tuple[int, int], layer: str) -> tuple[int, int]:
    """Height and width of the pixels that move the middle cell of a layer, by the gradient of all-ones kernels."""
    start_tensorflow(resolve_threads("auto"))
    import tensorflow as tf

    from cnnexp.nn.model import build_model

    network = build_model(model, (*image, 1), 2, divisor=1, seed=0)
    maps = tf.keras.Model(network.inputs, network.get_layer(layer).output)
    pixels = tf.ones((1, *image, 1))
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        out = maps(pixels)
        cell = out[0, out.shape[1] // 2, out.shape[2] // 2, 0]
    rows, columns = np.nonzero(tape.gradient(cell, pixels).numpy()[0, :, :, 0])
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


LINEAR = {"activation": "linear", "kernel_initializer": "ones", "global_pooling": "average"}
MEAN = {"type": "average", "pool_size": 2, "strides": 2, "padding": "valid"}


@pytest.mark.parametrize(
    ("values", "blocks"),
    [
        ({"pool": MEAN}, [{}, {}]),
        ({"pool": "none", "kernel_size": [5, 2]}, [{}, {"dilation_rate": [2, 3]}, {}]),
        ({"pool": "none", "padding": "valid", "strides": [2, 1]}, [{}, {"kernel_size": 4}]),
        ({"pool": {**MEAN, "pool_size": [2, 3], "strides": [1, 2]}}, [{"dilation_rate": 2}, {"kernel_size": 2}]),
    ],
)
def test_receptive_field_is_what_gradients_reach(values, blocks):
    named = {f"conv_{i}": {"filters": 1, **block} for i, block in enumerate(blocks)}
    model = Model.model_validate({**LINEAR, **values, "blocks": named})
    last = layer_table(model, (61, 67, 1), 2).layers[-3]
    assert seen_pixels(model, (61, 67), last.name) == last.receptive_field

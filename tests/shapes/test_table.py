from __future__ import annotations

import pytest

from cnnexp.config.schema import Model
from cnnexp.shapes import Layer, layer_table

DIGIT = (28, 28, 1)
ARTICLE = {
    "blocks": {"conv_1": {"filters": 32}, "conv_2": {"filters": 64}},
    "dense": {"dense_1": {"units": 256}, "dense_2": {"units": 256}},
}


def layers(values, image=DIGIT, classes=10) -> dict[str, Layer]:
    table = layer_table(Model.model_validate(values), image, classes)
    assert table.misfit is None
    return {layer.name: layer for layer in table.layers}


def test_the_articles_model_by_hand():
    table = layer_table(Model.model_validate(ARTICLE), DIGIT, 10)
    assert [(layer.name, layer.kind, layer.output, layer.parameters) for layer in table.layers] == [
        ("rescaling", "Rescaling", (28, 28, 1), 0),
        ("conv_1", "Conv2D", (28, 28, 32), 320),
        ("conv_1_pool", "MaxPooling2D", (14, 14, 32), 0),
        ("conv_2", "Conv2D", (14, 14, 64), 18_496),
        ("conv_2_pool", "MaxPooling2D", (7, 7, 64), 0),
        ("flatten", "Flatten", (3136,), 0),
        ("dense_1", "Dense", (256,), 803_072),
        ("dense_1_dropout", "Dropout", (256,), 0),
        ("dense_2", "Dense", (256,), 65_792),
        ("dense_2_dropout", "Dropout", (256,), 0),
        ("output", "Dense", (10,), 2_570),
    ]
    assert table.parameters == table.trainable_parameters == 890_250
    assert table.multiply_adds == 225_792 + 3_612_672 + 802_816 + 65_536 + 2_560
    numbers = 784 + 784 * 32 + 196 * 32 + 196 * 64 + 49 * 64 * 2 + 4 * 256 + 10
    assert table.activation_bytes == 4 * numbers


def test_without_convolution_bias_it_has_the_articles_own_number_of_parameters():
    table = layer_table(Model.model_validate({**ARTICLE, "use_bias": False}), DIGIT, 10)
    assert table.parameters == 890_154


def test_the_articles_toy():
    values = {
        "kernel_size": 2,
        "padding": "valid",
        "blocks": {"conv": {"filters": 3}},
        "pool": {"type": "max", "pool_size": 2, "strides": 1, "padding": "same"},
    }
    found = layers(values, (3, 3, 1))
    assert found["conv"].output == found["conv_pool"].output == (2, 2, 3)
    assert found["conv"].padding == (0, 0, 0, 0)
    assert found["conv_pool"].padding == (0, 1, 0, 1)


def test_padding_goes_to_top_bottom_left_right():
    found = layers({"pool": "none", "blocks": {"conv": {"filters": 1, "kernel_size": [4, 1], "strides": [1, 2]}}})
    assert found["conv"].padding == (1, 2, 0, 0)
    assert found["conv"].output == (28, 14, 1)


def test_receptive_fields_by_hand():
    found = layers({**ARTICLE, "kernel_size": [3, 5], "strides": [1, 2]})
    fields = {name: (layer.receptive_field, layer.jump) for name, layer in found.items()}
    assert fields["rescaling"] == ((1, 1), (1, 1))
    assert fields["conv_1"] == ((3, 5), (1, 2))
    assert fields["conv_1_pool"] == ((4, 7), (2, 4))
    assert fields["conv_2"] == ((8, 23), (2, 8))
    assert fields["conv_2_pool"] == fields["flatten"] == ((10, 31), (4, 16))
    assert fields["dense_1"] == fields["output"] == (None, None)


def test_batch_normalization_and_dropout_follow_their_block():
    values = {
        "batch_normalization": True,
        "use_bias": False,
        "blocks": {"conv": {"filters": 8, "dropout": 0.1}},
        "global_pooling": "average",
    }
    table = layer_table(Model.model_validate(values), (8, 8, 3), 2)
    assert [(layer.name, layer.parameters, layer.trainable_parameters) for layer in table.layers] == [
        ("rescaling", 0, 0),
        ("conv", 216, 216),
        ("conv_batch_normalization", 32, 16),
        ("conv_activation", 0, 0),
        ("conv_pool", 0, 0),
        ("conv_dropout", 0, 0),
        ("global_pooling", 0, 0),
        ("output", 18, 18),
    ]
    assert (table.parameters, table.trainable_parameters) == (266, 250)


@pytest.mark.parametrize(("pooling", "inputs"), [("none", 784), ("average", 1), ("max", 1)])
def test_a_model_without_blocks_and_dense_layers(pooling, inputs):
    found = layers({"global_pooling": pooling})
    assert list(found) == ["rescaling", "flatten" if pooling == "none" else "global_pooling", "output"]
    assert found["output"].parameters == inputs * 10 + 10


def test_a_dilated_kernel_counts_its_own_cells_only():
    found = layers({"pool": "none", "padding": "valid", "blocks": {"conv": {"filters": 2, "dilation_rate": 3}}})
    conv = found["conv"]
    assert (conv.output, conv.receptive_field) == ((22, 22, 2), (7, 7))
    assert (conv.parameters, conv.multiply_adds) == (20, 22 * 22 * 2 * 9)

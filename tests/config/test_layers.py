"""Inheritance worked out by hand."""

from __future__ import annotations

from cnnexp.config.compose import compose_config
from cnnexp.config.layers import DenseLayer, PoolLayer, conv_blocks, dense_layers
from cnnexp.config.schema import GLOROT, INHERITED, ZEROS, Block


def test_a_block_inherits_what_it_does_not_say() -> None:
    model = compose_config([
        "model=empty", "model.kernel_size=[1,7]", "model.strides=2", "model.padding=valid", "model.activation=tanh",
        "model.use_bias=false", "model.batch_normalization=true", "model.kernel_initializer=he_normal",
        "model.bias_initializer=ones", "model.pool={type: average, pool_size: [2,3]}",
        "model.blocks={a: {filters: 4}, b: {filters: 5, kernel_size: 3, strides: 1, padding: same, activation: relu, "
        "use_bias: true, batch_normalization: false, kernel_initializer: zeros, bias_initializer: zeros, pool: none, "
        "dropout: 0.5, dilation_rate: [2,1]}}",
    ]).config.model  # fmt: skip
    a, b = conv_blocks(model)
    assert (a.filters, a.kernel_size, a.strides, a.padding, a.activation) == (4, (1, 7), (2, 2), "valid", "tanh")
    assert (a.use_bias, a.batch_normalization, a.dropout, a.dilation_rate) == (False, True, 0.0, (1, 1))
    assert (a.kernel_initializer.type, a.bias_initializer.type) == ("he_normal", "ones")
    assert a.pool == PoolLayer("a_pool", "average", (2, 3), (2, 3), "same")
    assert a.output_name == "a_activation"
    assert (b.filters, b.kernel_size, b.strides, b.padding, b.activation) == (5, (3, 3), (1, 1), "same", "relu")
    assert (b.use_bias, b.batch_normalization, b.dropout, b.dilation_rate) == (True, False, 0.5, (2, 1))
    assert (b.kernel_initializer.type, b.bias_initializer.type, b.pool) == ("zeros", "zeros", None)
    assert b.output_name == "b"


def test_inherited_names_are_a_blocks_keys() -> None:
    assert {*INHERITED} < {*Block.model_fields}


def test_a_dense_layer_inherits_activation_and_dropout() -> None:
    words = ["model=empty", "model.dropout=0.5", "model.activation=tanh"]
    words.append("model.dense={a: {units: 3}, b: {units: 4, dropout: 0, activation: relu}}")
    assert dense_layers(compose_config(words).config.model) == (
        DenseLayer("a", 3, "tanh", GLOROT, ZEROS, 0.5),
        DenseLayer("b", 4, "relu", GLOROT, ZEROS, 0.0),
    )

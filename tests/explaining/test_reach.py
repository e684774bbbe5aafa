from __future__ import annotations

import pytest

from cnnexp.config.keys import schema_keys
from cnnexp.explaining.reach import reach

OWN = ("model.blocks.conv_2={filters: 64, kernel_size: 5, pool: none, batch_normalization: true}",)


@pytest.mark.parametrize(
    ("key", "overrides", "layers", "own"),
    [
        ("model.kernel_size", (), ("conv_1", "conv_2"), ()),
        ("model.kernel_size", OWN, ("conv_1",), ("model.blocks.conv_2.kernel_size",)),
        ("model.pool", OWN, ("conv_1_pool",), ("model.blocks.conv_2.pool",)),
        ("model.pool.strides", OWN, ("conv_1_pool",), ("model.blocks.conv_2.pool.strides",)),
        ("model.batch_normalization", OWN, (), ("model.blocks.conv_2.batch_normalization",)),
        ("model.blocks.conv_2.batch_normalization", OWN, ("conv_2_batch_normalization",), ()),
        ("model.activation", OWN, ("conv_1", "conv_2_activation", "dense_1", "dense_2"), ()),
        ("model.dropout", ("model.dense.dense_1.dropout=0.5",), ("dense_2_dropout",), ("model.dense.dense_1.dropout",)),
        ("model.dropout", ("model.dropout=0",), (), ()),
        ("model.blocks.conv_1.dropout", ("model.blocks.conv_1.dropout=0.1",), ("conv_1_dropout",), ()),
        ("model.blocks.<name>.filters", (), ("conv_1", "conv_2"), ()),
        ("model.dense.dense_1.units", (), ("dense_1",), ()),
        ("model.dense", (), ("dense_1", "dense_2"), ()),
        ("model.output.bias_initializer", (), ("output",), ()),
        ("model.global_pooling", (), ("flatten",), ()),
        ("model.global_pooling", ("model=deep",), ("global_pooling",), ()),
        ("training.learning_rate", ("model=small",), ("conv_1", "conv_2", "dense_1", "output"), ()),
        ("data.scale", (), ("rescaling",), ()),
        ("seed", (), (), ()),
        ("figures.layers", (), (), ()),
    ],
)
def test_which_layers_a_key_reaches(explained, key, overrides, layers, own):
    found = explained(key, *overrides).reach
    assert found.layers == layers
    assert found.own == own


@pytest.mark.slow
def test_reached_layers_are_layers_of_the_table(composed):
    facts, provenance = composed("model=deep")
    names = {layer.name for layer in facts.table.layers}
    reached = {layer for key in schema_keys() for layer in reach(facts.config, provenance, key.path).layers}
    assert reached <= names
    assert {"rescaling", "conv_1", "conv_4_activation", "conv_2_pool", "global_pooling", "output"} <= reached

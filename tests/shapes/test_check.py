from __future__ import annotations

import pickle
import shlex

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from cnnexp.config.compose import compose_config
from cnnexp.config.schema import Model
from cnnexp.errors import ConfigError
from cnnexp.shapes import ShapeError, check_shapes, layer_table

DIGIT = (28, 28, 1)


def refusal(*overrides: str, image=DIGIT) -> ShapeError:
    """What `overrides` are refused with, after each cure was pasted behind them and found to work."""
    with pytest.raises(ShapeError) as caught:
        check_shapes(compose_config(overrides).config.model, image, 10)
    for cure in caught.value.cures:
        mended = compose_config([*overrides, *shlex.split(cure)]).config.model
        assert check_shapes(mended, image, 10).misfit is None
    assert len(str(caught.value).splitlines()) <= 12
    return caught.value


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "key", "got", "cures"),
    [
        (
            ["model.blocks.conv_3={filters:8,kernel_size:9,padding:valid}"],
            "model.blocks.conv_3.kernel_size",
            "a kernel of 9×9, where conv_3 meets 7×7 cells",
            ("model.blocks.conv_3.padding=same", "model.blocks.conv_3.kernel_size=7", "model.blocks.conv_2.pool=none"),
        ),
        (
            ["model.kernel_size=29", "model.padding=valid"],
            "model.kernel_size",
            "a kernel of 29×29, where conv_1 meets 28×28 cells",
            ("model.padding=same", "model.kernel_size=10", "~model.blocks"),
        ),
        (
            ["model.padding=valid", "model.blocks.conv_1.kernel_size=[3,30]", "model.pool=none"],
            "model.blocks.conv_1.kernel_size",
            "a kernel of 3×30, where conv_1 meets 28×28 cells",
            ("model.blocks.conv_1.padding=same", "'model.blocks.conv_1.kernel_size=[3,26]'", "~model.blocks.conv_1"),
        ),
        (
            ["model.pool={type:max,pool_size:15,padding:valid}"],
            "model.pool.pool_size",
            "a pool of 15×15, where conv_2_pool meets 1×1 cells",
            (
                "model.blocks.conv_2.pool.padding=same",
                "model.blocks.conv_2.pool.pool_size=1",
                "model.blocks.conv_2.pool=none",
            ),
        ),
        (
            ["model.strides=2", "model.blocks.conv_2.dilation_rate=[1,2]"],
            "model.strides",
            "strides 2 and dilation_rate [1, 2] in conv_2",
            ("model.blocks.conv_2.dilation_rate=1", "model.blocks.conv_2.strides=1", "~model.blocks.conv_2"),
        ),
        (
            ["model.padding=valid", "model.blocks.conv_2.dilation_rate=7"],
            "model.kernel_size",
            "a kernel of 3×3, spread over 15×15 cells by its dilation, where conv_2 meets 13×13 cells",
            (
                "model.blocks.conv_2.padding=same",
                "model.blocks.conv_2.kernel_size=2",
                "model.blocks.conv_2.dilation_rate=1",
            ),
        ),
    ],
)
def test_the_key_the_size_it_met_and_three_changes(overrides, key, got, cures):
    error = refusal(*overrides)
    assert (error.problems[0].where, error.problems[0].got, error.cures) == (key, got, cures)


@pytest.mark.slow
def test_the_table_has_the_layers_before_the_impossible_one():
    error = refusal("model.blocks.conv_2.kernel_size=15", "model.padding=valid")
    assert [layer.name for layer in error.table.layers] == ["rescaling", "conv_1", "conv_1_pool"]
    assert error.table.misfit is not None
    assert error.table.misfit.layer == "conv_2"


def test_blocks_that_all_need_a_change_get_it_together():
    own = "{filters:4,kernel_size:5,padding:valid,pool:none}"
    error = refusal(f"model.blocks={{a:{own},b:{own}}}", image=(3, 3, 1))
    assert error.cures == (
        "~model.blocks",
        "model.blocks.a.padding=same model.blocks.b.padding=same",
        "model.blocks.a.kernel_size=3 model.blocks.b.kernel_size=1",
    )


VALUES = "model.blocks.conv_1.kernel_initializer={type:values,values:%s}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("override", "words"),
    [
        (VALUES % "[1,10,-1]", "values of shape 3, expected numbers in a shape that broadcasts to 3×3×1×32"),
        (VALUES % "[[1],[2]]", "values of shape 2×1, expected numbers in a shape that broadcasts to 3×3×1×32"),
        (VALUES % "[[1,2],[1]]", "lists side by side of shapes 2 and 1, expected numbers"),
        (VALUES % "[]", "values of shape 0, expected numbers"),
        (VALUES % "[1,a]", "'a' among the values, expected numbers"),
        (VALUES % "[[[[[1]]]]]", "values of shape 1×1×1×1×1, expected numbers"),
        ("model.blocks.conv_1.bias_initializer={type:values,values:[1,2]}", "that broadcasts to 32 .one a channel."),
        ("model.dense.dense_1.kernel_initializer={type:values,values:[1,2]}", "to 3136×256 .inputs, units. of dense_1"),
        ("model.dense.dense_1.bias_initializer={type:values,values:[1,2]}", "to 256 .one a channel. of dense_1"),
        ("model.output.kernel_initializer={type:values,values:[1,2]}", "to 256×10 .inputs, units. of output"),
        ("model.output.bias_initializer={type:values,values:[[1],[2]]}", "to 10 .one a channel. of output"),
        ("model.bias_initializer=orthogonal", "model.bias_initializer: got orthogonal"),
    ],
)
def test_written_values_that_do_not_broadcast(override, words):
    error = refusal(override)
    assert error.cures
    with pytest.raises(ConfigError, match=words):
        raise error


@pytest.mark.slow
def test_values_of_another_size_can_keep_their_numbers():
    override = VALUES % "[[[[1]],[[2]]],[[[3]],[[4]]]]"
    assert "model.blocks.conv_1.kernel_size=2" in refusal(override).cures


def test_a_kernel_written_as_rows_and_columns_is_nested_as_keras_wants_it():
    nested = "'model.kernel_initializer.values=[[[[1]],[[0]]],[[[-1]],[[2.5]]]]'"
    words = ["model.kernel_size=2", "model.kernel_initializer={type:values,values:[[1,0],[-1,2.5]]}"]
    cures = refusal(*words).cures
    assert cures == ("model.kernel_initializer=glorot_uniform", nested, "model.kernel_initializer.values=1")


@pytest.mark.parametrize(
    "override",
    [
        VALUES % "3",
        VALUES % "[[[[1]]]]",
        "model.kernel_initializer=orthogonal",
        "model.output.bias_initializer={type:values,values:[0,1,2,3,4,5,6,7,8,9]}",
    ],
)
def test_values_that_broadcast_pass(override):
    assert check_shapes(compose_config([override]).config.model, DIGIT, 10).parameters == 890_250


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["model.dense.dense_1.units=1000000"], r"dense_1.units: got 3,137,018,816 parameters up to dense_1"),
        (
            ["model.blocks.conv_1.filters=1000000000000"],
            r"conv_1.filters: got .* parameters up to conv_1, expected at most",
        ),
        (["model.blocks.conv_1.kernel_size=30000"], r"conv_1.kernel_size: got 28,800,000,032 parameters"),
        (
            ["model.blocks.conv_1={filters:2000000,kernel_size:1}"],
            r"conv_1.filters: got .* numbers a digit up to conv_1",
        ),
        (["model.blocks.conv_1.dilation_rate=30000"], r"conv_1.dilation_rate: got .*60001×60001 cells"),
        (["model.blocks.conv_1.strides=3000000000"], r"conv_1.strides: got 3000000000×3000000000, expected at most"),
        (["model.pool.strides=3000000000"], r"model.pool.strides: got 3000000000×3000000000, expected at most"),
        (["model.pool.pool_size=100000"], r"model.pool.pool_size: got a pool of 100000×100000"),
    ],
)
def test_absurd_sizes(overrides, words):
    error = refusal(*overrides)
    assert len(error.cures) >= 2
    with pytest.raises(ConfigError, match=words):
        raise error


def test_too_many_inputs_of_the_head_alone():
    model = compose_config(["model=empty"]).config.model
    with pytest.raises(ShapeError, match=r"model.global_pooling: got 2,700,000,009 parameters") as caught:
        check_shapes(model, (10_000, 10_000, 3), 9)
    assert caught.value.cures == ("model.global_pooling=average",)


@pytest.mark.slow
def test_a_head_too_large_for_what_the_last_block_gives():
    error = refusal("model=empty", "model.pool=none", "model.blocks.conv.filters=200000")
    assert error.problems[0].where == "model.global_pooling"
    assert error.cures == (
        "model.global_pooling=average",
        "model.blocks.conv.filters=65536",
        "model.blocks.conv.strides=2",
    )
    block = "model.blocks.conv={filters:200000000,kernel_size:1}"
    error = refusal("model=empty", "model.global_pooling=max", block, image=(1, 1, 1))
    assert error.problems[0].where == "model.blocks.conv.filters"
    assert error.cures == ("model.blocks.conv.filters=67108864",)


@pytest.mark.slow
def test_the_error_survives_the_way_between_processes():
    error = refusal("model.kernel_size=29", "model.padding=valid")
    copied = pickle.loads(pickle.dumps(error))
    assert isinstance(copied, ShapeError)
    assert (str(copied), copied.table, copied.cures) == (str(error), error.table, error.cures)


@pytest.mark.slow
@given(st.integers(0, 2**32))
def test_every_refusal_of_a_drawn_model_has_three_cures_that_work(drawn, seed):
    model, image, classes = drawn(seed)
    misfit = layer_table(model, image, classes).misfit
    assume(misfit is not None)
    with pytest.raises(ShapeError) as caught:
        check_shapes(model, image, classes)
    assert len(set(caught.value.cures)) == 3
    for cure in caught.value.cures:
        check_shapes(with_overrides(model, shlex.split(cure)), image, classes)


def with_overrides(model: Model, overrides: list[str]) -> Model:
    """The model changed as the words say, by a reading of them that shares nothing with cnnexp's."""
    values = model.model_dump()
    for override in overrides:
        key, _, text = override.removeprefix("~").partition("=")
        *parents, last = key.split(".")[1:]
        node = values
        for parent in parents:
            node[parent] = node[parent] or {}
            node = node[parent]
        if override.startswith("~"):
            node.pop(last)
        else:
            node[last] = yaml.safe_load(text)
    return Model.model_validate(values)

from __future__ import annotations

import math

import pytest

from cnnexp.config.schema import Model
from cnnexp.explaining.layer_formulas import ACTIVATIONS, FANS, initial_values
from tests.explaining.formula_text import value_of

CUT = "normal, cut at two standard deviations; what is left has"


@pytest.mark.slow
def test_a_kernel_size_with_its_numbers(explained):
    assert list(explained("model.blocks.conv_1.kernel_size", "model.strides=2").formula) == [
        "same:  output = ceil(size / stride)",
        "valid: output = floor((size - reach) / stride) + 1",
        "reach = (kernel - 1)·dilation + 1",
        "same:  cells outside = max((output - 1)·stride + reach - size, 0), half of them (rounded down) at the top "
        "or left",
        "conv_1",
        "  height and width  ceil(28 / 2) = 14",
        "    padding         (14 - 1)·2 + 3 - 28 = 1 cell of zeros: 0 top and left, 1 bottom and right",
        "    field           1 + (3 - 1)·1 = 3 pixels; next cell 1·2 = 2 on",
        "  parameters        3·3·1·32 + 32 = 320",
        "  multiply-adds     14·14·3·3·1·32 = 56,448",
    ]


def test_filters_also_change_the_layer_behind(explained):
    assert list(explained("model.blocks.conv_1.filters").formula)[-2:] == [
        "conv_2, which takes them in",
        "  parameters        3·3·32·64 + 64 = 18,496",
    ]


@pytest.mark.slow
def test_padding_shows_sizes_and_not_the_work(explained):
    lines = explained("model.padding", "model=no_padding").formula
    assert "  height and width  floor((28 - 3) / 1) + 1 = 26" in lines
    assert not any("parameters" in line for line in lines)


def test_dropout(explained):
    assert list(explained("model.dropout", "model=small", "model.dropout=0.5").formula) == [
        "training: y = 0 with probability rate, else x / (1 - rate); in validation and test y = x",
        "dense_1_dropout: x / (1 - 0.5) = 2·x; about 32 of 64 values are 0 in each step",
    ]


@pytest.mark.slow
def test_pools_name_their_rule(explained):
    assert explained("model.pool").formula[0].startswith("max: y = the largest value of the window")
    assert explained("model.pool", "model=average_pool").formula[0].startswith("average: y = the mean")
    assert explained("model.pool", "model=strided").formula == ()


def test_a_layer_that_cannot_be_built_is_said(explained):
    assert explained("model.kernel_size", "model.kernel_size=30", "model.padding=valid").formula[-1] == (
        "conv_1 cannot be built: a kernel of 30×30, where conv_1 meets 28×28 cells; "
        "expected at most 28×28 (padding valid: the window lies inside)"
    )


@pytest.mark.slow
def test_without_numbers_where_the_data_cannot_be_read(explained):
    lines = explained("model.strides", "data=folder", "data.folder=nosuch").formula
    assert lines[0] == "same:  output = ceil(size / stride)"
    assert lines[-1].startswith("(no numbers: nosuch: got no such folder")
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("choice", "shape", "text"),
    [
        ("glorot_uniform", (3, 3, 1, 32), "uniform within ±sqrt(6 / (9 + 288)) = ±0.142"),
        ("glorot_normal", (10, 5), f"{CUT} sqrt(2 / (10 + 5)) = 0.365"),
        ("he_normal", (3, 3, 32, 64), f"{CUT} sqrt(2 / 288) = 0.0833"),
        ("lecun_uniform", (100, 10), "uniform within ±sqrt(3 / 100) = ±0.173"),
        ("he_uniform", (24,), "uniform within ±sqrt(6 / 24) = ±0.5"),
        ("zeros", (4,), "every number is 0"),
        ({"type": "random_normal", "stddev": 1}, (3, 3, 1, 2), "normal, mean 0, standard deviation 1"),
        ({"type": "random_uniform"}, (2, 2), "uniform from -0.05 to 0.05"),
        ({"type": "orthogonal", "gain": 2}, (3, 3, 2, 8), "2 times a matrix of 18×8 with orthogonal rows or columns"),
        ({"type": "constant", "value": -1}, (8,), "every number is -1"),
        (
            {"type": "values", "values": [1, 2]}, (1, 1, 1, 2),
            "the numbers that are written out, repeated along axes of 1 (last axis first)",
        ),
    ],
)  # fmt: skip
def test_what_initializers_draw(choice, shape, text):
    model = Model.model_validate({"kernel_initializer": choice})
    assert initial_values(model.kernel_initializer, shape) == text


@pytest.mark.slow
def test_activations_as_keras_computes_them():
    import keras

    for word, formula in ACTIVATIONS.items():
        function = keras.activations.get(word)
        for x in (-3.0, -0.7, 0.0, 0.4, 2.5, 7.5):
            expected = float(function(keras.ops.convert_to_tensor([x]))[0])
            assert value_of(formula, x=x)["y"] == pytest.approx(expected, rel=1e-4, abs=1e-6), (word, x)


@pytest.mark.slow
@pytest.mark.parametrize("word", FANS)
@pytest.mark.parametrize("shape", [(3, 5, 7, 40), (300, 50), (3000,)])
def test_scales_as_keras_draws_them(word, shape):
    import numpy as np

    from cnnexp.nn.initializers import build_initializer

    choice = Model.model_validate({"kernel_initializer": word}).kernel_initializer
    drawn = np.asarray(build_initializer(choice, shape, 0, "here")(shape))
    told = float(initial_values(choice, shape).rpartition("= ")[2].lstrip("±"))
    if word.endswith("uniform"):
        assert float(np.abs(drawn).max()) == pytest.approx(told, rel=0.01)
    else:
        assert float(drawn.std()) == pytest.approx(told, rel=4 / math.sqrt(drawn.size))

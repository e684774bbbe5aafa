from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from cnnexp.config.schema import Model
from cnnexp.shapes import as_json, explain, layer_table, render_table

TOY = {
    "kernel_size": 3,
    "strides": [1, 2],
    "blocks": {"conv": {"filters": 5}},
    "pool": {"type": "max", "pool_size": 2, "strides": 1, "padding": "same"},
}
TOY_TABLE = """\
layer      input    output   pad tblr  parameters  mult-adds  field  jump    memory
───────────────────────────────────────────────────────────────────────────────────
rescaling  28×28×1  28×28×1                                     1×1     1   3.1 KiB
conv       28×28×1  28×14×5  1 1 0 1           50     17,640    3×3   1×2   7.7 KiB
conv_pool  28×14×5  28×14×5  0 1 0 1                            4×5   1×2   7.7 KiB
flatten    28×14×5  1960                                        4×5   1×2   7.7 KiB
output     1960     10                     19,610     19,600    all            40 B
───────────────────────────────────────────────────────────────────────────────────
total                                      19,660     37,240               26.1 KiB"""
TOY_FORMULAS = """\
conv (Conv2D)
  height            ceil(28 / 1) = 28
    padding         (28 - 1)·1 + 3 - 28 = 2 cells of zeros: 1 top, 1 bottom
    field           1 + (3 - 1)·1 = 3 pixels; next cell 1·1 = 1 on
  width             ceil(28 / 2) = 14
    padding         (14 - 1)·2 + 3 - 28 = 1 cell of zeros: 0 left, 1 right
    field           1 + (3 - 1)·1 = 3 pixels; next cell 1·2 = 2 on
  parameters        3·3·1·5 + 5 = 50
  multiply-adds     28·14·3·3·1·5 = 17,640

conv_pool (MaxPooling2D)
  height            ceil(28 / 1) = 28
    padding         (28 - 1)·1 + 2 - 28 = 1 cell outside, never the largest: 0 top, 1 bottom
    field           3 + (2 - 1)·1 = 4 pixels; next cell 1·1 = 1 on
  width             ceil(14 / 1) = 14
    padding         (14 - 1)·1 + 2 - 14 = 1 cell outside, never the largest: 0 left, 1 right
    field           3 + (2 - 1)·2 = 5 pixels; next cell 2·1 = 2 on

flatten (Flatten)
  numbers           28·14·5 = 1,960

output (Dense)
  parameters        1960·10 + 10 = 19,610
  multiply-adds     1960·10 = 19,600"""


def table_of(values, image=(28, 28, 1), classes=10):
    return layer_table(Model.model_validate(values), image, classes)


def test_the_table_as_it_is_printed():
    assert render_table(table_of(TOY)) == TOY_TABLE


def test_the_formulas_with_their_numbers():
    assert explain(table_of(TOY)) == TOY_FORMULAS


def test_height_and_width_that_are_alike_are_explained_together():
    conv = {"filters": 1, "dilation_rate": 2, "padding": "valid", "use_bias": False}
    text = explain(table_of({"blocks": {"conv": conv}, "batch_normalization": True, "pool": "none"}, (9, 9, 1)))
    assert text.startswith(
        "conv (Conv2D)\n"
        "  height and width  floor((9 - 5) / 1) + 1 = 5\n"
        "    reach           (3 - 1)·2 + 1 = 5 cells\n"
        "    padding         none (valid)\n"
        "    field           1 + (5 - 1)·1 = 5 pixels; next cell 1·1 = 1 on\n"
        "  parameters        3·3·1·1 = 9\n"
    )
    assert "  parameters        4·1 (scale, shift, moving mean, moving variance) = 4" in text


def test_what_an_average_pool_does_with_cells_outside():
    pool = {"type": "average", "pool_size": 3, "strides": 2}
    text = explain(table_of({"blocks": {"conv": {"filters": 1, "kernel_size": 1, "strides": 4}}, "pool": pool}))
    assert "(7 - 1)·4 + 1 - 28 = -3, so 0 cells outside" in text
    assert "(4 - 1)·2 + 3 - 7 = 2 cells outside, not in the mean: 1 top and left, 1 bottom and right" in text


def test_a_misfit_stands_below_the_table():
    table = table_of({**TOY, "padding": "valid", "kernel_size": 30})
    assert render_table(table).endswith(
        "conv cannot be built: a kernel of 30×30, where conv meets 28×28 cells; expected at most 28×28\n"
        "(padding valid: the window lies inside)."
    )
    assert as_json(table)["misfit"] == {
        "layer": "conv",
        "key": "model.kernel_size",
        "got": "a kernel of 30×30, where conv meets 28×28 cells",
        "expected": "at most 28×28 (padding valid: the window lies inside)",
    }


def test_parameters_that_are_not_trained_are_said():
    text = render_table(table_of({**TOY, "batch_normalization": True}))
    assert text.endswith("of the parameters 19,670 are trainable")


def test_the_table_as_json():
    values = json.loads(json.dumps(as_json(table_of(TOY))))
    formulas = values["layers"][1].pop("formulas")
    assert formulas[0] == "height            ceil(28 / 1) = 28"
    assert values["layers"][1] == {
        "name": "conv",
        "kind": "Conv2D",
        "input": [28, 28, 1],
        "output": [28, 14, 5],
        "padding": {"top": 1, "bottom": 1, "left": 0, "right": 1},
        "parameters": 50,
        "trainable_parameters": 50,
        "multiply_adds": 17_640,
        "receptive_field": [3, 3],
        "jump": [1, 2],
        "activation_bytes": 7_840,
    }
    assert values["layers"][-1]["padding"] is values["layers"][-1]["receptive_field"] is None
    totals = [values[k] for k in ("parameters", "trainable_parameters", "multiply_adds", "activation_bytes", "misfit")]
    assert totals == [19_660, 19_660, 37_240, 4 * (784 + 3 * 1960 + 10), None]


@given(st.integers(0, 2**32), st.integers(80, 120), st.integers(1, 60))
def test_no_line_is_wider_than_asked(drawn, seed, width, length):
    model, image, classes = drawn(seed)
    values = model.model_dump()
    values["blocks"] = {f"{name}{'x' * length}": block for name, block in values["blocks"].items()}
    table = layer_table(Model.model_validate(values), image, classes)
    assert max(map(len, render_table(table, width).splitlines())) <= width


def test_the_largest_models_still_fit():
    blocks = {f"conv_{i}": {"filters": 1000, "kernel_size": [17, 1]} for i in range(50)}
    table = table_of({"blocks": blocks, "pool": "none", "batch_normalization": True}, (160, 160, 3))
    text = render_table(table)
    assert max(map(len, text.splitlines())) <= 100
    assert "e+1" in text

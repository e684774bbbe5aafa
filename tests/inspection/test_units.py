"""What a unit sees, with Keras as the judge: pixels are changed one by one, and the unit is watched."""

from __future__ import annotations

import numpy as np
import pytest

from cnnexp.config.schema import Model
from cnnexp.inspection.passage import WINDOWED
from cnnexp.inspection.units import examples_of, strongest_cell, unit_at
from cnnexp.shapes import layer_table

SHAPE = (13, 11, 1)
NETWORKS = {
    "same": {"a": {"filters": 2}, "b": {"filters": 1}},
    "valid and strides": {"a": {"filters": 2, "padding": "valid", "strides": 2}, "b": {"filters": 1}},
    "uneven": {"a": {"filters": 2, "kernel_size": [2, 4], "strides": [1, 2]}, "b": {"filters": 1, "kernel_size": 2}},
    "dilation": {"a": {"filters": 1, "dilation_rate": 3}, "b": {"filters": 1, "dilation_rate": 2}},
    "steps larger than windows": {"a": {"filters": 1, "kernel_size": 2, "strides": 3}, "b": {"filters": 1}},
    "pools that overlap": {"a": {"filters": 1, "pool": {"type": "average", "pool_size": 3, "strides": 2}}},
}


def model_of(blocks: dict[str, dict[str, object]]) -> Model:
    """Every pixel counts: positive weights, no activation, average pools."""
    plain = {"pool": {"type": "average", "pool_size": 2}, "activation": "linear", "kernel_initializer": "ones"}
    return Model.model_validate({"blocks": blocks, **plain})


@pytest.mark.parametrize("name", NETWORKS)
def test_exactly_the_pixels_that_change_the_unit(name):
    from cnnexp.nn.seeding import resolve_threads, start_tensorflow

    start_tensorflow(resolve_threads("auto"))
    from cnnexp.nn.model import build_model
    from cnnexp.nn.probes import layer_maps

    model = model_of(NETWORKS[name])
    layers = [layer for layer in layer_table(model, SHAPE, 2).layers if layer.kind in WINDOWED]
    pictures = np.zeros((1 + 13 * 11, *SHAPE), np.float32)
    pictures[np.arange(1, 144), np.arange(143) // 11, np.arange(143) % 11] = 1
    maps = layer_maps(build_model(model, SHAPE, 2, 1.0, 0), pictures)
    assert [layer.name for layer in layers] == list(maps)
    for layer in layers:
        rows, columns, _ = layer.output
        for row, column in {(0, 0), (rows // 2, columns // 2), (rows - 1, columns - 1), (rows - 1, 0)}:
            values = maps[layer.name][:, row, column, 0]
            changed = (values[1:] != values[0]).reshape(SHAPE[:2])
            unit = unit_at(layers, layer.name, (row, column, 0), 0.0)
            seen = np.zeros(SHAPE[:2], bool)
            seen[np.ix_(unit.rows, unit.columns)] = True
            assert (seen == changed).all(), (layer.name, row, column)
            assert unit.square is not None
            where = np.argwhere(changed)
            assert [(s.start, s.stop - 1) for s in unit.square] == list(zip(where.min(0), where.max(0), strict=True))


def test_in_the_middle_a_unit_sees_its_whole_field_and_at_the_border_less():
    layers = [one for one in layer_table(model_of(NETWORKS["same"]), (28, 28, 1), 2).layers if one.kind in WINDOWED]
    middle, corner = (unit_at(layers, "b", cell, 0.0) for cell in ((7, 7, 0), (0, 0, 0)))
    assert middle.layer.receptive_field == (8, 8)
    assert (len(middle.rows), len(middle.columns), middle.at_border) == (8, 8, False)
    assert (corner.rows.tolist(), corner.at_border) == ([0, 1, 2, 3, 4], True)


def test_a_unit_whose_windows_lie_outside_sees_nothing():
    model = Model.model_validate({"blocks": {"a": {"filters": 1, "kernel_size": 2, "dilation_rate": 5}}})
    layers = [one for one in layer_table(model, (3, 3, 1), 2).layers if one.kind in WINDOWED]
    unit = unit_at(layers, "a", (0, 0, 0), 0.0)
    assert (unit.square, unit.at_border) == (None, True)


def test_the_strongest_cell_is_the_largest_output_of_all_also_where_its_channel_is_sparse():
    maps = np.zeros((2, 3, 3), np.float32)
    maps[..., 0], maps[..., 1], maps[1, 2, 1], maps[0, 1, 2] = 3, -8, 1, 9
    assert strongest_cell(maps) == (0, 1, 2)
    assert strongest_cell(maps, 1) == (1, 2, 1)
    assert strongest_cell(np.zeros((2, 2, 2))) == (0, 0, 0)


def test_examples_are_the_largest_and_none_that_are_at_the_lowest():
    layers = [one for one in layer_table(model_of(NETWORKS["same"]), (8, 8, 1), 2).layers if one.kind in WINDOWED]
    values = np.array([[0, 5], [3, 5], [0, 5], [7, 5], [3, 5]], np.float32)
    places = np.arange(20).reshape(5, 2, 2) % 4
    labels = np.array([4, 3, 2, 1, 0])
    found = examples_of(layers, "b", (values, places), labels, 0, 4)
    assert [(one.index, one.label, one.unit.value) for one in found] == [(3, 1, 7), (1, 3, 3), (4, 0, 3)]
    assert [(one.unit.row, one.unit.column, one.unit.channel) for one in found] == [(0, 1, 0)] * 3
    assert examples_of(layers, "b", (values, places), labels, 1, 4) == ()

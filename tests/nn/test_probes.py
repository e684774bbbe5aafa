from __future__ import annotations

import numpy as np

from cnnexp.config.schema import Model
from cnnexp.nn.model import build_model
from cnnexp.nn.probes import filters, layer_maps, peaks

IMAGES = np.array([[1, 2], [3, 4]], np.uint8).reshape(1, 2, 2, 1)


def test_maps_of_a_convolution_and_its_pool_worked_by_hand() -> None:
    values = {"type": "values", "values": [1, 10, -1]}
    blocks = {"c": {"filters": 3, "kernel_size": 1, "kernel_initializer": values}}
    model = build_model(Model.model_validate({"blocks": blocks}), (2, 2, 1), 3, 1.0, seed=0)
    maps = layer_maps(model, IMAGES)
    assert list(maps) == ["c", "c_pool"]
    np.testing.assert_array_equal(maps["c"][0, :, :, 0], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(maps["c"][0, :, :, 1], [[10, 20], [30, 40]])
    assert (maps["c"][0, :, :, 2] == 0).all()  # relu
    np.testing.assert_array_equal(maps["c_pool"], [[[[4, 40, 0]]]])
    np.testing.assert_array_equal(filters(model)["c"], [[[[1, 10, -1]]]])


def test_a_normalized_block_shows_what_leaves_its_activation() -> None:
    values = {"type": "values", "values": -1}
    block = {"filters": 1, "kernel_size": 1, "kernel_initializer": values, "batch_normalization": True, "pool": "none"}
    config = Model.model_validate({"blocks": {"c": block}})
    model = build_model(config, (2, 2, 1), 3, 1.0, seed=0, dtype="mixed_bfloat16")
    maps = layer_maps(model, IMAGES)
    assert list(maps) == ["c"]
    assert maps["c"].dtype == np.float32
    assert (maps["c"] == 0).all()


def test_a_network_without_convolutions_has_no_maps() -> None:
    model = build_model(Model(), (2, 2, 1), 3, 1.0, seed=0)
    assert layer_maps(model, IMAGES) == {}
    assert filters(model) == {}


def test_peaks_are_the_largest_outputs_and_where_they_are() -> None:
    blocks = {"c": {"filters": 5, "activation": "tanh", "batch_normalization": True}, "d": {"filters": 4}}
    model = build_model(Model.model_validate({"blocks": blocks}), (9, 7, 1), 3, 1.0, seed=0)
    images = np.random.default_rng(0).normal(size=(11, 9, 7, 1)).astype(np.float32)
    maps = layer_maps(model, images)
    for name in maps:
        values, places = peaks(model, name, images, batch_size=4)
        assert (values.shape, places.shape) == ((11, maps[name].shape[-1]), (11, maps[name].shape[-1], 2))
        np.testing.assert_allclose(values, maps[name].max(axis=(1, 2)), atol=1e-6)
        for image, channel in np.ndindex(values.shape):
            row, column = places[image, channel]
            assert abs(maps[name][image, row, column, channel] - values[image, channel]) <= 1e-6

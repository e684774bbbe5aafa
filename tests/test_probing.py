"""Which maps and filters are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnexp.data import Split
from cnnexp.errors import RunError
from cnnexp.probing import SERIES, fixed_digits, map_epochs
from cnnexp.runs.files import write_arrays
from tests.conftest import Trained, train_in


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (1, (0, 1)),
        (5, (0, 1, 2, 3, 4, 5)),
        (11, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)),
        (12, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12)),
        (100, (0, 1, 2, 3, 4, 6, 10, 16, 25, 40, 63, 100)),
    ],
)
def test_map_epochs(epochs: int, expected: tuple[int, ...]) -> None:
    assert map_epochs(epochs) == expected


def test_map_epochs_are_about_a_dozen_and_closer_together_at_the_start() -> None:
    for epochs in (*range(1, 300), 1000, 50_000):
        chosen = map_epochs(epochs)
        assert chosen[0] == 0
        assert chosen[-1] == epochs
        assert len(chosen) == min(epochs + 1, SERIES)
        assert chosen[1] == 1


def test_map_epochs_after_a_start() -> None:
    assert map_epochs(5, first=3) == (3, 4, 5)


def test_fixed_digits_are_the_first_of_each_class() -> None:
    images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1)
    split = Split.of(images, np.array([2, 0, 0, 2, 3, 0]))
    assert fixed_digits(split, (0, 1, 2)).images.ravel().tolist() == [1, 0]
    assert fixed_digits(split, (3, 0)).labels.tolist() == [3, 0]
    assert len(fixed_digits(split, ())) == 0


def test_a_run_keeps_maps_of_validation_digits(trained: Trained) -> None:
    record = trained.record
    assert record.probed_epochs == (0, 1, 2)
    assert record.digits()["labels"].tolist() == list(range(10))
    assert set(record.digits()["digests"]) <= set(record.predictions("validation")["digests"])
    shapes = {layer: maps.shape for layer, maps in record.probes(2).maps.items()}
    assert shapes == {
        "conv_1": (10, 28, 28, 8),
        "conv_1_pool": (10, 14, 14, 8),
        "conv_2": (10, 14, 14, 16),
        "conv_2_pool": (10, 7, 7, 16),
    }
    assert {layer: kernels.shape for layer, kernels in record.probes(0).filters.items()} == {
        "conv_1": (3, 3, 1, 8), "conv_2": (3, 3, 8, 16),
    }  # fmt: skip
    with np.load(record.folder / "probes" / "epoch_001.npz") as arrays:
        assert {arrays[name].dtype for name in arrays.files} == {np.dtype(np.float16)}


def test_pools_of_the_kept_maps_are_what_pooling_the_kept_maps_gives(trained: Trained) -> None:
    maps = trained.record.probes(2).maps
    pooled = maps["conv_1"].reshape(10, 14, 2, 14, 2, 8).max(axis=(2, 4))
    np.testing.assert_array_equal(maps["conv_1_pool"], pooled)


@pytest.mark.slow
def test_the_config_chooses_digits_epochs_and_layers(tmp_path: Path) -> None:
    chosen = ("figures.digits=[7,0]", "figures.epochs=[1]", "figures.layers=[conv_2_pool]", "figures.max_channels=3")
    record = train_in(tmp_path, "training.epochs=3", "tracking=off", *chosen).record
    assert record.probed_epochs == (1, 3), "the epoch of the kept weights is always kept"
    assert record.digits()["labels"].tolist() == [7, 0]
    assert {layer: maps.shape for layer, maps in record.probes(1).maps.items()} == {"conv_2_pool": (2, 7, 7, 16)}
    pictures = {path.name for path in (record.folder / "figures").glob("*.png")}
    assert "feature_maps_conv_2_pool.png" in pictures
    assert "filters_conv_1.png" in pictures, "the filters before training are always kept"
    assert {block: kernels.shape for block, kernels in record.filters_before.items()} == {
        "conv_1": (3, 3, 1, 8), "conv_2": (3, 3, 8, 16),
    }  # fmt: skip
    series = {path.name for path in (record.folder / "figures" / "series").glob("**/*.png")}
    assert series == {"epoch_001.png", "epoch_003.png"}
    others = dict(np.load(record.folder / "probes" / "filters_before.npz"))
    others["filters/conv_1"] = others["filters/conv_1"][:2]
    write_arrays(record.folder / "probes" / "filters_before.npz", others)
    with pytest.raises(RunError, match=r"filters_before.npz: got other layers or shapes"):
        _ = record.filters_before


@pytest.mark.slow
def test_maps_of_a_run_that_stopped_early_reach_its_last_epoch(best: Trained) -> None:
    assert best.record.epochs_done in best.record.probed_epochs
    assert int(best.record.result["best/epoch"]) in best.record.probed_epochs

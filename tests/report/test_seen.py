"""Which digits, channels, epochs and runs are shown, and that tiles are the record's own values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnexp.analysis.comparison import ComparedRun, compare
from cnnexp.report import seen as module
from cnnexp.report.images import pitch
from cnnexp.report.seen import SIZES, what_layers_saw
from tests.report.made import CHANNELS, made_run
from tests.report.test_images import decoded


def runs_of(*records: object) -> tuple[ComparedRun, ...]:
    return compare(records).runs  # type: ignore[arg-type]


def test_everything_of_two_small_runs(tmp_path: Path) -> None:
    seen = what_layers_saw(runs_of(made_run(tmp_path, "+-"), made_run(tmp_path, "+-", seed=1, kept=(0, 1, 2))))
    assert seen is not None
    assert seen.layers == ("conv_1", "conv_1_pool", "conv_2", "conv_2_pool")
    assert seen.steps == (0, 1, 2)
    assert seen.kept == {"A": {0: 0, 1: 0, 2: 2}, "B": {0: 0, 1: 1, 2: 2}}
    assert seen.labels.tolist() == list(range(10))
    assert set(seen.maps["A", "conv_1"].uris) == {0, 2}
    strip = seen.maps["B", "conv_2_pool"]
    assert (strip.size, strip.rows, strip.channels) == ((7, 7), 10, CHANNELS)
    assert decoded(strip.uris[1]).shape == (10 * 2 * pitch((7, 7))[0], 4 * pitch((7, 7))[1], 4)
    assert (seen.kernels["A", "conv_1"].size, seen.kernels["A", "conv_1"].rows) == ((3, 3), 1)


def test_one_scale_a_layer_and_maps_and_kernels_of_the_same_channels(tmp_path: Path) -> None:
    record = made_run(tmp_path, "+-")
    maps = np.zeros((10, 28, 28, 12), np.float16)
    maps[..., 3] = 1.0
    maps[7, 0, 0, 9] = 300.0  # stronger than channel 3 in one cell, weaker in the mean
    kernels = np.zeros((3, 3, 1, 12), np.float16)
    kernels[..., 3] = 1.0
    kernels[..., 9] = -1.0
    np.savez(record.folder / "probes" / "epoch_002.npz", **{"maps/conv_1": maps, "filters/conv_1": kernels})
    np.savez(record.folder / "probes" / "epoch_000.npz", **{"maps/conv_1": 2 * maps, "filters/conv_1": kernels})
    seen = what_layers_saw(runs_of(record, made_run(tmp_path, "+-")))
    assert seen is not None
    first, second = seen.maps["A", "conv_1"], seen.maps["B", "conv_1"]
    assert first.limits == second.limits
    assert (first.limits[0], first.is_cut) == (0.0, True)
    assert 0.5 < first.limits[1] < 300
    pixels = decoded(seen.kernels["A", "conv_1"].uris[2])
    down, across = pitch((3, 3))
    place = 3 * across  # of the fourth tile in a line; channels 0 1 2 3, then 4 5 6 9
    third, ninth, other = (pixels[y, x, :3].astype(int) for y, x in ((0, place), (down, place), (down, 0)))
    assert third[0] - third[2] > 50
    assert ninth[2] - ninth[0] > 50
    assert abs(other[0] - other[2]) < 5


@pytest.mark.slow
def test_who_kept_nothing_or_other_digits_is_left_out(tmp_path: Path) -> None:
    plain, none, other = made_run(tmp_path, "+-"), made_run(tmp_path, "+-", kept=()), made_run(tmp_path, "+-")
    with np.load(other.folder / "probes" / "digits.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    np.savez(other.folder / "probes" / "digits.npz", **{**arrays, "digests": arrays["digests"] + np.uint64(50)})
    seen = what_layers_saw(runs_of(none, plain, other))
    assert seen is not None
    assert [run.letter for run in seen.runs] == ["B"]
    assert seen.left_out == {"A": "it kept no maps", "C": "it kept maps of other digits"}


def test_nothing_was_kept(tmp_path: Path) -> None:
    assert what_layers_saw(runs_of(made_run(tmp_path, "+-", kept=()), made_run(tmp_path, "+-", kept=()))) is None


def test_digits_that_only_some_kept_are_not_shown(tmp_path: Path) -> None:
    seen = what_layers_saw(runs_of(made_run(tmp_path, "+-"), made_run(tmp_path, "+-", fixed=4)))
    assert seen is not None
    assert seen.labels.tolist() == [0, 1, 2, 3]


@pytest.mark.slow
def test_a_smaller_page_shows_less_of_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [made_run(tmp_path, "+-", kept=range(9)) for _ in range(2)]
    monkeypatch.setattr(module, "PIXELS", 50_000)
    seen = what_layers_saw(runs_of(*records))
    assert seen is not None
    digits, channels, epochs = SIZES[-2]
    assert len(seen.labels) == digits
    assert seen.maps["A", "conv_1"].channels == channels
    assert (len(seen.steps), seen.steps[0], seen.steps[-1]) == (epochs, 0, 8)


@pytest.mark.slow
def test_a_run_that_ended_earlier_stands_still(tmp_path: Path) -> None:
    seen = what_layers_saw(runs_of(made_run(tmp_path, "+-", kept=(1, 2)), made_run(tmp_path, "+-", kept=(0, 4))))
    assert seen is not None
    assert seen.kept["A"] == {0: 1, 1: 1, 2: 2, 4: 2}

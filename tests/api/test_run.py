"""A run from Python: what it tells, its maps, its network put to work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cnnexp
from cnnexp.errors import ConfigError, DataError, RunError
from tests.conftest import HANGUL, Trained


def test_what_a_run_tells(run: cnnexp.Run, trained: Trained) -> None:
    assert run.name == HANGUL
    assert run.folder == trained.record.folder
    assert run.config.training.epochs == 2
    assert [epoch for epoch, _ in run.history["loss/val"]] == [0, 1, 2]
    assert [epoch for epoch, _ in run.history["loss/train"]] == [1, 2]
    assert run.metrics["loss/val"] == run.history["loss/val"][-1][1]
    assert repr(run) == f"<Run {run.id} '{HANGUL}' FINISHED {run.metrics['accuracy/test']:.2%}>"


def test_maps(run: cnnexp.Run, trained: Trained) -> None:
    maps = run.maps("conv_1", digit=7)
    assert maps.shape == (28, 28, 8)
    np.testing.assert_array_equal(maps, trained.record.probes(2).maps["conv_1"][7])
    before = run.maps("conv_1", digit=7, epoch=0)
    assert (before != maps).any()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"layer": "conv_9", "digit": 7},
            "layer: got conv_9, expected one of conv_1, conv_1_pool, conv_2, conv_2_pool",
        ),
        ({"layer": "conv_1", "digit": 11}, "digit: got 11, expected one of those kept: 0, 1, 2"),
        ({"layer": "conv_1", "digit": 7, "epoch": 5}, "epoch: got 5, expected one of those kept: 0, 1, 2"),
    ],
)
def test_maps_that_were_not_kept(run: cnnexp.Run, asked: dict[str, object], message: str) -> None:
    with pytest.raises(RunError) as caught:
        run.maps(**asked)  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


def test_the_model_reads_raw_pixels(run: cnnexp.Run, trained: Trained) -> None:
    model = run.model()
    images = trained.record.digits()["images"]
    scores = model.predict_on_batch(images)
    assert scores.shape == (10, 10)
    assert model.get_layer("conv_1").filters == 8


@pytest.mark.slow
def test_evaluate(run: cnnexp.Run) -> None:
    assert run.evaluate().accuracy == run.metrics["accuracy/test"]
    assert run.evaluate(split="validation").digits == 500
    assert run.evaluate("data.validation_size=100", split="test").digits == 500
    with pytest.raises(DataError, match="trained on"):
        run.evaluate(split="train")
    with pytest.raises(ConfigError, match="never the network"):
        run.evaluate("model.kernel_size=5")


@pytest.mark.slow
def test_figures_are_matplotlib_figures_by_name(run: cnnexp.Run) -> None:
    from matplotlib.figure import Figure

    figures = run.figures()
    assert {"curves", "confusion_matrix", "feature_maps_conv_1"} <= set(figures)
    assert all(isinstance(figure, Figure) for figure in figures.values())


def test_inspect(run: cnnexp.Run, tmp_path: Path) -> None:
    found = run.inspect(index=3, layer="conv_1_pool", filter=1, folder=tmp_path / "see")
    assert repr(found) == f"<RunInspection of {found.subject.told} by {run.id} in {tmp_path / 'see'}>"
    assert found.pictures == ("input.png", "occlusion.png", "maps_conv_1_pool.png", "filters_conv_1.png",
                              "field_conv_1_pool.png", "excite_conv_1_pool_filter_1.png")  # fmt: skip
    assert {path.name for path in (tmp_path / "see").iterdir()} == {*found.pictures, "arrays.npz", "config.yaml"}
    with pytest.raises(DataError, match="a folder with other files in it"):
        run.inspect(index=3, folder=tmp_path)

"""A trained run's inspection from Python: arrays against brute force, choices and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import cnnexp
from cnnexp.data import Digits, load_digits
from cnnexp.errors import ConfigError, DataError, RunError
from cnnexp.evaluation import load_model
from cnnexp.inspection.question import AskedOfRun
from cnnexp.inspection.trained import RunInspection, inspect_run
from tests.conftest import Trained
from tests.runs.records import create_run

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def digits(trained: Trained) -> Digits:
    return load_digits(trained.record.config.data)


@pytest.fixture(scope="module")
def maps_of_test(trained: Trained, digits: Digits) -> dict[str, np.ndarray]:
    """Every map of every test digit, all at once."""
    from cnnexp.nn.probes import layer_maps

    return layer_maps(load_model(trained.record), digits.test.images)


def look(trained: Trained, *overrides: str, **asked: Any) -> RunInspection:
    """The arrays alone: nothing is drawn or written."""
    return inspect_run(trained.record, AskedOfRun(**asked), overrides)


@pytest.fixture(scope="module")
def seven(trained: Trained) -> RunInspection:
    return look(trained, digit=7)


def test_the_first_of_the_class_that_the_network_reads_right(trained, digits, seven):
    answers = load_model(trained.record).predict_on_batch(digits.test.images).argmax(axis=1)
    first = next(i for i in range(500) if digits.test.labels[i] == 7 and answers[i] == 7)
    assert (seven.subject.split, seven.subject.index, seven.subject.label) == ("test", first, 7)
    assert seven.subject.told == f"test image {first} of mnist_5k, class 7"
    assert seven.subject.note == "the first 7 that it reads right"
    assert (seven.subject.image == digits.test.images[first]).all()
    assert seven.ranking[0] == 7


def test_maps_and_probabilities_are_those_of_the_network(trained, digits, seven, maps_of_test):
    recorded = trained.record.predictions("test")["probabilities"]
    assert seven.probabilities == pytest.approx(recorded[seven.subject.index], abs=1e-5)
    assert list(seven.maps) == [layer.name for layer in seven.layers] == list(maps_of_test)
    for name, maps in seven.maps.items():
        assert maps == pytest.approx(maps_of_test[name][seven.subject.index], abs=1e-4)
        unit = seven.strongest[name]
        assert unit.value == maps[unit.row, unit.column, unit.channel] == maps.max()


def test_by_itself_the_unit_is_the_strongest_of_the_last_convolution(seven):
    assert seven.unit.layer.name == "conv_2"
    strongest = seven.strongest["conv_2"]
    assert (seven.unit.row, seven.unit.column, seven.unit.channel) == (
        strongest.row, strongest.column, strongest.channel,
    )  # fmt: skip
    assert seven.unit.layer.receptive_field == (8, 8)


def test_occlusion_is_what_the_network_says_of_covered_pictures(trained, seven):
    model, occlusion = load_model(trained.record), seven.occlusion
    assert (occlusion.patch, occlusion.label, occlusion.step, occlusion.fill.tolist()) == (5, 7, 1, [0])
    for row, column in ((0, 0), (14, 14), (27, 9), occlusion.worst):
        covered = seven.subject.image.copy()
        covered[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3] = 0
        scores = model.predict_on_batch(covered[None])[0].astype(float)
        shares = np.exp(scores) / np.exp(scores).sum()
        assert occlusion.covered[row, column] == pytest.approx(shares, abs=1e-5)
        assert occlusion.drops[row, column] == pytest.approx(seven.probabilities[7] - shares[7], abs=1e-5)


def test_the_digits_that_excite_a_filter_most_are_the_largest_of_all(seven, maps_of_test, digits):
    excited, maps = seven.excited, maps_of_test["conv_2"]
    assert (excited.split_name, len(excited.split), sorted(excited.examples)) == ("test", 500, list(range(16)))
    told = 0
    for channel, examples in excited.examples.items():
        largest = maps[..., channel].max(axis=(1, 2))
        best = np.sort(largest)[::-1][: len(examples)]
        assert [one.unit.value for one in examples] == pytest.approx(best, abs=1e-4)
        assert len(examples) == min(8, int((largest > largest.min()).sum()))
        for one in examples:
            assert largest[one.index] == pytest.approx(one.unit.value, abs=1e-4)
            assert one.label == digits.test.labels[one.index]
            assert maps[one.index, one.unit.row, one.unit.column, channel] == pytest.approx(one.unit.value, abs=1e-4)
            told += 1
    assert told > 60


def test_a_unit_a_filter_and_a_layer_of_ones_own(trained):
    found = look(trained, index=3, layer="conv_1", cell=(0, 5), filter=2, patch=8)
    assert (found.subject.split, found.subject.index, found.subject.note) == ("test", 3, "")
    assert (found.unit.row, found.unit.column, found.unit.channel) == (0, 5, 2)
    assert found.unit.value == found.maps["conv_1"][0, 5, 2]
    assert found.unit.rows.tolist() == [0, 1]
    assert list(found.excited.examples) == [2]
    assert [layer.name for layer in found.shown] == ["conv_1"]
    assert found.occlusion.patch == 8
    assert look(trained, index=3, layer="conv_1", cell=(0, 5, 4), filter=2).unit.channel == 4
    assert [look(trained, index=3, layer="conv_2", filter=each).unit.channel for each in (4, 9)] == [4, 9]


def test_what_it_never_reads_right_is_shown_all_the_same(trained, digits, monkeypatch):
    monkeypatch.setattr("cnnexp.inspection.subject._answers", lambda record, name, some, network: some.labels * 0 + 1)
    found = look(trained, digit=7)
    first = int(np.flatnonzero(digits.test.labels == 7)[0])
    assert (found.subject.index, found.subject.note) == (first, "it reads none of the 50 right")


def test_answers_that_were_not_recorded_are_asked_for(trained):
    other = load_digits(cnnexp.compose("data.limit=200", "data.validation_size=100").data).train
    right = load_model(trained.record).predict_on_batch(other.images).argmax(axis=1) == other.labels
    last = int(other.labels[np.flatnonzero(right)[-1]])
    found = look(trained, "data.validation_size=100", digit=last, split="train")
    assert found.subject.index == np.flatnonzero(right & (other.labels == last))[0]
    assert (found.subject.image == other.images[found.subject.index]).all()
    assert (found.ranking[0], found.excited.split_name) == (last, "train")


def test_how_the_maps_of_a_kept_digit_grew(trained, digits):
    found = look(trained, digit=7, epochs=True)
    kept = trained.record.digits()
    place = kept["labels"].tolist().index(7)
    assert found.subject.split == "validation"
    assert digits.validation.digests[found.subject.index] == kept["digests"][place]
    assert list(found.epochs) == list(trained.record.probed_epochs) == [0, 1, 2]
    for epoch, maps in found.epochs.items():
        assert (maps["conv_2"] == trained.record.probes(epoch).maps["conv_2"][place]).all()
    assert found.epochs[2]["conv_1"] == pytest.approx(found.maps["conv_1"], abs=1e-2)
    assert look(trained, index=found.subject.index, split="validation", epochs=True).epochs.keys() == {0, 1, 2}


def test_a_file_is_normalised_as_predict_does(trained, tmp_path):
    from cnnexp.data.handwriting import read_handwriting

    drawn = np.full((120, 90), 255, np.uint8)
    drawn[20:100, 40:52] = 30
    Image.fromarray(drawn).save(tmp_path / "one.png")
    found = look(trained, image=str(tmp_path / "one.png"))
    assert (found.subject.image == read_handwriting(tmp_path / "one.png").digit).all()
    assert found.subject.original.shape == (120, 90, 3)
    assert (found.subject.told, found.subject.note) == ("one.png", "normalised as MNIST's digits were")
    assert found.occlusion.label == found.ranking[0]
    as_is = look(trained, image=str(tmp_path / "one.png"), as_is=True)
    assert as_is.subject.note == "resized from 120×90 to 28×28"


def test_a_network_without_blocks_has_no_layers_to_show(tmp_path, digits):
    from tests.conftest import train_in

    run = train_in(
        tmp_path, "model=empty", "training.epochs=1", "tracking=off", "figures=off", "training.report_every=1"
    )
    found = look(run, digit=1)
    assert (found.layers, found.unit, found.excited) == ((), None, None)
    assert found.occlusion.drops.shape == (28, 28)
    with pytest.raises(ConfigError, match=r"layer: got conv_1, expected a network with blocks"):
        look(run, layer="conv_1")
    written = cnnexp.Run(run.record).inspect(digit=1)
    assert written.pictures == ("input.png", "occlusion.png")


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"layer": "conv_9"}, "layer: got 'conv_9', expected one of conv_1, conv_1_pool, conv_2, conv_2_pool"),
    ({"cell": (14, 0)}, "cell: got 14,0, expected ROW,COLUMN[,CHANNEL] from 0,0,0 to 13,13,15, the output of conv_2"),
    ({"cell": (1,)}, "cell: got 1, expected"),
    ({"filter": 16}, "filter: got 16, expected 0 to 15, the channels of conv_2"),
    ({"patch": 29}, "patch: got 29, expected 1 to 28 pixels"),
    ({"patch": 0}, "patch: got 0"),
    ({"index": 500}, "index: got 500, expected 0 to 499, a position in the test data"),
    ({"digit": 11}, "digit: got 11, expected a class: one of 0, 1"),
    ({"digit": 1, "index": 1}, "digit: got index as well"),
    ({"epochs": True, "index": 3}, "epochs: got test image 3 of mnist_5k, class"),
    (
        {"epochs": True, "digit": 7, "split": "test"},
        "no maps of it were kept, expected a digit whose maps were kept: 0",
    ),
]


@pytest.mark.parametrize(("asked", "message"), REFUSALS, ids=[str(asked) for asked, _ in REFUSALS])
def test_refusals(trained, tmp_path, asked, message):
    with pytest.raises(ConfigError) as refused:
        look(trained, **asked)
    assert message in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_read_is_refused(trained, tmp_path):
    with pytest.raises(DataError, match="no such file"):
        look(trained, image="missing.png")
    with pytest.raises(DataError, match="got a folder, expected one picture file"):
        look(trained, image=str(tmp_path))
    with pytest.raises(ConfigError, match="never the network"):
        look(trained, "model.kernel_size=5")
    writer = create_run(tmp_path / "runs")
    writer.close()
    with pytest.raises(RunError, match="RUNNING without weights"):
        inspect_run(writer.read(), AskedOfRun())

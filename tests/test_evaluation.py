"""Measuring recorded networks: the same numbers again, and digits that were trained on are refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnexp.config.schema import Data
from cnnexp.errors import ConfigError, DataError, RunError
from cnnexp.evaluation import Predictions, data_of, evaluate_record, evaluation_of, kept_epoch
from cnnexp.nn.forward import cross_entropy
from cnnexp.runs.journal import now
from cnnexp.runs.record import RunRecord
from tests.conftest import Trained, working_in

ROOT = Path(__file__).parent.parent


def test_evaluation_of_predictions_by_hand() -> None:
    scores = np.log(np.array([[0.5, 0.5], [0.25, 0.75], [0.9, 0.1], [0.2, 0.8]], np.float32))
    found = evaluation_of(Predictions.of(scores, np.array([0, 1, 1, 1])))
    assert (found.digits, found.accuracy) == (4, 0.75)
    assert found.standard_error == pytest.approx(np.sqrt(0.75 * 0.25 / 4))
    assert found.loss == pytest.approx(-np.log([0.5, 0.75, 0.1, 0.8]).mean(), rel=1e-6)
    assert found.confusion.tolist() == [[1, 0], [1, 2]]
    np.testing.assert_allclose(found.precision, [1 / 2, 1])
    np.testing.assert_allclose(found.recall, [1, 2 / 3])


def test_the_loss_of_scores_far_apart_is_not_clipped() -> None:
    """A probability of exp(-400) is 0 in float32; its loss, like that of validation, is 400 all the same."""
    scores = np.array([[200, -200], [-200, 200], [200, -200]], np.float32)
    labels = np.array([1, 1, 1])
    found = Predictions.of(scores, labels)
    assert found.losses.tolist() == [400, 0, 400]
    assert evaluation_of(found).loss == cross_entropy(scores, labels) == pytest.approx(800 / 3)


@pytest.mark.parametrize("split", ["test", "validation"])
def test_measured_again_it_is_what_was_recorded(trained: Trained, split: str) -> None:
    record = trained.record
    measured = evaluate_record(record, record.config.data, split)
    name = "test" if split == "test" else "val"
    assert measured.trained == 0
    assert measured.evaluation.digits == 500
    assert measured.evaluation.accuracy == record.metrics[f"accuracy/{name}"]
    assert measured.evaluation.loss == pytest.approx(record.metrics[f"loss/{name}"], rel=1e-6)


@pytest.mark.slow
def test_the_best_weights_are_measured_where_they_are_kept(best: Trained) -> None:
    measured = evaluate_record(best.record, best.record.config.data, "validation").evaluation
    assert measured.accuracy == best.record.result["best/accuracy_val"]
    assert measured.loss == pytest.approx(best.record.result["best/loss_val"], rel=1e-6)


@pytest.mark.slow
def test_digits_that_were_trained_on_are_refused_or_said(trained: Trained) -> None:
    record = trained.record
    with pytest.raises(DataError, match=r"mnist_5k, train: got 200 of 200 digits it was trained on"):
        evaluate_record(record, record.config.data, "train")
    measured = evaluate_record(record, record.config.data, "train", trained_too=True)
    assert measured.trained == 200
    assert measured.evaluation.digits == 200


def test_digits_left_out_of_training_by_a_limit_may_be_measured_with_more_validation(trained: Trained) -> None:
    """With more validation digits, the first come from those that were not trained on, the others do not."""
    data = data_of(trained.record, ["data.validation_size=4400", "data.limit=1"])
    with pytest.raises(DataError, match="of 4,400 digits it was trained on"):
        evaluate_record(trained.record, data, "validation")


def test_other_pictures_are_refused(trained: Trained, tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for number in range(12):
            Image.new("RGB", (6, 5), (number, 10, ord(label))).save(tmp_path / label / f"{number}.png")
    data = data_of(trained.record, ["data.source=folder", f"data.folder={tmp_path}", "data.limit=null"])
    with pytest.raises(DataError) as caught:
        evaluate_record(trained.record, data, "test")
    (problem,) = caught.value.problems
    assert problem.got == "pictures (5, 6, 3) of 2 classes (a, b)"
    assert problem.expected.startswith("(28, 28, 1) and the classes 0, 1, 2")


def test_an_empty_split_is_refused(trained: Trained) -> None:
    images = [[[label] * 28] * 28 for label in range(10)]
    data = Data(source="arrays", images=images, labels=list(range(10)))
    with pytest.raises(DataError, match="arrays, test: got no digits"):
        evaluate_record(trained.record, data, "test")


def test_a_run_without_weights_is_refused(trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.record.folder, tmp_path / "run", ignore=shutil.ignore_patterns("weights.npz"))
    with pytest.raises(RunError, match="FINISHED without weights"):
        evaluate_record(RunRecord(tmp_path / "run"), trained.record.config.data, "test")


def test_overrides_change_the_digits_of_the_run(trained: Trained) -> None:
    own = trained.record.config.data
    assert data_of(trained.record, []) == own
    assert own.limit == 200
    changed = data_of(trained.record, ["data.validation_size=100", "data.augmentation.shift=1.0"])
    assert (changed.limit, changed.validation_size, changed.augmentation.shift) == (200, 100, 1.0)
    assert data_of(trained.record, ["~data.limit"]).limit is None
    with working_in(ROOT):
        assert data_of(trained.record, ["data=mnist"]).source == "mnist"
        assert data_of(trained.record, ["data=mnist", "data.limit=7"]).limit == 7


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("model.kernel_size=5", "model.kernel_size"),
        ("model=small", "model"),
        ("data.limit=1,2", "data.limit"),
        ("data.limt=1", "data.limt"),
        ("data.limit=0", "data.limit"),
    ],
)
def test_what_is_no_change_of_digits_is_refused(trained: Trained, word: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        data_of(trained.record, [word])
    assert caught.value.problems[0].where == key


@pytest.mark.slow
def test_kept_epoch(best: Trained, twin: Trained) -> None:
    last = kept_epoch(best.record, "last")
    assert last["best/epoch"] == best.record.epochs_done
    assert last["best/loss_val"] == best.record.history["loss/val"][-1][1]
    kept = kept_epoch(best.record, "best")
    assert kept == {key: best.record.result[key] for key in ("best/epoch", "best/loss_val", "best/accuracy_val")}
    assert kept_epoch(twin.record, "last")["best/epoch"] == 2


def test_kept_epoch_without_validation(tmp_path: Path) -> None:
    event = {"event": "epoch", "time": now(), "epoch": 3, "metrics": {"loss/train": 1.0}}
    (tmp_path / "events.jsonl").write_text(json.dumps(event) + "\n", "utf-8")
    assert kept_epoch(RunRecord(tmp_path), "last") == {"best/epoch": 3.0}


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--split", "train"], ["data.source=folder", "data.folder=none"], ["model=small"]])
def test_refusals_do_not_import_tensorflow(trained: Trained, words: list[str]) -> None:
    code = (
        "import sys; from cnnexp.cli import main; code = main(sys.argv[1:])\n"
        "print(code, 'tensorflow' in sys.modules, 'mlflow' in sys.modules)"
    )
    argv = [sys.executable, "-c", code, "evaluate", trained.record.id, *words]
    done = subprocess.run(
        argv,
        cwd=trained.home,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin"},
        text=True,
        capture_output=True,
        check=True,
    )
    assert done.stdout == "2 False False\n", done.stderr
    assert done.stderr.startswith("error: ")


@pytest.mark.full
def test_mnist_knows_what_mnist_5k_trained_on(trained: Trained) -> None:
    """The 5,000 lie among MNIST's validation digits, and none in its test set."""
    with pytest.raises(DataError, match="of 5,000 digits it was trained on"):
        evaluate_record(trained.record, data_of(trained.record, ["data=mnist"]), "validation")
    measured = evaluate_record(trained.record, data_of(trained.record, ["data=mnist"]), "test")
    assert measured.trained == 0
    assert measured.evaluation.digits == 10_000

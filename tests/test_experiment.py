"""One experiment: what is refused before anything is written, what a record holds, and that bits repeat."""

from __future__ import annotations

import json
import signal
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import yaml

import cnnexp.figures
from cnnexp.checks import check
from cnnexp.config.compose import compose_config
from cnnexp.config.identity import identity
from cnnexp.data import load_digits
from cnnexp.errors import ConfigError, TrainingError
from cnnexp.experiment import _note_findings, create_run, extent_of, prepare, record_epoch, run_name
from cnnexp.nn.checkpoint import load_latest
from cnnexp.runs.description import describe
from cnnexp.runs.record import RunRecord
from cnnexp.runs.writer import RunWriter
from cnnexp.shapes import KNOWN_SHAPES
from tests.conftest import SMALL, Command, Trained, train_in, working_in
from tests.runs import records as made

ARRAYS = ("data=arrays", "data.images=[[[0,1],[1,0]],[[1,0],[0,1]],[[0,1],[1,1]],[[1,0],[1,1]]]", "model=empty")
LABELLED = (*ARRAYS, "data.labels=[0,1,0,1]", "training.batch_size=2")


@pytest.mark.parametrize(
    ("words", "key", "expected"),
    [
        (("data.limit=20", "training.batch_size=21"), "training.batch_size", "at most 20, the number of training digits"),  # noqa: E501
        (("model.blocks.conv_1.filters=1000000",), "model", "at most 250,000,000"),
        (("training.batch_size=10", "training.epochs=25001"), "training.epochs", "at most 10,000,000 steps in all"),
        (("figures.digits=[3,10]",), "figures.digits", "classes from 0 to 9"),
        (("model=one_block", "figures.layers=[conv_1,conv_2]"), "figures.layers", "all, or names among conv_1, conv_1_pool"),  # noqa: E501
        (("model=empty", "figures.layers=[conv_1]"), "figures.layers", "all, or names among (none)"),
        (("model=strided", "figures.layers=[conv_1_pool]"), "figures.layers", "all, or names among conv_1, conv_2"),
        ((*ARRAYS, "training.batch_size=4"), "data.labels", "at least 2 classes to train on"),
        (("training.epochs=2", "figures.epochs=[1,99]"), "figures.epochs", "epochs from 0 to 2, which is training.epochs"),  # noqa: E501
        ((*LABELLED, "training.keep=best"), "training.keep", "some to watch loss and accuracy on"),
        ((*LABELLED, "training.early_stopping={}"), "training.early_stopping", "some to watch loss and accuracy on"),
    ],
)  # fmt: skip
def test_refused_before_anything_is_written(
    words: tuple[str, ...], key: str, expected: str, command: Command, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        prepare(compose_config(words).config)
    (problem,) = caught.value.problems
    assert (problem.where, problem.expected) == (key, expected)
    done = command("train", *words)
    assert done.code == 2
    assert done.out == ""
    assert key in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (
            ("training.batch_size=5000", "figures.digits=[12]", "figures.layers=[x]", "model.kernel_size=40", "model.padding=valid"),  # noqa: E501
            ["model.kernel_size", "training.batch_size", "figures.digits", "figures.layers"],
        ),
        (
            (*LABELLED, "training.batch_size=9", "training.keep=best", "training.early_stopping={}", "figures.layers=[x]"),  # noqa: E501
            ["training.batch_size", "training.early_stopping", "training.keep", "figures.layers"],
        ),
    ],
)  # fmt: skip
def test_all_that_does_not_go_with_the_digits_is_told_together(words: tuple[str, ...], keys: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        prepare(compose_config(words).config)
    assert [problem.where for problem in caught.value.problems] == keys
    assert len(str(caught.value).splitlines()) <= 12


@pytest.mark.slow
def test_shapes_known_beforehand_are_those_of_the_data() -> None:
    digits = load_digits(compose_config(()).config.data)
    assert KNOWN_SHAPES["mnist_5k"] == (digits.image_shape, digits.classes)
    check(compose_config(()).config, extent_of(digits))


def test_impossible_shapes_are_refused_before_data_is_read(command: Command, tmp_path: Path) -> None:
    done = command("train", "data=mnist", "data.folder=/nowhere", "model=no_padding", "model.kernel_size=29")
    assert done.code == 2
    assert "conv_1" in done.err
    assert "nowhere" not in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ("data=folder", "data.folder=nothing_here"),
        ("data=mnist", "data.folder=nothing_here"),
        ("model.filters=3",),
        ("training.epochs=0",),
        ("model.kernel_initializer={type: values, values: [1, 2]}",),
    ],
)
def test_refusals_leave_no_file(words: tuple[str, ...], command: Command, tmp_path: Path) -> None:
    done = command("train", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert len(done.err.splitlines()) <= 12
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_refused(command: Command, tmp_path: Path) -> None:
    """`runs` is a file: like a read-only folder, also for root."""
    (tmp_path / "runs").write_text("not a folder", encoding="utf-8")
    done = command("train", *SMALL)
    assert (done.code, done.out) == (2, "")
    assert "a folder that can be written" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


@pytest.mark.slow
def test_other_threads_are_refused_before_anything_is_written(
    trained: Trained, command: Command, tmp_path: Path
) -> None:  # fmt: skip
    threads = int(trained.record.environment["threads"]) + 1
    done = command("train", *SMALL, f"training.threads={threads}")
    assert (done.code, done.out) == (2, "")
    assert "training.threads" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ((), "article"),
        (("model=small",), "model=small"),
        (("model.kernel_size=5", "model.padding=valid"), "kernel_size=5 padding=valid"),
        (("model.blocks.conv_1.filters=8", "model.dense.dense_1.units=9"), "conv_1.filters=8 dense_1.units=9"),
        (("+model.blocks.conv_3.filters=8", "~model.blocks.conv_2"), "conv_3.filters=8 ~conv_2"),
        (("seed=3", "training.optimizer={type: sgd, momentum: 0.9}"), "seed=3 optimizer={type: sgd, momentum: 0.9}"),
        (("tracking=off", "figures.digits=[1]", "evaluation.test=false"), "article"),
        (("training.keep_checkpoints=true", "training.checkpoint_every=2"), "article"),
        (("experiments=toy", "model.strides=2"), "toy strides=2"),
        (("seed=1", 'tracking.run_name="첫 실행"'), "첫 실행"),
        (("training.epochs=2", "seed=1", "++training.epochs=1"), "seed=1 epochs=1"),
    ],
)
def test_run_name(words: tuple[str, ...], name: str) -> None:
    assert run_name(compose_config(words)) == name


def test_a_record_is_whole_before_training(tmp_path: Path) -> None:
    composed = compose_config((*SMALL, "seed=6", "seed=7", "training.threads=3"))
    digits = prepare(composed.config)
    with working_in(tmp_path):
        run = create_run(composed, digits, {"sweep": "abc"})
    record = run.read()
    try:
        assert {path.name for path in run.folder.iterdir()} == {
            "run.json", "config.yaml", "environment.json", "code.patch", "lock",
        }  # fmt: skip
        assert record.header["command"] == "cnnexp train " + " ".join(
            [*SMALL, "seed=6", "seed=7", "training.threads=3"]
        )
        assert record.overrides == (*SMALL, "seed=7", "training.threads=3")
        assert record.header["links"] == {"sweep": "abc"}
        assert record.header["identity"]["variant"] == identity(composed.config, digits.digest).variant
        assert record.environment["threads"] == 3
        assert record.config == composed.config
        assert record.data["sizes"] == {"train": 200, "validation": 500, "test": 500}
        assert record.data["class_counts"]["validation"] == [50] * 10
        assert record.data["digest"] == digits.digest
        assert record.class_names == tuple("0123456789")
    finally:
        run.close()


def test_files_of_a_finished_record(trained: Trained) -> None:
    folder = trained.record.folder
    assert {path.name for path in folder.iterdir()} == {
        "run.json", "config.yaml", "environment.json", "code.patch", "events.jsonl", "predictions.npz", "pictures.npz",
        "weights.npz", "probes", "figures", "lock", "mlflow.json", "mlflow.lock",
    }  # fmt: skip
    assert [event["event"] for event in trained.record.events] == [
        "started",
        "epoch",
        "epoch",
        "epoch",
        "result",
        "ended",
    ]
    assert (trained.record.status, trained.record.ending.outcome) == ("FINISHED", "complete")  # type: ignore[union-attr]
    config = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
    assert config["training"]["epochs"] == 2


def test_what_is_found_goes_into_the_record(tmp_path: Path) -> None:
    with closing(made.create_run(tmp_path)) as run:
        run.epoch(0, {"loss/val": 2.3}, "w", {})
        _note_findings(run)
        run.epoch(1, {"loss/val": 2.3}, "w", {})
        _note_findings(run)
        (found,) = run.read().of_kind("found")
    assert [text.partition(":")[0] for text in found["findings"]] == [
        "It has hardly learned anything",
    ]


def test_metrics_of_an_epoch(trained: Trained) -> None:
    measured = {f"{quantity}/{split}" for quantity in ("loss", "accuracy") for split in ("train_eval", "val")}
    trained_on = {"loss/train", "accuracy/train", "learning_rate", "time/epoch_seconds"}
    before, first, _ = trained.record.epochs
    assert set(before["metrics"]) == measured
    assert set(first["metrics"]) == measured | trained_on
    assert set(trained.record.result) == {
        "best/epoch", "best/loss_val", "best/accuracy_val", "loss/test", "accuracy/test",
    }  # fmt: skip
    assert set(first["signals"]) == {"conv_1", "conv_2", "dense_1", "output"}
    assert set(first["signals"]["conv_1"]) == {
        "gradient_norm", "weight_norm", "update_ratio", "dead_units", "zero_activations",
    }  # fmt: skip


def test_predictions_are_those_of_the_epoch_kept(trained: Trained) -> None:
    record = trained.record
    found = record.predictions("validation")
    right = found["probabilities"].argmax(axis=1) == found["labels"]
    assert right.mean() == record.history["accuracy/val"][-1][1]
    np.testing.assert_allclose(found["probabilities"].sum(axis=1), 1, rtol=1e-5)
    assert len(record.predictions("train")["digests"]) == 200


def test_two_runs_are_bit_identical_whatever_is_told_drawn_or_tracked(trained: Trained, twin: Trained) -> None:
    one, other = trained.record, twin.record
    assert one.id != other.id
    hashes = [[event["weights"] for event in record.epochs] for record in (one, other)]
    assert hashes[0] == hashes[1]
    assert len(set(hashes[0])) == 3
    for name in ("predictions.npz", "pictures.npz", "weights.npz", "probes/epoch_002.npz"):
        with np.load(one.folder / name) as left, np.load(other.folder / name) as right:
            assert left.files == right.files
            for key in left.files:
                np.testing.assert_array_equal(left[key], right[key])
    signals = [[event["signals"] for event in record.epochs] for record in (one, other)]
    assert signals[0] == signals[1]
    assert one.header["identity"] == other.header["identity"]


@pytest.mark.slow
def test_another_seed_is_another_run_of_the_same_variant(twin: Trained, tmp_path: Path) -> None:
    words = ("training.epochs=1", "seed=1", "tracking=off", "figures=off")
    other = train_in(tmp_path, *words).record
    assert other.epochs[0]["weights"] != twin.record.epochs[0]["weights"]
    assert other.header["identity"]["variant"] == twin.record.header["identity"]["variant"]
    assert other.header["identity"]["recipe"] != twin.record.header["identity"]["recipe"]


@pytest.mark.slow
def test_stopped_early_with_the_best_weights(best: Trained) -> None:
    record = best.record
    assert (record.status, record.ending.outcome) == ("FINISHED", "early_stopped")  # type: ignore[union-attr]
    assert record.epochs_done < 40
    losses = dict(record.history["loss/val"])
    kept = int(record.result["best/epoch"])
    assert losses[kept] == min(loss for epoch, loss in losses.items() if epoch > 0) == record.result["best/loss_val"]
    assert kept == record.epochs_done - 1
    found = record.predictions("validation")
    right = found["probabilities"].argmax(axis=1) == found["labels"]
    assert right.mean() == record.result["best/accuracy_val"]


def test_a_diverged_run(command: Command, tmp_path: Path) -> None:
    words = (*SMALL, "training.optimizer=sgd", "training.learning_rate=1e20", "tracking=off", "figures=off")
    done = command("train", *words)
    assert (done.code, done.out) == (TrainingError.exit_code, "")
    (folder,) = (tmp_path / "runs").iterdir()
    record = RunRecord(folder)
    assert (record.status, record.ending.outcome) == ("FAILED", "diverged")  # type: ignore[union-attr]
    assert f"run {record.id} is FAILED after 0 of 5 epochs; see: cnnexp show {record.id}" in done.err
    assert "epoch 1, batch 2 of 4" in done.err
    assert "training.learning_rate" in done.err.splitlines()[-1]
    assert "epoch 1" in record.ending.message  # type: ignore[union-attr]
    assert "Try `training.learning_rate=" in describe(record)
    assert (folder / "checkpoint").is_dir()
    assert not (folder / "weights.npz").exists()


@pytest.mark.slow
def test_signals_that_are_no_numbers_are_left_out(tmp_path: Path, twin: Trained) -> None:
    from cnnexp.nn.signals import LayerSignals
    from cnnexp.nn.state import TrainingState
    from cnnexp.nn.training import EpochResult

    with working_in(tmp_path):
        run = create_run(compose_config(SMALL), prepare(compose_config(SMALL).config))
    signals = {"conv_1": LayerSignals(float("inf"), 1.0, float("nan"), 0.0, 0.5)}
    state = TrainingState(1, {}, {}, {})
    record_epoch(run, EpochResult(1, {"loss/val": 1.0}, "0" * 64, signals, True, False, state))
    run.close()
    (event,) = run.read().epochs
    assert event["signals"] == {"conv_1": {"weight_norm": 1.0, "dead_units": 0.0, "zero_activations": 0.5}}


@pytest.mark.slow
def test_a_failed_run_keeps_its_checkpoint_and_goes_on_to_the_same_bits(
    twin: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted after epoch 1, then continued in its own record: the bits of a run never interrupted."""
    from cnnexp.experiment import train_and_record
    from cnnexp.verbs.progress import LineProgress

    class Stops(LineProgress):
        def epoch(self, epoch: int, metrics: object) -> None:
            if epoch == 1:
                raise KeyboardInterrupt

    composed = compose_config((*SMALL, "training.epochs=2", "tracking=off", "figures=off"))
    digits = prepare(composed.config)
    log = (tmp_path / "log").open("w", encoding="utf-8")
    with working_in(tmp_path), log:
        run = create_run(composed, digits)
        with pytest.raises(KeyboardInterrupt):
            train_and_record(run, composed.config, digits, Stops(log, 2, 1))
        run.close()
        record = run.read()
        assert (record.status, record.epochs_done) == ("KILLED", 1)
        state = load_latest(run.folder / "checkpoint", record.header["identity"]["recipe"])
        assert state is not None
        assert state.epoch == 1
        again = RunWriter.reopen(run.folder)
        done = train_and_record(again, composed.config, digits, LineProgress(log, 2, 1))
        again.close()
    assert done.status == "FINISHED"
    assert [event["weights"] for event in done.epochs] == [event["weights"] for event in twin.record.epochs]
    assert done.result == twin.record.result
    assert not (run.folder / "checkpoint").exists()


@pytest.mark.slow
def test_pictures_that_cannot_be_written_do_not_fail_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """The disk is full when the pictures are drawn."""
    import cnnexp.drawing

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cnnexp.drawing, "write_bytes", full)
    done = train_in(tmp_path, "training.epochs=1", "tracking=off")
    assert done.record.status == "FINISHED"
    assert "its pictures could not be written (No space left on device)" in done.printed.err
    assert done.record.metrics["accuracy/test"] >= 0


@pytest.mark.slow
def test_pictures_that_cannot_be_drawn_do_not_fail_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **more: object) -> None:
        raise ValueError("singular matrix")

    monkeypatch.setattr(cnnexp.figures, "png_bytes", broken)
    done = train_in(tmp_path, "training.epochs=1", "tracking=off")
    (note,) = [line for line in done.printed.err.splitlines() if "could not be drawn" in line]
    assert note.startswith("note: figures/curves.png, figures/confusion_matrix.png, ")
    assert note.endswith(f" (ValueError: singular matrix); draw them later: cnnexp show {done.record.id} --draw")
    assert (done.record.status, done.record.ending.outcome) == ("FINISHED", "complete")  # type: ignore[union-attr]
    assert (done.record.folder / "figures" / "series").is_dir()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_while_a_picture_is_drawn_ends_the_run_killed(
    number: int, code: int, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Matplotlib turns what a handler raises below it into a ValueError, or loses it."""

    def interrupted(figure: object) -> bytes:
        try:
            signal.raise_signal(number)
        except BaseException:  # noqa: BLE001
            raise ValueError("Invalid affine transformation matrix") from None
        return b""

    monkeypatch.setattr(cnnexp.figures, "png_bytes", interrupted)
    done = command("train", *SMALL, "training.epochs=1", "tracking=off")
    assert done.code == code
    assert "ValueError" not in done.err
    (folder,) = (tmp_path / "runs").iterdir()
    assert RunRecord(folder).status == "KILLED"
    assert [path.name for path in folder.glob("figures/**/*.png")] == ["curves.png"]


@pytest.mark.slow
def test_an_unexpected_error_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cnnexp.experiment

    def broken(*parts: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(cnnexp.experiment, "measure_kept_weights", broken)
    with pytest.raises(ZeroDivisionError):
        train_in(tmp_path, "training.epochs=1", "tracking=off", "figures=off")
    (folder,) = (tmp_path / "runs").iterdir()
    ending = RunRecord(folder).ending
    assert ending is not None
    assert (ending.status, ending.outcome, ending.message) == ("FAILED", "failed", "ZeroDivisionError: a bug")


@pytest.mark.slow
def test_neither_convolution_nor_dense_layer(tmp_path: Path) -> None:
    words = ("data.limit=100", "training.batch_size=50", "model=empty", "training.epochs=1", "tracking=off")
    done = train_in(tmp_path, *words)
    names = {path.stem for path in (done.record.folder / "figures").glob("*.png")}
    assert names == {"curves", "confusion_matrix", "per_class", "sample_digits", "surest_mistakes"}
    assert json.loads((done.record.folder / "run.json").read_text("utf-8"))["name"].startswith("limit=")

"""What a run can go on with, what is refused with its cure, and that both ways lead to the same bits."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import numpy as np
import pytest

from cnnexp.errors import ConfigError, DataError, RunError
from cnnexp.resuming import changed_since, go_on, what_is_left
from cnnexp.runs.files import write_json
from cnnexp.runs.record import RunRecord
from cnnexp.verbs.progress import LineProgress
from tests.conftest import Trained, run_command, train_in
from tests.runs.conftest import MakeRun, make_run

__all__ = ["make_run"]
KEPT = "training.keep_checkpoints=true"


def ended(
    make_run: MakeRun, *overrides: str, status: str = "FINISHED", outcome: str = "complete", message: str = ""
) -> RunRecord:  # fmt: skip
    """A run of three epochs that ended so, with something in the place of a checkpoint where it kept one."""
    writer = make_run("training.epochs=3", *overrides)
    write_json(writer.folder / "environment.json", {"threads": 2, "packages": {}, "cpu": "x"})
    writer.event("started", pid=12345, host="here", after=None, changed=[])
    for epoch in range(4):
        writer.epoch(epoch, {"loss/val": 0.5}, f"{epoch}" * 64, {})
    writer.event("ended", status=status, outcome=outcome, message=message)
    writer.close()
    if KEPT in overrides or status != "FINISHED":
        (writer.folder / "checkpoint").mkdir()
        (writer.folder / "checkpoint" / "checkpoint_000003.npz").touch()
    return writer.read()


def refusal(record: RunRecord, *overrides: str) -> tuple[type[BaseException], str, str, str]:
    with pytest.raises((ConfigError, RunError)) as caught:
        what_is_left(record, overrides)
    problem = caught.value.problems[0]
    return type(caught.value), problem.where, problem.got, problem.hint


def test_nothing_is_left_of_a_finished_run(make_run: MakeRun) -> None:
    record = ended(make_run)
    assert what_is_left(record, []) is None
    assert what_is_left(record, ["training.epochs=3"]) is None


@pytest.mark.parametrize(("status", "outcome"), [("KILLED", "killed"), ("FAILED", "failed"), ("KILLED", "pruned")])
def test_what_was_interrupted_goes_on_as_it_was_with_its_own_threads(
    status: str, outcome: str, make_run: MakeRun
) -> None:
    record = ended(make_run, status=status, outcome=outcome)
    config = what_is_left(record, [])
    assert config is not None
    assert (record.config.training.threads, config.training.threads) == ("auto", 2)
    training = record.config.training.model_copy(update={"threads": 2})
    assert config == record.config.model_copy(update={"training": training})


@pytest.mark.parametrize("schedule", ["constant", "{type: step, every: 2}", "{type: constant, warmup_epochs: 1}"])
def test_a_finished_run_that_kept_checkpoints_goes_on_for_more_epochs(schedule: str, make_run: MakeRun) -> None:
    record = ended(make_run, KEPT, f"training.schedule={schedule}")
    config = what_is_left(record, ["training.epochs=20"])
    assert config is not None
    assert config.training.epochs == 20


def test_other_changes_are_refused(make_run: MakeRun) -> None:
    record = ended(make_run, KEPT)
    kind, where, got, hint = refusal(record, "training.epochs=20", "training.learning_rate=0.1")
    assert (kind, where, got) == (ConfigError, "training.learning_rate", "0.1")
    assert hint.endswith(f"cnnexp rerun {record.id} training.epochs=20 training.learning_rate=0.1")
    assert refusal(record, "tracking.run_name=x")[1:3] == ("tracking.run_name", "'x'")
    with pytest.raises(ConfigError, match=r"expected null, as the run has: only training\.epochs may be another"):
        what_is_left(record, ["tracking.run_name=x"])
    assert refusal(record, "model=small")[1] == "model"
    assert refusal(record, "training.epochs=many")[1] == "training.epochs"


def test_fewer_epochs_are_refused(make_run: MakeRun) -> None:
    record = ended(make_run, KEPT)
    kind, where, got, hint = refusal(record, "training.epochs=2")
    assert (kind, where, got) == (ConfigError, "training.epochs", "2")
    assert hint == f"For a run with fewer: cnnexp rerun {record.id} training.epochs=2"


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_a_schedule_bound_to_the_number_of_epochs_is_refused(schedule: str, make_run: MakeRun) -> None:
    record = ended(make_run, KEPT, f"training.schedule={schedule}")
    kind, where, got, hint = refusal(record, "training.epochs=20")
    assert (kind, where) == (ConfigError, "training.schedule")
    assert got == f"{schedule}, whose every rate depends on the number of epochs"
    assert hint == f"Train all of them: cnnexp rerun {record.id} training.epochs=20"


def test_a_run_that_stopped_early_would_stop_there_again(make_run: MakeRun) -> None:
    record = ended(make_run, KEPT, "training.early_stopping={}", outcome="early_stopped")
    kind, _, got, hint = refusal(record, "training.epochs=20")
    assert (kind, got) == (RunError, "stopped early after epoch 3, where it would stop again")
    assert hint.endswith(f"cnnexp rerun {record.id} training.epochs=20 training.early_stopping=none")


def test_without_checkpoints_there_is_nothing_to_go_on_from(make_run: MakeRun) -> None:
    record = ended(make_run)
    kind, where, got, hint = refusal(record, "training.epochs=20")
    assert (kind, where) == (RunError, record.id)
    assert got.startswith("no checkpoints")
    assert hint.splitlines() == [
        f"Train all of them: cnnexp rerun {record.id} training.epochs=20",
        "    To keep them from now on: training.keep_checkpoints=true",
    ]


def test_more_epochs_come_after_those_that_are_left(make_run: MakeRun) -> None:
    record = ended(make_run, KEPT, status="KILLED", outcome="killed")
    kind, where, got, hint = refusal(record, "training.epochs=20")
    assert (kind, where, got, hint) == (RunError, record.id, "KILLED", f"First: cnnexp resume {record.id}")


def test_a_run_that_diverged_would_again(make_run: MakeRun) -> None:
    message = "loss/train: got nan, expected a number\n    try less"
    record = ended(make_run, status="FAILED", outcome="diverged", message=message)
    kind, where, got, hint = refusal(record)
    assert (kind, where, got) == (RunError, record.id, "FAILED: loss/train: got nan, expected a number")
    assert hint == f"Try another value: cnnexp rerun {record.id} training.learning_rate=VALUE"


def test_a_run_whose_process_lives_is_refused_with_its_number(make_run: MakeRun) -> None:
    writer = make_run()
    write_json(writer.folder / "environment.json", {"threads": 2})
    writer.event("started", pid=os.getpid(), host="here", after=None)
    kind, where, got, hint = refusal(writer.read())
    assert (kind, where, got) == (RunError, writer.folder.name, "still running")
    assert hint == f"It is process {os.getpid()} on here."
    writer.close()


@pytest.mark.parametrize("threads", ["two", None, 0, 2.5])
def test_a_record_without_its_threads_is_refused(threads: object, make_run: MakeRun) -> None:
    record = ended(make_run, status="KILLED", outcome="killed")
    write_json(record.folder / "environment.json", {"threads": threads})
    assert refusal(record.fresh())[1] == str(record.folder / "environment.json")


def test_digits_that_are_no_longer_the_same_are_refused(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    record = ended(make_run, status="KILLED", outcome="killed")
    before = (record.folder / "events.jsonl").read_bytes()
    config = what_is_left(record, [])
    assert config is not None
    with pytest.raises(DataError) as caught:
        go_on(record, config, LineProgress(sys.stderr, 3, 1))
    (problem,) = caught.value.problems
    assert problem.expected == "0123456789abcdef, the digits that the run began with"
    assert problem.hint.endswith(str(record.header["command"]))
    assert (record.folder / "events.jsonl").read_bytes() == before
    assert capsys.readouterr().err == ""


def test_what_changed_since_it_began(twin: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    digest = twin.record.data["digest"]
    assert changed_since(twin.record, digest) == []
    record = RunRecord(Path(shutil.copytree(twin.record.folder, tmp_path / "run")))
    machine = record.environment
    machine["packages"]["tensorflow"], machine["cpu"] = "2.20.0", "Another One"
    write_json(record.folder / "environment.json", machine)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    packages, cpu, switch = changed_since(record.fresh(), digest)
    assert switch == "TF_ENABLE_ONEDNN_OPTS (not set → 0)"
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    assert packages.startswith("tensorflow (2.20.0 → ")
    assert cpu.startswith("the processor (Another One → ")
    write_json(record.folder / "environment.json", twin.record.environment)
    header = json.loads((record.folder / "run.json").read_text("utf-8"))
    header["identity"]["run_key"] = "other code"
    write_json(record.folder / "run.json", header)
    assert changed_since(record.fresh(), digest) == ["cnnexp's own code"]


def arrays_of(path: Path) -> dict[str, bytes]:
    with np.load(path) as archive:
        return {name: archive[name].tobytes() for name in archive.files}


@pytest.mark.slow
def test_more_epochs_are_a_new_run_with_the_bits_of_one_trained_so_from_the_start(
    twin: Trained, tmp_path: Path
) -> None:
    named = "tracking.run_name='two  words'"
    short = train_in(tmp_path, "training.epochs=1", "tracking=off", "figures=off", KEPT, named).record
    before = {path: path.read_bytes() for path in short.folder.rglob("*") if path.is_file()}
    done = run_command(tmp_path, "resume", short.id, "training.epochs=2")
    assert done.code == 0, done.err
    long, whole = RunRecord(tmp_path / "runs" / done.out.strip()), twin.record
    assert "goes on after epoch 1 of 2\n" in done.err
    assert long.id != short.id
    assert {path: path.read_bytes() for path in short.folder.rglob("*") if path.is_file()} == before
    assert long.header["links"] == {"continues": short.id}
    assert long.header["identity"] == whole.header["identity"]
    assert [event["weights"] for event in long.epochs] == [event["weights"] for event in whole.epochs]
    assert [event["signals"] for event in long.epochs] == [event["signals"] for event in whole.epochs]
    assert long.history["loss/val"] == whole.history["loss/val"]
    assert long.result == whole.result
    assert long.probed_epochs == whole.probed_epochs == (0, 1, 2)
    names = ["weights.npz", "predictions.npz", "pictures.npz", *(f"probes/epoch_{n:03d}.npz" for n in range(3))]
    for name in names:
        assert arrays_of(long.folder / name) == arrays_of(whole.folder / name), name
    assert len(long.checkpoints) == 2
    again = shlex.split(long.header["command"])[1:]
    assert named in again
    repeated = run_command(tmp_path, *again)
    assert repeated.code == 0, repeated.err
    third = RunRecord(tmp_path / "runs" / repeated.out.strip())
    assert third.epochs[-1]["weights"] == long.epochs[-1]["weights"]
    assert third.overrides == long.overrides

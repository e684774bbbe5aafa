"""`cnnexp resume`: one run, a sweep, or nothing left."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cnnexp.config.identity import to_yaml
from cnnexp.config.overrides import parse
from cnnexp.runs.files import write_json
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import open_store
from cnnexp.runs.sweep_writer import SweepHeader, SweepWriter
from cnnexp.study.plan import Verdict, plan
from cnnexp.study.points import axes_of_words, points_of
from tests.conftest import SMALL, Trained, run_command, train_in, working_in
from tests.runs.records import POINT, composed

OFF = ("tracking=off", "figures=off")


def test_nothing_is_left_of_a_finished_run(twin: Trained) -> None:
    before = {path: path.stat().st_mtime_ns for path in twin.record.folder.rglob("*")}
    done = run_command(twin.home, "resume", "latest")
    assert (done.code, done.out) == (0, f"{twin.record.id}\n")
    assert done.err == f"run {twin.record.id} is FINISHED after 2 epochs: nothing is left to train\n"
    assert {path: path.stat().st_mtime_ns for path in twin.record.folder.rglob("*")} == before
    told = json.loads(run_command(twin.home, "resume", twin.record.id[:4], "training.epochs=2", "--json").out)
    assert (told["id"], told["status"]) == (twin.record.id, "FINISHED")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nosuch"], "RUN: got 'nosuch'"),
        (["latest", "seed=7"], "seed: got 7, expected 0, as the run has"),
        (["latest", "training.epochs=1"], "training.epochs: got 1, expected at least the 2 of the run"),
        (["latest", "training.epochs=9"], "got no checkpoints"),
        (["latest", "training.epocs=9"], "training.epocs"),
        (["latest", "other"], "other"),
    ],
)
def test_refusals_leave_nothing(words: list[str], told: str, twin: Trained) -> None:
    before = sorted(twin.home.rglob("*"))
    done = run_command(twin.home, "resume", *words)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert len(done.err.splitlines()) <= 12
    assert sorted(twin.home.rglob("*")) == before


def test_a_diverged_run_is_refused(tmp_path: Path, twin: Trained) -> None:
    home = Path(shutil.copytree(twin.home, tmp_path / "home"))
    record = RunRecord(home / "runs" / twin.record.id)
    with (record.folder / "events.jsonl").open("a", encoding="utf-8") as file:
        event = {"event": "ended", "time": record.created, "status": "FAILED", "outcome": "diverged", "message": "nan"}
        file.write(json.dumps(event) + "\n")
    done = run_command(home, "resume", "latest")
    assert done.code == 2
    assert f"{record.id}: got FAILED: nan" in done.err


@pytest.mark.slow
def test_what_mlflow_lacks_of_a_finished_run_follows(trained: Trained, tmp_path: Path) -> None:
    """Killed after FINISHED was recorded and before MLflow was told, and before the model was there."""
    home = Path(shutil.copytree(trained.home, tmp_path / "home"))
    (home / "mlflow.db").unlink()
    shutil.rmtree(home / "mlruns")
    record = RunRecord(home / "runs" / trained.record.id)
    (record.folder / "mlflow.json").unlink()
    done = run_command(home, "resume", record.id)
    assert done.code == 0, done.err
    assert done.err.endswith("nothing is left to train\npublished what MLflow did not have of it yet\n")
    with working_in(home):
        client = open_store(record.config.tracking, create=False).client
        run = client.get_run(record.fresh().mlflow["run_id"])
    assert run.info.status == "FINISHED"
    assert record.fresh().mlflow["model_id"] is not None
    assert run_command(home, "resume", record.id).err.endswith("nothing is left to train\n")


@pytest.mark.slow
def test_a_run_that_goes_on_is_running_in_mlflow_and_finished_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cnnexp.verbs.progress import LineProgress

    seen: list[str] = []
    tell = LineProgress.epoch

    def interrupt(self: LineProgress, epoch: int, metrics: dict[str, float]) -> None:
        tell(self, epoch, metrics)
        if epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(LineProgress, "epoch", interrupt)
    with pytest.raises(AssertionError):
        train_in(tmp_path, "training.epochs=4", "figures=off")
    (folder,) = (path for path in (tmp_path / "runs").iterdir())
    record = RunRecord(folder)
    with working_in(tmp_path):
        client = open_store(record.config.tracking, create=False).client

    def status() -> str:
        return str(client.get_run(record.mlflow["run_id"]).info.status)

    def look(self: LineProgress, epoch: int, metrics: dict[str, float]) -> None:
        tell(self, epoch, metrics)
        seen.append(f"{epoch} {status()}")

    assert (record.status, status()) == ("KILLED", "KILLED")
    machine = record.environment
    machine["packages"]["numpy"] = "1.0"
    write_json(record.folder / "environment.json", machine)
    monkeypatch.setattr(LineProgress, "epoch", look)
    done = run_command(tmp_path, "resume", "latest")
    assert (done.code, done.out) == (0, f"{record.id}\n")
    assert "goes on after epoch 2 of 4\n" in done.err
    (change,) = record.fresh().changed
    assert change.startswith("numpy (1.0 → ")
    assert done.err.startswith(f"note: since it began, {change} changed: bits may differ from here on\n")
    assert f"resumed   since it began, {change} changed" in run_command(tmp_path, "show", "latest").out
    (one,) = plan(points_of(axes_of_words(parse([*SMALL, "training.epochs=4"])), None), [record.fresh()], again=False)
    assert one.verdict is Verdict.RUN  # what changed on the way is not what its run key says
    assert seen == ["3 KILLED", "4 RUNNING"]  # an epoch is told before it is published
    assert (record.fresh().status, status()) == ("FINISHED", "FINISHED")
    steps = [point.step for point in client.get_metric_history(record.mlflow["run_id"], "loss/val")]
    assert steps == [0, 1, 2, 3, 4]


def made_sweep(home: Path, *overrides: str, ended: bool = True) -> SweepWriter:
    header = SweepHeader("a sweep", overrides, "cnnexp train -m", [], composed(("tracking=off",)).tracking)
    writer = SweepWriter.create(home / "runs", header)
    writer.event("started", pid=77, host="here")
    if ended:
        writer.event("ended", status="KILLED", outcome="killed", message="")
    return writer


def test_a_sweep_takes_no_other_words_and_one_that_lives_is_left_alone(tmp_path: Path) -> None:
    writer = made_sweep(tmp_path, "seed=0,1", ended=False)
    done = run_command(tmp_path, "resume", writer.folder.name, "seed=7")
    assert done.code == 2
    assert "seed: got `seed=7`, expected a sweep as it was asked for" in done.err
    done = run_command(tmp_path, "resume", writer.folder.name)
    assert done.code == 2
    assert f"{writer.folder.name}: got still running" in done.err
    assert "It is process 77 on here." in done.err
    writer.close()
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_a_sweep_whose_digits_changed_is_refused(tmp_path: Path, twin: Trained) -> None:
    folder = Path(shutil.copytree(twin.record.folder, tmp_path / "runs" / twin.record.id))
    config = twin.record.config
    other = config.model_copy(update={"data": config.data.model_copy(update={"limit": 150})})
    (folder / "config.yaml").write_text(to_yaml(other), encoding="utf-8")
    writer = made_sweep(tmp_path, "seed=0,1")
    writer.event("drawn", point=POINT | {"number": 0, "run": twin.record.id, "verdict": "done"})
    writer.close()
    done = run_command(tmp_path, "resume", writer.folder.name)
    assert (done.code, done.out) == (2, "")
    assert "the digits that the sweep began with" in done.err
    assert len(list((tmp_path / "runs").iterdir())) == 2

"""`cnnexp gc`: tells first, removes with --yes, in MLflow too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cnnexp.config.schema import Tracking
from cnnexp.runs.journal import now
from cnnexp.runs.publish import Publisher
from cnnexp.runs.publish_sweep import publish_sweep
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import open_store
from cnnexp.runs.sweep_writer import SweepHeader, SweepWriter
from cnnexp.verbs.gc import shown_size
from tests.conftest import run_command
from tests.runs.conftest import MakeRun
from tests.runs.records import POINT, finish

OLD = "2024-01-02T03:04:05.678+00:00"


def killed(make_run: MakeRun, *overrides: str) -> RunRecord:
    """A run that was killed long ago."""
    writer = make_run(*overrides)
    writer.event("started", time=OLD, after=None)
    writer.event("ended", time=OLD, status="KILLED", outcome="killed")
    writer.close()
    return writer.read()


def stage_in_mlflow(record: RunRecord) -> tuple[str, str]:
    run = open_store(Tracking(), create=False).client.get_run(record.mlflow["run_id"])
    return run.info.lifecycle_stage, run.info.status


def test_it_tells_and_removes_nothing(make_run: MakeRun, home: Path) -> None:
    record = killed(make_run)
    done = run_command(home, "gc")
    assert done.code == 0
    header, row = done.out.splitlines()
    assert header.split() == ["run", "what", "size", "why"]
    assert row.startswith(f"{record.id}  whole run  ")
    assert row.endswith("days ago after 0 of 5 epochs")
    assert done.err.startswith("1 to remove, ")
    assert done.err.endswith(": cnnexp gc --yes\n")
    assert record.folder.is_dir()


@pytest.mark.slow
def test_a_killed_sweep_goes_without_its_runs_here_and_in_mlflow(make_run: MakeRun, home: Path) -> None:
    kept = finish(make_run("tracking=off"))
    point = POINT | {"number": 0, "run": kept.id}
    header = SweepHeader("seed", ("seed=0",), "cnnexp train -m seed=0", [point], Tracking())
    young, old = (SweepWriter.create(home / "runs", header) for _ in range(2))
    for writer, time in ((young, now()), (old, OLD)):
        writer.event("started", time=time)
        writer.event("ended", time=time, status="KILLED", outcome="killed")
        writer.close()
        publish_sweep(writer.read(), Tracking())
    parents = {one.folder: one.read().mlflow["run_id"] for one in (young, old)}
    (told,) = json.loads(run_command(home, "gc", "--json").out)
    assert (told["run"], told["what"], told["path"]) == (old.folder.name, "whole sweep", str(old.folder))
    assert run_command(home, "gc", "--yes").code == 0
    assert [path.exists() for path in (young.folder, old.folder, kept.folder)] == [True, False, True]
    client = open_store(Tracking(), create=False).client
    stages = [client.get_run(parents[one.folder]).info.lifecycle_stage for one in (young, old)]
    assert stages == ["active", "deleted"]


@pytest.mark.slow
def test_the_command_that_it_recommends_removes_what_it_told(make_run: MakeRun, home: Path) -> None:
    kept = finish(make_run("training.keep_checkpoints=true", "tracking=off"))
    (kept.folder / "checkpoint").mkdir()
    (kept.folder / "checkpoint" / "checkpoint_000001.npz").touch()
    killed(make_run, "tracking=off")
    told = run_command(home, "gc", "--kept", "--older-than", "0.5").err
    command = told.rpartition(": ")[2].split()
    assert command == ["cnnexp", "gc", "--older-than=0.5", "--kept", "--yes"]
    assert run_command(home, *command[1:]).err.startswith("2 of 2 removed, ")


@pytest.mark.slow
def test_it_removes_here_and_in_mlflow(make_run: MakeRun, home: Path) -> None:
    kept = finish(make_run("seed=1"))
    old = killed(make_run)
    for record in (kept, old):
        Publisher(record.config.tracking, record.folder, pytest.fail).finish(record)
    assert stage_in_mlflow(old) == ("active", "KILLED")
    mlflow = old.mlflow
    done = run_command(home, "gc", "--yes")
    assert done.code == 0, done.err
    assert done.err.startswith("1 of 1 removed, ")
    assert not old.folder.exists()
    client = open_store(Tracking(), create=False).client
    assert client.get_run(mlflow["run_id"]).info.lifecycle_stage == "deleted"
    assert stage_in_mlflow(kept) == ("active", "FINISHED")
    assert run_command(home, "gc", "--yes").err == "There is nothing to remove.\n"
    assert [json.loads(run_command(home, "runs", "--json").out)[0]["id"]] == [kept.id]
    client.restore_run(mlflow["run_id"])
    assert client.get_run(mlflow["run_id"]).data.tags["cnnexp.run"] == old.id


@pytest.mark.slow
def test_a_run_that_is_deleted_in_mlflow_already(make_run: MakeRun, home: Path) -> None:
    old = killed(make_run)
    Publisher(old.config.tracking, old.folder, pytest.fail).finish(old)
    open_store(Tracking(), create=False).client.delete_run(old.mlflow["run_id"])
    assert run_command(home, "gc", "--yes").code == 0
    assert not old.folder.exists()


@pytest.mark.slow
def test_a_store_that_is_gone_has_nothing_to_delete(make_run: MakeRun, home: Path) -> None:
    old = killed(make_run)
    Publisher(old.config.tracking, old.folder, pytest.fail).finish(old)
    (home / "mlflow.db").unlink()
    assert run_command(home, "gc", "--yes").code == 0
    assert not old.folder.exists()
    assert not (home / "mlflow.db").exists()


def test_a_run_whose_store_does_not_answer_stays(make_run: MakeRun, home: Path) -> None:
    old, other = killed(make_run), killed(make_run, "tracking=off")
    state = {"uri": "http://127.0.0.1:9", "run_id": "1" * 32, "experiment_id": "1", "status": "KILLED", "files": {},
             "epochs": 0}  # fmt: skip
    (old.folder / "mlflow.json").write_text(json.dumps(state), encoding="utf-8")
    ids = {old.id: False, other.id: True}
    done = run_command(home, "gc", "--yes", "--json")
    assert done.code == 1
    assert {one["run"]: one["removed"] for one in json.loads(done.out)} == ids
    assert f"left {old.folder}: MLflow at http://127.0.0.1:9: got no answer" in done.err
    assert "1 of 2 removed" in done.err
    assert old.folder.is_dir()


def test_as_json(make_run: MakeRun, home: Path) -> None:
    record = killed(make_run)
    shutil.copytree(record.folder, home / "runs" / ".11112222.new")
    whole, left = json.loads(run_command(home, "gc", "--json").out)
    assert (whole["run"], whole["what"], whole["path"]) == (record.id, "whole run", str(record.folder))
    assert (left["run"], left["what"], left["removed"]) == (None, "leftover", False)
    assert left["bytes"] == sum(path.stat().st_size for path in record.folder.rglob("*"))


@pytest.mark.parametrize("days", ["-1", "nan"])
def test_impossible_ages_are_refused(days: str, home: Path) -> None:
    done = run_command(home, "gc", f"--older-than={days}", "--yes")
    assert (done.code, done.out) == (2, "")
    assert "--older-than: got " in done.err


def test_sizes_are_told_in_the_unit_that_suits() -> None:
    sizes = [0, 999, 1000, 9_950, 99_949, 123_456, 999_600, 12_345_678, 5_000_000_000, 7 * 10**12]
    told = ["0 B", "999 B", "1.0 kB", "9.9 kB", "99.9 kB", "123 kB", "1.0 MB", "12.3 MB", "5.0 GB", "7000 GB"]
    assert [shown_size(size) for size in sizes] == told

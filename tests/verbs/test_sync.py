"""`cnnexp sync`: what MLflow lacks is published, and told in one line each."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cnnexp.cli import main
from cnnexp.runs.record import RunRecord
from tests.conftest import Trained, run_command
from tests.runs.records import epoch, finish


def test_a_run_is_published_once(home: Path, finished: RunRecord, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sync"]) == 0
    assert capsys.readouterr().out == f"{finished.id}  published\n"
    assert main(["sync"]) == 0
    assert capsys.readouterr().out == f"{finished.id}  there already\n"


@pytest.mark.slow
def test_runs_with_tracking_off_are_published_when_named(
    home: Path, make_run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    record = finish(make_run("tracking=off"))
    assert main(["sync"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["sync", "latest", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"run": record.id, "outcome": "published", "detail": ""}]


def test_a_run_that_goes_on_is_left_to_its_own_process(
    home: Path, make_run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = make_run()
    epoch(writer, 0)
    assert main(["sync"]) == 0
    assert capsys.readouterr().out == ""
    writer.close()


@pytest.mark.slow
def test_a_killed_run_is_published_as_killed(home: Path, make_run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    writer = make_run()
    writer.event("started", pid=1, host="there")
    epoch(writer, 0)
    writer.close()
    assert main(["sync"]) == 0
    assert writer.read().mlflow["status"] == "KILLED"


@pytest.mark.slow
def test_models_of_runs_with_other_threads_are_published_too(trained: Trained, tmp_path: Path) -> None:
    """One process serves one number of threads, and this one already has another."""
    folder = tmp_path / "runs" / trained.record.id
    shutil.copytree(trained.record.folder, folder, ignore=shutil.ignore_patterns("mlflow.*", "lock"))
    path = folder / "environment.json"
    path.write_text(json.dumps(trained.record.environment | {"threads": trained.record.threads + 1}), encoding="utf-8")
    done = run_command(tmp_path, "sync")
    assert (done.code, done.out) == (0, f"{trained.record.id}  published\n")
    assert RunRecord(folder).mlflow["model_id"]


@pytest.mark.slow
def test_a_store_that_is_away_is_exit_code_1_and_asked_once(
    home: Path, make_run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [finish(make_run("tracking.uri=http://127.0.0.1:9")) for _ in range(2)]
    assert main(["sync", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert {synced["run"] for synced in told} == {record.id for record in records}
    assert all(synced["outcome"] == "failed" and "no answer" in synced["detail"] for synced in told)


@pytest.mark.slow
def test_a_folder_that_was_moved_is_published_to_the_store_that_moved_with_it(
    home: Path, finished: RunRecord, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["sync"]) == 0
    moved = home.rename(home.with_name(f"{home.name}_moved"))
    monkeypatch.chdir(moved)
    assert main(["sync"]) == 0
    assert capsys.readouterr().out == f"{finished.folder.name}  published\n{finished.folder.name}  there already\n"
    assert not home.exists()


@pytest.mark.slow
def test_a_store_that_a_record_alone_names_is_not_made(
    home: Path, make_run: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = home.with_name(f"{home.name}_elsewhere")
    finish(make_run(f"tracking.uri=sqlite:///{elsewhere}/deep/x.db"))
    assert main(["sync"]) == 1
    told = capsys.readouterr().out
    assert f"no store at {elsewhere}/deep/x.db, which a record alone names" in told
    assert f"MLFLOW_TRACKING_URI=sqlite:///{elsewhere}/deep/x.db cnnexp sync" in told
    assert not elsewhere.exists()


def test_an_unknown_run_is_exit_code_2(home: Path, finished: RunRecord, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sync", "zzz"]) == 2
    assert capsys.readouterr().out == ""

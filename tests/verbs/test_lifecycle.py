"""Runs whose process is gone are found by the next command."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest

from cnnexp.config.schema import Tracking
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import open_store
from cnnexp.runs.sweep_writer import SweepHeader, SweepWriter
from cnnexp.runs.writer import RunWriter
from cnnexp.verbs.lifecycle import bury_the_dead, find
from tests.conftest import Trained, run_command, working_in
from tests.report.made import made_run


def unended(trained: Trained, home: Path) -> RunRecord:
    """A copy of a run (not in MLflow) whose last event, how it ended, was never written."""
    shutil.copytree(trained.record.folder, home / "runs" / trained.record.id)
    folder = home / "runs" / trained.record.id
    (folder / "mlflow.json").unlink(missing_ok=True)
    events = folder / "events.jsonl"
    lines = [line for line in events.read_text("utf-8").splitlines(keepends=True) if '"event": "ended"' not in line]
    events.write_text("".join(lines), encoding="utf-8")
    return RunRecord(folder)


def test_a_run_without_a_process_is_marked_killed_and_it_is_said_once(trained: Trained, tmp_path: Path) -> None:
    record = unended(trained, tmp_path)
    assert record.status == "RUNNING"
    done = run_command(tmp_path, "runs", "--json")
    assert done.err == f"run {record.id} is marked KILLED: its process is gone\n"
    (told,) = json.loads(done.out)
    assert (told["status"], told["outcome"]) == ("KILLED", "killed")
    assert "its process is gone" in told["message"]
    assert run_command(tmp_path, "runs").err == ""


@pytest.mark.slow
@pytest.mark.parametrize("words", [("sync", "--json"), ("ui",), ("train", "data.limit=5000")])
def test_every_command_that_meets_runs_marks_them(words: tuple[str, ...], trained: Trained, tmp_path: Path) -> None:
    """Also where it then refuses: ui has no store here, and so many digits there are not."""
    record = unended(trained, tmp_path)
    (tmp_path / "mlflow.db").mkdir()
    done = run_command(tmp_path, *words)
    assert done.err.startswith(f"run {record.id} is marked KILLED: its process is gone\n")
    assert record.fresh().status == "KILLED"


def test_a_run_whose_process_lives_is_left_alone(trained: Trained, tmp_path: Path) -> None:
    record = unended(trained, tmp_path)
    writer = RunWriter.reopen(record.folder)
    try:
        (found,) = bury_the_dead(tmp_path / "runs")
        assert found.status == "RUNNING"
    finally:
        writer.close()


def test_find_marks_before_it_finds(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    record = unended(trained, tmp_path)
    assert find("latest", tmp_path / "runs").status == "KILLED"
    assert record.id in capsys.readouterr().err


@pytest.mark.parametrize("words", [("rerun",), ("diff", "latest"), ("inspect",), ("evaluate",)])
def test_a_sweep_where_one_run_is_meant_is_told(words: tuple[str, ...], tmp_path: Path) -> None:
    made_run(tmp_path / "runs", "+-")
    sweep = SweepWriter.create(tmp_path / "runs", SweepHeader("mine", ("seed=0,1",), "train -m", [], Tracking()))
    sweep.event("ended", status="KILLED", outcome="killed", message="")
    sweep.close()
    done = run_command(tmp_path, *words, sweep.folder.name)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: RUN: got '{sweep.folder.name}', a sweep, expected one run\n")
    assert "MLflow" not in done.err


@pytest.mark.parametrize(
    "words", [("compare", "latest"), ("resume",), ("predict", "--runs"), ("inspect",), ("evaluate",), ("show",)]
)
def test_a_run_that_mlflow_alone_has_is_told(words: tuple[str, ...], trained: Trained, tmp_path: Path) -> None:
    made_run(tmp_path / "runs", "+-")
    shutil.copy(trained.home / "mlflow.db", tmp_path)
    more = ("a.png",) if words[0] == "predict" else ()
    done = run_command(tmp_path, *words, trained.record.mlflow["run_id"][:10], *more)
    assert (done.code, done.out) == (2, "")
    told = f"has {trained.record.id}: cnnexp rerun and cnnexp diff read runs from there."
    assert told in done.err


def test_no_runs_are_no_dead(tmp_path: Path) -> None:
    assert bury_the_dead(tmp_path / "runs") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_mlflow_is_told_of_a_run_killed_after_its_end(trained: Trained, tmp_path: Path) -> None:
    """The record says FINISHED, MLflow still RUNNING: the process was killed in between."""
    shutil.copytree(trained.home, tmp_path / "home")
    home = tmp_path / "home"
    record = RunRecord(home / "runs" / trained.record.id)
    with working_in(home):
        store = open_store(record.config.tracking, create=False)
        run_id = record.mlflow["run_id"]
        store.client.update_run(run_id, status="RUNNING")
        state = record.mlflow | {"status": "RUNNING", "uri": store.shown}
        (record.folder / "mlflow.json").write_text(json.dumps(state), encoding="utf-8")
        assert run_command(home, "runs").err == ""
        assert store.client.get_run(run_id).info.status == "FINISHED"
        assert record.fresh().mlflow["status"] == "FINISHED"


@pytest.mark.parametrize("named_by", ["config", "mlflow.json"])
def test_the_server_of_somebody_elses_record_is_not_asked(
    trained: Trained, tmp_path: Path, named_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trained.record.folder, tmp_path / "runs" / trained.record.id)
    record = RunRecord(tmp_path / "runs" / trained.record.id)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        uri = f"http://127.0.0.1:{listening.getsockname()[1]}"
        state = record.mlflow | {
            "status": "RUNNING",
            "uri": uri if named_by == "mlflow.json" else "sqlite:///mlflow.db",
        }
        (record.folder / "mlflow.json").write_text(json.dumps(state), encoding="utf-8")
        if named_by == "config":
            config = (record.folder / "config.yaml").read_text("utf-8").replace("uri: null", f"uri: {uri}")
            (record.folder / "config.yaml").write_text(config, encoding="utf-8")
        monkeypatch.setattr("cnnexp.runs.writer.socket.gethostname", lambda: "another")
        done = run_command(tmp_path, "runs")
        listening.settimeout(0.05)
        with pytest.raises(TimeoutError):
            listening.accept()
    assert (done.code, done.err) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {"runs"}


@pytest.mark.slow
def test_a_store_that_does_not_answer_is_asked_once(trained: Trained, tmp_path: Path) -> None:
    """Two runs that MLflow has as RUNNING, in a folder where no store can be made."""
    for number in (1, 2):
        record = unended(trained, tmp_path)
        header = json.loads((record.folder / "run.json").read_text("utf-8")) | {"id": f"{number:08x}"}
        (record.folder / "run.json").write_text(json.dumps(header), encoding="utf-8")
        state = {"uri": "sqlite:///x.db", "run_id": "1" * 32, "experiment_id": "1", "status": "RUNNING", "files": {},
                 "epochs": 0}  # fmt: skip
        (record.folder / "mlflow.json").write_text(json.dumps(state), encoding="utf-8")
        record.folder.rename(tmp_path / "runs" / f"{number:08x}")
    (tmp_path / "mlflow.db").mkdir()
    done = run_command(tmp_path, "runs")
    assert done.code == 0
    assert done.err.count("is marked KILLED") == 2
    assert done.err.count("MLflow at") == 1
    assert done.out.count("KILLED") == 2

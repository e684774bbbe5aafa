"""Where one run is meant: a word that names a sweep, or a run that MLflow alone has."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from cnnexp.config.schema import Tracking
from cnnexp.errors import RunError
from cnnexp.runs.one import one_run, refuse_sweep
from cnnexp.runs.sweep_writer import SweepHeader, SweepWriter
from tests.runs.records import POINT, create_run

TABLES = """
    CREATE TABLE runs (run_uuid TEXT, lifecycle_stage TEXT);
    CREATE TABLE tags (run_uuid TEXT, key TEXT, value TEXT);
    INSERT INTO runs VALUES ('fe01', 'active');
    INSERT INTO tags VALUES ('fe01', 'cnnexp.run', 'ab12');
"""
"""What is read of a store; test_fetch reads one that MLflow made."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made_sweep(runs: Path, members: int) -> tuple[str, list[str]]:
    """The id of a sweep and those of its runs."""
    writers = [create_run(runs) for _ in range(members)]
    for writer in writers:
        writer.close()
    ids = [writer.folder.name for writer in writers]
    points = [POINT | {"number": number, "run": run} for number, run in enumerate(ids)]
    sweep = SweepWriter.create(runs, SweepHeader("mine", ("seed=0,1",), "cnnexp train -m", points, Tracking()))
    sweep.close()
    return sweep.folder.name, ids


def refusal(word: str, runs: Path) -> list[str]:
    with pytest.raises(RunError) as caught:
        one_run(word, runs)
    return str(caught.value).splitlines()


def test_a_run_is_found(home: Path) -> None:
    _, ids = made_sweep(home, 1)
    assert one_run(ids[0], home).id == one_run("latest", home).id == ids[0]
    refuse_sweep(ids[0], home)
    refuse_sweep("latest", home)


def test_a_sweep_is_told_with_its_runs_and_what_can_be_done(home: Path) -> None:
    sweep, ids = made_sweep(home, 2)
    assert refusal(sweep, home) == [
        f"RUN: got '{sweep}', a sweep, expected one run",
        f"    Its runs: {ids[0]}, {ids[1]}; see: cnnexp runs --sweep {sweep}",
        f"    To go on with all of it: cnnexp resume {sweep}",
    ]


def test_of_a_large_sweep_a_few_runs_are_told_and_of_an_empty_one_none(home: Path) -> None:
    sweep, ids = made_sweep(home / "large", 6)
    assert (
        refusal(sweep, home / "large")[1] == f"    Its runs: {', '.join(ids[:5])}, …; see: cnnexp runs --sweep {sweep}"
    )
    sweep, _ = made_sweep(home / "empty", 0)
    assert refusal(sweep, home / "empty")[1] == f"    See: cnnexp runs --sweep {sweep}"


def test_a_run_that_mlflow_alone_has_is_told(home: Path) -> None:
    with closing(sqlite3.connect(home / "mlflow.db")) as connection:
        connection.executescript(TABLES)
    for word in ("ab12", "fe"):
        assert refusal(word, home / "runs") == [
            f"RUN: got '{word}', expected a run, but there is none in {home / 'runs'}",
            "    Make one with: cnnexp train",
            f"    MLflow at sqlite:///{home}/mlflow.db has ab12: cnnexp rerun and cnnexp diff read runs from there.",
        ]
    for word in ("0123", "latest", "ab13", "%", "*"):
        assert refusal(word, home / "runs")[1:] == ["    Make one with: cnnexp train"]


def test_no_network_is_asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """192.0.2.1 belongs to nobody: who asks it waits."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@192.0.2.1:5000")
    began = time.monotonic()
    told = refusal("ab12", home / "runs")[-1]
    assert time.monotonic() - began < 1
    at = "http://192.0.2.1:5000"
    assert told == f"    If MLflow at {at} has it: cnnexp rerun and cnnexp diff read runs from there."


def test_a_store_that_cannot_be_named_or_is_not_there_is_not_spoken_of(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for uri in ("file:///mlruns", f"sqlite:///{home}/none.db"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        assert refusal("ab12", home / "runs")[1:] == ["    Make one with: cnnexp train"]
    assert list(home.iterdir()) == []

"""Real trainings on disks that are full or read-only: a true end, one message, and nothing measured is lost."""

from __future__ import annotations

import resource
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import run_command
from tests.faults.processes import (
    FOR_HOURS,
    Training,
    assert_all_is_there,
    fill,
    in_mlflow,
    in_record,
    mounted,
    only_record,
    told_epochs,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=16m", "tmpfs") as place:
        yield place


def test_a_disk_that_fills_up_ends_a_run_failed_with_what_it_has(disk: Path, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/mlflow.db"
    with Training(disk, *FOR_HOURS, f"tracking.uri={store}") as training:
        training.epochs(2)
        while training.goes_on():
            filler = fill(disk)
        code, out, err = training.end()
    filler.unlink()
    record = only_record(disk)
    assert (code, out) == (1, "")
    assert err.count("error: ") == 1
    assert "No space left on device" in err
    assert f"cnnexp resume {record.id}" in err
    assert "Traceback" not in err
    assert "MLflow at" not in err
    assert (record.status, record.ending.outcome) == ("FAILED", "failed")  # type: ignore[union-attr]
    assert "No space left on device" in record.ending.message  # type: ignore[union-attr]
    assert {event["epoch"] for event in record.epochs} >= set(told_epochs(err))
    assert_all_is_there(disk, record, store)
    assert run_command(disk, "show", "latest").code == 0


def test_a_full_disk_under_record_and_store_together_is_one_error(disk: Path) -> None:
    with Training(disk, *FOR_HOURS) as training:
        training.epochs(2)
        while training.goes_on():
            filler = fill(disk)
        code, out, err = training.end()
    filler.unlink()
    record = only_record(disk)
    assert (code, out, err.count("error: "), record.status) == (1, "", 1, "FAILED")
    assert err.splitlines()[-3].startswith("error: ")
    assert "Traceback" not in err
    assert {event["epoch"] for event in record.epochs} >= set(told_epochs(err))
    assert run_command(disk, "sync").code == 0
    assert_all_is_there(disk, record)


def test_a_file_that_may_not_grow_ends_a_run_as_a_full_disk_does(tmp_path: Path) -> None:
    """EFBIG instead of ENOSPC: no root is needed for this one. The first checkpoint is larger than 100 kB."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    with Training(tmp_path, *FOR_HOURS, "tracking=off", limit=limit) as training:
        code, out, err = training.end()
    record = only_record(tmp_path)
    assert (code, out, err.count("error: ")) == (1, "", 1)
    assert "File too large" in err
    assert "Traceback" not in err
    assert record.status == "FAILED"
    assert [event["epoch"] for event in record.epochs] == [0]
    assert list((record.folder / "checkpoint").iterdir()) == [], "nothing half written"


def test_a_full_disk_under_the_store_does_not_stop_a_run(disk: Path, tmp_path: Path) -> None:
    store = f"sqlite:///{disk}/mlflow.db"
    with Training(tmp_path, *FOR_HOURS, f"tracking.uri={store}") as training:
        training.epochs(2)
        while "MLflow at" not in training.lines[-1]:
            filler = fill(disk)
            training.line()
        training.epochs(5)
        code, _, err = training.end(signal.SIGTERM)
    record = only_record(tmp_path)
    assert code == 143
    assert err.count("MLflow at") == 1
    full = "no space left on the disk", "an error of its disk: full, or failing"  # SQLite says the one or the other
    assert any(f"MLflow at {store}: got {words}" in err for words in full)
    assert "Traceback" not in err
    assert record.status == "KILLED"
    filler.unlink()
    synced = run_command(tmp_path, "sync")
    assert (synced.code, synced.out) == (0, f"{record.id}  published\n")
    assert_all_is_there(tmp_path, record, store)


def make_read_only(place: Path) -> None:
    """The system refuses while a file in it is open for writing."""
    command = ["mount", "-o", "remount,bind,ro", str(place)]
    for _ in range(1000):
        done = subprocess.run(command, check=False, capture_output=True)
        if done.returncode == 0:
            return
        time.sleep(0.01)
    pytest.fail(done.stderr.decode())


def test_runs_made_read_only_in_the_middle(tmp_path: Path) -> None:
    with Training(tmp_path, *FOR_HOURS) as training:
        training.epochs(2)
        with mounted(tmp_path / "runs", "--bind", str(tmp_path / "runs")) as runs:
            make_read_only(runs)
            code, out, err = training.end()
            there = run_command(tmp_path, "runs")
    record = only_record(tmp_path)
    assert (code, out, err.count("error: ")) == (1, "", 1)
    assert "Read-only file system" in err
    assert "Traceback" not in err
    assert "MLflow at" not in err
    assert there.code == 0
    assert f"run {record.id}: its process is gone, but its record cannot say so (Read-only file system)" in there.err
    assert record.status == "RUNNING"
    assert {event["epoch"] for event in record.epochs} >= set(told_epochs(err))
    again = run_command(tmp_path, "runs")
    assert f"run {record.id} is marked KILLED: its process is gone" in again.err
    assert record.fresh().status == "KILLED"
    assert_all_is_there(tmp_path, record.fresh())


def test_artifacts_that_cannot_be_stored_cost_neither_the_run_nor_its_metrics(tmp_path: Path) -> None:
    (tmp_path / "mlruns").write_text("a file where MLflow wants a folder", encoding="utf-8")
    with Training(tmp_path, "training.epochs=3", "figures=off") as training:
        code, _, err = training.end()
    record = only_record(tmp_path)
    assert (code, record.status) == (0, "FINISHED")
    assert err.count("MLflow at") == 1
    assert "Traceback" not in err
    there, here = in_mlflow(tmp_path, record), in_record(record)
    assert there["points"].items() >= here["points"].items()
    assert (there["status"], there["files"]) == ("FINISHED", set())
    (tmp_path / "mlruns").unlink()
    assert run_command(tmp_path, "sync").out == f"{record.id}  published\n"
    assert_all_is_there(tmp_path, record)


def test_a_store_that_another_process_locks(tmp_path: Path) -> None:
    with Training(tmp_path, *FOR_HOURS) as training:
        training.epochs(2)
        with closing(sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            training.until("MLflow at")
            training.epochs(20)
            lock.execute("ROLLBACK")
        code, _, err = training.end(signal.SIGTERM)
    record = only_record(tmp_path)
    assert code == 143
    assert err.count("MLflow at") == 1
    assert "locked by another process" in err
    assert_all_is_there(tmp_path, record)


def test_a_store_deleted_under_a_run_is_made_again_with_all_of_it(tmp_path: Path) -> None:
    with Training(tmp_path, *FOR_HOURS) as training:
        training.epochs(2)
        (tmp_path / "mlflow.db").unlink()
        training.until("MLflow at")
        training.epochs(5)
        code, _, err = training.end(signal.SIGTERM)
    assert code == 143
    assert err.count("MLflow at") == 1
    assert "deleted or replaced" in err
    assert_all_is_there(tmp_path, only_record(tmp_path))

"""What can go and what cannot: by status, age, and whether a process lives."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cnnexp.errors import RunError
from cnnexp.runs.garbage import Garbage, garbage_in, remove, size_of
from cnnexp.runs.record import RunRecord
from tests.runs.conftest import MakeRun


def ended(make_run: MakeRun, status: str, outcome: str, days: float, *overrides: str) -> RunRecord:
    """A run that ended so many days ago, with two checkpoints of 1,000 bytes."""
    writer = make_run(*overrides)
    time = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")
    writer.event("started", time=time, after=None)
    writer.event("ended", time=time, status=status, outcome=outcome)
    writer.close()
    return with_checkpoints(writer.read())


def with_checkpoints(record: RunRecord) -> RunRecord:
    (record.folder / "checkpoint").mkdir()
    for epoch in (1, 2):
        (record.folder / "checkpoint" / f"checkpoint_{epoch:06d}.npz").write_bytes(bytes(1000))
    return record


def told(runs: Path, older_than: float = 30, *, kept_too: bool = False) -> list[tuple[str, str]]:
    return [(one.what, one.path.name) for one in garbage_in(runs, older_than=older_than, kept_too=kept_too)]


@pytest.mark.parametrize(("status", "outcome"), [("FAILED", "failed"), ("KILLED", "killed"), ("KILLED", "pruned")])
def test_runs_that_failed_or_were_killed_go_when_they_are_old(
    status: str, outcome: str, make_run: MakeRun, tmp_path: Path
) -> None:
    record = ended(make_run, status, outcome, 31)
    ended(make_run, status, outcome, 29)
    (found,) = garbage_in(tmp_path / "runs", older_than=30)
    assert (found.what, found.path, found.record) == ("whole run", record.folder, record)
    assert found.why == f"{outcome} 31 days ago after 0 of 5 epochs"
    assert found.size == size_of(record.folder) > 2000
    assert len(told(tmp_path / "runs", 28)) == 2
    assert told(tmp_path / "runs", 32) == []


def test_a_finished_run_never_goes_and_its_checkpoints_only_where_nobody_kept_them(
    make_run: MakeRun, tmp_path: Path
) -> None:
    ended(make_run, "FINISHED", "complete", 1000)
    ended(make_run, "FINISHED", "complete", 1000, "training.keep_checkpoints=true")
    (found,) = garbage_in(tmp_path / "runs", older_than=30)
    assert (found.what, found.size, found.why) == ("checkpoints", 2000, "finished: nothing is left to go on with")
    assert [what for what, _ in told(tmp_path / "runs", kept_too=True)] == ["checkpoints", "checkpoints"]


def test_checkpoints_that_a_run_may_go_on_from_stay(make_run: MakeRun, tmp_path: Path) -> None:
    ended(make_run, "KILLED", "killed", 1)
    ended(make_run, "FAILED", "failed", 1)
    assert told(tmp_path / "runs", kept_too=True) == []
    ended(make_run, "FAILED", "diverged", 1)
    assert told(tmp_path / "runs") == [("checkpoints", "checkpoint")]


def test_nothing_of_a_run_whose_process_lives(make_run: MakeRun, tmp_path: Path) -> None:
    writer = make_run()
    writer.event("ended", time="2024-01-02T03:04:05.678+00:00", status="FAILED", outcome="failed")
    with_checkpoints(writer.read())
    (writer.folder / ".weights.npz.999999999.tmp").touch()
    assert told(tmp_path / "runs") == []
    writer.close()
    found = garbage_in(tmp_path / "runs", older_than=30)
    assert [one.what for one in found] == ["whole run"]
    again = type(writer).reopen(writer.folder)
    with pytest.raises(RunError, match="still running"):
        remove(found[0])
    again.close()
    assert writer.folder.is_dir()


def test_what_kills_left_aside(finished: RunRecord, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    runs, record = tmp_path / "runs", finished.folder
    left = [
        runs / ".0123abcd.new", runs / ".0123abce.gone", record / f".weights.npz.{dead.pid}.tmp",
        record / "figures" / f".curves.png.{dead.pid}.tmp", record / ".checkpoint.new",
    ]  # fmt: skip
    for path in left:
        if path.suffix == ".tmp":
            path.write_bytes(bytes(10))
        else:
            path.mkdir()
            (path / "run.json").write_bytes(bytes(20))
    (record / f".weights.npz.{os.getpid()}.tmp").touch()  # of a process that lives
    (record / ".hidden").touch()  # not ours
    found = garbage_in(runs, older_than=30)
    assert {one.path for one in found} == set(left)
    assert {(one.what, one.size) for one in found} == {("leftover", 10), ("leftover", 20)}
    for one in found:
        remove(one)
    assert not any(path.exists() for path in left)
    assert garbage_in(runs, older_than=30) == []
    assert RunRecord(record).predictions("test")["labels"].size == 5


def test_removing_a_run_or_its_checkpoints(make_run: MakeRun, tmp_path: Path) -> None:
    old, done = ended(make_run, "KILLED", "killed", 31), ended(make_run, "FINISHED", "complete", 1)
    for one in garbage_in(tmp_path / "runs", older_than=30):
        remove(one)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [done.id]
    assert not (done.folder / "checkpoint").exists()
    assert done.fresh().status == "FINISHED"
    assert not old.folder.exists()


def test_a_record_with_links_is_left_to_a_person(make_run: MakeRun, tmp_path: Path) -> None:
    outside = tmp_path / "precious"
    outside.mkdir()
    (outside / "a.npz").write_bytes(bytes(5000))
    record = ended(make_run, "FINISHED", "complete", 1)
    for path in (record.folder / "checkpoint").iterdir():
        path.unlink()
    (record.folder / "checkpoint").rmdir()
    (record.folder / "checkpoint").symlink_to(outside)
    assert garbage_in(tmp_path / "runs", older_than=30) == []
    assert (outside / "a.npz").stat().st_size == 5000


def test_damaged_records_are_left_to_a_person(make_run: MakeRun, tmp_path: Path) -> None:
    record = ended(make_run, "KILLED", "killed", 100)
    (record.folder / "config.yaml").write_text("nonsense: 1\n", encoding="utf-8")
    assert told(tmp_path / "runs") == []


def test_no_folder_is_no_garbage(tmp_path: Path) -> None:
    assert garbage_in(tmp_path / "runs", older_than=0) == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="expected a folder that can be written"):
        remove(Garbage("leftover", tmp_path / ("x" * 300), 0, ""))


def test_a_run_is_never_seen_half_removed(make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the middle: what is left has no name of a run, and the next time it goes."""
    import shutil

    ended(make_run, "KILLED", "killed", 31)
    (found,) = garbage_in(tmp_path / "runs", older_than=30)

    def killed(path: Path) -> None:
        (path / "run.json").unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        remove(found)
    monkeypatch.undo()
    (left,) = garbage_in(tmp_path / "runs", older_than=30)
    assert (left.what, left.path.name) == ("leftover", f".{found.path.name}.gone")
    remove(left)
    assert list((tmp_path / "runs").iterdir()) == []

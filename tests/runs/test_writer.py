"""Writing a record: whole from the start, one writer, ended truly."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cnnexp.errors import DiskError, RunError, TrainingError
from cnnexp.interrupts import Terminated
from cnnexp.runs.journal import Ending
from cnnexp.runs.record import RunRecord
from cnnexp.runs.writer import Header, RunWriter, is_alive, mark_if_gone
from tests.faults.processes import fill, mounted
from tests.runs.conftest import MakeRun
from tests.runs.records import DATA, IDENTITY

ROOT = Path(__file__).resolve().parents[2]
HEADER = Header("name", ("seed=1",), "cnnexp train seed=1", IDENTITY, DATA, {"sweep": "s"})


def test_a_record_is_whole_from_the_start(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "runs", HEADER, {"config.yaml": "seed: 1\n"})
    assert [folder.name for folder in (tmp_path / "runs").iterdir()] == [writer.folder.name]
    record = writer.read()
    assert (record.id, record.name, record.header["links"]) == (writer.folder.name, "name", {"sweep": "s"})
    assert record.config.seed == 1
    writer.close()


def test_a_folder_that_cannot_be_written_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    with pytest.raises(RunError) as caught:
        RunWriter.create(tmp_path / "runs", HEADER, {})
    assert str(caught.value).splitlines()[0].startswith(f"{tmp_path / 'runs'}: got ")
    assert caught.value.problems[0].hint == "Make it writable, or run cnnexp in another folder."
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_values_that_cannot_be_written_leave_nothing(tmp_path: Path) -> None:
    header = Header("name", (), "", {}, {"x": float("nan")}, {})
    with pytest.raises(ValueError, match="not JSON compliant"):
        RunWriter.create(tmp_path / "runs", header, {})
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (None, Ending("FINISHED", "complete")),
        (KeyboardInterrupt(), Ending("KILLED", "killed", "interrupted")),
        (Terminated(), Ending("KILLED", "killed", "interrupted")),
        (TrainingError("loss", "nan", "a number"), Ending("FAILED", "diverged", "loss: got nan, expected a number")),
        (RunError("a", "b", "c"), Ending("FAILED", "failed", "a: got b, expected c")),
        (ValueError("what"), Ending("FAILED", "failed", "ValueError: what")),
        (SystemExit(3), Ending("FAILED", "failed", "SystemExit: 3")),
    ],
)
def test_a_run_ends_as_it_truly_did(error: BaseException | None, ending: Ending, make_run: MakeRun) -> None:
    writer = make_run()
    if error is None:
        with writer.recording():
            pass
    else:
        with pytest.raises(type(error)), writer.recording():
            raise error
    assert writer.read().ending == ending
    assert [event["event"] for event in writer.read().events] == ["started", "ended"]
    assert writer.read().events[0]["pid"] == os.getpid()


def test_an_outcome_of_its_own_is_told(make_run: MakeRun) -> None:
    writer = make_run()
    with writer.recording():
        writer.outcome = "early_stopped"
    assert writer.read().ending == Ending("FINISHED", "early_stopped")


def test_numbers_that_are_not_finite_are_left_out(make_run: MakeRun) -> None:
    writer = make_run()
    writer.epoch(1, {"loss/val": float("nan"), "accuracy/val": 0.5}, "w", {})
    assert writer.read().metrics == {"accuracy/val": 0.5}


def test_there_is_one_writer_at_a_time(make_run: MakeRun) -> None:
    writer = make_run()
    assert is_alive(writer.folder)
    with pytest.raises(RunError, match="got still running, expected a run whose process has ended"):
        RunWriter.reopen(writer.folder)
    writer.close()
    assert not is_alive(writer.folder)
    again = RunWriter.reopen(writer.folder)
    assert is_alive(writer.folder)
    again.close()


@pytest.mark.parametrize("torn", [b"", b'{"event": "epo', "한".encode()[:1]])
def test_what_a_crash_left_of_a_line_does_not_spoil_the_next(torn: bytes, make_run: MakeRun) -> None:
    writer = make_run()
    writer.event("started")
    writer.close()
    with (writer.folder / "events.jsonl").open("ab") as file:
        file.write(torn)
    marked = mark_if_gone(writer.read())
    assert (marked.status, [event["event"] for event in marked.events]) == ("KILLED", ["started", "ended"])
    assert mark_if_gone(marked) is marked


def test_without_a_lock_nobody_writes(tmp_path: Path) -> None:
    assert not is_alive(tmp_path)
    assert list(tmp_path.iterdir()) == []


WRITE = """
import sys, time
from pathlib import Path
from tests.runs.records import create_run
writer = create_run(Path("runs"))
with writer.recording():
    writer.epoch(1, {"loss/val": 0.5}, "w", {})
    print(writer.folder.name, flush=True)
    time.sleep(60)
"""


@contextmanager
def another_process(folder: Path) -> Iterator[tuple[subprocess.Popen[str], RunRecord]]:
    """A process that writes a record until it is ended."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITE], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            yield process, RunRecord(folder / "runs" / process.stdout.readline().strip())
        finally:
            process.kill()


@pytest.mark.slow
def test_a_run_killed_outright_is_found_and_marked(tmp_path: Path) -> None:
    with another_process(tmp_path) as (process, record):
        assert is_alive(record.folder)
        assert mark_if_gone(record) is record
        with pytest.raises(RunError, match="still running"):
            RunWriter.reopen(record.folder)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not is_alive(record.folder)
    assert record.fresh().status == "RUNNING"
    marked = mark_if_gone(record.fresh())
    assert (marked.status, marked.metrics) == ("KILLED", {"loss/val": 0.5})
    assert marked.ending is not None
    assert marked.ending.message == "its process is gone (killed from outside, or the machine stopped)"


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: what reaches further is cut off there."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_an_event_that_does_not_fit_is_not_there_in_part(make_run: MakeRun) -> None:
    writer = make_run()
    writer.event("started")
    before = (writer.folder / "events.jsonl").read_bytes()
    with files_of_at_most(len(before) + 40), pytest.raises(OSError, match="File too large"):
        writer.epoch(1, {"loss/val": 0.5}, "w", {})
    assert (writer.folder / "events.jsonl").read_bytes() == before
    writer.epoch(1, {"loss/val": 0.5}, "w", {})
    assert [event["event"] for event in writer.read().events] == ["started", "epoch"]
    writer.close()


def test_a_disk_that_cannot_be_written_is_an_error_with_a_cure(make_run: MakeRun) -> None:
    writer = make_run()
    with pytest.raises(DiskError) as caught, writer.recording():
        raise OSError(errno.ENOSPC, "No space left on device", "there")
    name = writer.folder.name
    assert str(caught.value).splitlines() == [
        "there: got No space left on device, expected a place that can be read and written",
        f"    What was recorded is kept: cnnexp show {name}",
        f"    When it can be written again: cnnexp resume {name}",
    ]
    assert writer.read().ending == Ending("FAILED", "failed", str(caught.value).splitlines()[0])
    writer.close()


def write_epochs_on_a_full_disk(writer: RunWriter, disk: Path) -> None:
    with writer.recording():
        fill(disk)
        for number in range(1000):
            writer.epoch(number, {"loss/val": 0.5}, "w", {})


def test_a_full_disk_has_room_for_the_end(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=1m", "tmpfs") as disk:
        writer = RunWriter.create(disk / "runs", HEADER, {})
        with pytest.raises(DiskError, match="No space left on device"):
            write_epochs_on_a_full_disk(writer, disk)
        events = writer.read().events
        writer.close()
    assert len(events) > 2
    assert [event["event"] for event in events] == ["started", *["epoch"] * (len(events) - 2), "ended"]
    assert events[-1]["status"] == "FAILED"


def test_where_nothing_can_be_written_it_is_still_known_who_lives(make_run: MakeRun) -> None:
    writer = make_run()
    with mounted(writer.folder.parent, "--bind", str(writer.folder.parent)) as runs:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(runs)], check=True)
        assert is_alive(writer.folder)
        writer.close()
        assert not is_alive(writer.folder)
        with pytest.raises(OSError, match="Read-only"):
            mark_if_gone(writer.read())
    assert mark_if_gone(writer.read()).status == "KILLED"


def test_a_run_that_is_marked_ended_when_it_was_last_seen(make_run: MakeRun) -> None:
    writer = make_run()
    writer.event("started", time="2026-01-02T03:04:05.000+00:00")
    writer.event("epoch", time="2026-01-02T03:04:06.500+00:00", epoch=0, metrics={})
    writer.close()
    header = writer.folder / "run.json"
    header.write_text(
        header.read_text("utf-8").replace(writer.read().created, "2026-01-02T03:04:04.000+00:00"), "utf-8"
    )
    marked = mark_if_gone(writer.read())
    assert (marked.ended, marked.seconds) == ("2026-01-02T03:04:06.500+00:00", 1.5)

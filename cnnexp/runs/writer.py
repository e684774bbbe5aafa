"""Writing a record: made whole under a lock, appended to as the run goes, ended truly."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy.typing as npt
from filelock import FileLock, Timeout

from cnnexp.errors import DISK_ERRORS, CnnexpError, DiskError, RunError, TrainingError
from cnnexp.interrupts import Pruned, Terminated
from cnnexp.runs.files import write_arrays, write_json, write_text
from cnnexp.runs.journal import EVENTS_FILE, FAILED, FINISHED, KILLED, PRUNED, Ending, finite, now, read_events
from cnnexp.runs.record import RunRecord
from cnnexp.runs.sweep_record import SweepRecord
from cnnexp.runs.upgrades import RECORD_VERSION

LOCK = "lock"
RESERVE_BYTES = 4096
"""What the lock file holds while a record is written: given back on a full disk, so that its end can be told."""


@dataclass(frozen=True)
class Header:
    """What is known of a run before it starts."""

    name: str
    overrides: tuple[str, ...]
    command: str
    identity: Mapping[str, str]
    data: Mapping[str, Any]
    links: Mapping[str, str]


class FolderWriter:
    """The one writer of a folder with a journal. It holds the folder's lock until it is closed."""

    def __init__(self, folder: Path, lock: FileLock) -> None:
        self.folder = folder
        self._lock = lock
        self.outcome = "complete"
        self.verdict: Ending | None = None
        """how it ends where it does so by itself; None: FINISHED with its outcome"""

    @staticmethod
    def make(runs: Path, name: str, values: Mapping[str, Any], texts: Mapping[str, str]) -> tuple[Path, FileLock]:
        """A new folder below `runs`, whole from the start, and its lock: `values` and its id in the file `name`, texts.

        Raises RunError when the folder cannot be written; nothing is left behind then.
        """
        new_id = secrets.token_hex(4)
        scratch = runs / f".{new_id}.new"
        try:
            scratch.mkdir(parents=True)
            lock = FileLock(scratch / LOCK)
            lock.acquire(timeout=0)
            _reserve(scratch)
            for file, text in texts.items():
                write_text(scratch / file, text)
            write_json(scratch / name, {"id": new_id, **values})
            scratch.rename(runs / new_id)
        except BaseException as error:
            shutil.rmtree(scratch, ignore_errors=True)
            if not isinstance(error, OSError):
                raise
            hint = "Make it writable, or run cnnexp in another folder."
            raise RunError(str(runs), error.strerror or str(error), "a folder that can be written", hint) from None
        return runs / new_id, lock

    @classmethod
    def reopen(cls, folder: Path) -> Self:
        """The writer of a folder that exists, to go on with it.

        Raises RunError while another process writes it.
        """
        lock = FileLock(folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise RunError(folder.name, "still running", "a run whose process has ended", who_writes(folder)) from None
        _drop_torn_line(folder / EVENTS_FILE)
        with suppress(OSError):
            _reserve(folder)
        return cls(folder, lock)

    def event(self, kind: str, **values: object) -> None:
        """Append one event with its time: all of it, or (where the disk is full) nothing of it."""
        line = json.dumps({"event": kind, "time": now(), **values}, ensure_ascii=False, allow_nan=False)
        left = f"{line}\n".encode()
        with (self.folder / EVENTS_FILE).open("ab", buffering=0) as file:
            before = file.tell()
            try:
                while left:
                    left = left[file.write(left) :]
                os.fsync(file.fileno())
            except OSError:
                file.truncate(before)
                raise

    def json(self, name: str, value: object) -> None:
        """Write one JSON file of the record."""
        write_json(self.folder / name, value)

    def arrays(self, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write one .npz of the record, such as `predictions.npz`."""
        write_arrays(self.folder / name, arrays)

    @contextmanager
    def recording(self, **said: object) -> Iterator[None]:
        """From `started`, which says `said` too, to `ended`: FINISHED, FAILED or KILLED, as it truly was.

        Lets every exception through.
        """
        try:
            self.event("started", pid=os.getpid(), host=socket.gethostname(), **said)
            yield
        except (KeyboardInterrupt, Terminated):
            self._end(Ending(KILLED, "killed", "interrupted"))
            raise
        except Pruned as reason:
            self._end(Ending(KILLED, PRUNED, str(reason)))
            raise
        except TrainingError as error:
            self._end(Ending(FAILED, "diverged", str(error)))
            raise
        except OSError as error:
            if error.errno not in DISK_ERRORS:
                self._end(Ending(FAILED, "failed", f"{type(error).__name__}: {error}"))
                raise
            told = self._disk_error(error)
            self._end(Ending(FAILED, "failed", str(told).splitlines()[0]))
            raise told from error
        except BaseException as error:
            message = str(error) if isinstance(error, CnnexpError) else f"{type(error).__name__}: {error}"
            self._end(Ending(FAILED, "failed", message))
            raise
        else:
            failure = self._end(self.verdict or Ending(FINISHED, self.outcome))
            if failure is not None:
                raise self._disk_error(failure) from failure

    def _disk_error(self, error: OSError) -> DiskError:
        name = self.folder.name
        hint = f"What was recorded is kept: cnnexp show {name}\n    When it can be written again: cnnexp resume {name}"
        return DiskError.of(error, str(error.filename or self.folder), hint)

    def _end(self, ending: Ending) -> OSError | None:
        """Tell how it ended, on a full disk with the room that was kept for it; why that could not be written."""
        values = {"status": ending.status, "outcome": ending.outcome, "message": ending.message}
        for _ in range(2):
            try:
                self.event("ended", **values)
                return None
            except OSError as error:
                failure = error
                with suppress(OSError):
                    os.truncate(self.folder / LOCK, 0)
        return failure

    def close(self) -> None:
        """Give the folder's lock back."""
        self._lock.release()


class RunWriter(FolderWriter):
    """The one writer of a run's record."""

    @classmethod
    def create(cls, runs: Path, header: Header, texts: Mapping[str, str]) -> RunWriter:
        """A new record below `runs` with these text files (config.yaml, …).

        Raises RunError when the folder cannot be written; nothing is left behind then.
        """
        return cls(*cls.make(runs, "run.json", _header(header), texts))

    def read(self) -> RunRecord:
        """What has been written so far."""
        return RunRecord(self.folder)

    def forget_after(self, epoch: int) -> None:
        """Remove the maps, and pictures of them, of later epochs: it goes on after `epoch`, and they come again."""
        for path in [*self.folder.glob("probes/epoch_*.npz"), *self.folder.glob("figures/series/**/epoch_*.png")]:
            if int(path.stem.removeprefix("epoch_")) > epoch:
                path.unlink()

    def epoch(self, epoch: int, metrics: Mapping[str, float], weights: str, signals: Mapping[str, Any]) -> None:
        """Append one epoch: its metrics, the hash of its weights, its signals per layer."""
        self.event("epoch", epoch=epoch, metrics=finite(metrics), weights=weights, signals=signals)


def _reserve(folder: Path) -> None:
    (folder / LOCK).write_bytes(os.urandom(RESERVE_BYTES))


def _drop_torn_line(path: Path) -> None:
    """Take away what a crash left of a last line, so that the next event starts a line of its own."""
    if not path.is_file():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


def _header(header: Header) -> dict[str, Any]:
    return {
        "schema_version": RECORD_VERSION,
        "name": header.name,
        "created": now(),
        "overrides": list(header.overrides),
        "command": header.command,
        "identity": dict(header.identity),
        "data": dict(header.data),
        "links": dict(header.links),
    }


def who_writes(folder: Path) -> str:
    """Which process holds the record, as its journal tells; empty where it never said."""
    started = [event for event in read_events(folder / EVENTS_FILE) if event["event"] == "started"]
    return f"It is process {started[-1].get('pid')} on {started[-1].get('host')}." if started else ""


def is_alive(folder: Path) -> bool:
    """Whether a process still holds the record's lock."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY)  # also where nothing can be written
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


AnyRecord = TypeVar("AnyRecord", RunRecord, SweepRecord)


def mark_if_gone(record: AnyRecord) -> AnyRecord:
    """The record; one that says RUNNING though its process is gone is first ended as KILLED, when it was last seen.

    Raises OSError where its folder cannot be written.
    """
    if record.ending is not None or is_alive(record.folder):
        return record
    writer = FolderWriter.reopen(record.folder)
    try:
        left = record.fresh()
        if left.ending is None:
            message = "its process is gone (killed from outside, or the machine stopped)"
            writer.event("ended", time=left.last_seen, status=KILLED, outcome="killed", message=message)
    finally:
        writer.close()
    return record.fresh()

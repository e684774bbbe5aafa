"""Writing a record: made whole under a lock, appended to as the run goes, ended truly."""

from __future__ import annotations

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

from cnnexp.errors import CnnexpError, RunError, TrainingError
from cnnexp.interrupts import Pruned, Terminated
from cnnexp.runs.files import write_arrays, write_json, write_text
from cnnexp.runs.record import EVENTS_FILE, FAILED, FINISHED, KILLED, Ending, RunRecord, finite, now
from cnnexp.runs.sweep_record import SweepRecord
from cnnexp.runs.upgrades import RECORD_VERSION

LOCK = "lock"


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
            raise RunError(folder.name, "still running", "a run whose process has ended") from None
        _drop_torn_line(folder / EVENTS_FILE)
        return cls(folder, lock)

    def event(self, kind: str, **values: object) -> None:
        """Append one event with its time."""
        line = json.dumps({"event": kind, "time": now(), **values}, ensure_ascii=False, allow_nan=False)
        with (self.folder / EVENTS_FILE).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def json(self, name: str, value: object) -> None:
        """Write one JSON file of the record."""
        write_json(self.folder / name, value)

    def arrays(self, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write one .npz of the record, such as `predictions.npz`."""
        write_arrays(self.folder / name, arrays)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """From `started` to `ended`: FINISHED, FAILED or KILLED, as it truly was. Lets every exception through."""
        self.event("started", pid=os.getpid(), host=socket.gethostname())
        try:
            yield
        except (KeyboardInterrupt, Terminated):
            self._end(Ending(KILLED, "killed", "interrupted"))
            raise
        except Pruned as reason:
            self._end(Ending(KILLED, "pruned", str(reason)))
            raise
        except TrainingError as error:
            self._end(Ending(FAILED, "diverged", str(error)))
            raise
        except BaseException as error:
            message = str(error) if isinstance(error, CnnexpError) else f"{type(error).__name__}: {error}"
            self._end(Ending(FAILED, "failed", message))
            raise
        else:
            self._end(self.verdict or Ending(FINISHED, self.outcome))

    def _end(self, ending: Ending) -> None:
        with suppress(OSError):
            self.event("ended", status=ending.status, outcome=ending.outcome, message=ending.message)

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

    def epoch(self, epoch: int, metrics: Mapping[str, float], weights: str, signals: Mapping[str, Any]) -> None:
        """Append one epoch: its metrics, the hash of its weights, its signals per layer."""
        self.event("epoch", epoch=epoch, metrics=finite(metrics), weights=weights, signals=signals)


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


def is_alive(folder: Path) -> bool:
    """Whether a process still holds the record's lock."""
    if not (folder / LOCK).exists():
        return False
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):
        return True
    lock.release()
    return False


AnyRecord = TypeVar("AnyRecord", RunRecord, SweepRecord)


def mark_if_gone(record: AnyRecord) -> AnyRecord:
    """The record; one that says RUNNING though its process is gone is first ended as KILLED."""
    if record.ending is not None or is_alive(record.folder):
        return record
    writer = FolderWriter.reopen(record.folder)
    try:
        if record.fresh().ending is None:
            message = "its process is gone (killed from outside, or the machine stopped)"
            writer.event("ended", status=KILLED, outcome="killed", message=message)
    finally:
        writer.close()
    return record.fresh()

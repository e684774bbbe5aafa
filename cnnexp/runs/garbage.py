"""What nobody needs any more below runs/: how much it is, why, and away with it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cnnexp.errors import RunError
from cnnexp.runs.find import all_runs
from cnnexp.runs.journal import FAILED, FINISHED, KILLED
from cnnexp.runs.record import CHECKPOINT, RunRecord
from cnnexp.runs.sweep_record import SweepRecord, all_sweeps
from cnnexp.runs.writer import FolderWriter, is_alive

WHOLE_RUN, WHOLE_SWEEP, CHECKPOINTS, LEFTOVER = "whole run", "whole sweep", "checkpoints", "leftover"
ASIDE = re.compile(r"\.(.+\.(?P<pid>\d+)\.tmp|.+\.new|.+\.gone)")
"""Names of what is written or removed aside, which only a kill leaves behind."""


@dataclass(frozen=True)
class Garbage:
    """One thing that can go. size: in bytes. record: whose it is; None for what was never a record."""

    what: str
    path: Path
    size: int
    why: str
    record: RunRecord | SweepRecord | None = None


def garbage_in(runs: Path, *, older_than: float, kept_too: bool = False) -> list[Garbage]:
    """All that can go, never anything of a run or sweep whose process lives.

    older_than: days since a FAILED or KILLED run or sweep ended (a sweep goes without its runs). kept_too: checkpoints
    that training.keep_checkpoints kept, too.
    """
    found = [one for record in all_runs(runs) if _is_whole(record) for one in _of_record(record, older_than, kept_too)]
    found += [one for sweep in all_sweeps(runs) for one in _of_sweep(sweep, older_than)]
    gone = {one.path for one in found if one.what in (WHOLE_RUN, WHOLE_SWEEP)}
    folders = sorted(runs.iterdir()) if runs.is_dir() else []
    return [*found, *(one for folder in folders if folder not in gone for one in _left_in(folder))]


def _is_whole(record: RunRecord) -> bool:
    """Whether its journal and config can be read: one that is damaged is for a person to judge."""
    try:
        return bool(record.config and record.events is not None)
    except RunError:
        return False


def _of_record(record: RunRecord, older_than: float, kept_too: bool) -> Iterator[Garbage]:
    if is_alive(record.folder):
        return
    days = _days_since(record.ended or record.created)
    if record.status in (FAILED, KILLED) and days >= older_than:
        outcome = record.ending.outcome if record.ending else record.status
        epochs = f"{record.epochs_done} of {record.config.training.epochs} epochs"
        why = f"{outcome} {days:.0f} days ago after {epochs}"
        yield Garbage(WHOLE_RUN, record.folder, size_of(record.folder), why, record)
    elif record.checkpoints and (why := _why_no_checkpoints(record, kept_too)):
        folder = record.folder / CHECKPOINT
        yield Garbage(CHECKPOINTS, folder, size_of(folder), why, record)


def _of_sweep(sweep: SweepRecord, older_than: float) -> Iterator[Garbage]:
    if sweep.ending is None or sweep.status not in (FAILED, KILLED) or is_alive(sweep.folder):
        return
    days = _days_since(max(str(event["time"]) for event in sweep.events if event["event"] == "ended"))
    if days >= older_than:
        why = f"{sweep.ending.outcome} {days:.0f} days ago; its runs stay"
        yield Garbage(WHOLE_SWEEP, sweep.folder, size_of(sweep.folder), why, sweep)


def _why_no_checkpoints(record: RunRecord, kept_too: bool) -> str:
    """Why nobody will go on from a record's checkpoints; empty where somebody may."""
    if record.ending is not None and record.ending.outcome == "diverged":
        return "diverged: from there it would again"
    if record.status != FINISHED:
        return ""
    if not record.config.training.keep_checkpoints:
        return "finished: nothing is left to go on with"
    return "finished, and kept by training.keep_checkpoints" if kept_too else ""


def _left_in(folder: Path) -> Iterator[Garbage]:
    """What a kill left aside: the folder itself, or files in it; not while a process holds it, or lives that wrote."""
    if is_alive(folder):
        return
    inside = sorted(folder.rglob(".*")) if folder.is_dir() and not ASIDE.fullmatch(folder.name) else [folder]
    for path in inside:
        match = ASIDE.fullmatch(path.name)
        if match and not (match["pid"] and _lives(int(match["pid"]))):
            yield Garbage(LEFTOVER, path, size_of(path), "half written or half removed when its process was killed")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _days_since(time: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds() / 86400


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; links are not followed."""
    files = [path, *path.rglob("*")] if path.is_dir() and not path.is_symlink() else [path]
    return sum(file.lstat().st_size for file in files if file.is_symlink() or file.is_file())


def remove(one: Garbage) -> None:
    """Away with it; of a whole run or sweep, first the name, so that a kill leaves no half record.

    Raises RunError where its process lives after all, or where the folder cannot be written.
    """
    try:
        if one.record is None:
            _delete(one.path)
            return
        writer = FolderWriter.reopen(one.record.folder)
        try:
            _delete(_renamed(one.path) if one.what in (WHOLE_RUN, WHOLE_SWEEP) else one.path)
        finally:
            writer.close()
    except OSError as error:
        raise RunError(str(one.path), error.strerror or str(error), "a folder that can be written") from None


def _renamed(folder: Path) -> Path:
    return folder.rename(folder.with_name(f".{folder.name}.gone"))


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

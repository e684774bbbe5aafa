"""Writing the record of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnexp.runs.record import RECORD_VERSION, now
from cnnexp.runs.sweep_record import SWEEP_FILE, SweepRecord
from cnnexp.runs.writer import FolderWriter


@dataclass(frozen=True)
class SweepHeader:
    """What is known of a sweep before it starts."""

    name: str
    overrides: tuple[str, ...]
    command: str
    points: Sequence[Mapping[str, Any]]


class SweepWriter(FolderWriter):
    """The one writer of a sweep's record. It holds the record's lock until it is closed."""

    @classmethod
    def create(cls, runs: Path, header: SweepHeader) -> SweepWriter:
        """A new record below `runs`.

        Raises RunError when the folder cannot be written; nothing is left behind then.
        """
        values = {
            "schema_version": RECORD_VERSION,
            "created": now(),
            "name": header.name,
            "overrides": list(header.overrides),
            "command": header.command,
            "points": [dict(point) for point in header.points],
        }
        return cls(*cls.make(runs, SWEEP_FILE, values, {}))

    def read(self) -> SweepRecord:
        """What has been written so far."""
        return SweepRecord(self.folder)

    def point(self, number: int, run: str, status: str, message: str, log: str) -> None:
        """Append what became of one point."""
        self.event("point", number=number, run=run, status=status, message=message, log=log)

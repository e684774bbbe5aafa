"""Writing the record of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from cnnexp.config.schema import Tracking
from cnnexp.runs.find import all_runs
from cnnexp.runs.journal import Ending, now
from cnnexp.runs.record import RunRecord
from cnnexp.runs.sweep_record import GOES_ON, SWEEP_FILE, SweepRecord
from cnnexp.runs.upgrades import RECORD_VERSION
from cnnexp.runs.writer import FolderWriter, is_alive, mark_if_gone


@dataclass(frozen=True)
class SweepHeader:
    """What is known of a sweep before it starts."""

    name: str
    overrides: tuple[str, ...]
    command: str
    points: Sequence[Mapping[str, Any]]
    tracking: Tracking
    study: str = ""
    """of a search: what tells that two search the same"""
    config_dir: str | None = None
    """a further folder of YAML that it was composed from"""


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
            "tracking": header.tracking.model_dump(mode="json"),
            "study": header.study,
            "config_dir": header.config_dir,
        }
        return cls(*cls.make(runs, SWEEP_FILE, values, {}))

    def read(self) -> SweepRecord:
        """What has been written so far."""
        return SweepRecord(self.folder)

    def point(self, number: int, run: str, status: str, outcome: str, message: str, log: str) -> None:
        """Append what became of one point."""
        self.event("point", number=number, run=run, status=status, outcome=outcome, message=message, log=log)

    def account_for_the_rest(self) -> list[RunRecord]:
        """Append what became of the points whose runs never told, and return those runs, each now truly ended."""
        sweep = self.read()
        known = {record.id: record for record in all_runs(self.folder.parent)}
        mine = {
            record.header["links"].get("point"): record.id
            for record in known.values()
            if record.header["links"].get("sweep") == sweep.id
        }
        records = []
        for point in sweep.points:
            run = mine.get(str(point["number"])) or (point["run"] if point["verdict"] == GOES_ON else "")
            if run in known and point["number"] not in sweep.outcomes and not is_alive(known[run].folder):
                record = mark_if_gone(known[run])
                ending = cast(Ending, record.ending)
                log = str(self.folder / "logs" / f"{point['number']}.txt")
                self.point(point["number"], run, ending.status, ending.outcome, ending.message, log)
                records.append(record)
        return records

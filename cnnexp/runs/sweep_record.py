"""The record of a sweep: a folder `runs/<id>/` with its points and what became of each. Its runs have their own.

sweep.json      who: id, name, time, overrides, what varies, every point (written once)
events.jsonl    started, point (which run it became, how it ended), result (what was chosen), ended
logs/           what each point's worker printed
sweep.csv       swept values against metrics
figures/        the pictures of the summary
lock            held by the process that runs the sweep
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cnnexp.errors import RunError, show
from cnnexp.runs.files import read_json
from cnnexp.runs.record import RUNNING, Ending, RunRecord, read_events

SWEEP_FILE = "sweep.json"


def member_tag(sweep: str) -> str:
    """The MLflow tag that every run of a sweep carries, whichever sweep first trained it."""
    return f"cnnexp.sweep.{sweep}"


def parent_in_mlflow(folder: Path) -> str | None:
    """The MLflow run id of a sweep's parent, where it was published."""
    path = folder / "mlflow.json"
    return str(read_json(path)["run_id"]) if path.is_file() else None


@dataclass(frozen=True)
class SweepRecord:
    """One sweep, read from its folder. Values are read when they are asked for and kept."""

    folder: Path

    @cached_property
    def header(self) -> dict[str, Any]:
        return read_json(self.folder / SWEEP_FILE)

    @property
    def id(self) -> str:
        return str(self.header["id"])

    @property
    def name(self) -> str:
        return str(self.header["name"])

    @property
    def created(self) -> str:
        return str(self.header["created"])

    @property
    def points(self) -> list[dict[str, Any]]:
        """number, name, varied (key → word), verdict, run_key, variant, parameters, multiply_adds, reason, run."""
        return list(self.header["points"])

    @cached_property
    def events(self) -> tuple[dict[str, Any], ...]:
        return read_events(self.folder / "events.jsonl")

    @property
    def ending(self) -> Ending | None:
        last = next((e for e in reversed(self.events) if e["event"] in ("started", "ended")), None)
        if last is None or last["event"] == "started":
            return None
        return Ending(last["status"], last["outcome"], last.get("message", ""))

    @property
    def status(self) -> str:
        return self.ending.status if self.ending else RUNNING

    @property
    def outcomes(self) -> dict[int, dict[str, Any]]:
        """Point number → run, status, message, log of the points that have ended."""
        return {event["number"]: event for event in self.events if event["event"] == "point"}

    @property
    def result(self) -> dict[str, Any]:
        """What was chosen: run, name, metrics; empty before."""
        results = [event for event in self.events if event["event"] == "result"]
        return dict(results[-1]) if results else {}

    @property
    def mlflow(self) -> dict[str, Any]:
        path = self.folder / "mlflow.json"
        return read_json(path) if path.is_file() else {}

    def runs(self) -> list[tuple[dict[str, Any], RunRecord]]:
        """Each point that has a run, with its record, in the order of the points."""
        found = []
        for point in self.points:
            run = self.outcomes.get(point["number"], {}).get("run") or point["run"]
            folder = self.folder.parent / str(run)
            if run and (folder / "run.json").is_file():
                found.append((point, RunRecord(folder)))
        return found

    def fresh(self) -> SweepRecord:
        """The same record, read anew."""
        return SweepRecord(self.folder)


def all_sweeps(runs: Path) -> list[SweepRecord]:
    """All sweeps below `runs`, newest first."""
    folders = [path.parent for path in runs.glob(f"*/{SWEEP_FILE}")] if runs.is_dir() else []
    return sorted(map(SweepRecord, folders), key=lambda sweep: (sweep.created, sweep.id), reverse=True)


def find_sweep(word: str, runs: Path) -> SweepRecord | None:
    """The sweep whose id, MLflow id or unique prefix of either is `word`; None if no sweep is meant.

    Raises RunError when several are.
    """
    found = [s for s in all_sweeps(runs) if s.id.startswith(word) or str(s.mlflow.get("run_id", "")).startswith(word)]
    exact = [sweep for sweep in found if word in (sweep.id, sweep.mlflow.get("run_id"))]
    chosen = exact or found
    if len(chosen) > 1:
        raise RunError("RUN", show(word), "an id that matches one sweep", ", ".join(sweep.id for sweep in chosen))
    return chosen[0] if chosen and word else None

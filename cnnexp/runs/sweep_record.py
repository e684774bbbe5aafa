"""The record of a sweep: a folder `runs/<id>/` with its points and what became of each. Its runs have their own.

sweep.json      who: id, name, time, overrides, what varies, every point (written once)
events.jsonl    started, drawn (a point of a search), point (which run it became, how it ended), result, ended
study.journal   of a Bayesian search: its trials, as Optuna keeps them
logs/           what each point's worker printed
sweep.csv       swept values against metrics
figures/        the pictures of the summary
lock            held by the process that runs the sweep
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cnnexp.config.problems import checked
from cnnexp.config.schema import Tracking
from cnnexp.errors import ConfigError, RunError, printable, show
from cnnexp.runs.files import read_json
from cnnexp.runs.find import all_runs, few, folders_with, problem_of
from cnnexp.runs.journal import EVENTS_FILE, RUNNING, Ending, ending_of, milliseconds, read_events
from cnnexp.runs.place import read_place
from cnnexp.runs.record import RunRecord
from cnnexp.runs.trust import MLFLOW, SWEEP, SWEEP_EVENTS, believe_folder
from cnnexp.runs.upgrades import upgraded
from cnnexp.specs import believe

SWEEP_FILE = "sweep.json"
DONE, GOES_ON, IMPOSSIBLE, SAME, GIVEN_UP = "done", "goes on", "impossible", "the same as", "given up"
"""Verdicts that a record is read by."""
NEEDS_NO_TRAINING = {DONE: "done before", GIVEN_UP: "pruned before", SAME: "the same as another"}
"""Verdict → how a point ends that is not trained although it could be."""


def columns_of(point: Mapping[str, Any]) -> dict[str, str]:
    """What varies in a point, and what its named variant sets: dotted key → word."""
    return {**point["varied"], **(point.get("sets") or {})}


def member_tag(sweep: str) -> str:
    """The MLflow tag that every run of a sweep carries, whichever sweep first trained it."""
    return f"cnnexp.sweep.{sweep}"


def parent_in_mlflow(folder: Path) -> str | None:
    """The MLflow run id of a sweep's parent, where it was published."""
    return read_place(folder, MLFLOW).get("run_id")


@dataclass(frozen=True)
class SweepRecord:
    """One sweep, read from its folder. Values are read when they are asked for and kept."""

    folder: Path

    @cached_property
    def header(self) -> dict[str, Any]:
        """Who it is. Raises RunError for a record that is not to be trusted, or of a newer version."""
        believe_folder(self.folder)
        where = str(self.folder / SWEEP_FILE)
        header = upgraded(read_json(self.folder / SWEEP_FILE), where)
        believe(header, SWEEP, where, "the header of a sweep")
        return header

    @property
    def id(self) -> str:
        return str(self.header["id"])

    @property
    def name(self) -> str:
        return printable(self.header["name"])

    @property
    def command(self) -> str:
        """The command that began it, to be shown."""
        return printable(self.header["command"])

    @property
    def created(self) -> str:
        return str(self.header["created"])

    @cached_property
    def tracking(self) -> Tracking:
        """Where its runs are published. Raises RunError for what is no such config."""
        try:
            return checked({"tracking": self.header["tracking"]}).tracking
        except ConfigError as error:
            first = error.problems[0]
            where = f"{self.folder / SWEEP_FILE}: {first.where}"
            raise RunError(where, first.got, first.expected, first.hint) from None

    @cached_property
    def points(self) -> list[dict[str, Any]]:
        """number, name, varied, sets, overrides, verdict, run_key, variant, parameters, multiply_adds, reason, run.

        Those known before, then those that a search drew. varied and sets: key → word.
        """
        return [*self.header["points"], *_drawn(self.events)]

    @property
    def columns(self) -> list[str]:
        """All that varies in it, in order, also inside named variants."""
        return list(dict.fromkeys(key for point in self.points for key in columns_of(point)))

    @cached_property
    def events(self) -> tuple[dict[str, Any], ...]:
        """All events in order. Raises RunError also for what is told of a point that the sweep does not have."""
        path = self.folder / EVENTS_FILE
        events = read_events(path, SWEEP_EVENTS)
        known = {point["number"] for point in (*self.header["points"], *_drawn(events))}
        strange = [event["number"] for event in events if event["event"] == "point" and event["number"] not in known]
        if strange:
            raise RunError(str(path), f"point {strange[0]}", f"one of the sweep's {len(known)} points")
        return events

    @property
    def ending(self) -> Ending | None:
        return ending_of(self.events)

    @property
    def status(self) -> str:
        return self.ending.status if self.ending else RUNNING

    @property
    def last_seen(self) -> str:
        """When its process, or that of one of its runs, last wrote an event."""
        mine = [run for run in all_runs(self.folder.parent) if run.header["links"].get("sweep") == self.id]
        own = [str(event["time"]) for event in self.events]
        return max([self.created, *own, *(run.last_seen for run in mine)], key=milliseconds)

    @cached_property
    def outcomes(self) -> dict[int, dict[str, Any]]:
        """Point number → run, status, outcome, message, log of the points that have ended."""
        return {event["number"]: event for event in self.events if event["event"] == "point"}

    @property
    def result(self) -> dict[str, Any]:
        """What was chosen: run, name, metrics; empty before."""
        results = [event for event in self.events if event["event"] == "result"]
        return dict(results[-1]) if results else {}

    @property
    def mlflow(self) -> dict[str, Any]:
        return read_place(self.folder, MLFLOW)

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


def _drawn(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event["point"] for event in events if event["event"] == "drawn"]


def all_sweeps(runs: Path) -> list[SweepRecord]:
    """All sweeps below `runs` that can be read, newest first."""
    found = [sweep for sweep in map(SweepRecord, folders_with(SWEEP_FILE, runs)) if problem_of(sweep) is None]
    return sorted(found, key=lambda sweep: (sweep.created, sweep.id), reverse=True)


def find_sweep(word: str, runs: Path) -> SweepRecord | None:
    """The sweep whose id, MLflow id or unique prefix of either is `word`; None where it names no sweep.

    Raises RunError when several match, or a run and a sweep.
    """
    if not word:
        return None
    if (runs / word / SWEEP_FILE).is_file() and (problem := problem_of(SweepRecord(runs / word))) is not None:
        raise problem
    known: list[SweepRecord | RunRecord] = [*all_sweeps(runs), *all_runs(runs)]
    exact = [one for one in known if word in _names(one)]
    found = exact or [one for one in known if any(name.startswith(word) for name in _names(one))]
    matching = [one for one in found if isinstance(one, SweepRecord)]
    if matching and len(found) > 1:
        ids = few([one.id for one in found])
        raise RunError("RUN", show(word), "an id that matches one run or sweep", f"It matches {len(found)}: {ids}")
    return matching[0] if matching else None


def _names(one: SweepRecord | RunRecord) -> tuple[str, str]:
    return one.id, str(one.mlflow.get("run_id", one.id))

"""Where the jobs of a sweep come from: a list that is known before, or a search that draws one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from cnnexp.runs.journal import FINISHED, PRUNED
from cnnexp.runs.record import RunRecord
from cnnexp.runs.sweep_writer import SweepWriter
from cnnexp.study.jobs import as_recorded, job_of
from cnnexp.study.plan import PlannedPoint, Planner, Verdict
from cnnexp.study.points import Point
from cnnexp.study.search import Search
from cnnexp.study.worker import Job, Outcome

TO_TRAIN = (Verdict.RUN, Verdict.RESUME)


class Source(Protocol):
    """Gives jobs when workers are free, and is told what became of them.

    spared: how many of a search's trials needed no training so far: they had ended before, or are the same as others.
    """

    @property
    def spared(self) -> int: ...
    def jobs(self) -> Iterator[Job]: ...
    def ended(self, outcome: Outcome) -> None: ...


class Listed:
    """All points that are left to train."""

    spared = 0

    def __init__(self, sweep: Path, planned: Sequence[PlannedPoint], threads: int) -> None:
        self._sweep, self._planned, self._threads = sweep, planned, threads

    def jobs(self) -> Iterator[Job]:
        for one in self._planned:
            if one.verdict in TO_TRAIN:
                yield job_of(self._sweep, one, self._threads)

    def ended(self, outcome: Outcome) -> None:
        """A list is as it is."""


class Proposed:
    """What a search proposes next, until `trials` of its proposals have ended; each is judged and recorded when drawn.

    compose: a point from its number and draw.
    """

    def __init__(
        self, sweep: SweepWriter, search: Search, planner: Planner, compose: Callable[[int, dict[str, str]], Point],
        *, trials: int, threads: int,
    ) -> None:  # fmt: skip
        self._sweep, self._search, self._planner, self._compose = sweep, search, planner, compose
        self._trials, self._threads = trials, threads
        self._under_way: dict[int, int] = {}
        self._drawn, self._trained = 0, 0

    @property
    def spared(self) -> int:
        return self._search.ended - self._trained

    def jobs(self) -> Iterator[Job]:
        for trial in self._search.known():
            self._judged(trial.draw)
        while self._search.ended + len(self._under_way) < self._trials:
            trial = self._search.ask()
            one = self._judged(trial.draw)
            if one.verdict in TO_TRAIN:
                self._under_way[one.point.number] = trial.number
                yield job_of(self._sweep.folder, one, self._threads, self._search.reference(trial.number))
            else:
                self._search.tell(trial.number, self._accuracy(one.run))

    def ended(self, outcome: Outcome) -> None:
        self._trained += 1
        accuracy = self._accuracy(outcome.run) if outcome.status == FINISHED else None
        self._search.tell(self._under_way.pop(outcome.number), accuracy, pruned=outcome.outcome == PRUNED)

    def _judged(self, draw: dict[str, str]) -> PlannedPoint:
        one = self._planner.judge(self._compose(self._drawn, draw))
        self._drawn += 1
        self._sweep.event("drawn", point=as_recorded(one))
        return one

    def _accuracy(self, run: str) -> float | None:
        """A run's validation accuracy; None where there is no run."""
        return RunRecord(self._sweep.folder.parent / run).metrics["best/accuracy_val"] if run else None

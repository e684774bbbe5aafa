"""Where the jobs of a sweep come from: a list that is known before, or a search that draws one after another."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from cnnexp.runs.find import all_runs
from cnnexp.runs.journal import FINISHED, PRUNED
from cnnexp.runs.record import RunRecord
from cnnexp.runs.sweep_record import NEEDS_NO_TRAINING, SweepRecord
from cnnexp.runs.sweep_writer import SweepWriter
from cnnexp.study.jobs import as_recorded, job_of
from cnnexp.study.plan import TO_TRAIN, PlannedPoint, Planner, Verdict
from cnnexp.study.request import SweepRequest
from cnnexp.study.search import End, Known, Search, Trial, earlier_trials
from cnnexp.study.worker import Job, Outcome

DRAWS = 10
"""How many draws a search may take for each trial: beyond that what can be built is too rare in its space."""
ENDS = {Verdict.DONE: End.COMPLETE, Verdict.GIVEN_UP: End.PRUNED, Verdict.IMPOSSIBLE: End.IMPOSSIBLE,
        Verdict.SAME: End.FAILED}  # fmt: skip
"""How a trial that is not trained comes to its end."""


class Source(Protocol):
    """Gives jobs when workers are free, and is told what became of them.

    spared: how many of a search's trials needed no training so far, by why: `done before`. note: why it gave no more
    jobs, where it should have.
    """

    @property
    def spared(self) -> Mapping[str, int]: ...
    @property
    def note(self) -> str: ...
    def jobs(self) -> Iterator[Job]: ...
    def ended(self, outcome: Outcome) -> None: ...


class Listed:
    """All points that are left to train."""

    spared: Mapping[str, int] = {}
    note = ""

    def __init__(self, sweep: Path, planned: Sequence[PlannedPoint], threads: int) -> None:
        self._sweep, self._planned, self._threads = sweep, planned, threads

    def jobs(self) -> Iterator[Job]:
        for one in self._planned:
            if one.verdict in TO_TRAIN:
                yield job_of(self._sweep, one, self._threads)

    def ended(self, outcome: Outcome) -> None:
        """A list is as it is."""


class Proposed:
    """What a search proposes, until `sweep.trials` of its proposals have ended; each is judged and recorded.

    before: the folder of the sweep that it goes on from. What that one proposed is judged anew by the runs that there
    now are, and what is missing of it is trained first. impossible: is told the name of a draw, and why it is.
    """

    def __init__(
        self, sweep: SweepWriter, request: SweepRequest, before: Path | None, impossible: Callable[[str, str], None]
    ) -> None:
        settings = request.config.sweep
        self._sweep, self._request, self._trials, self._tell = sweep, request, settings.trials, impossible
        self._planner = Planner(all_runs(sweep.folder.parent), again=settings.again, prune=settings.prune)
        self._under_way: dict[int, int] = {}
        self._spared, self._judgements = Counter[str](), 0
        self._missing = deque[PlannedPoint]()
        known = self._known(earlier_trials(before, request.space)) if before else []
        self._search = Search(sweep.folder, request.space, seed=settings.seed, prune=settings.prune, known=known)

    @property
    def spared(self) -> Mapping[str, int]:
        return self._spared

    @property
    def note(self) -> str:
        if self._search.ended >= self._trials or not self._is_exhausted:
            return ""
        ended, drawn = self._search.ended, self._search.drawn
        return f"the search ends with {ended} of {self._trials} trials: too few of its {drawn} draws are possible"

    def jobs(self) -> Iterator[Job]:
        while self._search.ended + len(self._under_way) < self._trials:
            if not self._missing and self._is_exhausted:
                return
            trial = self._search.ask()
            one = self._missing.popleft() if self._missing else self._judged(trial.draw)
            self._record(one)
            if one.verdict in TO_TRAIN:
                self._under_way[one.point.number] = trial.number
                reference = self._search.reference(trial.number)
                yield job_of(self._sweep.folder, one, self._request.threads, reference)
            else:
                end = ENDS[one.verdict]
                self._search.tell(trial.number, end, self._accuracy(one.run) if end is End.COMPLETE else None)

    def ended(self, outcome: Outcome) -> None:
        number = self._under_way.pop(outcome.number)
        if outcome.status == FINISHED:
            self._search.tell(number, End.COMPLETE, self._accuracy(outcome.run))
        else:
            self._search.tell(number, End.PRUNED if outcome.outcome == PRUNED else End.FAILED)

    @property
    def _is_exhausted(self) -> bool:
        return self._search.drawn >= DRAWS * self._trials

    def _known(self, trials: Sequence[Trial]) -> list[Known]:
        """What became of earlier trials. Those without a valid run are to be trained, as many as there is room for."""
        points = self._request.compose_all([trial.draw for trial in trials])
        judged = [self._planner.judge(point) for point in points]
        self._judgements = len(judged)
        missing = [one for one in judged if one.verdict in TO_TRAIN]
        room = self._trials - sum(one.verdict.value in NEEDS_NO_TRAINING for one in judged)
        self._missing.extend(missing[: max(0, room)])
        later = {one.run_key for one in missing[len(self._missing) :]}
        for one in judged:
            if one.verdict not in TO_TRAIN and one.run_key not in later:
                self._record(one)
        waiting = [one.verdict in TO_TRAIN or one.run_key in later for one in judged]
        return [
            Known(trial.params) if waits else self._as_known(trial, one)
            for trial, one, waits in zip(trials, judged, waiting, strict=True)
        ]

    def _as_known(self, trial: Trial, one: PlannedPoint) -> Known:
        end = ENDS[one.verdict]
        if not one.run:
            return Known(trial.params, end)
        record = RunRecord(self._sweep.folder.parent / one.run)
        epochs = {epoch: value for epoch, value in record.history.get("accuracy/val", ()) if epoch > 0}
        return Known(trial.params, end, self._accuracy(one.run) if end is End.COMPLETE else None, epochs)

    def _judged(self, draw: Mapping[str, str]) -> PlannedPoint:
        one = self._planner.judge(self._request.compose(self._judgements, draw))
        self._judgements += 1
        return one

    def _record(self, one: PlannedPoint) -> None:
        """Write down a point, and count or tell it where it is not trained."""
        self._sweep.event("drawn", point=as_recorded(one))
        if one.verdict is Verdict.IMPOSSIBLE:
            self._tell(one.point.name, one.reason)
        elif one.verdict not in TO_TRAIN:
            self._spared[NEEDS_NO_TRAINING[one.verdict.value]] += 1

    def _accuracy(self, run: str) -> float:
        """A run's validation accuracy, 0 to 1."""
        return RunRecord(self._sweep.folder.parent / run).metrics["best/accuracy_val"]


def is_missing(request: SweepRequest, sweep: SweepRecord) -> bool:
    """Whether a run of what a search drew is not there, or not by this code, these packages and these digits."""
    planner = Planner(all_runs(sweep.folder.parent), again=False, prune=request.config.sweep.prune)
    points = request.compose_all([point["varied"] for point in sweep.points])
    return any(planner.judge(point).verdict in TO_TRAIN for point in points)

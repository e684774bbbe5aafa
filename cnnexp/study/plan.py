"""Before anything is trained: what each point of a sweep would do, what it costs, and how long it may take."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from cnnexp.checks import check_built
from cnnexp.config.identity import identity
from cnnexp.config.layers import conv_blocks
from cnnexp.config.schema import INHERITED, ExperimentConfig
from cnnexp.data import Digits, load_digits
from cnnexp.errors import ConfigError, Problem
from cnnexp.experiment import extent_of
from cnnexp.runs.journal import FINISHED, KILLED, PRUNED, RUNNING
from cnnexp.runs.record import RunRecord
from cnnexp.runs.sweep_record import DONE, GIVEN_UP, GOES_ON, IMPOSSIBLE, SAME
from cnnexp.runs.writer import is_alive
from cnnexp.shapes import LayerTable, layer_table
from cnnexp.study.points import Point

RECENT = 20
"""How many of the newest finished runs an estimate looks at."""
LEAST_SHARE = 0.1
"""Of a point's work in an epoch: a run with less of it says nothing about the point."""


class Verdict(Enum):
    """What a sweep does with a point."""

    RUN = "will run"
    RESUME = GOES_ON
    DONE = DONE
    IMPOSSIBLE = IMPOSSIBLE
    SAME = SAME
    GIVEN_UP = GIVEN_UP


TO_TRAIN = (Verdict.RUN, Verdict.RESUME)


@dataclass(frozen=True)
class PlannedPoint:
    """A point with its verdict. parameters and multiply_adds (forward, one digit) are 0 where impossible.

    run: the id of the run that is done, goes on or was given up. seconds: an estimate, None where unknown.
    """

    point: Point
    verdict: Verdict
    run_key: str = ""
    variant: str = ""
    parameters: int = 0
    multiply_adds: int = 0
    epochs: int = 0
    digits: int = 0
    run: str = ""
    reason: str = ""
    seconds: float | None = None


def plan(points: Sequence[Point], records: Iterable[RunRecord], *, again: bool) -> list[PlannedPoint]:
    """The verdict of every point, without TensorFlow and without writing anything.

    records: the runs that exist; what is finished among them with the same run key is not trained again unless
    `again`. Raises DataError where the data of any point cannot be read, ConfigError where no point goes with its data.
    """
    known = list(records)
    planner = Planner(known, again=again)
    planned = planner.judge_all(points)
    return [replace(one, seconds=estimate) for one, estimate in zip(planned, estimates(planned, known), strict=True)]


class Planner:
    """Gives each point of a sweep its verdict, in order; the data of points that share it are read once.

    again: as if there were no runs. prune: a run that a search gave up is left as it is, and does not go on.
    """

    def __init__(self, records: Sequence[RunRecord], *, again: bool, prune: bool = False) -> None:
        known = () if again else records
        self._finished, self._unfinished = _by_run_key(known)
        self._given_up = _given_up(known) if prune else {}
        self._digits: dict[str, Digits] = {}
        self._taken: dict[str, int] = {}

    def judge_all(self, points: Sequence[Point]) -> list[PlannedPoint]:
        """The points with their verdicts.

        Raises DataError where the data of any cannot be read, ConfigError where no point goes with its data.
        """
        problems, planned = dict[Problem, None](), list[PlannedPoint]()
        for point in points:
            try:
                planned.append(self._judged(point))
            except ConfigError as error:
                problems |= dict.fromkeys(error.problems)
                planned.append(_impossible(point, error.problems[0]))
        if problems and all(one.verdict is Verdict.IMPOSSIBLE for one in planned):
            raise ConfigError.of(list(problems))
        return planned

    def judge(self, point: Point) -> PlannedPoint:
        """The point with its verdict. Raises DataError where its data cannot be read."""
        try:
            return self._judged(point)
        except ConfigError as error:
            return _impossible(point, error.problems[0])

    def _judged(self, point: Point) -> PlannedPoint:
        one = self._as_new(point)
        if one.verdict is Verdict.IMPOSSIBLE:
            return one
        if one.run_key in self._taken:
            return replace(one, verdict=Verdict.SAME, reason=f"#{self._taken[one.run_key]}")
        self._taken[one.run_key] = point.number
        if one.run_key in self._finished:
            return replace(one, verdict=Verdict.DONE, run=self._finished[one.run_key])
        if one.run_key in self._given_up:
            return replace(one, verdict=Verdict.GIVEN_UP, run=self._given_up[one.run_key])
        if one.run_key in self._unfinished:
            run, done = self._unfinished[one.run_key]
            return replace(one, verdict=Verdict.RESUME, run=run, epochs=max(1, one.epochs - done))
        return one

    def _as_new(self, point: Point) -> PlannedPoint:
        config = point.composed.config
        key = config.data.model_dump_json()
        if key not in self._digits:
            self._digits[key] = load_digits(config.data)
        have = self._digits[key]
        table = layer_table(config.model, have.image_shape, have.classes)
        if table.misfit is not None:
            return _impossible(point, table.misfit.problem)
        check_built(config, extent_of(have), table)
        who = identity(config, have.digest)
        return _with_cost(PlannedPoint(point, Verdict.RUN, who.run_key, who.variant), table, config, len(have.train))


def _impossible(point: Point, problem: Problem) -> PlannedPoint:
    return PlannedPoint(point, Verdict.IMPOSSIBLE, reason=str(problem).splitlines()[0])


def _by_run_key(records: Sequence[RunRecord]) -> tuple[dict[str, str], dict[str, tuple[str, int]]]:
    """Run key → the newest run that is complete; run key → the newest that can go on, and how many epochs it has.

    A run whose code or packages changed while it was interrupted is not what its run key says.
    """
    finished: dict[str, str] = {}
    unfinished: dict[str, tuple[str, int]] = {}
    for record in reversed(records):
        key, ending = str(record.header["identity"]["run_key"]), record.ending
        if record.changed:
            continue
        if ending and ending.status == FINISHED and ending.outcome in ("complete", "early_stopped"):
            finished[key] = record.id
        elif _can_go_on(record):
            unfinished[key] = (record.id, record.epochs_done)
    return finished, unfinished


def _given_up(records: Sequence[RunRecord]) -> dict[str, str]:
    """Run key → the newest run that a search gave up."""
    pruned = (record for record in reversed(records) if record.ending and record.ending.outcome == PRUNED)
    return {str(record.header["identity"]["run_key"]): record.id for record in pruned if not record.changed}


def _can_go_on(record: RunRecord) -> bool:
    """Whether a run was killed (also without a word) after it had saved a checkpoint."""
    if record.status not in (KILLED, RUNNING) or not record.checkpoints:
        return False
    return record.status == KILLED or not is_alive(record.folder)


def _with_cost(one: PlannedPoint, table: LayerTable, config: ExperimentConfig, digits: int) -> PlannedPoint:
    return replace(
        one,
        parameters=table.parameters,
        multiply_adds=table.multiply_adds,
        epochs=config.training.epochs,
        digits=digits,
    )


def estimates(planned: Sequence[PlannedPoint], records: Sequence[RunRecord]) -> list[float | None]:
    """Seconds of each point that will run: the pace of earlier runs, scaled by multiply-adds; None without any.

    A pace is seconds of an epoch for each multiply-add and digit, and what an epoch costs beside is in it. The median
    counts, each run with the weight of its work, of runs that are not much smaller: tiny ones tell nothing about large.
    """
    recent = itertools.islice((record for record in records if record.status == FINISHED), RECENT)
    paces = sorted(found for record in recent if (found := _pace(record)) is not None)
    return [_estimate(one, paces) if one.verdict in TO_TRAIN else None for one in planned]


def _estimate(one: PlannedPoint, paces: Sequence[tuple[float, float]]) -> float | None:
    work = one.multiply_adds * one.digits
    alike = [(pace, known) for pace, known in paces if known >= LEAST_SHARE * work]
    return _weighted_median(alike) * work * one.epochs if alike else None


def _weighted_median(values: Sequence[tuple[float, float]]) -> float:
    """The first value at which half of all weight is reached, of (value, weight) in order."""
    reached = itertools.accumulate(weight for _, weight in values)
    half = sum(weight for _, weight in values) / 2
    return next(value for (value, _), so_far in zip(values, reached, strict=True) if so_far >= half)


def _pace(record: RunRecord) -> tuple[float, float] | None:
    """Seconds for each multiply-add and digit, and the work of an epoch; None where nothing tells.

    The first epoch does not: TensorFlow warms up in it.
    """
    seconds = [value for _, value in record.history.get("time/epoch_seconds", ())][1:]
    if not seconds:
        return None
    height, width, channels = record.data["image_shape"]
    table = layer_table(record.config.model, (height, width, channels), len(record.class_names))
    work = table.multiply_adds * record.data["sizes"]["train"]
    return (statistics.median(seconds) / work, work) if work else None


def half_turned_knobs(points: Sequence[Point]) -> dict[str, list[str]]:
    """Swept keys of the model that some block overrides, so that sweeping them moves only part of the network."""
    keys = {key for point in points for key, _ in point.varied}
    found: dict[str, list[str]] = {}
    for point in points:
        model = point.composed.config.model
        for name in (field for field in INHERITED if f"model.{field}" in keys):
            own = [block.name for block in conv_blocks(model) if getattr(model.blocks[block.name], name) is not None]
            for block in own:
                if block not in found.setdefault(f"model.{name}", []):
                    found[f"model.{name}"].append(block)
    return found

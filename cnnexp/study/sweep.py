"""A sweep from overrides to its answer: points → plan → workers → summary. Reads like a table of contents."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from cnnexp.config.compose import Composed, compose_config, hydra_session
from cnnexp.config.schema import ExperimentConfig
from cnnexp.errors import CnnexpError, ConfigError, StoreError
from cnnexp.evaluation import measure_test
from cnnexp.runs.environment import usable_cores
from cnnexp.runs.find import all_runs, runs_folder
from cnnexp.runs.record import FAILED, FINISHED, Ending, RunRecord
from cnnexp.runs.sweep_record import SweepRecord
from cnnexp.runs.sweep_writer import SweepHeader, SweepWriter
from cnnexp.study.plan import PlannedPoint, Verdict, plan
from cnnexp.study.points import Axis, Point, axes_of_study, axes_of_words, points_of
from cnnexp.study.summary import swept_runs, write_summary
from cnnexp.study.worker import Job, Outcome

Launch = Callable[[Sequence[Job], int], Iterator[Outcome]]
"""Carries out jobs with so many workers, and gives their outcomes as they end."""


class SweepListener(Protocol):
    """Who is told how a sweep goes."""

    def planned(self, sweep: SweepRecord, planned: Sequence[PlannedPoint], workers: int) -> None: ...
    def point(self, name: str, outcome: Outcome, log: str) -> None: ...
    def say(self, text: str) -> None: ...
    def ended(self) -> None: ...


@dataclass(frozen=True)
class SweepRequest:
    """What a person asked for: the overrides as typed, the settings they lead to, and every planned point."""

    overrides: tuple[str, ...]
    config: ExperimentConfig
    name: str
    planned: tuple[PlannedPoint, ...]

    @property
    def workers(self) -> int:
        """Runs at a time: sweep.workers, for `auto` one a core that this process may use, never more than runs."""
        wanted = self.config.sweep.workers
        most = usable_cores() if wanted == "auto" else wanted
        return max(1, min(most, sum(one.verdict in (Verdict.RUN, Verdict.RESUME) for one in self.planned)))

    @property
    def threads(self) -> int:
        """Threads inside one operation of each run: training.threads, for `auto` the cores shared by the workers."""
        wanted = self.config.training.threads
        return max(1, usable_cores() // self.workers) if wanted == "auto" else wanted


def request_sweep(overrides: Sequence[str], config_dir: str | None) -> SweepRequest:
    """Everything that is decided before anything is trained or written. TensorFlow is not imported.

    Raises ConfigError where a value is invalid in itself, DataError where data cannot be read.
    """
    first, axes = _axes(overrides, config_dir)
    points = points_of(axes, config_dir)
    planned = plan(points, all_runs(runs_folder()), again=first.config.sweep.again)
    varied = " ".join(dict.fromkeys(key.rsplit(".", 1)[-1] for point in points for key, _ in point.varied))
    name = first.config.tracking.run_name or first.choices.get("experiments") or f"sweep of {varied}"
    return SweepRequest(tuple(overrides), first.config, name, tuple(planned))


def _axes(overrides: Sequence[str], config_dir: str | None) -> tuple[Composed, list[Axis]]:
    with hydra_session(config_dir):
        typed = axes_of_words(overrides)
    first = compose_config([word for axis in typed for word in axis[0].words], config_dir)
    sweep = first.config.sweep
    axes = axes_of_study(sweep.grid, sweep.variants) + typed
    if all(len(axis) == 1 for axis in axes) and not sweep.describes_many:
        raise ConfigError("-m", "no key with several values", "at least one, such as model.kernel_size=3,5",
                          "For a single run leave -m out.")  # fmt: skip
    return first, axes


def run_sweep(request: SweepRequest, launch: Launch, listener: SweepListener) -> SweepRecord:
    """Carry out a sweep, and leave its record, its runs and its answer. Errors of single runs cost only themselves."""
    sweep = SweepWriter.create(runs_folder(), _header(request))
    try:
        with sweep.recording():
            _carry_out(sweep, request, launch, listener)
    finally:
        listener.ended()
        _publish(sweep.read(), request, listener)
        sweep.close()
    return sweep.read()


def _header(request: SweepRequest) -> SweepHeader:
    points = [
        {
            "number": one.point.number,
            "name": one.point.name,
            "varied": dict(one.point.varied),
            "overrides": list(one.point.overrides),
            "verdict": one.verdict.value,
            "reason": one.reason,
            "run": one.run,
            "run_key": one.run_key,
            "variant": one.variant,
            "parameters": one.parameters,
            "multiply_adds": one.multiply_adds,
        }
        for one in request.planned
    ]
    command = shlex.join(["cnnexp", "train", "-m", *request.overrides])
    return SweepHeader(request.name, request.overrides, command, points)


def _carry_out(sweep: SweepWriter, request: SweepRequest, launch: Launch, listener: SweepListener) -> None:
    _publish(sweep.read(), request, listener)
    listener.planned(sweep.read(), request.planned, request.workers)
    jobs = [_job(sweep, request, one) for one in request.planned if one.verdict in (Verdict.RUN, Verdict.RESUME)]
    names = {one.point.number: one.point.name for one in request.planned}
    bad = 0
    outcomes = launch(jobs, request.workers)
    for outcome in outcomes:
        log = str(sweep.folder / "logs" / f"{outcome.number}.txt")
        sweep.point(outcome.number, outcome.run, outcome.status, outcome.message, log)
        listener.point(names[outcome.number], outcome, log)
        bad += outcome.status != FINISHED
        if bad and request.config.sweep.on_error == "stop":
            close = getattr(outcomes, "close", None)
            if close:
                close()
            break
    _conclude(sweep, listener)
    if bad:
        sweep.verdict = Ending(FAILED, "failed", f"{bad} of {len(jobs)} runs did not finish")


def _job(sweep: SweepWriter, request: SweepRequest, one: PlannedPoint) -> Job:
    return Job(
        number=one.point.number,
        composed=_as_child(one.point, request.threads),
        links={"sweep": sweep.folder.name, "point": str(one.point.number)},
        runs=sweep.folder.parent,
        log=sweep.folder / "logs" / f"{one.point.number}.txt",
        resume=one.run if one.verdict is Verdict.RESUME else "",
    )


def _as_child(point: Point, threads: int) -> Composed:
    """The point's experiment as a sweep runs it: not tested, pictures on demand, named by what varies."""
    config = point.composed.config
    changed = config.model_copy(update={
        "evaluation": config.evaluation.model_copy(update={"test": False}),
        "figures": config.figures.model_copy(update={"draw": False}),
        "tracking": config.tracking.model_copy(update={"run_name": point.name}),
        "training": config.training.model_copy(update={"threads": threads}),
    })  # fmt: skip
    return replace(point.composed, config=changed)


def _conclude(sweep: SweepWriter, listener: SweepListener) -> None:
    """Choose by validation, test the chosen run alone, and write the summary."""
    from cnnexp.analysis.sweeps import chosen_run

    chosen = chosen_run(swept_runs(sweep.read()))
    if chosen is not None:
        metrics = {"best/accuracy_val": chosen.accuracy, "best/loss_val": chosen.loss}
        try:
            metrics |= measure_test(RunRecord(sweep.folder.parent / chosen.run))
        except CnnexpError as error:
            listener.say(f"the chosen run could not be tested: {error}")
        sweep.event("result", run=chosen.run, name=chosen.name, metrics=metrics)
    write_summary(sweep.read())


def _publish(sweep: SweepRecord, request: SweepRequest, listener: SweepListener) -> None:
    from cnnexp.runs.publish_sweep import join, publish_sweep

    if not request.config.tracking.enabled:
        return
    done = [record for point, record in sweep.runs() if point["verdict"] == Verdict.DONE.value]
    try:
        join(publish_sweep(sweep, request.config.tracking), sweep, done)
    except StoreError as error:
        listener.say(str(error))

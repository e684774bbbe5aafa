"""A planned point as what its sweep records of it, and as the job that a worker carries out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cnnexp.config.compose import Composed
from cnnexp.config.schema import ExperimentConfig, Sweep
from cnnexp.runs.record import RunRecord
from cnnexp.study.plan import PlannedPoint, Verdict
from cnnexp.study.points import Point
from cnnexp.study.worker import Job, TrialRef

NO_STUDY = ("sweep.grid={}", "sweep.variants={}", "sweep.search=none", "sweep.space={}")
"""The words that make a study, named beside them, one run."""
SUBMITTED = ".submitit"
"""Where submitit keeps its jobs and what they printed, in a sweep's folder."""


def log_of(sweep: Path, number: int) -> Path:
    """Where what the worker of a point printed is kept."""
    return sweep / "logs" / f"{number}.txt"


def output_of(sweep: Path, number: int) -> str:
    """Where to read why a point failed: its worker's log, else what submitit kept of all jobs; empty without either."""
    return next((str(path) for path in (log_of(sweep, number), sweep / SUBMITTED) if path.exists()), "")


def as_recorded(one: PlannedPoint) -> dict[str, Any]:
    """A point as plain values."""
    return {
        "number": one.point.number,
        "name": one.point.name,
        "varied": dict(one.point.varied),
        "sets": dict(one.point.sets),
        "overrides": list(one.point.overrides),
        "verdict": one.verdict.value,
        "reason": one.reason,
        "run": one.run,
        "run_key": one.run_key,
        "variant": one.variant,
        "parameters": one.parameters,
        "multiply_adds": one.multiply_adds,
    }


def job_of(sweep: Path, one: PlannedPoint, threads: int, trial: TrialRef | None = None) -> Job:
    """The job of a point of the sweep in the folder `sweep`.

    threads: of a new run whose config says `auto`. A run that goes on keeps its own config and its own threads.
    """
    runs = sweep.parent
    if one.verdict is Verdict.RESUME:
        composed = _as_it_was(one.point, RunRecord(runs / one.run))
    else:
        composed = as_child(one.point, threads)
    return Job(
        number=one.point.number,
        composed=composed,
        threads=int(composed.config.training.threads),
        links={"sweep": sweep.name, "point": str(one.point.number)},
        runs=runs,
        log=log_of(sweep, one.point.number),
        resume=one.run if one.verdict is Verdict.RESUME else "",
        trial=trial,
    )


def as_child(point: Point, threads: int) -> Composed:
    """The point's experiment as a sweep runs it: one run, not tested, named by what varies, drawn only if asked."""
    config = point.composed.config
    own = config.training.threads
    changed = config.model_copy(update={
        "evaluation": config.evaluation.model_copy(update={"test": False}),
        "figures": config.figures.model_copy(update={"draw": config.figures.draw is True}),
        "tracking": config.tracking.model_copy(update={"run_name": point.name}),
        "training": config.training.model_copy(update={"threads": threads if own == "auto" else own}),
        "sweep": Sweep(),
    })  # fmt: skip
    return replace(point.composed, config=changed, overrides=_words_alone(point.overrides, config))


def _words_alone(overrides: Sequence[str], config: ExperimentConfig) -> tuple[str, ...]:
    """The words that lead to the point without a sweep."""
    own = tuple(word for word in overrides if not word.lstrip("+~").startswith(("sweep.", "hydra/", "hydra.")))
    in_a_study = config.sweep.describes_many and any(word.lstrip("+").startswith("experiments=") for word in own)
    return (*own, *NO_STUDY) if in_a_study else own


def _as_it_was(point: Point, record: RunRecord) -> Composed:
    config = record.config
    threads = record.threads
    pinned = config.model_copy(update={"training": config.training.model_copy(update={"threads": threads})})
    return replace(point.composed, config=pinned)

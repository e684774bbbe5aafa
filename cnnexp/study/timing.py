"""`--plan=timed`: a few batches of each distinct network tell how long its training may take."""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from cnnexp.config.schema import ExperimentConfig
from cnnexp.data import load_digits
from cnnexp.errors import TrainingError
from cnnexp.nn.seeding import make_deterministic
from cnnexp.study.jobs import as_child
from cnnexp.study.plan import TO_TRAIN, PlannedPoint
from cnnexp.study.request import SweepRequest
from cnnexp.study.worker import alone

BATCHES, FIRST = 12, 2
"""Batches that are tried, and how many of them are not counted: TensorFlow warms up in them."""


def timed(request: SweepRequest) -> SweepRequest:
    """The request with the seconds of each point that will run measured; each variant is tried once.

    That happens in a process of its own for each number of threads; nothing is written.
    """
    tried = {one.variant: as_child(one.point, request.threads).config for one in request.planned if _counts(one)}
    by_threads: dict[int, dict[str, ExperimentConfig]] = {}
    for variant, config in tried.items():
        by_threads.setdefault(int(config.training.threads), {})[variant] = config
    seconds: dict[str, float | None] = {}
    for configs in by_threads.values():
        measured = alone(batch_seconds, list(configs.values()))
        seconds |= dict(zip(configs, measured, strict=True))
    planned = [replace(one, seconds=_seconds(one, seconds[one.variant])) if _counts(one) else one for one in
               request.planned]  # fmt: skip
    return replace(request, planned=tuple(planned))


def _counts(one: PlannedPoint) -> bool:
    return one.verdict in TO_TRAIN


def _seconds(one: PlannedPoint, batch: float | None) -> float | None:
    batches = math.ceil(one.digits / one.point.composed.config.training.batch_size) * one.epochs
    return None if batch is None else batch * batches


def batch_seconds(configs: Sequence[ExperimentConfig]) -> list[float | None]:
    """Median seconds of one batch of each config's training, in this process; None where none came to its end."""
    return [_one(config) for config in configs]


class _Enough(Exception):
    """As many batches as were wanted."""


def _one(config: ExperimentConfig) -> float | None:
    make_deterministic(config.seed, config.training.threads)  # first: it hides what TensorFlow says at its start
    from cnnexp.nn.model import build_model
    from cnnexp.nn.training import train

    digits = load_digits(config.data)
    model = build_model(config.model, digits.image_shape, digits.classes, config.data.divisor, config.seed,
                        config.training.dtype)  # fmt: skip
    ended = [time.perf_counter()]

    def note(done: int, total: int, loss: float) -> None:
        ended.append(time.perf_counter())
        if len(ended) > BATCHES:
            raise _Enough

    quick = config.model_copy(update={"evaluation": config.evaluation.model_copy(update={"before_training": False})})
    with suppress(_Enough, TrainingError):  # one that diverges tells by the batches before
        for _ in train(model, digits, quick, on_batch=note):
            """An epoch shorter than the batches that are wanted; the next one goes on."""
    spent = [after - before for before, after in itertools.pairwise(ended)]
    return statistics.median(spent[min(FIRST, len(spent) - 1) :]) if spent else None

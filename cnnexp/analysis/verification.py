"""Is a run the same as another of its recipe? Weights after every epoch, then metrics against the spread of seeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cnnexp.analysis.comparison import recipe_key
from cnnexp.analysis.statistics import ENOUGH_SEEDS, prediction_interval
from cnnexp.errors import RunError
from cnnexp.runs.journal import FINISHED
from cnnexp.runs.record import RunRecord
from cnnexp.runs.seeds import OtherSeed

IDENTICAL, WITHIN_NOISE = "bit-identical", "same within noise"
WEIGHTS = "weights"
JUDGED = ("best/loss_val", "best/accuracy_val", "loss/test", "accuracy/test")
"""What is held against the spread: loss and accuracy of the kept weights."""


@dataclass(frozen=True)
class Departure:
    """The first epoch after which two runs are not the same: in the hash of their weights, or in a metric.

    then and now are None where a run has no such epoch.
    """

    epoch: int
    what: str
    then: str | float | None
    now: str | float | None


@dataclass(frozen=True)
class Judged:
    """A metric of both runs, and where 95 % of further seeds would lie (None: no spread is known).

    seeds: how many others measured it.
    """

    key: str
    then: float
    now: float
    interval: tuple[float, float] | None
    seeds: int = 0

    @property
    def inside(self) -> bool:
        return self.interval is not None and self.interval[0] <= self.now <= self.interval[1]


@dataclass(frozen=True)
class Verification:
    """A run held against the one that it repeats. seeds: the other seeds of the recipe, each with the run that has it.

    epochs: those compared. weights and metric: where each first departs, None where it never does.
    """

    first: RunRecord
    again: RunRecord
    epochs: tuple[int, ...]
    weights: Departure | None
    metric: Departure | None
    judged: tuple[Judged, ...]
    seeds: Mapping[int, str]

    @property
    def has_spread(self) -> bool:
        return any(one.interval is not None for one in self.judged)

    @property
    def departs(self) -> Departure | None:
        """The first thing that is not the same."""
        found = [one for one in (self.weights, self.metric) if one is not None]
        return min(found, key=lambda one: one.epoch, default=None)

    @property
    def verdict(self) -> str:
        """bit-identical, same within noise, or differs from epoch k."""
        if self.weights is None:
            return IDENTICAL
        if self.has_spread and all(one.inside for one in self.judged if one.interval is not None):
            return WITHIN_NOISE
        return f"differs from epoch {self.departs.epoch if self.departs else self.weights.epoch}"

    @property
    def is_same(self) -> bool:
        return self.verdict in (IDENTICAL, WITHIN_NOISE)


def verify(
    first: RunRecord, again: RunRecord, others: Iterable[RunRecord] = (), elsewhere: Iterable[OtherSeed] = ()
) -> Verification:
    """Hold a run against the one that it repeats.

    others: where further seeds of the recipe are looked for. elsewhere: such seeds, found in MLflow.
    Of a run that was cut short, the epochs that it finished are compared.
    """
    epochs = compared_epochs(first, again)
    seeds = _by_seed([*_other_seeds(first, others), *elsewhere])
    keys = [key for key in JUDGED if key in first.result and key in again.result]
    return Verification(
        first, again, epochs, weights_depart(first, again, epochs), _metric_departs(first, again, epochs),
        tuple(_judged(key, first, again, seeds) for key in keys),
        {seed: runs[0].run for seed, runs in seeds.items() if any(key in run.result for key in keys for run in runs)},
    )  # fmt: skip


def compared_epochs(first: RunRecord, again: RunRecord) -> tuple[int, ...]:
    """The epochs that both must have: all of either, up to where the first was cut short.

    Epoch 0, before training, only where both measured it.
    """
    one, other = (_by_epoch(record).keys() for record in (first, again))
    last = max(one, default=0) if first.status != FINISHED else max([*one, *other], default=0)
    return tuple(epoch for epoch in sorted(one | other) if epoch <= last and (epoch > 0 or epoch in one & other))


def weights_depart(first: RunRecord, again: RunRecord, epochs: Sequence[int]) -> Departure | None:
    """The first of these epochs after which the hashes of their weights are not equal."""
    one, other = _by_epoch(first), _by_epoch(again)
    for epoch in epochs:
        then, now = (events.get(epoch, {}).get("weights") for events in (one, other))
        if then is None or then != now:
            return Departure(epoch, WEIGHTS, then, now)
    return None


def _metric_departs(first: RunRecord, again: RunRecord, epochs: Sequence[int]) -> Departure | None:
    one, other = _by_epoch(first), _by_epoch(again)
    for epoch in epochs:
        then, now = (events.get(epoch, {}).get("metrics", {}) for events in (one, other))
        for key in _shared(then, now):
            if then[key] != now[key]:
                return Departure(epoch, key, then[key], now[key])
    return None


def _shared(then: Mapping[str, float], now: Mapping[str, float]) -> Iterator[str]:
    """Metrics that both measured; how long it took is none that could be the same."""
    return (key for key in then if key in now and not key.startswith("time/"))


def _by_epoch(record: RunRecord) -> dict[int, dict[str, Any]]:
    return {event["epoch"]: event for event in record.epochs}


def _other_seeds(first: RunRecord, others: Iterable[RunRecord]) -> Iterator[OtherSeed]:
    """Finished runs that differ from the first in nothing but the seed."""
    key = recipe_key(first)
    for record in others:
        with suppress(RunError):  # a damaged record is no further seed
            alike = record.header["identity"]["variant"] == key[0] and record.status == FINISHED
            if alike and recipe_key(record) == key and record.config.seed != first.config.seed:
                yield OtherSeed(record.config.seed, record.id, record.result)


def _by_seed(found: Iterable[OtherSeed]) -> dict[int, list[OtherSeed]]:
    seeds: dict[int, list[OtherSeed]] = {}
    for one in found:
        seeds.setdefault(one.seed, []).append(one)
    return dict(sorted(seeds.items()))


def _judged(key: str, first: RunRecord, again: RunRecord, seeds: Mapping[int, Sequence[OtherSeed]]) -> Judged:
    """A metric against the seeds that measured it: of a sweep's children, the chosen one alone is tested."""
    having = [[run.result[key] for run in runs if key in run.result] for runs in seeds.values()]
    values = [measured[0] for measured in having if measured]
    then, now = first.result[key], again.result[key]
    interval = _spread([then, *values], key, first.data["sizes"]) if len(values) >= ENOUGH_SEEDS else None
    return Judged(key, then, now, interval, len(values))


def _spread(values: Sequence[float], key: str, sizes: Mapping[str, int]) -> tuple[float, float]:
    """Where 95 % of further seeds would lie; of an accuracy at least one digit more or less."""
    low, high = prediction_interval(values)
    if "accuracy" not in key:
        return low, high
    digits = sizes["test" if key.endswith("/test") else "validation"]
    centre, reach = (low + high) / 2, max((high - low) / 2, 1 / max(digits, 1))
    return max(0.0, centre - reach), min(1.0, centre + reach)

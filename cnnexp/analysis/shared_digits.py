"""The same digits, read by several runs: matched by digest, trained on by none of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.analysis.scores import losses_of
from cnnexp.runs.files import Arrays
from cnnexp.runs.record import RunRecord

TEST, VALIDATION, HELD_OUT = "test", "validation", "held-out"
PARTS = {TEST: (TEST,), VALIDATION: (VALIDATION,), HELD_OUT: (TEST, VALIDATION)}
SHOWN_CLASSES = 8


@dataclass(frozen=True, eq=False)
class Readings:
    """What one run read, each digit once, in the order of its digest.

    digests (n,), labels (n,), probabilities (n, classes), losses (n,) in nats, places (n,): where it stands, such as
    "test 12".
    """

    digests: NDArray[np.uint64]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    losses: NDArray[np.float64]
    places: NDArray[Any]

    def of(self, digests: NDArray[np.uint64]) -> Readings | None:
        """Of these digits alone, in the order of `digests` (sorted); None where some were not read."""
        if not np.isin(digests, self.digests).all():
            return None
        where = np.searchsorted(self.digests, digests)
        return self.at(where)

    def at(self, where: NDArray[np.int64]) -> Readings:
        """Of the digits at these positions alone."""
        return Readings(
            self.digests[where], self.labels[where], self.probabilities[where], self.losses[where], self.places[where]
        )

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the most probable class is the true one, (n,)."""
        found: NDArray[np.bool_] = self.probabilities.argmax(axis=1) == self.labels
        return found


@dataclass(frozen=True, eq=False)
class SharedDigits:
    """Digits that all of some runs read and none was trained on. readings: run id → its readings, in one order.

    split: test, validation, or held-out where some tested what others validated on. left_out: run id → why it cannot
    be compared digit by digit.
    """

    split: str
    digests: NDArray[np.uint64]
    readings: Mapping[str, Readings]
    class_names: tuple[str, ...]
    left_out: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.digests)

    @property
    def labels(self) -> NDArray[np.int64]:
        return next(iter(self.readings.values())).labels

    @property
    def name(self) -> str:
        """Such as "500 test digits"."""
        return f"{len(self):,} {self.split} digit{'' if len(self) == 1 else 's'}"


def readings(record: RunRecord, split: str) -> Readings:
    """What a run read of a split that it measured (none: no digits), or of all that it held out."""
    parts = {part: found for part in PARTS[split] if (found := record.predictions(part))}
    if not parts:
        nothing = np.zeros(0, np.int64)
        none = np.zeros((0, 1), np.float32)
        return Readings(nothing.astype(np.uint64), nothing, none, nothing.astype(float), nothing.astype(str))
    keys = ("digests", "labels", "probabilities")
    digests, labels, probabilities = (np.concatenate([found[key] for found in parts.values()]) for key in keys)
    losses = np.concatenate([_losses(found) for found in parts.values()])
    places = np.array([f"{part} {i}" for part, found in parts.items() for i in range(len(found["labels"]))])
    _, first = np.unique(digests, return_index=True)
    return Readings(digests, labels, probabilities, losses, places).at(first)


def _losses(found: Arrays) -> NDArray[np.float64]:
    """As they were recorded; of an older record, from its probabilities."""
    return found["losses"] if "losses" in found else losses_of(found["probabilities"], found["labels"])


def shared_digits(records: Sequence[RunRecord]) -> SharedDigits | None:
    """The largest set that the runs share: test digits, validation digits (fewer of them), else any held-out ones.

    Where not all share one, of the largest group that does. None where no two runs do.
    """
    measured = [_Measured(record) for record in records]
    groups: list[list[_Measured]] = []
    for start in measured:
        groups.append(_group_of(start, measured))
        if len(groups[-1]) == len(measured):
            break
    group = max(groups, key=len)
    if len(group) < 2:
        return None
    split, digests = _largest(group)
    found = {one.record.id: one.splits[split].of(digests) for one in group}
    left_out = {one.record.id: _reason(one, group[0]) for one in measured if one not in group}
    known = {run: reading for run, reading in found.items() if reading is not None}
    return SharedDigits(split, digests, known, group[0].record.class_names, left_out)


class _Measured:
    """One record with its readings by split and the digests it was trained on."""

    def __init__(self, record: RunRecord) -> None:
        self.record = record
        self.splits = {split: readings(record, split) for split in PARTS}
        self.trained = record.predictions("train").get("digests", np.zeros(0, np.uint64))


def _group_of(start: _Measured, measured: Sequence[_Measured]) -> list[_Measured]:
    group = [start]
    for one in measured:
        same_classes = one.record.class_names == start.record.class_names
        if one is not start and same_classes and len(_largest([*group, one])[1]):
            group.append(one)
    return [one for one in measured if one in group]


def _largest(group: Sequence[_Measured]) -> tuple[str, NDArray[np.uint64]]:
    trained = np.unique(np.concatenate([one.trained for one in group]))
    for splits in ((TEST, VALIDATION), (HELD_OUT,)):
        found = {split: _common([one.splits[split] for one in group], trained) for split in splits}
        split = max(found, key=lambda name: len(found[name]))
        if len(found[split]):
            break
    return split, found[split]


def _common(found: Sequence[Readings], trained: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Digests that all read with the same label and nobody was trained on."""
    digests = reduce(np.intersect1d, (reading.digests for reading in found))
    digests = digests[~np.isin(digests, trained)]
    labels = [reading.labels[np.searchsorted(reading.digests, digests)] for reading in found]
    agreed: NDArray[np.bool_] = np.all([one == labels[0] for one in labels], axis=0)
    return digests[agreed]


def _reason(one: _Measured, other: _Measured) -> str:
    if one.record.class_names != other.record.class_names:
        return f"its classes are others ({', '.join(_some(one.record.class_names))})"
    return f"none of the digits that it held out ({one.record.data['source']}) was read by the others"


def _some(names: Sequence[str]) -> Iterator[str]:
    yield from names[:SHOWN_CLASSES]
    if len(names) > SHOWN_CLASSES:
        yield f"… {len(names)} in all"

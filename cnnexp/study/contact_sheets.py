"""The contact sheets of a sweep: which runs, which digits and which layers they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnexp.analysis.sweeps import SweptRun
from cnnexp.drawing import shown_epoch
from cnnexp.runs.record import RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

ROWS, DIGITS, LAYERS = 16, 3, 4


@dataclass(frozen=True, eq=False)
class _Row:
    """A run's maps by layer, its fixed digits, and where each of these stands, by its digest."""

    name: str
    maps: dict[str, NDArray[Any]]
    digits: dict[str, NDArray[Any]]
    class_names: tuple[str, ...]
    places: dict[int, int]

    @classmethod
    def of(cls, run: SweptRun, record: RunRecord) -> _Row:
        digits = record.digits()
        places = {int(digest): place for place, digest in enumerate(digits["digests"])}
        return cls(run.name, record.probes(shown_epoch(record)).maps, digits, record.class_names, places)

    def label(self, digest: int) -> int:
        return int(self.digits["labels"][self.places[digest]])

    def take(self, array: NDArray[Any], digests: Sequence[int]) -> NDArray[Any]:
        """The part of one of its arrays that belongs to these digits."""
        return array[[self.places[digest] for digest in digests]]


def contact_sheets(runs: Sequence[tuple[SweptRun, RunRecord]]) -> list[tuple[str, Figure]]:
    """`contact_sheet_<layer>` for the first layers that runs share, one row a run, of many the best."""
    best = {run.run for run, _ in sorted(runs, key=lambda pair: -pair[0].accuracy)[:ROWS]}
    read = [_Row.of(run, record) for run, record in runs if run.run in best and record.probed_epochs]
    rows = _with_the_same_digits(read)
    shared = [layer for layer in _layers(rows) if sum(layer in row.maps for row in rows) > 1]
    foot = _foot([row.name for row in read if row not in rows], shared[LAYERS:])
    return [(f"contact_sheet_{layer}", _sheet(rows, layer, len(runs), foot)) for layer in shared[:LAYERS]]


def _layers(rows: Sequence[_Row]) -> list[str]:
    return list(dict.fromkeys(layer for row in rows for layer in row.maps))


def _with_the_same_digits(rows: Sequence[_Row]) -> list[_Row]:
    """The largest group of rows that show the same digit."""
    showing: dict[int, list[_Row]] = {}
    for row in rows:
        for digest in row.places:
            showing.setdefault(digest, []).append(row)
    return max(showing.values(), key=len, default=[])


def _sheet(rows: Sequence[_Row], layer: str, total: int, foot: str) -> Figure:
    from cnnexp.figures.contact_sheet import contact_sheet

    digests, first = _telling_digits(rows), rows[0]
    maps = {row.name: row.take(row.maps[layer], digests) for row in rows if layer in row.maps}
    some = f"{'the best ' if total > ROWS else ''}{len(maps)} of {total} runs"
    return contact_sheet(
        maps, first.take(first.digits["images"], digests),
        title=f"{layer}: the same digits through {'every run' if len(maps) == total else some}",
        labels=[first.class_names[first.label(digest)] for digest in digests], foot=foot,
    )  # fmt: skip


def _telling_digits(rows: Sequence[_Row]) -> list[int]:
    """Up to three digits of all rows, of different shapes: a seven, a two and an eight where they are there."""
    shared = [digest for digest in rows[0].places if all(digest in row.places for row in rows)]
    by_label = {rows[0].label(digest): digest for digest in reversed(shared)}
    wanted = [by_label[label] for label in (7, 2, 8) if label in by_label]
    return (wanted + [digest for digest in shared if digest not in wanted])[:DIGITS]


def _foot(other_digits: Sequence[str], other_layers: Sequence[str]) -> str:
    """What the sheets leave out."""
    told = [f"left out, as the digits kept of it are others: {', '.join(other_digits)}"] if other_digits else []
    told += [f"without a sheet: {', '.join(other_layers)}"] if other_layers else []
    return "; ".join(told)

"""Before anything is trained: what each point of a sweep would do, what it costs, and how long it may take."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from cnnexp.config.identity import identity
from cnnexp.config.layers import conv_blocks
from cnnexp.config.schema import INHERITED, ExperimentConfig
from cnnexp.data import Digits, load_digits
from cnnexp.experiment import check_against
from cnnexp.runs.record import FINISHED, KILLED, RunRecord
from cnnexp.shapes import LayerTable, ShapeError, check_shapes
from cnnexp.study.points import Point

RECENT = 200
"""How many of the newest runs an estimate looks at."""


class Verdict(Enum):
    """What a sweep does with a point."""

    RUN = "will run"
    RESUME = "goes on"
    DONE = "done"
    IMPOSSIBLE = "impossible"
    SAME = "the same as another point"


@dataclass(frozen=True)
class PlannedPoint:
    """A point with its verdict. parameters and multiply_adds (forward, one digit) are 0 where impossible.

    run: the id of the run that is done or goes on. seconds: an estimate, None where unknown.
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
    `again`. Raises DataError where the data of any point cannot be read.
    """
    known = list(records)
    finished, unfinished = _by_run_key(known)
    digits: dict[str, Digits] = {}
    planned, taken = [], dict[str, int]()
    for point in points:
        one = _planned(point, digits)
        if one.verdict is not Verdict.IMPOSSIBLE:
            if one.run_key in taken:
                planned.append(replace(one, verdict=Verdict.SAME, reason=f"as point {taken[one.run_key]}"))
                continue
            taken[one.run_key] = point.number
            if not again and one.run_key in finished:
                one = replace(one, verdict=Verdict.DONE, run=finished[one.run_key])
            elif not again and one.run_key in unfinished:
                one = replace(one, verdict=Verdict.RESUME, run=unfinished[one.run_key])
        planned.append(one)
    return [replace(one, seconds=estimate) for one, estimate in zip(planned, estimates(planned, known), strict=True)]


def _by_run_key(records: Sequence[RunRecord]) -> tuple[dict[str, str], dict[str, str]]:
    """Run key → id of the newest run that is complete, and of the newest that can go on from a checkpoint."""
    finished: dict[str, str] = {}
    unfinished: dict[str, str] = {}
    for record in reversed(records):
        key, ending = str(record.header["identity"]["run_key"]), record.ending
        if ending and ending.status == FINISHED and ending.outcome in ("complete", "early_stopped"):
            finished[key] = record.id
        elif ending and ending.status == KILLED and any((record.folder / "checkpoint").glob("*.npz")):
            unfinished[key] = record.id
    return finished, unfinished


def _planned(point: Point, digits: dict[str, Digits]) -> PlannedPoint:
    config = point.composed.config
    key = config.data.model_dump_json()
    if key not in digits:
        digits[key] = load_digits(config.data)
    have = digits[key]
    try:
        table = check_shapes(config.model, have.image_shape, have.classes)
    except ShapeError as error:
        return PlannedPoint(point, Verdict.IMPOSSIBLE, reason=str(error).splitlines()[0])
    check_against(config, have)
    who = identity(config, have.digest)
    return _with_cost(PlannedPoint(point, Verdict.RUN, who.run_key, who.variant), table, config, len(have.train))


def _with_cost(one: PlannedPoint, table: LayerTable, config: ExperimentConfig, digits: int) -> PlannedPoint:
    return replace(
        one,
        parameters=table.parameters,
        multiply_adds=table.multiply_adds,
        epochs=config.training.epochs,
        digits=digits,
    )


def estimates(planned: Sequence[PlannedPoint], records: Sequence[RunRecord]) -> list[float | None]:
    """Seconds of each point that will run: the median pace of earlier runs, scaled by multiply-adds; None if none.

    A pace is seconds of epochs for each multiply-add, digit and epoch; what an epoch costs beside is in it.
    """
    paces = [pace for record in records[:RECENT] if (pace := _pace(record)) is not None]
    if not paces:
        return [None] * len(planned)
    pace = statistics.median(paces)
    return [
        pace * one.multiply_adds * one.digits * one.epochs if one.verdict in (Verdict.RUN, Verdict.RESUME) else None
        for one in planned
    ]


def _pace(record: RunRecord) -> float | None:
    from cnnexp.shapes import layer_table

    seconds = [value for _, value in record.history.get("time/epoch_seconds", ())]
    if record.status != FINISHED or not seconds:
        return None
    height, width, channels = record.data["image_shape"]
    table = layer_table(record.config.model, (height, width, channels), len(record.class_names))
    work = table.multiply_adds * record.data["sizes"]["train"]
    return statistics.median(seconds) / work if work else None


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

"""What a sweep would do, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cnnexp.runs.sweep_record import IMPOSSIBLE
from cnnexp.study.jobs import as_recorded
from cnnexp.study.plan import TO_TRAIN, PlannedPoint, Verdict, half_turned_knobs
from cnnexp.study.request import SweepRequest
from cnnexp.verbs.report import counted, table

ROWS = 40


def plan_lines(request: SweepRequest) -> list[str]:
    """The plan as a table, and what it costs in all."""
    if request.space:
        return _search_lines(request)
    rows = [_row(one) for one in request.planned]
    if len(rows) > ROWS:
        rows = [*rows[: ROWS - 1], ["…", f"and {len(rows) - ROWS + 1} more", "", "", "", ""]]
    reasons = impossible_lines(as_recorded(one) for one in request.planned)
    return [
        *table(["#", "point", "verdict", "parameters", "mult-adds", "time"], rows), "",
        *reasons, *[""] * bool(reasons),
        counts_of(request.planned),
        _total_time(request),
    ]  # fmt: skip


def impossible_lines(points: Iterable[Mapping[str, Any]]) -> list[str]:
    """A line for each reason why points, as their sweep records them, are impossible."""
    names: dict[str, list[str]] = {}
    for point in points:
        if point["verdict"] == IMPOSSIBLE:
            names.setdefault(point["reason"], []).append(point["name"])
    return [
        f"impossible  {first}{f' and {len(others)} more' if others else ''}: {reason}"
        for reason, (first, *others) in names.items()
    ]


def _search_lines(request: SweepRequest) -> list[str]:
    sweep = request.config.sweep
    pruned = "; what looks hopeless is given up early" if sweep.prune else ""
    return [
        f"{sweep.trials} trials, each proposed from those before it{pruned}",
        *(f"  {dimension}" for dimension in request.space), "",
        f"time: unknown (which points they are is not known before), {request.workers} at a time",
    ]  # fmt: skip


def _row(one: PlannedPoint) -> list[str]:
    if one.verdict is Verdict.IMPOSSIBLE:
        return [str(one.point.number), one.point.name, one.verdict.value, "", "", ""]
    time = "unknown" if one.seconds is None else duration(one.seconds)
    return [
        str(one.point.number), one.point.name, f"{one.verdict.value} {one.run or one.reason}".rstrip(),
        f"{one.parameters:,}", f"{one.multiply_adds:,}", time if one.verdict in TO_TRAIN else "",
    ]  # fmt: skip


def counts_of(planned: Sequence[PlannedPoint]) -> str:
    """`12 points: 9 will run, 1 done, 2 impossible`."""
    counts = Counter(one.verdict for one in planned)
    many = {Verdict.RESUME: "go on"}
    told = [
        f"{count} {many.get(verdict, verdict.value) if count > 1 else verdict.value}"
        for verdict in Verdict
        if (count := counts[verdict])
    ]
    return f"{counted(len(planned), 'point')}: {', '.join(told)}".replace("the same as", "the same as another")


def _total_time(request: SweepRequest) -> str:
    spent = [one.seconds for one in request.planned if one.verdict in TO_TRAIN]
    if not spent:
        return "nothing is left to train"
    known = [seconds for seconds in spent if seconds is not None]
    if len(known) < len(spent):
        return "time: unknown (no earlier run to go by; --plan=timed tries a few batches)"
    total, workers = sum(known), request.workers
    at_best = f", with {workers} at a time at best {duration(total / workers)}" if workers > 1 else ""
    return f"time: about {duration(total)} of training in all{at_best}"


def duration(seconds: float) -> str:
    """`42 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def warnings_of(request: SweepRequest) -> list[str]:
    """What a person should know before: swept knobs that move only part of the network, ends that cannot be."""
    knobs = half_turned_knobs([one.point for one in request.planned])
    return [
        f"note: {key} does not reach {', '.join(blocks)}: a {key.rsplit('.', 1)[-1]} of its own stands there"
        for key, blocks in knobs.items()
    ] + _impossible_ends(request)


def _impossible_ends(request: SweepRequest) -> list[str]:
    """What cannot be at the ends of a search's space: a line for each reason, or one where that is every end."""
    points = {one.point.name: as_recorded(one) for one in request.ends}
    lines = impossible_lines(points.values())
    if lines and all(point["verdict"] == IMPOSSIBLE for point in points.values()):
        return [f"note: every end of the space is {lines[0]}"]
    return [f"note: an end of the space is {line}" for line in lines]


def plan_as_json(request: SweepRequest) -> dict[str, Any]:
    """The plan as plain values."""
    return {
        "name": request.name,
        "workers": request.workers,
        "threads": request.threads,
        "space": [str(dimension) for dimension in request.space],
        "points": [_point(one) for one in request.planned],
        "notes": warnings_of(request),
    }


def _point(one: PlannedPoint) -> dict[str, Any]:
    return {
        "number": one.point.number, "name": one.point.name, "varied": dict(one.point.varied),
        "verdict": one.verdict.value, "run": one.run or None, "reason": one.reason,
        "parameters": one.parameters, "multiply_adds": one.multiply_adds, "seconds": one.seconds,
    }  # fmt: skip

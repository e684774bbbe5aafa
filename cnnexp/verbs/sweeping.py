"""What `cnnexp train -m` does: plan, carry out and sum up a sweep. Standard output is the sweep's id alone."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from cnnexp.runs.record import FINISHED
from cnnexp.runs.sweep_record import SweepRecord
from cnnexp.study.plan import PlannedPoint, Verdict, half_turned_knobs
from cnnexp.study.sweep import SweepRequest, request_sweep, run_sweep
from cnnexp.verbs.report import table

ROWS = 40


def sweep(args: argparse.Namespace) -> int:
    """Carry out the sweep that the arguments of `train` ask for, or only tell its plan."""
    request = request_sweep(args.overrides, args.config_dir)
    if args.plan:
        return _tell_plan(request, args)
    from cnnexp.study.pool import run_in_pool
    from cnnexp.verbs.lifecycle import bury_the_dead
    from cnnexp.verbs.sweep_progress import sweep_progress_for

    bury_the_dead(_runs())
    for line in warnings_of(request):
        print(line, file=sys.stderr)
    record = run_sweep(request, run_in_pool, sweep_progress_for(sys.stderr))
    print("\n".join(["", *summary_lines(record), "", *where_to_look(record)]), file=sys.stderr)
    print(json.dumps(as_json(record), ensure_ascii=False) if args.json else record.id)
    return 0 if record.status == FINISHED else 1


def _runs() -> Any:
    from cnnexp.runs.find import runs_folder

    return runs_folder()


def _tell_plan(request: SweepRequest, args: argparse.Namespace) -> int:
    if args.plan == "timed":
        from cnnexp.study.timing import timed

        planned: Sequence[PlannedPoint] = timed(request)
    else:
        planned = request.planned
    if args.json:
        print(json.dumps([_point_json(one) for one in planned], ensure_ascii=False))
        return 0
    print("\n".join([*plan_lines(planned, request.workers), *warnings_of(request)]))
    return 0


def plan_lines(planned: Sequence[PlannedPoint], workers: int) -> list[str]:
    """The plan as a table, and what it costs in all."""
    rows = [_plan_row(one) for one in planned]
    shown = (
        rows if len(rows) <= ROWS else [*rows[: ROWS - 1], ["…", f"and {len(rows) - ROWS + 1} more", "", "", "", ""]]
    )
    counts = {verdict: sum(one.verdict is verdict for one in planned) for verdict in Verdict}
    told = ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count)
    lines = table(["#", "point", "verdict", "parameters", "mult-adds", "time"], shown)
    return [*lines, "", f"{len(planned)} points: {told}", _total_time(planned, workers)]


def _plan_row(one: PlannedPoint) -> list[str]:
    why = one.run or one.reason
    verdict = f"{one.verdict.value}{f': {why}' if why else ''}"
    if one.verdict is Verdict.IMPOSSIBLE:
        return [str(one.point.number), one.point.name, verdict, "", "", ""]
    time = "unknown" if one.seconds is None else f"{one.seconds:.1f} s"
    spent = one.verdict in (Verdict.RUN, Verdict.RESUME)
    return [
        str(one.point.number), one.point.name, verdict, f"{one.parameters:,}", f"{one.multiply_adds:,}",
        time if spent else "",
    ]  # fmt: skip


def _total_time(planned: Sequence[PlannedPoint], workers: int) -> str:
    spent = [one.seconds for one in planned if one.verdict in (Verdict.RUN, Verdict.RESUME)]
    if not spent:
        return "nothing is left to train"
    known = [seconds for seconds in spent if seconds is not None]
    if len(known) < len(spent):
        return "time: unknown (no earlier run to go by; --plan=timed tries a few batches)"
    total = sum(known)
    return f"time: about {total:.0f} s of training in all, with {workers} at a time at best {total / workers:.0f} s"


def warnings_of(request: SweepRequest) -> list[str]:
    """What a person should know before: swept knobs that move only part of the network."""
    knobs = half_turned_knobs([one.point for one in request.planned])
    return [
        f"note: {key} does not reach {', '.join(blocks)}, which has its own {key.rsplit('.', 1)[-1]}"
        for key, blocks in knobs.items()
    ]


def summary_lines(record: SweepRecord) -> list[str]:
    """The answer of a sweep on a terminal."""
    from cnnexp.analysis.sweeps import honest_words
    from cnnexp.study.summary import counts_line, recipe_rows, swept_runs

    runs = swept_runs(record)
    header, rows = recipe_rows(record, runs)
    lines = [f"sweep {record.id}: {counts_line(record)}"]
    if runs:
        lines += ["", *table(header, rows[:ROWS]), "", *honest_words(runs)]
    chosen = record.result
    if chosen:
        test = chosen["metrics"].get("accuracy/test")
        tested = f", test accuracy {test:.2%}" if test is not None else ""
        lines.append(f"Chosen by validation: {chosen['name']} (run {chosen['run']}){tested}.")
    for number, outcome in sorted(record.outcomes.items()):
        if outcome["status"] != FINISHED:
            lines.append(f"{outcome['status']}  point {number}: {outcome['message']}  (log: {outcome['log']})")
    for point in record.points:
        if point["verdict"] == Verdict.IMPOSSIBLE.value:
            lines.append(f"impossible  {point['name']}: {point['reason']}")
    return lines


def where_to_look(record: SweepRecord) -> list[str]:
    """Folders, commands and the link that opens on exactly this sweep's runs."""
    lines = [f"pictures  {record.folder / 'figures'}", f"table     {record.folder / 'sweep.csv'}",
             f"report    cnnexp show {record.id}"]  # fmt: skip
    if "run_id" in record.mlflow:
        from cnnexp.runs.links import experiment_link

        link = experiment_link("http://127.0.0.1:5000", str(record.mlflow["experiment_id"]), record.id)
        lines += [f"look      cnnexp ui {record.id}", f"          {link}"]
    return lines


def as_json(record: SweepRecord) -> dict[str, Any]:
    """A sweep as plain values: its points with verdicts, what became of them, metrics, the choice."""
    runs = {point["number"]: run for point, run in record.runs()}
    points = [
        {
            **point,
            "run": runs[point["number"]].id if point["number"] in runs else None,
            "status": runs[point["number"]].status if point["number"] in runs else None,
            "metrics": runs[point["number"]].metrics if point["number"] in runs else {},
        }
        for point in record.points
    ]
    return {
        "id": record.id, "name": record.name, "status": record.status, "command": record.header["command"],
        "created": record.created, "points": points, "result": record.result, "folder": str(record.folder),
        "mlflow": record.mlflow,
    }  # fmt: skip


def _point_json(one: PlannedPoint) -> dict[str, Any]:
    return {
        "number": one.point.number, "name": one.point.name, "varied": dict(one.point.varied),
        "verdict": one.verdict.value, "run": one.run or None, "reason": one.reason,
        "parameters": one.parameters, "multiply_adds": one.multiply_adds, "seconds": one.seconds,
    }  # fmt: skip

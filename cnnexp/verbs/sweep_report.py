"""The answer of a sweep as text and as JSON: at its end, or again at any time."""

from __future__ import annotations

from typing import Any

from cnnexp.config.reading import shown
from cnnexp.runs.journal import FAILED, KILLED, did_not_finish
from cnnexp.runs.series import FOLDER as SERIES
from cnnexp.runs.sweep_record import SweepRecord
from cnnexp.verbs.report import table
from cnnexp.verbs.sweep_plan import impossible_lines

ROWS = 40


def summary_lines(record: SweepRecord) -> list[str]:
    """The recipes, what can be said of them, what was chosen, and what went wrong with the path of its log."""
    from cnnexp.analysis.sweeps import honest_words
    from cnnexp.study.summary import counts_line, recipe_rows, swept_recipes, swept_runs

    recipes = swept_recipes(record, swept_runs(record))
    header, rows = recipe_rows(record, recipes)
    lines = [f"sweep {record.id}  {record.name}: {record.status}", counts_line(record)]
    if recipes:
        more = [f"… and {len(rows) - ROWS} more in sweep.csv"] if len(rows) > ROWS else []
        lines += ["", *table(header, rows[:ROWS]), *more, "", *honest_words(recipes)]
    chosen = record.result
    if chosen:
        test = chosen["metrics"].get("accuracy/test")
        tested = f", test accuracy {test:.2%}" if test is not None else ""
        lines.append(f"Chosen by validation: {chosen['name']} (run {chosen['run']}){tested}.")
    wrong = _what_went_wrong(record)
    return [*lines, *[""] * bool(wrong), *wrong]


def _what_went_wrong(record: SweepRecord) -> list[str]:
    names = {point["number"]: point["name"] for point in record.points}
    lines = []
    for number, ended in sorted(record.outcomes.items()):
        if did_not_finish(ended["status"], ended["outcome"]):
            where = f"\n    log: {ended['log']}" if ended["log"] else ""
            lines.append(f"{ended['status']}  {names[number]}: {ended['message']}{where}")
    return [*lines, *impossible_lines(record.points)]


def where_to_look(record: SweepRecord, *, shown_here: bool = False) -> list[str]:
    """Folders, commands and the link that opens on exactly this sweep's runs. shown_here: below the report itself."""
    lines = []
    if (record.folder / "figures").is_dir():
        lines += [f"pictures  {shown(record.folder / 'figures')}", f"table     {shown(record.folder / 'sweep.csv')}"]
    elif record.runs():
        lines.append(f"pictures  none yet; draw them: cnnexp show {record.id} --draw")
    if record.mlflow and not any((run.folder / SERIES).is_dir() for _, run in record.runs()):
        lines.append(f"maps      of each run in MLflow: cnnexp show {record.id} --draw, then cnnexp sync {record.id}")
    if not shown_here:
        lines.append(f"report    cnnexp show {record.id}")
    if record.status in (FAILED, KILLED):
        lines.append(f"go on     cnnexp resume {record.id}")
    mlflow = record.mlflow
    if "run_id" in mlflow:
        from cnnexp.runs.links import experiment_link
        from cnnexp.runs.server import address_of

        base, experiment_id = address_of(str(mlflow["uri"]), str(mlflow["run_id"])), str(mlflow["experiment_id"])
        lines += [
            f"look      cnnexp ui {record.id}",
            f"          {experiment_link(base, experiment_id, record.id)}",
            f"charts    {experiment_link(base, experiment_id, record.id, charts=True)}",
        ]
    elif record.tracking.enabled:
        lines.append(f"publish   cnnexp sync {record.id}")
    return lines


def as_json(record: SweepRecord) -> dict[str, Any]:
    """A sweep as plain values: its points with verdicts, what became of them, metrics, the choice."""
    runs = {point["number"]: run for point, run in record.runs()}
    points = []
    for point in record.points:
        run, ended = runs.get(point["number"]), record.outcomes.get(point["number"], {})
        points.append({
            **point,
            "run": run.id if run else None,
            "status": run.status if run else ended.get("status"),
            "message": ended.get("message", ""),
            "metrics": run.metrics if run else {},
        })  # fmt: skip
    return {
        "id": record.id, "name": record.name, "status": record.status, "command": record.header["command"],
        "created": record.created, "points": points, "result": record.result, "folder": str(record.folder),
        "mlflow": record.mlflow,
    }  # fmt: skip

"""The answer of a sweep, from records alone: table, pictures, honest words. Made at its end, or again at any time."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnexp.analysis.sweeps import SEED, Recipe, SweptRun, comparable, honest_words, recipes_of
from cnnexp.config.keys import in_words, short_key
from cnnexp.runs.description import LONGEST
from cnnexp.runs.files import write_bytes, write_text
from cnnexp.runs.journal import FINISHED, PRUNED, did_not_finish
from cnnexp.runs.record import RunRecord
from cnnexp.runs.sweep_record import IMPOSSIBLE, NEEDS_NO_TRAINING, SweepRecord, columns_of
from cnnexp.study.contact_sheets import contact_sheets

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TABLE_ROWS = 30
LARGE_LOSS = 1000
UNDER_WAY, NOT_STARTED = "under way", "not started"
ENDS = (
    "finished", "done before", "failed", "killed", PRUNED, "pruned before", "impossible", "the same as another",
    UNDER_WAY, NOT_STARTED,
)  # fmt: skip


def swept_runs(sweep: SweepRecord) -> list[SweptRun]:
    """The finished runs of a sweep as values, in the order of its points."""
    finished = [(point, record) for point, record in sweep.runs() if _is_measured(record)]
    validation = _validation_of([record for _, record in finished])
    return [_swept(point, record, validation[record.data["digest"]]) for point, record in finished]


def _is_measured(record: RunRecord) -> bool:
    return record.status == FINISHED and record.metrics.keys() >= {"best/accuracy_val", "best/loss_val"}


def _validation_of(records: Sequence[RunRecord]) -> dict[str, str]:
    """Digest of the data → a word for its validation digits: data that differ elsewhere may share them."""
    data = {str(record.data["digest"]): record for record in records}
    return {digest: digest if len(data) == 1 else _validation_word(record) for digest, record in data.items()}


def _validation_word(record: RunRecord) -> str:
    digests = record.predictions("validation").get("digests")
    return str(record.data["digest"]) if digests is None else hashlib.sha256(np.sort(digests).tobytes()).hexdigest()


def swept_recipes(sweep: SweepRecord, runs: Sequence[SweptRun]) -> list[Recipe]:
    """The recipes of a sweep's finished runs, best first, each knowing how many of its runs did not finish."""
    ended = [(point, sweep.outcomes.get(point["number"])) for point in sweep.points]
    return recipes_of(runs, [point["varied"] for point, outcome in ended if outcome and _unfinished(outcome)])


def _unfinished(outcome: Mapping[str, Any]) -> bool:
    return did_not_finish(outcome["status"], outcome["outcome"])


def _swept(point: dict[str, Any], record: RunRecord, validation: str) -> SweptRun:
    metrics = record.metrics
    return SweptRun(
        run=record.id,
        name=point["name"],
        varied=point["varied"],
        accuracy=metrics["best/accuracy_val"],
        loss=metrics["best/loss_val"],
        seconds=sum(value for _, value in record.history.get("time/epoch_seconds", ())),
        parameters=point["parameters"],
        multiply_adds=point["multiply_adds"],
        digits=record.data["sizes"]["validation"],
        validation=validation,
    )


def write_summary(sweep: SweepRecord) -> None:
    """Write sweep.csv, summary.md and figures/ of a sweep into its record."""
    from cnnexp.figures import png_bytes

    runs = swept_runs(sweep)
    write_text(sweep.folder / "sweep.csv", as_csv(sweep, runs))
    write_text(sweep.folder / "summary.md", as_markdown(sweep, runs))
    for name, figure in figures_of(sweep, runs):
        write_bytes(sweep.folder / "figures" / f"{name}.png", png_bytes(figure))


def as_csv(sweep: SweepRecord, runs: Sequence[SweptRun]) -> str:
    """One line a point: what varied, how it ended, what came out and what it cost."""
    keys = sweep.columns
    ids, measured = {point["number"]: record.id for point, record in sweep.runs()}, {run.run: run for run in runs}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*keys, "run", "ended", "accuracy_val", "loss_val", "seconds", "parameters", "multiply_adds"])
    for point in sweep.points:
        number = point["number"]
        run = measured.get(ids.get(number, ""))
        results = (run.accuracy, run.loss, round(run.seconds, 3)) if run else ("", "", "")
        told = [ids.get(number, ""), end_of(sweep, point), *results, point["parameters"], point["multiply_adds"]]
        writer.writerow([*(columns_of(point).get(key, "") for key in keys), *told])
    return out.getvalue()


def keys_of(sweep: SweepRecord) -> list[str]:
    """What varies in a sweep, in order."""
    return list(dict.fromkeys(key for point in sweep.points for key in point["varied"]))


def recipe_rows(sweep: SweepRecord, recipes: Sequence[Recipe]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the table of recipes; a column `unfinished` where runs of some did not finish."""
    keys = [key for key in keys_of(sweep) if key != SEED]
    header = [*(short_key(key) for key in keys), "accuracy", "spread", "loss", "seeds", "seconds", "parameters"]
    rows = [_row(recipe, keys) for recipe in recipes]
    if any(recipe.unfinished for recipe in recipes):
        header.append("unfinished")
        rows = [[*row, str(recipe.unfinished)] for row, recipe in zip(rows, recipes, strict=True)]
    return header, rows


def _row(recipe: Recipe, keys: Sequence[str]) -> list[str]:
    spread = "unknown" if math.isnan(recipe.spread) else f"{recipe.spread:.2%}"
    return [
        *(recipe.varied.get(key, "") for key in keys),
        f"{recipe.accuracy:.2%}", spread, _loss(recipe.loss), str(len(recipe.runs)),
        f"{recipe.seconds:.1f}", f"{recipe.runs[0].parameters:,}",
    ]  # fmt: skip


def _loss(loss: float) -> str:
    return f"{loss:.4f}" if loss < LARGE_LOSS else f"{loss:.3g}"


def as_markdown(sweep: SweepRecord, runs: Sequence[SweptRun]) -> str:
    """The answer as MLflow's description shows it, with as many rows of the table as it has room for."""
    recipes = swept_recipes(sweep, runs)
    header, rows = recipe_rows(sweep, recipes)
    top = [
        f"**Sweep {sweep.id}**: {counts_line(sweep)}",
        "",
        _markdown_row(header),
        _markdown_row(["---"] * len(header)),
    ]
    words = [f"- {line}" for line in honest_words(recipes)]
    rest = ["", *_chosen_line(sweep), *words, "", f"`{sweep.header['command']}`", ""]
    room = LONGEST - len("\n".join([*top, "", _more(len(rows)), *rest]))
    lengths = itertools.accumulate(len(_markdown_row(row)) + 1 for row in rows[:TABLE_ROWS])
    shown = sum(length <= room for length in lengths)
    cut = ["", _more(len(rows) - shown)] if shown < len(rows) else []
    return "\n".join([*top, *map(_markdown_row, rows[:shown]), *cut, *rest])


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _more(number: int) -> str:
    return f"… and {number} more in sweep.csv"


def _chosen_line(sweep: SweepRecord) -> list[str]:
    chosen = sweep.result
    if not chosen.get("run"):
        return []
    metrics = chosen["metrics"]
    test = f"; test accuracy {metrics['accuracy/test']:.2%}" if "accuracy/test" in metrics else ""
    return [f"Chosen by validation: **{chosen['name']}** (run {chosen['run']}){test}", ""]


def counts_line(sweep: SweepRecord) -> str:
    """`12 points: 8 finished, 1 done before, 1 failed, 2 impossible`."""
    ends = Counter(end_of(sweep, point) for point in sweep.points)
    many = len(sweep.points)
    return f"{many} point{'s' * (many != 1)}: {', '.join(f'{ends[word]} {word}' for word in ENDS if ends[word])}"


def end_of(sweep: SweepRecord, point: dict[str, Any]) -> str:
    """How a point of a sweep ended, one of ENDS."""
    outcome = sweep.outcomes.get(point["number"])
    if outcome is not None:
        return PRUNED if outcome["outcome"] == PRUNED else str(outcome["status"]).lower()
    without = {IMPOSSIBLE: IMPOSSIBLE, **NEEDS_NO_TRAINING}
    return without.get(point["verdict"], UNDER_WAY if sweep.ending is None else NOT_STARTED)


def figures_of(sweep: SweepRecord, runs: Sequence[SweptRun]) -> list[tuple[str, Figure]]:
    """Name and picture of everything the summary shows."""
    from cnnexp.figures.sweeps import PlottedRun, all_curves, cost_against_accuracy, metric_against_value

    if not runs:
        return []
    records = {record.id: record for _, record in sweep.runs()}
    recorded = [(run, records[run.run]) for run in runs]
    plotted = [
        PlottedRun(in_words(r.recipe), r.varied, r.accuracy, r.parameters, r.multiply_adds, r.seconds) for r in runs
    ]
    figures = [("table", _table(sweep, swept_recipes(sweep, runs)))]
    for key in keys_of(sweep):
        if len({run.varied.get(key) for run in runs}) > 1:
            figures.append((f"accuracy_by_{short_key(key).replace('.', '_')}", metric_against_value(plotted, key)))
    figures.append(("cost_against_accuracy", cost_against_accuracy(plotted)))
    histories = {run.name: record.history.get("loss/val", []) for run, record in recorded}
    figures.append(("curves", all_curves(histories)))
    return figures + contact_sheets(recorded)


def _table(sweep: SweepRecord, recipes: Sequence[Recipe]) -> Figure:
    from cnnexp.figures.sweeps import table_picture

    header, rows = recipe_rows(sweep, recipes)
    order = "mean over seeds, best first" if comparable(recipes) else "on different digits, not comparable"
    cut = f", the first {TABLE_ROWS} of {len(rows)} recipes" if len(rows) > TABLE_ROWS else ""
    note = f"{counts_line(sweep)}; validation, {order}{cut}"
    return table_picture(header, rows[:TABLE_ROWS], title=sweep.name, note=note)

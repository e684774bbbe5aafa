"""The answer of a sweep, from records alone: table, pictures, honest words. Made at its end, or again at any time."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnexp.analysis.sweeps import Recipe, SweptRun, honest_words, recipes_of
from cnnexp.drawing import shown_epoch
from cnnexp.runs.files import write_bytes, write_text
from cnnexp.runs.journal import FINISHED
from cnnexp.runs.record import RunRecord
from cnnexp.runs.sweep_record import DONE, IMPOSSIBLE, SweepRecord
from cnnexp.study.words import short_key

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHEET_ROWS, SHEET_DIGITS, SHEET_LAYERS = 16, 3, 4
TABLE_ROWS = 30
LARGE_LOSS = 1000
PRUNED, SAME = "pruned", "the same as"
ENDS = (
    "finished", "done before", "failed", "killed", PRUNED, "impossible", "the same as another", "under way",
    "not started",
)  # fmt: skip


def swept_runs(sweep: SweepRecord) -> list[SweptRun]:
    """The finished runs of a sweep as values, in the order of its points."""
    return [run for point, record in sweep.runs() if (run := _swept(point, record)) is not None]


def _swept(point: dict[str, Any], record: RunRecord) -> SweptRun | None:
    metrics = record.metrics
    if record.status != FINISHED or not metrics.keys() >= {"best/accuracy_val", "best/loss_val"}:
        return None
    return SweptRun(
        run=record.id,
        name=point["name"],
        variant=point["variant"],
        varied=point["varied"],
        accuracy=metrics["best/accuracy_val"],
        loss=metrics["best/loss_val"],
        seconds=sum(value for _, value in record.history.get("time/epoch_seconds", ())),
        parameters=point["parameters"],
        multiply_adds=point["multiply_adds"],
        digits=record.data["sizes"]["validation"],
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
    """One line a finished run: what varied, then what came out and what it cost."""
    keys = keys_of(sweep)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*keys, "run", "accuracy_val", "loss_val", "seconds", "parameters", "multiply_adds"])
    for run in runs:
        values = [run.run, run.accuracy, run.loss, round(run.seconds, 3), run.parameters, run.multiply_adds]
        writer.writerow([*(run.varied.get(key, "") for key in keys), *values])
    return out.getvalue()


def keys_of(sweep: SweepRecord) -> list[str]:
    """What varies in a sweep, in order."""
    return list(dict.fromkeys(key for point in sweep.points for key in point["varied"]))


def recipe_rows(sweep: SweepRecord, runs: Sequence[SweptRun]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the table of recipes, best mean validation accuracy first."""
    keys = [key for key in keys_of(sweep) if key != "seed"]
    header = [*(short_key(key) for key in keys), "accuracy", "spread", "loss", "seeds", "seconds", "parameters"]
    return header, [_row(recipe, keys) for recipe in recipes_of(runs)]


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
    """The answer as MLflow's description shows it."""
    header, rows = recipe_rows(sweep, runs)
    table = [header, ["---"] * len(header), *rows[:TABLE_ROWS]]
    lines = [f"**Sweep {sweep.id}**: {counts_line(sweep)}", "", *(f"| {' | '.join(row)} |" for row in table), ""]
    chosen = sweep.result
    if chosen.get("run"):
        metrics = chosen["metrics"]
        test = f"; test accuracy {metrics['accuracy/test']:.2%}" if "accuracy/test" in metrics else ""
        lines += [f"Chosen by validation: **{chosen['name']}** (run {chosen['run']}){test}", ""]
    return "\n".join([*lines, *(f"- {line}" for line in honest_words(runs)), "", f"`{sweep.header['command']}`", ""])


def counts_line(sweep: SweepRecord) -> str:
    """`12 points: 8 finished, 1 done before, 1 failed, 2 impossible`."""
    ends = Counter(_end_of(sweep, point) for point in sweep.points)
    return f"{len(sweep.points)} points: {', '.join(f'{ends[word]} {word}' for word in ENDS if ends[word])}"


def _end_of(sweep: SweepRecord, point: dict[str, Any]) -> str:
    outcome = sweep.outcomes.get(point["number"])
    if outcome is not None:
        return PRUNED if outcome["outcome"] == PRUNED else str(outcome["status"]).lower()
    verdicts = {DONE: "done before", IMPOSSIBLE: IMPOSSIBLE, SAME: "the same as another"}
    return verdicts.get(point["verdict"], "under way" if sweep.ending is None else "not started")


def figures_of(sweep: SweepRecord, runs: Sequence[SweptRun]) -> list[tuple[str, Figure]]:
    """Name and picture of everything the summary shows."""
    from cnnexp.figures.sweeps import PlottedRun, all_curves, cost_against_accuracy, metric_against_value, table_picture

    if not runs:
        return []
    plotted = [PlottedRun(r.name, r.varied, r.accuracy, r.parameters, r.multiply_adds, r.seconds) for r in runs]
    header, rows = recipe_rows(sweep, runs)
    note = f"{counts_line(sweep)}; validation, mean over seeds, best first"
    figures = [("table", table_picture(header, rows[:TABLE_ROWS], title=sweep.name, note=note))]
    for key in keys_of(sweep):
        if len({run.varied.get(key) for run in runs}) > 1:
            figures.append((f"accuracy_by_{short_key(key).replace('.', '_')}", metric_against_value(plotted, key)))
    figures.append(("cost_against_accuracy", cost_against_accuracy(plotted)))
    histories = {run.name: record.history.get("loss/val", []) for run, record in _with_records(sweep, runs)}
    figures.append(("curves", all_curves(histories)))
    return figures + contact_sheets(sweep, runs)


def contact_sheets(sweep: SweepRecord, runs: Sequence[SweptRun]) -> list[tuple[str, Figure]]:
    """`contact_sheet_<layer>` for the layers that the runs share, one row a run, the best of many."""
    from cnnexp.figures.contact_sheet import contact_sheet

    best = {run.run for run in sorted(runs, key=lambda run: -run.accuracy)[:SHEET_ROWS]}
    shown = [(run, record) for run, record in _with_records(sweep, runs) if run.run in best and record.probed_epochs]
    maps = {run.name: record.probes(shown_epoch(record)).maps for run, record in shown}
    if not maps:
        return []
    digits = shown[0][1].digits()
    chosen = _telling_digits(digits["labels"].tolist())
    labels = [shown[0][1].class_names[digits["labels"][i]] for i in chosen]
    sheets = []
    for layer in dict.fromkeys(layer for of in maps.values() for layer in of):
        own = {name: of[layer][chosen] for name, of in maps.items() if layer in of and len(of[layer]) > max(chosen)}
        if len(own) > 1:
            sheet = contact_sheet(own, digits["images"][chosen], layer=layer, labels=labels)
            sheets.append((f"contact_sheet_{layer}", sheet))
    return sheets[:SHEET_LAYERS]


def _telling_digits(labels: Sequence[int]) -> list[int]:
    """Positions of up to three digits of different shapes: a seven, a two and an eight where they are there."""
    wanted = [labels.index(label) for label in (7, 2, 8) if label in labels]
    return (wanted + [i for i in range(len(labels)) if i not in wanted])[:SHEET_DIGITS]


def _with_records(sweep: SweepRecord, runs: Sequence[SweptRun]) -> list[tuple[SweptRun, RunRecord]]:
    records = {record.id: record for _, record in sweep.runs()}
    return [(run, records[run.run]) for run in runs]

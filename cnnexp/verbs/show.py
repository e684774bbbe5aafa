"""Tell everything about one run or sweep: what it is, how it went, where its pictures are, how to repeat it."""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from typing import Any

from cnnexp.errors import DrawingError
from cnnexp.runs.find import runs_folder
from cnnexp.runs.record import RunRecord
from cnnexp.runs.sweep_record import SweepRecord, find_sweep
from cnnexp.shares import interval
from cnnexp.verbs.report import as_json, found_lines, loss_text, table, where_to_look

EXAMPLE = """  cnnexp show latest
  cnnexp show 3f9a --json
  cnnexp show 81c2 --draw          a sweep's id: its answer, drawn anew from its runs"""
EPOCHS_SHOWN = 12


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run's or sweep's id, MLflow's, a prefix of either, latest")
    parser.add_argument("--draw", action="store_true", help="draw its pictures anew")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    from cnnexp.runs.one import one_run
    from cnnexp.verbs.lifecycle import bury_the_dead

    bury_the_dead(runs_folder())
    sweep = find_sweep(args.run, runs_folder())
    if sweep is not None:
        return _show_sweep(sweep, args)
    record = one_run(args.run, runs_folder())
    if args.draw:
        from cnnexp.drawing import draw_all

        drawn = draw_all(record)
        print(f"{len(drawn)} pictures drawn in {record.folder / 'figures'}", file=sys.stderr)
    if args.json:
        print(json.dumps(as_json(record) | {"history": record.history, "layers": _layers(record)}, ensure_ascii=False))
        return 0
    print("\n".join(report_lines(record)))
    return 0


def _show_sweep(sweep: SweepRecord, args: argparse.Namespace) -> int:
    from cnnexp.verbs.sweep_report import as_json, summary_lines, where_to_look

    if args.draw:
        _draw_sweep(sweep)
    if args.json:
        print(json.dumps(as_json(sweep), ensure_ascii=False))
        return 0
    again = f"again     {sweep.command}"
    print("\n".join([*summary_lines(sweep), "", again, *where_to_look(sweep, shown_here=True)]))
    return 0


def _draw_sweep(sweep: SweepRecord) -> None:
    """The sweep's own pictures, and for MLflow's cards the maps of each of its runs.

    Raises DrawingError for the first run whose maps cannot be drawn, once all others are.
    """
    from cnnexp.drawing import draw_series
    from cnnexp.study.summary import write_summary

    write_summary(sweep)
    drawn = sorted((sweep.folder / "figures").glob("*.png"))
    print(f"{len(drawn)} pictures drawn in {sweep.folder / 'figures'}", file=sys.stderr)
    maps, errors = [], []
    for _, run in sweep.runs():
        if run.ended:
            try:
                maps.append(draw_series(run))
            except DrawingError as error:
                errors.append(error)
    if sweep.mlflow:
        print(
            f"and {sum(map(len, maps))} of maps, of {len(maps)} runs; into MLflow: cnnexp sync {sweep.id}",
            file=sys.stderr,
        )
    if errors:
        raise errors[0]


def report_lines(record: RunRecord) -> list[str]:
    """The whole report as lines of text."""
    return [
        *_what(record), "",
        *_network(record), "",
        *_epochs(record), "",
        *_result(record),
        *found_lines(record),
        f"again     {record.command}", "",
        *_pictures(record),
        *where_to_look(record, shown_here=True),
    ]  # fmt: skip


def _pictures(record: RunRecord) -> list[str]:
    drawn = (record.folder / "figures").is_dir()
    return [] if drawn else [f"pictures  none yet; draw them: cnnexp show {record.id} --draw"]


def _what(record: RunRecord) -> list[str]:
    ending, data, environment = record.ending, record.data, record.environment
    how = f"{record.status}" + (f", {ending.outcome}" if ending else "")
    packages, sizes = defaultdict(lambda: "?", environment.get("packages", {})), data["sizes"]
    rows = [
        ["run", f"{record.id}  {record.name}"],
        ["status", how + (f": {ending.message}" if ending and ending.message else "")],
        ["data", f"{data['source']}: {sizes['train']:,} / {sizes['validation']:,} / {sizes['test']:,} digits"],
        ["time", f"{record.seconds:.1f} s from {record.created}"],
        ["machine", f"{environment.get('cpu', '?')}, {environment.get('threads', '?')} threads"],
        ["packages", f"tensorflow {packages['tensorflow']}, keras {packages['keras']}, cnnexp {packages['cnnexp']}"],
        ["variant", record.header["identity"]["variant"]],
    ]
    if record.changed:
        rows.append(["resumed", f"since it began, {'; '.join(record.changed)} changed: its bits may be others"])
    if record.header["links"]:
        rows.append(["links", ", ".join(f"{kind} {run}" for kind, run in record.header["links"].items())])
    return [f"{key:<9} {text}" for key, text in rows]


def _network(record: RunRecord) -> list[str]:
    from cnnexp.shapes import layer_table, render_table

    height, width, channels = record.data["image_shape"]
    return [render_table(layer_table(record.config.model, (height, width, channels), len(record.class_names)))]


def _layers(record: RunRecord) -> Any:
    from cnnexp.shapes import as_json as shapes_json
    from cnnexp.shapes import layer_table

    height, width, channels = record.data["image_shape"]
    return shapes_json(layer_table(record.config.model, (height, width, channels), len(record.class_names)))


def _epochs(record: RunRecord) -> list[str]:
    keys = ["loss/train", "loss/train_eval", "loss/val", "accuracy/train", "accuracy/val", "learning_rate"]
    events = record.epochs
    step = -(-len(events) // EPOCHS_SHOWN)
    shown = [event for i, event in enumerate(events) if i % max(step, 1) == 0 or i == len(events) - 1]
    rows = [[str(event["epoch"]), *(_number(event["metrics"].get(key)) for key in keys)] for event in shown]
    return table(["epoch", *keys], rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _result(record: RunRecord) -> list[str]:
    metrics, sizes = record.metrics, record.data["sizes"]
    lines = []
    if {"accuracy/test", "loss/test"} <= metrics.keys():
        loss = loss_text(metrics["loss/test"])
        lines.append(f"test      {interval(metrics['accuracy/test'], sizes['test'])}, loss {loss}")
    if "best/accuracy_val" in metrics:
        text = interval(metrics["best/accuracy_val"], sizes["validation"])
        lines.append(f"kept      epoch {int(metrics.get('best/epoch', record.epochs_done))}: validation {text}")
    return [*lines, ""] if lines else []

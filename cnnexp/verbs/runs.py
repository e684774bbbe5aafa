"""List the runs of this folder, newest first."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime

from cnnexp.errors import ConfigError, RunError, show
from cnnexp.runs.find import damaged_runs, runs_folder
from cnnexp.runs.record import RunRecord
from cnnexp.verbs.report import as_json, table

EXAMPLE = """  cnnexp runs --filter 'accuracy/val>0.97' --filter status=FINISHED --sort accuracy/test --reverse
  cnnexp runs --filter model.kernel_size=5 --json
  cnnexp runs --sweep 81c2 --sort accuracy/val --reverse"""
LIMIT = 20
NAME_WIDTH = 40
SWEEPS_NAMED = 5


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--filter", action="append", default=[], metavar="KEY=VALUE",
                        help="only runs where this holds (also !=, >, <, >=, <=); may be repeated")  # fmt: skip
    parser.add_argument("--sweep", metavar="SWEEP", help="only the runs of this sweep")
    parser.add_argument("-s", "--sort", metavar="KEY", help="order by this, smallest first")
    parser.add_argument("-r", "--reverse", action="store_true", help="with --sort: largest first")
    parser.add_argument("-n", "--limit", type=int, default=LIMIT, help=f"at most so many (default {LIMIT}; 0: all)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    from cnnexp.runs.listing import COLUMNS, chosen
    from cnnexp.verbs.lifecycle import bury_the_dead

    if args.limit < 0:
        raise ConfigError("--limit", str(args.limit), "a whole number from 0 up (0: all)")
    records = bury_the_dead(runs_folder())
    for problem in damaged_runs(runs_folder()):
        print(f"left out: {problem}", file=sys.stderr)
    if args.sweep:
        records = _of_sweep(args.sweep)
    found = chosen(records, args.filter, args.sort, reverse=args.reverse)
    shown = found[: args.limit] if args.limit > 0 else found
    if args.json:
        print(json.dumps([as_json(record) for record in shown], ensure_ascii=False))
        return 0
    if not records:
        print(f"no runs yet in {runs_folder()}; make one with: cnnexp train", file=sys.stderr)
        return 0
    if not found:
        print(f"none of {len(records)} runs is like that", file=sys.stderr)
        return 0
    print("\n".join(table([*COLUMNS], [*map(_row, shown)])))
    if len(shown) < len(found):
        print(f"{len(shown)} of {len(found)} runs; all of them with --limit 0", file=sys.stderr)
    return 0


def _of_sweep(word: str) -> list[RunRecord]:
    """The runs of the sweep that a person names, in the order of its points."""
    from cnnexp.runs.sweep_record import all_sweeps, find_sweep

    sweep = find_sweep(word, runs_folder())
    if sweep is None:
        ids = ", ".join(one.id for one in all_sweeps(runs_folder())[:SWEEPS_NAMED])
        hint = f"The newest are {ids}" if ids else "There is none yet."
        raise RunError("--sweep", show(word), "the id of a sweep", hint)
    return [record for _, record in sweep.runs()]


def _row(record: RunRecord) -> list[str]:
    from cnnexp.runs.listing import value_of

    ending = record.ending
    name = record.name if len(record.name) <= NAME_WIDTH else f"{record.name[: NAME_WIDTH - 1]}…"
    outcome = ending.outcome if ending else "running"
    status = record.status if outcome in ("complete", "killed", "failed", "running") else f"{record.status} {outcome}"
    started = datetime.fromisoformat(record.created).astimezone()
    return [
        record.id, name, status, str(record.epochs_done),
        _percent(value_of(record, "accuracy/val")), _percent(value_of(record, "accuracy/test")),
        f"{record.seconds:.1f}", f"{started:%Y-%m-%d %H:%M:%S}",
    ]  # fmt: skip


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"

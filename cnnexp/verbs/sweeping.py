"""`cnnexp train -m …`: carries out a sweep, or tells its plan. Standard output is the sweep's id alone."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from cnnexp.runs.find import runs_folder
from cnnexp.runs.record import FINISHED
from cnnexp.runs.sweep_record import SweepRecord
from cnnexp.study.request import request_sweep
from cnnexp.verbs.sweep_plan import plan_as_json, plan_lines, warnings_of
from cnnexp.verbs.sweep_report import as_json, summary_lines, where_to_look


def sweep(args: argparse.Namespace) -> int:
    """Carry out the sweep that the arguments of `train` ask for, or only tell its plan."""
    if args.plan:
        return _tell_plan(args)
    record = carry_out(args.overrides, args.config_dir)
    print("\n".join(["", *summary_lines(record), "", *where_to_look(record)]), file=sys.stderr)
    print(json.dumps(as_json(record), ensure_ascii=False) if args.json else record.id)
    return 0 if record.status == FINISHED else 1


def carry_out(overrides: Sequence[str], config_dir: str | None = None) -> SweepRecord:
    """Train what these words describe, told on standard error; what was killed before goes on.

    Raises ConfigError or DataError before anything is written.
    """
    from cnnexp.study.clusters import end_what_a_dead_sweep_left
    from cnnexp.study.sweep import run_sweep
    from cnnexp.verbs.lifecycle import bury_the_dead
    from cnnexp.verbs.sweep_progress import sweep_progress_for

    bury_the_dead(runs_folder())
    end_what_a_dead_sweep_left(runs_folder())
    request = request_sweep(overrides, config_dir)
    for line in warnings_of(request):
        print(line, file=sys.stderr)
    return run_sweep(request, sweep_progress_for(sys.stderr))


def _tell_plan(args: argparse.Namespace) -> int:
    request = request_sweep(args.overrides, args.config_dir)
    if args.plan == "timed":
        from cnnexp.study.timing import timed

        request = timed(request)
    if args.json:
        print(json.dumps(plan_as_json(request), ensure_ascii=False))
    else:
        print("\n".join([*plan_lines(request), *warnings_of(request)]))
    return 0

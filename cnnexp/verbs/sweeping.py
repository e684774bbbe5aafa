"""`cnnexp train -m …` and `cnnexp resume SWEEP`: carries out a sweep, or tells its plan.

Standard output is the sweep's id alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from cnnexp.data import load_digits
from cnnexp.errors import ConfigError, DataError
from cnnexp.runs.find import runs_folder
from cnnexp.runs.journal import FINISHED
from cnnexp.runs.sweep_record import SweepRecord
from cnnexp.runs.sweep_writer import SweepWriter
from cnnexp.study.proposals import is_missing
from cnnexp.study.request import SweepRequest, request_sweep
from cnnexp.verbs.sweep_plan import plan_as_json, plan_lines, warnings_of
from cnnexp.verbs.sweep_report import as_json, summary_lines, where_to_look

TRAIN_NOTHING_TWICE = "sweep.again=false"


def sweep(args: argparse.Namespace) -> int:
    """Carry out the sweep that the arguments of `train` ask for, or only tell its plan."""
    if args.plan:
        return _tell_plan(args)
    return _told(carry_out(args.overrides, args.config_dir), json_wanted=args.json)


def carry_out(overrides: Sequence[str], config_dir: str | None = None) -> SweepRecord:
    """Train what these words describe, told on standard error; what was killed before goes on.

    Raises ConfigError or DataError before anything is written.
    """
    from cnnexp.study.clusters import end_what_a_dead_sweep_left
    from cnnexp.verbs.lifecycle import bury_the_dead

    bury_the_dead(runs_folder())
    end_what_a_dead_sweep_left(runs_folder())
    return _carry_out(request_sweep(overrides, config_dir))


def resume_sweep(record: SweepRecord, overrides: Sequence[str], *, json_wanted: bool) -> int:
    """Start a sweep again as it was asked for, so that what is missing of it is trained.

    Raises ConfigError for overrides, RunError while it goes on, DataError where its digits are no longer the same.
    """
    from cnnexp.study.clusters import end_what_a_dead_sweep_left

    if overrides:
        hint = f"For another sweep: {record.header['command']} {' '.join(overrides)}"
        raise ConfigError(overrides[0].partition("=")[0], f"`{overrides[0]}`", "a sweep as it was asked for", hint)
    SweepWriter.reopen(record.folder).close()  # raises while its process lives
    end_what_a_dead_sweep_left(runs_folder())
    _check_what_changed(record)
    words, config_dir = record.header["overrides"], record.header.get("config_dir")
    request = request_sweep(words, config_dir)
    if request.config.sweep.again:
        request = request_sweep([*words, TRAIN_NOTHING_TWICE], config_dir)
    left = is_missing(request, record) if request.space else bool(request.expected)
    if left or record.status != FINISHED:
        return _told(_carry_out(request), json_wanted=json_wanted)
    print(f"sweep {record.id} is FINISHED: nothing is left to train", file=sys.stderr)
    print(json.dumps(as_json(record), ensure_ascii=False) if json_wanted else record.id)
    return 0


def _check_what_changed(record: SweepRecord) -> None:
    """Say what changed since its runs began; raise DataError where the digits of any are no longer the same."""
    from cnnexp.resuming import changed_since

    changes = dict[str, None]()
    for run in {run.config.data.model_dump_json(): run for _, run in record.runs()}.values():
        digits = load_digits(run.config.data)
        if digits.digest != run.data["digest"]:
            hint = f"Bring those back, or train on these: {record.header['command']}"
            expected = f"{run.data['digest']}, the digits that the sweep began with"
            raise DataError(digits.source, f"digest {digits.digest}", expected, hint)
        changes |= dict.fromkeys(changed_since(run, digits.digest))
    if changes:
        print(f"note: since its runs began, {'; '.join(changes)} changed", file=sys.stderr)


def _carry_out(request: SweepRequest) -> SweepRecord:
    from cnnexp.study.sweep import run_sweep
    from cnnexp.verbs.sweep_progress import sweep_progress_for

    for line in warnings_of(request):
        print(line, file=sys.stderr)
    return run_sweep(request, sweep_progress_for(sys.stderr))


def _told(record: SweepRecord, *, json_wanted: bool) -> int:
    print("\n".join(["", *summary_lines(record), "", *where_to_look(record)]), file=sys.stderr)
    print(json.dumps(as_json(record), ensure_ascii=False) if json_wanted else record.id)
    return 0 if record.status == FINISHED else 1


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

"""Go on with a run or sweep that was interrupted, or train a finished run for more epochs.

The same run goes on where it has epochs left, to the bits of a run never interrupted. With more epochs than it has,
a finished run that kept its checkpoints goes on as a new run. Of a sweep, only what is missing is trained.
"""

from __future__ import annotations

import argparse
import json
import sys

from cnnexp.runs.find import runs_folder
from cnnexp.runs.record import RunRecord

EXAMPLE = """  cnnexp resume latest
  cnnexp resume 81c2                        a sweep's id: what is missing of it
  cnnexp resume 3f9a training.epochs=20     after: cnnexp train training.keep_checkpoints=true"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run's or sweep's id, MLflow's, a prefix of either, latest")
    parser.add_argument(
        "overrides", nargs="*", default=[], metavar="KEY=VALUE", help="training.epochs=N, more than it has"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON instead of the id")


def main(args: argparse.Namespace) -> int:
    from cnnexp.runs.one import one_run
    from cnnexp.runs.sweep_record import find_sweep
    from cnnexp.verbs.lifecycle import bury_the_dead
    from cnnexp.verbs.report import as_json

    bury_the_dead(runs_folder())
    sweep = find_sweep(args.run, runs_folder())
    if sweep is not None:
        from cnnexp.verbs.sweeping import resume_sweep

        return resume_sweep(sweep, args.overrides, json_wanted=args.json)
    record = one_run(args.run, runs_folder())
    done = _resumed(record, args.overrides)
    print(json.dumps(as_json(done), ensure_ascii=False) if args.json else done.id)
    return 0


def _resumed(record: RunRecord, overrides: list[str]) -> RunRecord:
    from cnnexp.resuming import go_on, what_is_left
    from cnnexp.verbs.progress import progress_for
    from cnnexp.verbs.report import ending_lines

    config = what_is_left(record, overrides)
    if config is None:
        print(f"run {record.id} is FINISHED after {record.epochs_done} epochs: nothing is left to train",
              file=sys.stderr)  # fmt: skip
        return _published(record)
    done = go_on(record, config, progress_for(sys.stderr, config))
    print(ending_lines(done), file=sys.stderr)
    _tell_of_the_others(done)
    return done


def _tell_of_the_others(record: RunRecord) -> None:
    """One run of a sweep that was killed has gone on: the sweep has not."""
    from cnnexp.runs.journal import KILLED
    from cnnexp.runs.sweep_record import find_sweep

    sweep = find_sweep(str(record.header["links"].get("sweep", "")), runs_folder())
    if sweep is not None and sweep.status == KILLED:
        print(f"note: it is one run of sweep {sweep.id}; for the others: cnnexp resume {sweep.id}", file=sys.stderr)


def _published(record: RunRecord) -> RunRecord:
    """The record, after what MLflow lacks of it followed: its process may have been killed at the very end."""
    from cnnexp.errors import CnnexpError
    from cnnexp.verbs.sync import Stores, publish

    if not record.config.tracking.enabled:
        return record
    try:
        synced = publish(record, Stores())
    except CnnexpError as error:
        print(f"note: {error}", file=sys.stderr)
        return record
    if synced.outcome == "published":
        print("published what MLflow did not have of it yet", file=sys.stderr)
    return record.fresh()

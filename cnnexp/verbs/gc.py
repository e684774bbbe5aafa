"""Show what nobody needs any more in runs/, and with --yes remove it.

That is: checkpoints of runs that will not go on, what killed processes left half written, and whole runs and sweeps
that FAILED or were KILLED long ago (not a sweep's runs). Nothing of a run that goes on. In MLflow such runs are deleted
as its UI deletes them: they can be restored there until `mlflow gc` empties its trash.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from cnnexp.errors import CnnexpError, ConfigError
from cnnexp.runs.find import runs_folder
from cnnexp.verbs.report import table

if TYPE_CHECKING:
    from cnnexp.runs.garbage import Garbage
    from cnnexp.runs.record import RunRecord
    from cnnexp.runs.sweep_record import SweepRecord
    from cnnexp.verbs.sync import Stores

EXAMPLE = """  cnnexp gc
  cnnexp gc --older-than 7 --yes
  cnnexp gc --kept --yes           also the checkpoints that training.keep_checkpoints kept"""
DAYS = 30.0
UNITS = ("B", "kB", "MB", "GB")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--older-than", type=float, default=DAYS, metavar="DAYS",
                        help=f"runs and sweeps that FAILED or were KILLED so long ago (default {DAYS:g})")  # fmt: skip
    parser.add_argument("--kept", action="store_true", help="checkpoints that training.keep_checkpoints kept, too")
    parser.add_argument("-y", "--yes", action="store_true", help="remove it all")
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def main(args: argparse.Namespace) -> int:
    from cnnexp.runs.garbage import garbage_in
    from cnnexp.verbs.lifecycle import bury_the_dead

    if not args.older_than >= 0:
        raise ConfigError("--older-than", f"{args.older_than:g}", "a number of days from 0 up")
    bury_the_dead(runs_folder())
    found = garbage_in(runs_folder(), older_than=args.older_than, kept_too=args.kept)
    problems = _remove(found) if args.yes else set()
    if args.json:
        print(
            json.dumps([_as_json(one, removed=args.yes and one not in problems) for one in found], ensure_ascii=False)
        )
    elif found:
        print("\n".join(table(["run", "what", "size", "why"], [_row(one) for one in found])))
    gone = [one for one in found if one not in problems]
    print(_in_short(gone, len(found), args), file=sys.stderr)
    return 1 if problems else 0


def _remove(found: list[Garbage]) -> set[Garbage]:
    """Remove all that can be; what could not be, after its reason was told."""
    from cnnexp.runs.garbage import WHOLE_RUN, Garbage, remove
    from cnnexp.runs.record import RunRecord
    from cnnexp.runs.sweep_record import SweepRecord
    from cnnexp.verbs.sync import Stores

    stores, problems = Stores(create=False), set[Garbage]()
    for one in found:
        try:
            if isinstance(one.record, SweepRecord):
                _withdraw_parent(one.record)
            elif one.what == WHOLE_RUN and isinstance(one.record, RunRecord):
                _withdraw(one.record, stores)
            remove(one)
        except CnnexpError as error:
            print(f"left {one.path}: {error}", file=sys.stderr)
            problems.add(one)
    return problems


def _withdraw(record: RunRecord, stores: Stores) -> None:
    """Delete the run in MLflow, where it was or may have been published.

    Raises StoreError where the store that has it cannot be reached.
    """
    from cnnexp.runs.publish import withdraw
    from cnnexp.runs.store import sqlite_file, tracking_uri

    tracking, known = record.config.tracking, record.mlflow.get("uri")
    if known is None and not tracking.enabled:
        return
    file = sqlite_file(tracking_uri(tracking, known))
    if file.is_file() if file is not None else known is not None:
        withdraw(stores.of(record), record)


def _withdraw_parent(sweep: SweepRecord) -> None:
    from cnnexp.runs.publish_sweep import withdraw_sweep
    from cnnexp.runs.store import sqlite_file, tracking_uri

    known = sweep.mlflow.get("uri")
    file = sqlite_file(tracking_uri(sweep.tracking, known))
    if known is not None and (file is None or file.is_file()):
        withdraw_sweep(sweep)


def _row(one: Garbage) -> list[str]:
    name = one.record.id if one.record else ""
    what = one.what if one.record else str(one.path.relative_to(runs_folder()))
    return [name, what, shown_size(one.size), one.why]


def shown_size(size: float) -> str:
    """`3.4 MB`: bytes in the unit that suits them."""
    unit = 0
    while size >= 999.5 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {UNITS[unit]}" if unit == 0 or size >= 99.95 else f"{size:.1f} {UNITS[unit]}"


def _in_short(gone: list[Garbage], found: int, args: argparse.Namespace) -> str:
    if not found:
        return "There is nothing to remove."
    size = shown_size(sum(one.size for one in gone))
    if args.yes:
        return f"{len(gone)} of {found} removed, {size}."
    older = [f"--older-than={args.older_than:.12g}"] if args.older_than != DAYS else []
    kept = ["--kept"] if args.kept else []
    return f"{found} to remove, {size}: {' '.join(['cnnexp', 'gc', *older, *kept, '--yes'])}"


def _as_json(one: Garbage, *, removed: bool) -> dict[str, Any]:
    return {
        "run": one.record.id if one.record else None, "what": one.what, "path": str(one.path), "bytes": one.size,
        "why": one.why, "removed": removed,
    }  # fmt: skip

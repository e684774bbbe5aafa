"""Tell what differs between two runs, and only that: config, environment, data, code, result."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from cnnexp.verbs.report import table

if TYPE_CHECKING:
    from cnnexp.analysis.run_differences import RunDifferences
    from cnnexp.analysis.verification import Departure
    from cnnexp.runs.record import RunRecord

EXAMPLE = """  cnnexp diff 3f9a latest
  cnnexp diff 3f9a 81c2 --json"""
CELL = 60
NOTHING = "Nothing differs: config, environment, data, code and result of {} and {} are the same."


def configure(parser: argparse.ArgumentParser) -> None:
    told = "two runs: id, MLflow id, a unique prefix of either, or latest"
    parser.add_argument("runs", nargs=2, metavar="RUN", help=told)
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    from cnnexp.analysis.run_differences import run_differences
    from cnnexp.errors import RunError
    from cnnexp.verbs.lifecycle import borrowed

    with borrowed(args.runs[0]) as first, borrowed(args.runs[1]) as second:
        if first.id == second.id:
            raise RunError("RUN", f"{first.id} twice", "two different runs", "As in: cnnexp diff 3f9a latest")
        found = run_differences(first, second)
        told = as_json(first, second, found) if args.json else None
        print(json.dumps(told, ensure_ascii=False) if told else "\n".join(lines(first, second, found)))
    return 0


def lines(first: RunRecord, second: RunRecord, found: RunDifferences) -> list[str]:
    """A table of what differs, section by section, and where their weights part."""
    if found.is_nothing:
        return [NOTHING.format(first.id, second.id)]
    rows = []
    for section, differing in found.sections.items():
        rows += [[section, "", ""]] if differing else []
        rows += [[f"  {one.key}", *map(_cut, one.values)] for one in differing]
    printed = table(["", first.id, second.id], rows) if rows else []
    if found.weights is not None:
        printed += ["", _where_weights_part(first, second, found.weights)]
    return printed


def _where_weights_part(first: RunRecord, second: RunRecord, departs: Departure) -> str:
    if (shorter := _without(departs.epoch, first, second)) is not None:
        return f"Their weights are the same up to epoch {departs.epoch - 1}, where {shorter.id} ends."
    if departs.epoch == 0:
        return "Their weights differ from the beginning."
    return f"Their weights are the same up to epoch {departs.epoch - 1} and differ from epoch {departs.epoch} on."


def _without(epoch: int, *runs: RunRecord) -> RunRecord | None:
    """The run that has no such epoch."""
    return next((run for run in runs if run.epochs_done < epoch), None)


def _cut(text: str) -> str:
    return text if len(text) <= CELL else f"{text[: CELL - 1]}…"


def as_json(first: RunRecord, second: RunRecord, found: RunDifferences) -> dict[str, Any]:
    """Section → key → both values; weights_differ_from is the first such epoch that both have, or null."""
    sections = {name: {one.key: list(one.values) for one in some} for name, some in found.sections.items()}
    departs = found.weights.epoch if found.weights else None
    if departs is not None and _without(departs, first, second) is not None:
        departs = None
    return {"runs": [first.id, second.id], **sections, "weights_differ_from": departs}

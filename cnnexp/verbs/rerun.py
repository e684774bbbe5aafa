"""Train a stored run again, as a new run that is linked to it; with --verify, end with a verdict: is it the same?

Standard output is the new run's id, or the verdict. Exit code 1 where it is not the same.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cnnexp.verbs.report import counted, table

if TYPE_CHECKING:
    from cnnexp.analysis.verification import Judged, Verification
    from cnnexp.rerunning import Rerun

EXAMPLE = """  cnnexp rerun latest --verify
  cnnexp rerun 3f9a training.learning_rate=0.003"""
INDENT = 10
HASH_SHOWN = 12


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="id, MLflow id, a unique prefix of either, or latest")
    parser.add_argument("overrides", nargs="*", default=[], metavar="KEY=VALUE", help="keys of its config to change")
    parser.add_argument("--verify", action="store_true", help="tell whether it came out the same, with the evidence")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    from cnnexp.rerunning import carry_out, plan_rerun, verify_rerun
    from cnnexp.verbs.lifecycle import borrowed, seeds_beside
    from cnnexp.verbs.progress import progress_for
    from cnnexp.verbs.report import as_json, ending_lines

    with borrowed(args.run, args.overrides) as first:
        plan = plan_rerun(first, args.overrides, verify=args.verify)
        print("\n".join([*change_lines(plan), ""]), file=sys.stderr)
        record = carry_out(plan, progress_for(sys.stderr, plan.config))
        print(ending_lines(record), file=sys.stderr)
        if args.verify:
            found = verify_rerun(first, record, seeds_beside(first, args.overrides))
            return _tell(plan, found, as_plain=args.json)
    told = as_json(record) | {"rerun_of": first.id, "changed": _plain_changes(plan)}
    print(json.dumps(told, ensure_ascii=False) if args.json else record.id)
    return 0


def _tell(plan: Rerun, found: Verification, *, as_plain: bool) -> int:
    if as_plain:
        told = verdict_json(found) | {"changed": _plain_changes(plan)}
        print(json.dumps(told, ensure_ascii=False))
    else:
        print("\n".join(verdict_lines(found)))
    return 0 if found.is_same else 1


def change_lines(plan: Rerun) -> list[str]:
    """What changed since the first run, part by part."""
    then = datetime.fromisoformat(plan.first.created).astimezone()
    lines = [f"rerun of {plan.first.id}  {plan.first.name}, started {then:%Y-%m-%d %H:%M:%S}; since then:"]
    for part, found in plan.changed.items():
        texts = [f"{one.key}: {one.values[0]} then, {one.values[1]} now" for one in found] or ["the same"]
        lines += [f"{part if i == 0 else '':<{INDENT}}{text}" for i, text in enumerate(texts)]
    return lines


def verdict_lines(found: Verification) -> list[str]:
    """The verdict and its evidence."""
    again = f"run {found.again.id} repeats {found.first.id} over {_epochs(found)}"
    lines = [found.verdict, "", f"{'compared':<{INDENT}}{again}", *_labelled("weights", _weights(found))]
    lines += _labelled("metrics", _metrics(found))
    if found.weights is None:
        return lines
    return [*lines, *_labelled("spread", _spread(found)), *_judged(found)]


def _labelled(label: str, text: str) -> list[str]:
    return [f"{label:<{INDENT}}{text}"]


def _epochs(found: Verification) -> str:
    first, last = found.epochs[0], found.epochs[-1]
    return f"epoch {last}" if first == last else f"epochs {first} to {last}"


def _weights(found: Verification) -> str:
    departs = found.weights
    if departs is None:
        last = str(found.again.epochs[-1]["weights"])[:HASH_SHOWN]
        times = "it" if len(found.epochs) == 1 else f"each of {len(found.epochs)} epochs"
        return f"equal after {times}, {last} in the end"
    then, now = (str(one)[:HASH_SHOWN] if one else "none" for one in (departs.then, departs.now))
    return f"depart in epoch {departs.epoch}: {then} then, {now} now"


def _metrics(found: Verification) -> str:
    departs = found.metric
    if departs is None:
        return "equal in each epoch" if found.weights is None else "equal in each epoch that both have"
    return f"depart in epoch {departs.epoch}: {departs.what} {departs.then:.10g} then, {departs.now:.10g} now"


def _spread(found: Verification) -> str:
    from cnnexp.analysis.statistics import ENOUGH_SEEDS
    from cnnexp.verbs.lifecycle import is_at_home

    seeds = counted(len(found.seeds), "other seed")
    if not found.judged:
        return "not asked: not both runs have a result"
    if not found.has_spread:
        epochs = counted(found.first.config.training.epochs, "epoch")
        where = "runs/" if is_at_home(found.first) else "runs/ and MLflow"
        return f"unknown: {seeds} of this variant with {epochs} in {where}, at least {ENOUGH_SEEDS} make one"
    numbers = ", ".join(map(str, found.seeds))
    return f"of the first run and {seeds} ({numbers}): where 95 % of further ones would lie"


def _judged(found: Verification) -> list[str]:
    if not found.has_spread:
        return []
    rows = [[one.key, f"{one.then:.6g}", f"{one.now:.6g}", *_place(one)] for one in found.judged]
    return ["", *table(["", "then", "now", "spread", ""], rows)]


def _place(one: Judged) -> tuple[str, str]:
    """A metric's spread, and where it lies."""
    if one.interval is None:
        return "unknown", f"{counted(one.seeds, 'other seed')} measured it"
    return f"{one.interval[0]:.6g} to {one.interval[1]:.6g}", "inside" if one.inside else "outside"


def verdict_json(found: Verification) -> dict[str, Any]:
    """The verdict and its evidence as plain values; spread is null where none is known."""
    departs = {"weights": found.weights, "metric": found.metric}
    return {
        "verdict": found.verdict,
        "same": found.is_same,
        "run": found.again.id,
        "rerun_of": found.first.id,
        "epochs": list(found.epochs),
        "departs": {
            name: one and {"epoch": one.epoch, "what": one.what, "then": one.then, "now": one.now}
            for name, one in departs.items()
        },
        "metrics": {one.key: {"then": one.then, "now": one.now} for one in found.judged},
        "spread": _spread_json(found),
    }


def _spread_json(found: Verification) -> dict[str, Any] | None:
    if not found.has_spread:
        return None
    known = [one for one in found.judged if one.interval is not None]
    intervals = {one.key: {"interval": one.interval, "inside": one.inside} for one in known}
    return {"seeds": {str(seed): run for seed, run in found.seeds.items()}, "metrics": intervals}


def _plain_changes(plan: Rerun) -> dict[str, dict[str, list[str]]]:
    return {part: {one.key: list(one.values) for one in found} for part, found in plan.changed.items()}

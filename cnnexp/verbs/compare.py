"""Hold runs side by side: what differs, what can be said of it, and a report to look at and to pass on.

Standard output is the table of what differs, the statements and the report's path.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnexp.runs.find import runs_folder
from cnnexp.verbs.report import table

if TYPE_CHECKING:
    from cnnexp.analysis.comparison import ComparedRun, Comparison, Pair

EXAMPLE = """  cnnexp compare 3f9a 81c2
  cnnexp compare top:5 --folder reports/best --mlflow"""
WIDTH, INDENT, NARROWEST = 100, 18, 12
SHORT = ("accuracy", "95 % interval", "loss", "parameters", "multiply-adds", "seconds")
COLUMNS = 5  # runs that stand side by side; more are told in a row each


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", metavar="RUN", help="an id, a prefix, latest, top:5, or SWEEP")
    parser.add_argument("--folder", type=Path, help="where report.html goes (default: a folder in comparisons/)")
    parser.add_argument("--mlflow", action="store_true", help="also keep the report in MLflow, as a run of its own")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    from cnnexp.comparing import comparison_folder, comparison_of, in_mlflow, runs_to_compare, write_report
    from cnnexp.verbs.lifecycle import bury_the_dead

    everything = bury_the_dead(runs_folder())
    chosen, shortened = runs_to_compare(args.runs, runs_folder())
    if shortened:
        print(shortened, file=sys.stderr)
    comparison = comparison_of(chosen, everything)
    path = write_report(comparison, args.folder or comparison_folder(comparison, Path.cwd()))
    link = in_mlflow(comparison, path) if args.mlflow else None
    if args.json:
        print(json.dumps(as_json(comparison) | {"report": str(path), "mlflow": link}, ensure_ascii=False))
        return 0
    print("\n".join([*lines(comparison), "", f"{'report':<{INDENT}}{path}"]))
    if link:
        print(f"look  cnnexp ui\n      {link}", file=sys.stderr)
    return 0


def lines(comparison: Comparison) -> list[str]:
    """What differs, what was measured, and the three statements."""
    from cnnexp.analysis.verdicts import verdicts

    pairs = ["", *_pairs(comparison.pairs)] if len(comparison.pairs) > 1 else []
    statements = [
        line for title, sentences in verdicts(comparison).items() for line in ["", *_statement(title, sentences)]
    ]
    overview = _side_by_side(comparison) if len(comparison.runs) <= COLUMNS else _one_below_the_other(comparison)
    return [*overview, *pairs, *statements]


def _side_by_side(comparison: Comparison) -> list[str]:
    """One column a run: its name, the keys that differ, the measurements."""
    runs, room = comparison.runs, max(NARROWEST, WIDTH // len(comparison.runs) - INDENT // 2)
    differing = [
        [one.key, *(_cut(text, room) for text in one.values)]
        for one in (*comparison.settings, *comparison.circumstances)
    ]
    columns = [_measured(comparison, run) for run in runs]
    measured = [[key, *(column[key] for column in columns)] for key in columns[0]]
    header = ["", *(f"{run.letter} {run.record.id}" for run in runs)]
    return table(header, [["name", *(_cut(run.record.name, room) for run in runs)], *differing, *measured])


def _short(keys: Sequence[str]) -> list[str]:
    """The last part of the keys of model and training, where it names no other column too."""
    from cnnexp.config.keys import short_key

    short = [short_key(key) if key.startswith(("model.", "training.")) else key for key in keys]
    return [key if short.count(one) > 1 or one in SHORT else one for key, one in zip(keys, short, strict=True)]


def _one_below_the_other(comparison: Comparison) -> list[str]:
    """One row a run: the keys that differ, then the measurements; what names them stands above."""
    differing = [*comparison.settings, *comparison.circumstances]
    header = ["run", *_short([one.key for one in differing]), *SHORT]
    rows = []
    for place, run in enumerate(comparison.runs):
        score = comparison.scores.get(run.letter)
        interval = f"{100 * score.interval[0]:.1f}–{score.interval[1]:.1%}" if score else "–"
        measured = [f"{score.accuracy:.2%}", interval, f"{score.loss:.4f}"] if score else ["–"] * 3
        cost = [f"{run.table.parameters:,}", f"{run.table.multiply_adds:,}", f"{run.training_seconds:.1f}"]
        values = [_cut(one.values[place], NARROWEST) for one in differing]
        rows.append([f"{run.letter} {run.record.id}", *values, *measured, *cost])
    shared = comparison.shared
    return [f"measured on {shared.name}" if shared else "they share no digits", "", *table(header, rows)]


def _measured(comparison: Comparison, run: ComparedRun) -> dict[str, str]:
    """Measurement → text."""
    score, metrics, shared = comparison.scores.get(run.letter), run.record.result, comparison.shared
    found = {}
    if shared:
        digits = f"{len(shared):,} {shared.split}"
        found[f"accuracy, {digits}"] = f"{score.accuracy:.2%}" if score else "–"
        found["  95 % interval"] = f"{100 * score.interval[0]:.1f}–{score.interval[1]:.1%}" if score else "–"
        found[f"loss, {digits}"] = f"{score.loss:.4f}" if score else "–"
    if shared is None or shared.split != "validation":
        validation = metrics.get("best/accuracy_val")
        found["accuracy, validation"] = "–" if validation is None else f"{validation:.2%}"
    height, width = run.receptive_field
    return found | {
        "parameters": f"{run.table.parameters:,}",
        "multiply-adds": f"{run.table.multiply_adds:,}",
        "receptive field": f"{height}×{width}",
        "epochs": str(run.record.epochs_done),
        "training seconds": f"{run.training_seconds:.1f}",
    }


def _pairs(pairs: Sequence[Pair]) -> list[str]:
    from cnnexp.analysis.statistics import least_lead
    from cnnexp.analysis.verdicts import is_told_apart, told_p

    header = ["pair", "right alone", "", "lead", "least lead", "p", "p, all pairs", ""]
    rows = []
    for pair in pairs:
        test, least = pair.test, least_lead(pair.test.disagreements)
        words = "distinguishable" if is_told_apart(pair) else "not distinguishable"
        rows.append(
            [
                f"{pair.first.letter} {pair.second.letter}",
                str(test.only_first),
                str(test.only_second),
                f"{test.lead:+d}",
                str(least or "–"),
                told_p(test.p),
                told_p(pair.p),
                words,
            ]
        )
    return table(header, rows)


def _statement(title: str, sentences: Sequence[str]) -> list[str]:
    """A title and its sentences beside it."""
    wrapped = [line for sentence in sentences for line in textwrap.wrap(sentence, WIDTH - INDENT)]
    return [f"{title if i == 0 else '':<{INDENT}}{line}" for i, line in enumerate(wrapped)]


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Runs, differing keys, the shared digits, pairs, recipes and the statements, as plain values."""
    from cnnexp.analysis.verdicts import verdicts

    shared = comparison.shared
    return {
        "runs": [_run_json(comparison, run) for run in comparison.runs],
        "differing": {one.key: list(one.values) for one in (*comparison.settings, *comparison.circumstances)},
        "shared": shared and {"digits": len(shared), "split": shared.split, "left_out": dict(shared.left_out)},
        "pairs": [_pair_json(pair) for pair in comparison.pairs],
        "recipes": [
            {
                "letters": list(recipe.letters),
                "accuracies": {str(seed): share for seed, share in recipe.by_seed.items()},
                "runs": {str(seed): run for seed, (run, _) in recipe.accuracies.items()},
            }
            for recipe in comparison.recipes
        ],
        "recipe_differences": [
            {
                "first": list(pair.first.letters),
                "second": list(pair.second.letters),
                "seeds": list(pair.difference.seeds),
                "mean": pair.difference.mean if pair.difference.seeds else None,
                "interval": pair.difference.interval,
                "confidence": pair.difference.confidence,
            }
            for pair in comparison.recipe_pairs
        ],
        "statements": verdicts(comparison),
    }


def _run_json(comparison: Comparison, run: ComparedRun) -> dict[str, Any]:
    score = comparison.scores.get(run.letter)
    return {
        "letter": run.letter,
        "id": run.record.id,
        "name": run.record.name,
        "accuracy": score and score.accuracy,
        "interval": score and list(score.interval),
        "loss": score and score.loss,
        "parameters": run.table.parameters,
        "multiply_adds": run.table.multiply_adds,
        "receptive_field": list(run.receptive_field),
        "epochs": run.record.epochs_done,
        "training_seconds": run.training_seconds,
        "metrics": run.record.metrics,
    }


def _pair_json(pair: Pair) -> dict[str, Any]:
    from cnnexp.analysis.statistics import least_lead

    test = pair.test
    return {
        "first": pair.first.letter,
        "second": pair.second.letter,
        "both_right": test.both,
        "only_first": test.only_first,
        "only_second": test.only_second,
        "both_wrong": test.neither,
        "p": test.p,
        "p_all_pairs": pair.p,
        "least_lead": least_lead(test.disagreements),
    }

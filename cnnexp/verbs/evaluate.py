"""Measure a trained network: loss, accuracy and each class, on its own digits or on others."""

from __future__ import annotations

import argparse
import json
import math
import sys
from typing import Any

import numpy as np

from cnnexp.runs.find import runs_folder
from cnnexp.runs.record import RunRecord
from cnnexp.shares import interval
from cnnexp.verbs.report import loss_text, table

EXAMPLE = """  cnnexp evaluate latest
  cnnexp evaluate 3f9a data=mnist --split test"""
SPLITS = ("test", "validation", "train")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="id, MLflow id, a unique prefix of either, or latest")
    parser.add_argument(
        "overrides", nargs="*", default=[], metavar="KEY=VALUE", help="other digits: data=mnist, data.folder=…"
    )
    parser.add_argument("--split", choices=SPLITS, default="test", help="which part of the digits (default test)")
    parser.add_argument("--trained", action="store_true", help="measure digits that it was trained on, too")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    from cnnexp.evaluation import data_of, evaluate_record
    from cnnexp.verbs.lifecycle import find

    record = find(args.run, runs_folder())
    found = evaluate_record(record, data_of(record, args.overrides), args.split, trained_too=args.trained)
    if found.trained:
        size = found.evaluation.digits
        print(f"note: the network was trained on {found.trained:,} of these {size:,} digits", file=sys.stderr)
    if args.json:
        print(json.dumps(_as_json(record, found, args.split), ensure_ascii=False))
    else:
        print("\n".join(_lines(found, args.split)))
    return 0


def _lines(found: Any, split: str) -> list[str]:
    result = found.evaluation
    rows = [
        [name, str(int(count)), _share(precision), _share(recall)]
        for name, count, precision, recall in zip(
            found.class_names, result.confusion.sum(axis=1), result.precision, result.recall, strict=True
        )
    ]
    return [
        f"{found.source}, {split}: {result.digits:,} digits",
        f"accuracy  {interval(result.accuracy, result.digits)}, standard error {result.standard_error:.2%}",
        f"loss      {loss_text(result.loss)}",
        "",
        *table(["class", "digits", "precision", "recall"], rows),
    ]


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2%}"


def _as_json(record: RunRecord, found: Any, split: str) -> dict[str, Any]:
    result = found.evaluation
    return {
        "run": record.id, "source": found.source, "split": split, "digits": result.digits, "trained_on": found.trained,
        "loss": result.loss, "accuracy": result.accuracy, "standard_error": result.standard_error,
        "classes": {
            name: {
                "digits": int(count),
                "precision": None if np.isnan(precision) else float(precision),
                "recall": None if np.isnan(recall) else float(recall),
            }
            for name, count, precision, recall in zip(
                found.class_names, result.confusion.sum(axis=1), result.precision, result.recall, strict=True
            )
        },
        "confusion": result.confusion.tolist(),
    }  # fmt: skip

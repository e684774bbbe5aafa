"""Words to runs where several are meant: RUN, SWEEP, or `top:5` for the five best by validation accuracy."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from cnnexp.errors import RunError, show
from cnnexp.runs.find import all_runs
from cnnexp.runs.journal import FINISHED
from cnnexp.runs.one import one_run
from cnnexp.runs.record import RunRecord
from cnnexp.runs.sweep_record import SweepRecord, find_sweep

TOP = re.compile(r"top:(\d+)")


def chosen_runs(words: Sequence[str], runs: Path, most: int | None = None) -> list[RunRecord]:
    """The runs that the words name, in their order, each once.

    most: a sweep with more finished runs stands for so many of its best. Raises RunError for a word that names no run,
    or several.
    """
    found = [record for word in words for record in _named(word, runs, most)]
    return list({record.id: record for record in found}.values())


def _named(word: str, runs: Path, most: int | None) -> list[RunRecord]:
    if not word.startswith("top:"):
        sweep = find_sweep(word, runs)
        return [one_run(word, runs)] if sweep is None else _of_sweep(sweep, most)
    match = TOP.fullmatch(word)
    if match is None or int(match[1]) == 0:
        raise RunError("RUN", show(word), "top:N for the N best runs", "As in: top:5")
    found = best_runs(all_runs(runs), int(match[1]))
    if not found:
        raise RunError("RUN", show(word), f"a FINISHED run, but there is none in {runs}", "Make one with: cnnexp train")
    return found


def _of_sweep(sweep: SweepRecord, most: int | None) -> list[RunRecord]:
    """The finished runs of a sweep, in the order of its points, or the best of them."""
    found = [record for _, record in sweep.runs() if record.status == FINISHED]
    if not found:
        raise RunError("RUN", f"sweep {sweep.id}", "a sweep with a FINISHED run", f"See: cnnexp show {sweep.id}")
    return found if most is None or len(found) <= most else best_runs(found, most)


def best_runs(records: Sequence[RunRecord], count: int) -> list[RunRecord]:
    """The `count` FINISHED runs with the highest validation accuracy of their kept weights, best first.

    The lower validation loss breaks a tie, then the newer run. Runs without validation digits do not count.
    """
    finished = [record for record in records if record.status == FINISHED and "best/accuracy_val" in record.result]
    newest_first = sorted(finished, key=lambda record: (record.created, record.id), reverse=True)
    return sorted(newest_first, key=_rank)[:count]


def _rank(record: RunRecord) -> tuple[float, float]:
    return (-record.result["best/accuracy_val"], record.result.get("best/loss_val", math.inf))

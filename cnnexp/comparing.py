"""From chosen runs to a comparison, its report on disk, and its place in MLflow."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from cnnexp.analysis.comparison import LETTERS, Comparison, compare
from cnnexp.analysis.verdicts import verdicts
from cnnexp.errors import RunError
from cnnexp.report import report_page
from cnnexp.report.words import headline
from cnnexp.runs.choose import chosen_runs
from cnnexp.runs.files import write_text
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import open_store

FOLDER, REPORT = "comparisons", "report.html"
MOST, OF_A_SWEEP = 20, 10
LONGEST = 48


def runs_to_compare(words: Sequence[str], runs: Path) -> tuple[list[RunRecord], str]:
    """The runs that the words name; where these are too many, of each sweep its best, and a sentence that says so.

    Raises RunError for a word that names no run, or several.
    """
    named = chosen_runs(words, runs)
    best = chosen_runs(words, runs, most=OF_A_SWEEP) if len(named) > MOST else named
    if len(best) == len(named):
        return named, ""
    return best, f"{len(named)} runs: of a sweep only the {OF_A_SWEEP} best by validation accuracy stand side by side"


def comparison_of(records: Sequence[RunRecord], everything: Sequence[RunRecord]) -> Comparison:
    """The comparison of different runs that have results. everything: where further seeds of them are looked for.

    Raises RunError for fewer than two runs, for too many, and for a run without results.
    """
    if len(records) < 2:
        got = records[0].id if records else "none"
        raise RunError("RUN", f"only one run, {got}", "at least two different ones", "As in: cnnexp compare top:5")
    if len(records) > min(MOST, len(LETTERS)):
        raise RunError("RUN", f"{len(records)} runs", f"at most {MOST} side by side", "As in: cnnexp compare top:10")
    without = [record for record in records if not record.result or not (record.folder / "predictions.npz").is_file()]
    if without:
        got = ", ".join(f"{record.id} ({record.status} after {record.epochs_done} epochs)" for record in without)
        raise RunError(
            "RUN", f"{got}: no results", "runs that trained to their end", "See: cnnexp runs --filter status=FINISHED"
        )
    return compare(records, everything)


def comparison_name(comparison: Comparison) -> str:
    """What it is called: what varied, or how many runs."""
    return headline(comparison)


def comparison_key(comparison: Comparison) -> str:
    """Eight hex digits that stand for the compared runs, in their order."""
    ids = " ".join(run.record.id for run in comparison.runs)
    return hashlib.sha256(ids.encode()).hexdigest()[:8]


def comparison_folder(comparison: Comparison, home: Path) -> Path:
    """`comparisons/<name>-<key>` below `home`: the same runs always have the same folder."""
    name = re.sub(r"[^\w.=]+", "-", comparison_name(comparison)).strip("-.")[:LONGEST].rstrip("-.")
    return home / FOLDER / f"{name}-{comparison_key(comparison)}"


def write_report(comparison: Comparison, folder: Path) -> Path:
    """Write report.html into the folder; returns its path.

    Raises RunError when it cannot be written there.
    """
    page = report_page(comparison)
    path = folder.expanduser().resolve() / REPORT
    try:
        write_text(path, page)
    except OSError as error:
        hint = "Name another: --folder FOLDER"
        raise RunError(str(folder), error.strerror or str(error), "a folder that can be written", hint) from None
    return path


def in_mlflow(comparison: Comparison, report: Path) -> str:
    """Put the report beside the first run in MLflow; returns its link.

    Raises StoreError when the store cannot take it.
    """
    from cnnexp.runs.publish_comparison import PublishedComparison, publish_comparison

    record = comparison.runs[0].record
    tracking, known = record.config.tracking, record.mlflow.get("uri")
    store = open_store(tracking, create=True, known=known)
    runs = [run.record.id for run in comparison.runs]
    told = PublishedComparison(comparison_key(comparison), comparison_name(comparison), note(comparison), runs, report)
    return publish_comparison(store, tracking.experiment, told)


def note(comparison: Comparison) -> str:
    """The comparison in Markdown: the runs and the three statements."""
    runs = [f"* **{run.letter}** {run.record.id} {run.record.name}" for run in comparison.runs]
    said = [f"**{title}.** {' '.join(sentences)}" for title, sentences in verdicts(comparison).items()]
    return "\n\n".join(["Comparison: open `report.html` under Artifacts.", *said, "\n".join(runs)])

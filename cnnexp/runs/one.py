"""RUN → record, where one run is meant; a refusal says where the word names a sweep, or a run that MLflow alone has."""

from __future__ import annotations

from pathlib import Path

from cnnexp.config.schema import Tracking
from cnnexp.errors import RunError, StoreError, one_line, show
from cnnexp.runs.fetch import can_be_asked, ids_in_file
from cnnexp.runs.find import few, find_run, matching_runs
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import sqlite_file, tracking_uri, without_secrets
from cnnexp.runs.sweep_record import find_sweep


def one_run(word: str, runs: Path) -> RunRecord:
    """The record that `word` names.

    Raises RunError when there is none, or more than one, or when it is a sweep or cannot be read.
    """
    try:
        return find_run(word, runs)
    except RunError as error:
        refuse_sweep(word, runs)
        if matching_runs(word, runs) or not (known := _told_of_mlflow(word)):
            raise
        problem = error.problems[0]
        raise RunError(problem.where, problem.got, problem.expected, f"{problem.hint}\n    {known}") from None


def refuse_sweep(word: str, runs: Path) -> None:
    """Raise RunError where `word` names a sweep below `runs`: its runs, and what can be done with all of them."""
    sweep = find_sweep(word, runs)
    if sweep is None:
        return
    ids = [record.id for _, record in sweep.runs()]
    told = f"Its runs: {few(ids)}; see: " if ids else "See: "
    hint = f"{told}cnnexp runs --sweep {sweep.id}\n    To go on with all of it: cnnexp resume {sweep.id}"
    raise RunError("RUN", f"{show(word)}, a sweep", "one run", hint)


def _told_of_mlflow(word: str) -> str:
    """That some verbs read runs from MLflow, where a store is named here that may have it; no network is asked."""
    try:
        uri = tracking_uri(Tracking())
        if not can_be_asked(word, Tracking()):
            return ""
    except StoreError:
        return ""
    file = sqlite_file(uri)
    ids = ids_in_file(file, word) if file else None
    if ids is None:
        return f"If MLflow at {without_secrets(uri)} has it: cnnexp rerun and cnnexp diff read runs from there."
    if not ids:
        return ""
    some = one_line(few(ids), 100)
    return f"MLflow at {without_secrets(uri)} has {some}: cnnexp rerun and cnnexp diff read runs from there."

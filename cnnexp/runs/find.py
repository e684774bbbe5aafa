"""RUN → record: cnnexp's own id, an MLflow run id, a unique prefix of either, or `latest`."""

from __future__ import annotations

from pathlib import Path

from cnnexp.errors import RunError, show
from cnnexp.runs.record import RunRecord

RUNS = "runs"
SHOWN = 5


def runs_folder() -> Path:
    """The folder of records below the working folder."""
    return Path.cwd() / RUNS


def all_runs(runs: Path) -> list[RunRecord]:
    """All records below `runs` whose header can be read, newest first."""
    records = [record for record in _records(runs) if problem_of(record) is None]
    return sorted(records, key=lambda record: (record.created, record.id), reverse=True)


def damaged_runs(runs: Path) -> list[RunError]:
    """Why the other records below `runs` cannot be read: one that is damaged hides none of the others."""
    return [problem for record in _records(runs) if (problem := problem_of(record)) is not None]


def problem_of(record: RunRecord) -> RunError | None:
    """What is wrong with a record's header; None if it can be read."""
    try:
        record.header  # noqa: B018 (reading it is the check)
    except RunError as error:
        return error
    return None


def folders_with(name: str, runs: Path) -> list[Path]:
    """The folders below `runs` with such a file, by name; not those that are being made or removed."""
    found = [path for path in runs.iterdir() if (path / name).is_file()] if runs.is_dir() else []
    return sorted(path for path in found if not path.name.startswith("."))


def _records(runs: Path) -> list[RunRecord]:
    return [RunRecord(folder) for folder in folders_with("run.json", runs)]


def find_run(word: str, runs: Path) -> RunRecord:
    """The record that `word` names.

    Raises RunError when there is none, or more than one.
    """
    records = all_runs(runs)
    if not records:
        raise RunError("RUN", show(word), f"a run, but there is none in {runs}", "Make one with: cnnexp train")
    if word == "latest":
        return records[0]
    matching = [record for record in records if _matches(word, record)]
    exact = [record for record in matching if word in (record.id, record.mlflow.get("run_id"))]
    if len(exact or matching) == 1:
        return (exact or matching)[0]
    ids = ", ".join(record.id for record in (matching or records)[:SHOWN])
    if matching:
        raise RunError("RUN", show(word), "an id that matches one run", f"It matches {len(matching)}: {ids}")
    raise RunError("RUN", show(word), "the id of a run, or latest", f"The newest runs are {ids}; see: cnnexp runs")


def _matches(word: str, record: RunRecord) -> bool:
    return bool(word) and (record.id.startswith(word) or str(record.mlflow.get("run_id", "")).startswith(word))

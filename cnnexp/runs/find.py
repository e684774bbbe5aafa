"""RUN → record: cnnexp's own id, an MLflow run id, a unique prefix of either, or `latest`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cnnexp.errors import RunError, show
from cnnexp.runs.record import RunRecord

if TYPE_CHECKING:
    from cnnexp.runs.sweep_record import SweepRecord

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


def problem_of(record: RunRecord | SweepRecord) -> RunError | None:
    """What is wrong with a record; None if it can be told which run or sweep it is and how it went."""
    try:
        _ = record.header, record.mlflow, record.events  # reading them is the check
    except RunError as error:
        return error
    if record.id != record.folder.name:
        hint = "Give the folder its own name back, or remove it where it is a copy."
        return RunError(str(record.folder), f"the record of {record.id}", "a folder that is named by its id", hint)
    return None


def folders_with(name: str, runs: Path) -> list[Path]:
    """The folders below `runs` with such a file, by name; not those that are being made or removed."""
    found = [path for path in runs.iterdir() if (path / name).is_file()] if runs.is_dir() else []
    return sorted(path for path in found if not path.name.startswith("."))


def _records(runs: Path) -> list[RunRecord]:
    return [RunRecord(folder) for folder in folders_with("run.json", runs)]


def few(ids: Sequence[str]) -> str:
    """The first of some ids, and that there are more."""
    return f"{', '.join(ids[:SHOWN])}{', …' * (len(ids) > SHOWN)}"


def find_run(word: str, runs: Path) -> RunRecord:
    """The record that `word` names.

    Raises RunError when there is none, or more than one, or when it is one that cannot be read.
    """
    matching = matching_runs(word, runs)
    if len(matching) == 1:
        return matching[0]
    if matching:
        ids = few([record.id for record in matching])
        raise RunError("RUN", show(word), "an id that matches one run", f"It matches {len(matching)}: {ids}")
    raise _damaged(word, runs) or _none(word, runs)


def matching_runs(word: str, runs: Path) -> list[RunRecord]:
    """The records that `word` may name: the newest, the one whose whole id it is, or all whose id begins with it."""
    records = all_runs(runs)
    if word == "latest":
        return records[:1]
    matching = [record for record in records if _matches(word, record)]
    return [record for record in matching if word in (record.id, record.mlflow.get("run_id"))] or matching


def _matches(word: str, record: RunRecord) -> bool:
    return bool(word) and (record.id.startswith(word) or str(record.mlflow.get("run_id", "")).startswith(word))


def _damaged(word: str, runs: Path) -> RunError | None:
    """What is wrong with the one record that `word` names by its folder."""
    problems = [problem_of(record) for record in _records(runs) if word and record.folder.name.startswith(word)]
    return problems[0] if len(problems) == 1 else None


def _none(word: str, runs: Path) -> RunError:
    records = all_runs(runs)
    if not records:
        return RunError("RUN", show(word), f"a run, but there is none in {runs}", "Make one with: cnnexp train")
    ids = few([record.id for record in records])
    return RunError("RUN", show(word), "the id of a run, or latest", f"The newest runs are {ids}; see: cnnexp runs")

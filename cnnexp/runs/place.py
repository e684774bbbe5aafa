"""Where MLflow keeps a run or a sweep, as `mlflow.json` in its record says.

A store below the working folder is named from there, so that a folder that is moved or copied takes its store along.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cnnexp.runs.files import read_json, write_json
from cnnexp.runs.store import sqlite_file, sqlite_uri
from cnnexp.specs import Spec, believe

FILE = "mlflow.json"


def read_place(record: Path, spec: Spec) -> dict[str, Any]:
    """uri (a SQLite file by its absolute path), run_id, experiment_id, …; empty where it was never published.

    Raises RunError for a file that is not as `spec` says.
    """
    path = record / FILE
    if not path.is_file():
        return {}
    found = read_json(path)
    believe(found, spec, str(path), "where MLflow keeps it")
    file = sqlite_file(found["uri"], _home(record))
    return {**found, "uri": sqlite_uri(file) if file else found["uri"]}


def write_place(record: Path, place: Mapping[str, Any]) -> None:
    """What `read_place` reads."""
    file, home = sqlite_file(place["uri"]), _home(record)
    inside = file is not None and file.is_relative_to(home)
    write_json(record / FILE, {**place, "uri": sqlite_uri(file.relative_to(home))} if file and inside else place)


def _home(record: Path) -> Path:
    """The working folder of a record, which lies in its runs/."""
    return record.absolute().parent.parent

"""Where MLflow keeps a record: told so that a folder that is moved or copied takes its store along."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cnnexp.runs.place import FILE, read_place, write_place
from cnnexp.runs.trust import MLFLOW


def place(uri: str) -> dict[str, Any]:
    return {"uri": uri, "run_id": "a" * 32, "experiment_id": "1"}


def test_a_store_of_the_working_folder_moves_with_it(tmp_path: Path) -> None:
    record = tmp_path / "first" / "runs" / "aa11"
    write_place(record, place(f"sqlite:///{tmp_path}/first/a%20b/mlflow.db"))
    assert json.loads((record / FILE).read_text(encoding="utf-8"))["uri"] == "sqlite:///a%20b/mlflow.db"
    for move in (shutil.copytree, shutil.move):
        shutil.rmtree(tmp_path / "second", ignore_errors=True)
        move(tmp_path / "first", tmp_path / "second")
        found = read_place(tmp_path / "second" / "runs" / "aa11", MLFLOW)
        assert found == place(f"sqlite:///{tmp_path}/second/a%20b/mlflow.db")


@pytest.mark.parametrize("uri", ["sqlite:////data/mlflow.db", "http://host:5000/x", "postgresql://host/runs"])
def test_any_other_store_stays_where_it_is(uri: str, tmp_path: Path) -> None:
    write_place(tmp_path / "runs" / "aa11", place(uri))
    assert read_place(tmp_path / "runs" / "aa11", MLFLOW) == place(uri)


def test_what_was_never_published_has_no_place(tmp_path: Path) -> None:
    assert read_place(tmp_path / "runs" / "aa11", MLFLOW) == {}

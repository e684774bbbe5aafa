"""RUN → record."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cnnexp.errors import RunError
from cnnexp.runs.find import all_runs, find_run, runs_folder
from cnnexp.runs.record import RunRecord
from tests.runs.records import create_run

IDS = ("aa11", "aa12", "bb13")


def published_as(run_id: str) -> str:
    """What mlflow.json says of a run with this id."""
    state = {"uri": "sqlite:///x", "experiment_id": "1", "run_id": run_id, "status": "FINISHED", "files": {}}
    return json.dumps(state | {"epochs": 0})


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three records, the last made last; the first is in MLflow as ffff0000."""
    for number, name in enumerate(IDS):
        writer = create_run(tmp_path / "runs")
        writer.close()
        header = writer.read().header | {"id": name, "created": f"2024-01-0{number + 1}T00:00:00.000+00:00"}
        (writer.folder / "run.json").write_text(json.dumps(header), encoding="utf-8")
        writer.folder.rename(tmp_path / "runs" / name)
    (tmp_path / "runs" / "aa11" / "mlflow.json").write_text(published_as("ffff0000"), encoding="utf-8")
    return tmp_path / "runs"


def test_runs_are_listed_newest_first_without_strangers(runs: Path) -> None:
    (runs / "strange").mkdir()
    (runs / ".cc14.new").mkdir()
    (runs / "file.txt").touch()
    assert [record.id for record in all_runs(runs)] == ["bb13", "aa12", "aa11"]
    assert all_runs(runs / "nosuch") == []


@pytest.mark.parametrize(
    ("word", "found"),
    [("latest", "bb13"), ("aa11", "aa11"), ("b", "bb13"), ("aa12", "aa12"), ("ffff0000", "aa11"), ("ff", "aa11")],
)
def test_a_run_is_found_by_id_prefix_or_latest(word: str, found: str, runs: Path) -> None:
    assert find_run(word, runs) == RunRecord(runs / found)


def test_a_whole_id_wins_over_a_prefix_of_another(runs: Path) -> None:
    (runs / "bb13" / "mlflow.json").write_text(published_as("aa11999"), encoding="utf-8")
    assert find_run("aa11", runs).id == "aa11"


def test_a_link_to_a_record_elsewhere_is_not_followed(runs: Path, tmp_path: Path) -> None:
    (runs / "bb13").rename(tmp_path / "bb13")
    (runs / "bb13").symlink_to(tmp_path / "bb13", target_is_directory=True)
    with pytest.raises(RunError, match=r"bb13: got a symbolic link, expected a folder of its own"):
        find_run("bb13", runs)
    assert [record.id for record in all_runs(runs)] == ["aa12", "aa11"]


def test_a_folder_under_another_name_than_its_id_hides_none(runs: Path) -> None:
    shutil.copytree(runs / "bb13", runs / "copy")
    assert find_run("bb13", runs) == RunRecord(runs / "bb13")
    with pytest.raises(RunError, match=r"copy: got the record of bb13, expected a folder that is named by its id"):
        find_run("copy", runs)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("aa1", "RUN: got 'aa1', expected an id that matches one run\n    It matches 2: aa12, aa11"),
        ("zz", "RUN: got 'zz', expected the id of a run, or latest\n    The newest runs are bb13, aa12, aa11;"),
        ("", "RUN: got '', expected the id of a run, or latest\n    The newest runs are bb13, aa12, aa11;"),
        ("../aa11", "RUN: got '../aa11', expected the id of a run, or latest\n    The newest runs are"),
    ],
)  # fmt: skip
def test_none_and_several_are_refused(word: str, told: str, runs: Path) -> None:
    with pytest.raises(RunError) as caught:
        find_run(word, runs)
    assert str(caught.value).startswith(told)


def test_without_runs_it_is_told_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert runs_folder() == tmp_path / "runs"
    with pytest.raises(RunError, match="Make one with: cnnexp train"):
        find_run("latest", runs_folder())
    assert list(tmp_path.iterdir()) == []

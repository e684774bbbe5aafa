"""A record from MLflow's artifacts, as on another machine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cnnexp.config.schema import Tracking
from cnnexp.errors import RunError, StoreError
from cnnexp.runs.fetch import fetched, ids_in_file
from cnnexp.runs.publish import Publisher
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import open_store

pytestmark = pytest.mark.slow


@pytest.fixture
def published(home: Path, finished: RunRecord) -> RunRecord:
    """A finished run that MLflow has; its own folder is gone."""
    assert Publisher(finished.config.tracking, finished.folder, print).finish(finished)
    known = finished.fresh()
    _ = known.header, known.config, known.environment, known.events, known.patch
    shutil.move(finished.folder / "mlflow.json", home)
    shutil.rmtree(finished.folder)
    return known


def in_mlflow(home: Path, key: str) -> str:
    return str(json.loads((home / "mlflow.json").read_text(encoding="utf-8"))[key])


def test_what_it_takes_to_train_it_again_is_there(home: Path, published: RunRecord) -> None:
    run_id = in_mlflow(home, "run_id")
    for word in (published.id, published.id[:5], run_id, run_id[:31], run_id[:8]):
        with fetched(word, Tracking()) as record:
            assert record is not None
            assert record.header == published.header
            assert record.config == published.config
            assert record.environment == published.environment
            assert record.patch == published.patch == "diff\n"
            assert record.events == published.events
            folder = record.folder
        assert not folder.exists()


@pytest.mark.parametrize("word", ["0" * 32, "zz", "", "latest", "%", "' OR '1'='1"])
def test_what_is_not_there_is_none(word: str, published: RunRecord) -> None:
    with fetched(word, Tracking()) as record:
        assert record is None


def test_without_a_store_there_is_none_and_none_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with fetched("0123abcd", Tracking()) as record:
        assert record is None
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_cannot_be_asked_is_told() -> None:
    with pytest.raises(StoreError, match="no answer"), fetched("0123abcd", Tracking(uri="http://127.0.0.1:9")):
        pass


def test_several_are_refused_and_what_is_no_run_is_left_out(home: Path, published: RunRecord) -> None:
    client = open_store(Tracking(), create=False).client
    experiment = in_mlflow(home, "experiment_id")
    for run, kind in (("abababab01", None), ("abababab02", None), ("cdcdcdcd01", "comparison")):
        tags = {"cnnexp.run": run} | ({"cnnexp.kind": kind} if kind else {})
        made = client.create_run(experiment, tags=tags)
    with pytest.raises(RunError, match="In MLflow it matches 2"), fetched("abababab", Tracking()):
        pass
    for word in ("cdcdcdcd", made.info.run_id):
        with fetched(word, Tracking()) as record:
            assert record is None
    missing = r"no run\.json, config\.yaml, environment\.json among its artifacts"
    with pytest.raises(RunError, match=missing), fetched("abababab01", Tracking()):
        pass


def test_a_sweep_is_told_with_its_runs(home: Path, published: RunRecord) -> None:
    client = open_store(Tracking(), create=False).client
    experiment = in_mlflow(home, "experiment_id")
    sweep = client.create_run(experiment, tags={"cnnexp.run": "cdcdcdcd01", "cnnexp.kind": "sweep"})
    client.set_tag(in_mlflow(home, "run_id"), "cnnexp.sweep.cdcdcdcd01", "1")
    for word in ("cdcdcdcd", sweep.info.run_id):
        with pytest.raises(RunError) as caught, fetched(word, Tracking()):
            pass
        assert str(caught.value).splitlines() == [
            f"RUN: got '{word}', a sweep in MLflow at sqlite:///{home}/mlflow.db, expected one run",
            f"    Its runs there: {published.id}",
            "    To go on with all of it, where its runs/ is: cnnexp resume cdcdcdcd01",
        ]


def test_a_file_tells_its_runs_without_mlflow(home: Path, published: RunRecord) -> None:
    """Not a sweep, nor one that was deleted; nothing is left beside the file."""
    file, run_id = home / "mlflow.db", in_mlflow(home, "run_id")
    client = open_store(Tracking(), create=False).client
    client.create_run(in_mlflow(home, "experiment_id"), tags={"cnnexp.run": "cdcdcdcd01", "cnnexp.kind": "sweep"})
    before = {path.name for path in home.iterdir()}
    for word in (published.id, published.id[:6], run_id, run_id[:8]):
        assert ids_in_file(file, word) == [published.id]
    assert ids_in_file(file, "cdcdcdcd01") == []
    assert {path.name for path in home.iterdir()} == before
    client.delete_run(run_id)
    assert ids_in_file(file, published.id) == []


def test_a_file_that_is_no_store_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("no database", encoding="utf-8")
    assert ids_in_file(tmp_path / "mlflow.db", "ab") is None
    assert ids_in_file(tmp_path / "missing.db", "ab") is None
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def test_the_beginning_of_mlflows_id_may_be_that_of_cnnexps(home: Path, published: RunRecord) -> None:
    """The word names two runs then, unless it is the whole id of one."""
    run_id = in_mlflow(home, "run_id")
    client = open_store(Tracking(), create=False).client
    client.create_run(in_mlflow(home, "experiment_id"), tags={"cnnexp.run": f"{run_id[:8]}00"})
    with pytest.raises(RunError, match=f"In MLflow it matches 2: .*{run_id[:8]}00"), fetched(run_id[:8], Tracking()):
        pass
    with fetched(run_id, Tracking()) as record:
        assert record is not None

"""The store: where it is, made once, refused with a cure, and never told with its password."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from cnnexp.config.schema import Tracking
from cnnexp.errors import StoreError
from cnnexp.runs.store import (
    CREDENTIALS,
    is_named_here,
    open_store,
    prepare,
    reason,
    sqlite_file,
    told,
    tracking_uri,
    without_secrets,
)

OPEN = """
from cnnexp.config.schema import Tracking
from cnnexp.runs.store import open_store
print(open_store(Tracking(), create=True).experiment_id("cnnexp"))
"""


def test_the_default_store_lies_in_the_working_folder(home: Path) -> None:
    assert tracking_uri(Tracking()) == f"sqlite:///{home}/mlflow.db"


def test_the_config_goes_before_the_environment_before_what_is_known(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tracking_uri(Tracking(), "http://known:1") == "http://known:1"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://environment:1")
    assert tracking_uri(Tracking(), "http://known:1") == "http://environment:1"
    assert tracking_uri(Tracking(uri="sqlite:///own.db")) == f"sqlite:///{home}/own.db"


def test_a_known_file_that_is_gone_is_not_made_again(home: Path) -> None:
    assert tracking_uri(Tracking(), f"sqlite:///{home}/moved/mlflow.db") == f"sqlite:///{home}/mlflow.db"
    (home / "other.db").touch()
    assert tracking_uri(Tracking(), f"sqlite:///{home}/other.db") == f"sqlite:///{home}/other.db"


@pytest.mark.parametrize(
    ("uri", "named"),
    [
        ("http://host:5000", True), ("http://me:secret@HOST:5000/mlflow", True), ("https://host:5000", False),
        ("http://host", False), ("http://evil:5000/?host:5000", False), ("http://host:5000@evil", False),
        ("postgresql://host:5000/x", False), ("sqlite:///mlflow.db", True), ("sqlite:///../mlflow.db", False),
    ],
)  # fmt: skip
def test_the_environment_and_the_working_folder_name_stores(
    uri: str, named: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_named_here(uri) == uri.endswith("///mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@host:5000")
    assert is_named_here(uri) == named
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert is_named_here(uri)


@pytest.mark.parametrize("name", CREDENTIALS)
@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "postgresql://127.0.0.1:9/runs"])
def test_credentials_go_only_where_the_environment_says(name: str, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "hidden")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:10")
    with pytest.raises(StoreError, match=rf"got \${name}, which goes only where") as caught:
        open_store(Tracking(uri=uri), create=True)
    assert f"export MLFLOW_TRACKING_URI={uri}" in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_a_file_of_credentials_counts_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))
    (home / ".mlflow").mkdir()
    (home / ".mlflow" / "credentials").touch()
    with pytest.raises(StoreError, match=r"got ~/\.mlflow/credentials, which goes only"):
        open_store(Tracking(uri="http://127.0.0.1:9"), create=True)
    assert open_store(Tracking(), create=False)


@pytest.mark.parametrize("uri", ["file:./mlruns", "file:///data/mlruns", "mlruns", "/data/mlruns"])
def test_a_file_store_is_refused_with_a_cure(uri: str) -> None:
    with pytest.raises(StoreError, match=r"file store is retired\n.*sqlite:///mlflow.db"):
        tracking_uri(Tracking(uri=uri))


@pytest.mark.parametrize("uri", ["me:hidden@host:5000", "hidden@host:5000", "file:///me:hidden@host/x"])
def test_a_uri_without_its_scheme_is_refused_without_its_password(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(StoreError, match="host") as caught:
        tracking_uri(Tracking())
    assert "hidden" not in str(caught.value)


def test_a_path_with_spaces_and_percent_signs_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a b%20ü"
    folder.mkdir()
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(folder)
    assert sqlite_file(tracking_uri(Tracking())) == folder / "mlflow.db"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://me:secret@host:5000/x", "http://host:5000/x"),
        ("postgresql://me:secret@host/db?password=secret", "postgresql://host/db"),
        ("sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db"),
        ("http://host", "http://host"),
    ],
)
def test_secrets_are_not_shown(uri: str, shown: str) -> None:
    assert without_secrets(uri) == shown


def test_reading_creates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="no store at"):
        open_store(Tracking(), create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_new_store_is_in_wal_mode_and_leaves_no_scratch(migrated: Path) -> None:
    with closing(sqlite3.connect(migrated)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert not [path.name for path in migrated.parent.iterdir() if path.name.endswith(".new")]


def test_making_it_again_changes_nothing(home: Path) -> None:
    before = (home / "mlflow.db").stat()
    prepare(home / "mlflow.db")
    after = (home / "mlflow.db").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_artifacts_lie_beside_the_store(home: Path) -> None:
    store = open_store(Tracking(), create=False)
    experiment = store.client.get_experiment(store.experiment_id("digits/first"))
    assert experiment.artifact_location == f"{home}/mlruns/digits%2Ffirst"


def test_a_deleted_experiment_is_refused_with_a_cure(home: Path) -> None:
    store = open_store(Tracking(), create=False)
    store.client.delete_experiment(store.experiment_id("gone"))
    with pytest.raises(StoreError, match=r"deleted in MLflow[\s\S]*tracking.experiment=NAME"):
        store.experiment_id("gone")


def test_a_file_that_is_no_store_is_told_in_one_sentence(home: Path) -> None:
    (home / "mlflow.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="not a store of this MLflow version"):
        open_store(Tracking(), create=True)


def test_a_store_deleted_under_a_run_is_noticed(home: Path) -> None:
    store = open_store(Tracking(), create=False)
    store.check()
    (home / "mlflow.db").unlink()
    with pytest.raises(StoreError, match="deleted or replaced"):
        store.check()


def test_a_server_that_is_away_is_told_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:hidden@127.0.0.1:9")
    with pytest.raises(StoreError, match=r"MLflow at http://127.0.0.1:9: got no answer") as caught:
        open_store(Tracking(), create=True)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (ModuleNotFoundError("No module named 'pymysql'"), "No module named 'pymysql', expected the driver"),
        (TypeError("no such answer"), "no such answer, expected a store that answers"),
    ],
)
def test_whatever_is_raised_inside_becomes_one_message(raised: Exception, said: str) -> None:
    with pytest.raises(StoreError, match=rf"MLflow at http://host: got {said}[\s\S]*cnnexp sync"), told("http://host"):
        raise raised


def test_a_database_without_its_driver_is_told_with_the_cure() -> None:
    with pytest.raises(StoreError, match=r"expected the driver of this kind of store\n.*Install it"):
        open_store(Tracking(uri="postgresql+asyncpg://host/runs"), create=True)


def test_what_a_deleted_store_left_is_not_read_into_the_new_one(
    home: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that has the deleted store open keeps its write-ahead log beside the new one."""
    monkeypatch.setattr("cnnexp.runs.store._migrate", lambda file, artifacts: shutil.copy(migrated, file))
    with closing(sqlite3.connect(home / "mlflow.db", isolation_level=None)) as still_open:
        still_open.execute("CREATE TABLE left_over (a)")
        (home / "mlflow.db").unlink()
        assert (home / "mlflow.db-wal").stat().st_size > 0
        prepare(home / "mlflow.db")
        with closing(sqlite3.connect(home / "mlflow.db")) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert "experiments" in names
    assert "left_over" not in names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("HTTPConnectionPool: Max retries exceeded (too many 500 error responses)", "an error of the server's own"),
        ("HTTPConnectionPool: Max retries exceeded (Connection refused)", "no answer"),
        ("run 4015a4035007 is strange", "run 4015a4035007 is strange"),
        ("401 Client Error", "not allowed in (user or password)"),
        ("403 Client Error", "not allowed"),
        ("API request failed with error code 403. Response body: 'Permission denied'", "not allowed"),
        ("[Errno 13] Permission denied: 'mlruns'", "not writable"),
    ],
)
def test_the_reason_is_told_in_a_few_words(text: str, said: str) -> None:
    assert reason(RuntimeError(text), "http://host") == said


@pytest.mark.slow
def test_two_processes_meet_an_empty_folder_at_once(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    started = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    said = [process.communicate() for process in started]
    assert [(out.decode().strip(), err.decode()) for out, err in said] == [("1", ""), ("1", "")]

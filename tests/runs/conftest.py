"""Made records, and a store that is migrated once and copied."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import prepare
from cnnexp.runs.writer import RunWriter
from tests.runs.records import create_run, finish

MakeRun = Callable[..., RunWriter]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new store's file: migration takes seconds, a copy none."""
    file = tmp_path_factory.getbasetemp() / "store" / "mlflow.db"
    prepare(file)
    return file


@pytest.fixture
def home(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a store in it and no other named by the environment."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copy(migrated, tmp_path / "mlflow.db")
    return tmp_path


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Makes records below ./runs."""
    return lambda *overrides, **more: create_run(tmp_path / "runs", overrides, **more)


@pytest.fixture
def finished(make_run: MakeRun) -> RunRecord:
    """A finished run of three epochs that nobody has published."""
    return finish(make_run("model.kernel_size=5", "training.epochs=3"))

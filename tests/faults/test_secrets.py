"""A secret in the environment reaches the server, and no record, store, log or message."""

from __future__ import annotations

import base64
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cnnexp.cli import main
from cnnexp.runs.record import RunRecord
from cnnexp.runs.server import serving
from tests.conftest import run_command
from tests.faults.processes import FOR_HOURS, Training, only_record
from tests.faults.wire import Wire

pytestmark = pytest.mark.slow

SECRET = "Tr0ub4dor-and-3-staples"
ENVIRONMENT = {"AWS_SECRET_ACCESS_KEY": SECRET, "DATABASE_PASSWORD": SECRET, "HF_TOKEN": SECRET}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[tuple[int, Path]]:
    """The port of a server, and the folder of its store."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "mlflow.db").write_bytes(migrated.read_bytes())
    with serving(f"sqlite:///{folder}/mlflow.db", "127.0.0.1") as running:
        yield running.port, folder


def holding(folder: Path, text: str) -> list[str]:
    """The files below a folder that hold a text, as it is or as HTTP sends it."""
    forms = [text.encode(), base64.b64encode(f"me:{text}".encode())]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [str(path) for path in files if any(form in path.read_bytes() for form in forms)]


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"me:{password}".encode()).decode()


def test_a_password_for_a_sweep(tmp_path: Path, server: tuple[int, Path]) -> None:
    with Wire(server[0]) as wire:
        own = {"MLFLOW_TRACKING_URI": wire.uri, "MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": SECRET}
        words = ("-m", "seed=0,1", "training.epochs=1", "sweep.workers=1")
        with Training(tmp_path, *words, **own, **ENVIRONMENT) as training:
            code, out, err = training.end()
        assert code == 0, err
        assert basic(SECRET) in wire.authorization
    assert SECRET not in out + err
    assert holding(tmp_path, SECRET) + holding(server[1], SECRET) == []


def test_a_password_in_the_uri_and_a_token(
    tmp_path: Path, server: tuple[int, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Wire(server[0]) as wire:
        uri = wire.uri.replace("http://", f"http://me:{SECRET}@")
        with Training(tmp_path, *FOR_HOURS, MLFLOW_TRACKING_URI=uri, **ENVIRONMENT) as training:
            training.epochs(2)
            wire.rule = lambda method, path: 401
            training.until("not allowed in")
            assert SECRET not in " ".join(psutil.Process(training.process.pid).cmdline())
            code, out, err = training.end(signal.SIGTERM)
        assert (code, basic(SECRET) in wire.authorization) == (143, True)
        record = only_record(tmp_path)
        assert record.mlflow["uri"] == wire.uri
        wire.rule = lambda method, path: None
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", SECRET)
        asked = len(wire.seen)
        refused = run_command(tmp_path, "sync")
        assert (refused.code, len(wire.seen)) == (1, asked), "a record alone names the server"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", wire.uri)
        monkeypatch.chdir(tmp_path)
        assert main(["sync"]) == 0
        assert f"Bearer {SECRET}" in wire.authorization
        synced = capsys.readouterr()
    assert synced.out == f"{record.id}  published\n"
    assert SECRET not in out + err + synced.out + synced.err
    assert holding(tmp_path, SECRET) + holding(server[1], SECRET) == []


@pytest.mark.parametrize(
    "uri",
    [
        f"http://me:{SECRET}@host:5000",
        f"http://{SECRET}@host:5000",
        f"postgresql://me:{SECRET}@host/runs",
        f"postgresql://host/runs?user=me&password={SECRET}",
        f"mssql://host/runs?Token={SECRET}",
        f"me:{SECRET}@host:5000",
        f"{SECRET}@host:5000",
        f"file:///me:{SECRET}@host/x",
    ],
)
def test_a_uri_with_a_secret_is_refused_and_not_repeated(tmp_path: Path, uri: str) -> None:
    for word in (f"tracking.uri={uri}", f"++tracking.uri='{uri}'", f"+tracking={{uri: '{uri}'}}"):
        done = run_command(tmp_path, "train", word)
        assert (done.code, done.out) == (2, "")
        assert SECRET not in done.err
    done = run_command(tmp_path, "train", f"tracking.uri={uri!r}")
    assert "a URI with a password or token" in done.err
    assert "$MLFLOW_TRACKING_URI" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_uri_without_a_secret_is_taken(tmp_path: Path) -> None:
    for uri in ("postgresql://me@host/runs", "http://host:5000/mlflow", "postgresql://host/runs?sslmode=require"):
        assert run_command(tmp_path, "train", "--cfg", "job", f"tracking.uri='{uri}'").code == 0


def test_a_store_that_refuses_does_not_repeat_the_password(
    home: Path, finished: RunRecord, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Wire(9, lambda method, path: 403) as wire:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", wire.uri.replace("http://", f"http://me:{SECRET}@"))
        assert main(["sync", finished.id]) == 1
    told = capsys.readouterr()
    assert "not allowed" in told.out
    assert SECRET not in told.out + told.err

"""A team's store, real: PostgreSQL, passwords, a folder for artifacts; eight processes at once lose nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnnexp.cli import main
from cnnexp.runs.find import all_runs
from cnnexp.runs.journal import FINISHED
from cnnexp.runs.store import open_store
from tests.faults.processes import Training, assert_all_is_there, only_record
from tests.faults.servers import PASSWORD, MlflowServer, postgres, postgres_programs, team_server

PROGRAMS = postgres_programs()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAMS is None, reason="no PostgreSQL on this machine (Debian: apt-get install postgresql)"),
]
WORKERS, RUNS_EACH, EPOCHS = 8, 2, 12
WRITE = """
import sys
from pathlib import Path
from cnnexp.runs.publish import Publisher
from tests.runs.records import create_run, epoch, finish
for _ in range(int(sys.argv[1])):
    writer = create_run(Path("runs"))
    sending = Publisher(writer.read().config.tracking, writer.folder, print)
    with writer.recording():
        for number in range(int(sys.argv[2])):
            epoch(writer, number)
            sending.publish(writer.read())
    writer.close()
    sending.finish(writer.read())
"""


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    assert PROGRAMS is not None
    folder = tmp_path_factory.mktemp("team")
    with postgres(PROGRAMS) as database, team_server(folder, database) as running:
        yield running


@pytest.fixture(autouse=True)
def access(team: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a person of the team has in the environment."""
    own = {"MLFLOW_TRACKING_URI": team.uri, "MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": PASSWORD}
    for key, value in own.items():
        monkeypatch.setenv(key, value)
    return own


def test_eight_processes_at_once_lose_nothing(
    team: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a server that is slow under the load did not take in time, `cnnexp sync` brings."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    started = [
        subprocess.Popen([sys.executable, "-c", WRITE, str(RUNS_EACH), str(EPOCHS)], cwd=tmp_path, env=environment,
                         text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(WORKERS)
    ]  # fmt: skip
    told = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0] * WORKERS, told
    monkeypatch.chdir(tmp_path)
    assert main(["sync"]) == 0
    records = all_runs(tmp_path / "runs")
    assert len(records) == WORKERS * RUNS_EACH
    for record in records:
        assert (record.status, record.epochs_done) == (FINISHED, EPOCHS - 1)
        assert_all_is_there(tmp_path, record, team.uri)
        folder = next(team.artifacts.glob(f"*/{record.mlflow['run_id']}/artifacts"))
        assert (folder / "events.jsonl").read_bytes() == (record.folder / "events.jsonl").read_bytes()
        assert len(list(folder.glob("images/*"))) == 2 * 2 * EPOCHS


def test_a_sweep_of_eight_workers_with_its_models(
    team: MlflowServer, access: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("-m", "seed=range(8)", "training.epochs=1", "training.threads=1", "sweep.workers=8")
    with Training(tmp_path, *words, **access) as training:
        code, out, err = training.end()
    assert code == 0, err
    monkeypatch.chdir(tmp_path)
    assert main(["sync"]) == 0
    records = all_runs(tmp_path / "runs")
    assert len(records) == 8
    for record in records:
        assert_all_is_there(tmp_path, record, team.uri)
        assert list(team.artifacts.glob(f"*/models/{record.mlflow['model_id']}/artifacts/MLmodel"))
    client = open_store(records[0].config.tracking, create=False).client
    parents = {client.get_run(record.mlflow["run_id"]).data.tags["mlflow.parentRunId"] for record in records}
    (parent,) = parents
    assert client.get_run(parent).data.tags["cnnexp.run"] == out.strip()


@pytest.mark.parametrize("password", ["wrong", ""])
def test_without_the_password_a_run_goes_on_and_says_why_it_is_not_there(
    team: MlflowServer, access: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    with Training(tmp_path, "training.epochs=1", "figures=off",
                  **access | {"MLFLOW_TRACKING_PASSWORD": password}) as training:  # fmt: skip
        code, _, err = training.end()
    assert code == 0, err
    assert err.count("MLflow at") == 1
    assert f"MLflow at {team.uri}: got not allowed in (user or password)" in err
    assert PASSWORD not in err
    record = only_record(tmp_path)
    assert record.mlflow == {}
    monkeypatch.chdir(tmp_path)
    assert main(["sync"]) == 0
    assert_all_is_there(tmp_path, record, team.uri)

"""A real MLflow server that is away, hangs or loses answers: training goes on, and all is there once, dated rightly."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cnnexp.config.schema import Tracking
from cnnexp.runs.publish import Publisher
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import open_store
from cnnexp.runs.writer import RunWriter
from tests.conftest import run_command
from tests.faults.processes import FOR_HOURS, Training, assert_all_is_there, in_mlflow, only_record
from tests.faults.servers import free_port, plain_server
from tests.faults.wire import LATE, LOST, Wire
from tests.runs.records import epoch, finish

pytestmark = pytest.mark.slow
MakeRun = Callable[..., RunWriter]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server that stays well."""
    number = free_port()
    with plain_server(tmp_path_factory.mktemp("well"), number):
        yield number


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that failed is asked again at once, and an answer that does not come is waited for one second."""
    monkeypatch.setattr("cnnexp.runs.waiting.COOLDOWN_SECONDS", 0.0)
    monkeypatch.setattr("cnnexp.runs.waiting.SHARE", 0)
    monkeypatch.setattr("cnnexp.runs.store.QUICK_SECONDS", 1)


class Silent:
    """Accepts every connection and answers nothing."""

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self.met: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                self.met.append(self._listener.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for one in self.met:
            one.close()


def test_a_server_that_answers_nothing_is_asked_twice_and_sync_brings_it_all(tmp_path: Path) -> None:
    silent = Silent()
    uri = f"http://127.0.0.1:{silent.port}"
    with Training(tmp_path, "training.epochs=60", "figures=off", f"tracking.uri={uri}") as training:
        training.until("no answer")
        asked = len(silent.met)
        training.epochs(2)
        assert len(silent.met) == asked
        code, _, err = training.end()
    silent.close()
    record = only_record(tmp_path)
    assert (code, record.status, record.epochs_done) == (0, "FINISHED", 60)
    assert err.count("MLflow at") == 1
    assert f"publish   cnnexp sync {record.id}" in err
    assert (asked, len(silent.met)) == (2, 4), "one request and one more try, at the start and at the end"
    with plain_server(tmp_path, silent.port):
        assert run_command(tmp_path, "sync").out == f"{record.id}  published\n"
        assert_all_is_there(tmp_path, record, uri)
        before = in_mlflow(tmp_path, record, uri)
        assert run_command(tmp_path, "sync").out == f"{record.id}  there already\n"
        (record.folder / "mlflow.json").unlink()
        assert run_command(tmp_path, "sync").out == f"{record.id}  published\n"
        assert in_mlflow(tmp_path, record, uri) == before


def test_a_server_away_at_the_start_has_all_at_the_end(tmp_path: Path) -> None:
    number = free_port()
    uri = f"http://127.0.0.1:{number}"
    with Training(tmp_path, *FOR_HOURS, f"tracking.uri={uri}") as training:
        training.until("no answer")
        with plain_server(tmp_path, number):
            training.epochs(2)
            code, out, err = training.end(signal.SIGTERM)
            assert (code, out, err.count("MLflow at")) == (143, "", 1)
            assert_all_is_there(tmp_path, only_record(tmp_path), uri)


def test_a_server_that_hangs_in_the_middle_has_all_at_the_end(tmp_path: Path) -> None:
    number = free_port()
    uri = f"http://127.0.0.1:{number}"
    with plain_server(tmp_path, number) as server, Training(tmp_path, *FOR_HOURS, f"tracking.uri={uri}") as training:
        training.epochs(2)
        server.send(signal.SIGSTOP)
        training.until("no answer")
        training.epochs(20)
        server.send(signal.SIGCONT)
        code, out, err = training.end(signal.SIGTERM)
        assert (code, out, err.count("MLflow at")) == (143, "", 1)
        assert_all_is_there(tmp_path, only_record(tmp_path), uri)


def test_a_server_killed_in_the_middle_has_all_after_the_next_command(tmp_path: Path) -> None:
    number = free_port()
    uri = f"http://127.0.0.1:{number}"
    with plain_server(tmp_path, number) as server, Training(tmp_path, *FOR_HOURS, f"tracking.uri={uri}") as training:
        training.epochs(2)
        server.send(signal.SIGKILL)
        training.until("no answer")
        training.epochs(2)
        code, out, err = training.end(signal.SIGTERM)
        assert (code, out, err.count("MLflow at")) == (143, "", 1)
    with plain_server(tmp_path, number):
        assert in_mlflow(tmp_path, only_record(tmp_path), uri)["status"] == "RUNNING"
        assert run_command(tmp_path, "runs").err == ""
        assert_all_is_there(tmp_path, only_record(tmp_path), uri)


def test_the_next_epoch_brings_what_the_last_could_not(
    home: Path, make_run: MakeRun, port: int, impatient: None
) -> None:
    ill: list[int] = []
    with Wire(port, lambda method, path: ill[0] if ill else None) as wire:
        writer = make_run(f"tracking.uri={wire.uri}")
        told: list[str] = []
        sending = Publisher(writer.read().config.tracking, writer.folder, told.append)
        with writer.recording():
            epoch(writer, 0)
            assert sending.publish(writer.read())
            ill.append(503)
            epoch(writer, 1)
            assert not sending.publish(writer.read())
            ill.clear()
            epoch(writer, 2)
            assert sending.publish(writer.read())
        assert sending.finish(writer.read())
        writer.close()
        assert len(told) == 1
        assert "an error of the server's own" in told[0]
        assert_all_is_there(home, writer.read(), wire.uri)


@pytest.mark.parametrize(
    "request_", ["runs/create", "runs/log-batch", "runs/log-inputs", "mlflow-artifacts", "runs/update"]
)
def test_an_answer_that_is_lost_doubles_nothing(
    home: Path, make_run: MakeRun, port: int, impatient: None, request_: str
) -> None:
    """The server did what it was asked, and nobody heard of it."""
    lost: list[str] = []

    def lose_the_first(method: str, path: str) -> str | None:
        if request_ not in path or method == "GET" or lost:
            return None
        lost.append(path)
        return LOST

    with Wire(port, lose_the_first) as wire:
        record = finish(make_run(f"tracking.uri={wire.uri}"))
        sending = Publisher(record.config.tracking, record.folder, [].append)
        _until_all_is_sent(sending, record)
        assert lost
        assert sum("runs/create" in one for one in wire.seen) == 1, "asked for blindly, a run would be made twice"
        assert_all_is_there(home, record, wire.uri)
        assert _pictures(record, wire.uri) == 2 * 2 * 4


def test_a_run_that_a_slow_server_made_after_all_does_not_stay_beside_the_one_that_counts(
    home: Path, make_run: MakeRun, port: int, impatient: None
) -> None:
    late: list[str] = []

    def keep_back_the_first(method: str, path: str) -> str | None:
        if "runs/create" not in path or late:
            return None
        late.append(path)
        return LATE

    with Wire(port, keep_back_the_first) as wire:
        record = finish(make_run(f"tracking.uri={wire.uri}"))
        sending = Publisher(record.config.tracking, record.folder, [].append)
        assert not sending.publish(record)
        assert sending.publish(record)
        wire.deliver()
        assert _runs_of(record, wire.uri) == 2
        assert sending.finish(record)
        assert_all_is_there(home, record, wire.uri)


def test_a_server_that_asks_for_ten_minutes_is_not_obeyed(home: Path, make_run: MakeRun, port: int) -> None:
    with Wire(port, lambda method, path: 429) as wire:  # answered with Retry-After: 600
        record = finish(make_run(f"tracking.uri={wire.uri}"))
        told: list[str] = []
        assert not Publisher(record.config.tracking, record.folder, told.append).finish(record)
        assert len(wire.seen) == 2
        assert len(told) == 1


def test_artifacts_that_a_cloud_refuses_cost_neither_the_run_nor_its_metrics(
    home: Path, make_run: MakeRun, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    uri = f"http://127.0.0.1:{port}"
    client = open_store(Tracking(uri=uri), create=False).client
    client.create_experiment("cloud", "s3://nobody/runs")
    record = finish(make_run(f"tracking.uri={uri}", "tracking.experiment=cloud"))
    told: list[str] = []
    assert not Publisher(record.config.tracking, record.folder, told.append).finish(record)
    assert len(told) == 1
    assert "credentials" in told[0]
    run = client.get_run(record.fresh().mlflow["run_id"])
    assert run.info.status == "FINISHED"
    assert run.data.metrics["loss/val"] == record.metrics["loss/val"]


def test_a_slow_server_is_left_for_the_end(home: Path, make_run: MakeRun, port: int) -> None:
    with Wire(port, delay=1.2) as wire:
        writer = make_run(f"tracking.uri={wire.uri}")
        told: list[str] = []
        sending = Publisher(writer.read().config.tracking, writer.folder, told.append)
        with writer.recording():
            for number in range(20):
                epoch(writer, number)
                assert not sending.publish(writer.read())
        assert len(wire.seen) == 2, "one to open the store and one to see how long it takes"
        wire.delay = 0.0
        assert sending.finish(writer.read())
        writer.close()
        assert told == []
        assert_all_is_there(home, writer.read(), wire.uri)


def test_many_runs_of_one_process_do_not_each_wait(home: Path, make_run: MakeRun, monkeypatch: Any) -> None:
    monkeypatch.setattr("cnnexp.runs.store.QUICK_SECONDS", 1)
    monkeypatch.setattr("cnnexp.runs.waiting.BUDGET_SECONDS", 1.0)
    silent = Silent()
    for _ in range(20):
        record = finish(make_run(f"tracking.uri=http://127.0.0.1:{silent.port}"))
        sending = Publisher(record.config.tracking, record.folder, [].append)
        sending.publish(record)
        sending.finish(record)
    silent.close()
    assert len(silent.met) == 4


def _until_all_is_sent(sending: Publisher, record: RunRecord) -> None:
    assert any(sending.finish(record) for _ in range(3))


def _runs_of(record: RunRecord, uri: str) -> int:
    client = open_store(Tracking(uri=uri), create=False).client
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    return len(client.search_runs(ids, f"tags.`cnnexp.run` = '{record.id}'"))


def _pictures(record: RunRecord, uri: str) -> int:
    client = open_store(Tracking(uri=uri), create=False).client
    return len(client.list_artifacts(record.fresh().mlflow["run_id"], "images"))

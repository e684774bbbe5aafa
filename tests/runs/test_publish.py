"""From record to MLflow: everything is there, dated rightly, once, whatever happened in between."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, event

from cnnexp.config.schema import Tracking
from cnnexp.errors import StoreError
from cnnexp.runs.journal import milliseconds
from cnnexp.runs.publication import Publication
from cnnexp.runs.publish import Publisher, is_published, publish_whole
from cnnexp.runs.publish_sweep import publish_sweep
from cnnexp.runs.record import RunRecord
from cnnexp.runs.server import serving
from cnnexp.runs.store import Store, open_store
from cnnexp.runs.sweep_writer import SweepHeader, SweepWriter
from cnnexp.runs.writer import mark_if_gone
from tests.faults.servers import free_port
from tests.runs.records import epoch, finish


def publisher(record: RunRecord, told: list[str] | None = None) -> Publisher:
    return Publisher(record.config.tracking, record.folder, (told if told is not None else []).append)


def no_model(record: RunRecord) -> Any:
    raise AssertionError("a record without weights has no model to make")


def the_run(record: RunRecord) -> tuple[Store, Any]:
    store = open_store(record.config.tracking, create=False)
    return store, store.client.get_run(record.fresh().mlflow["run_id"])


def everything(record: RunRecord) -> dict[str, Any]:
    """All that MLflow has of a record, to compare before and after."""
    store, run = the_run(record)
    client, run_id = store.client, run.info.run_id
    history = {key: [(p.step, p.value, p.timestamp) for p in client.get_metric_history(run_id, key)]
               for key in run.data.metrics}  # fmt: skip
    files = Counter(
        path.relative_to(run.info.artifact_uri).as_posix()
        for path in Path(run.info.artifact_uri).rglob("*")
        if path.is_file()
    )
    same_id = client.search_runs([run.info.experiment_id], f"tags.`cnnexp.run` = '{record.id}'")
    return {"history": history, "files": files, "runs": len(same_id), "status": run.info.status,
            "params": run.data.params, "tags": run.data.tags, "inputs": len(run.inputs.dataset_inputs)}  # fmt: skip


def test_a_finished_run_is_all_there(home: Path, finished: RunRecord) -> None:
    told: list[str] = []
    assert publisher(finished, told).finish(finished)
    assert told == []
    found = everything(finished)
    assert [(step, value) for step, value, _ in found["history"]["loss/val"]] == [
        (0, 1), (1, 1 / 2), (2, 1 / 3), (3, 1 / 4)
    ]  # fmt: skip
    assert [step for step, _, _ in found["history"]["loss/train"]] == [1, 2, 3]
    assert [(step, value) for step, value, _ in found["history"]["accuracy/test"]] == [(0, 0.98)]
    assert [time for _, _, time in found["history"]["loss/val"]] == [milliseconds(e["time"]) for e in finished.epochs]
    plain = [name for name in found["files"] if not name.startswith("images/")]
    assert sorted(plain) == [
        "code.patch", "config.yaml", "environment.json", "events.jsonl", "figures/curves.png", "predictions.npz",
        "probes/epoch_003.npz", "run.json",
    ]  # fmt: skip
    assert found["inputs"] == 1
    assert found["params"] == {
        "model.kernel_size": "5", "model.strides": "1", "model.padding": "same", "seed": "0", "training.epochs": "3",
    }  # fmt: skip
    assert (found["tags"]["model.dropout"], found["tags"]["cnnexp.outcome"]) == ("0.25", "complete")


@pytest.mark.slow
def test_a_run_is_dated_by_its_record(home: Path, finished: RunRecord) -> None:
    publisher(finished).finish(finished)
    _, run = the_run(finished)
    assert finished.ended is not None
    assert (run.info.start_time, run.info.end_time) == (milliseconds(finished.created), milliseconds(finished.ended))
    assert (run.info.run_name, run.info.status) == ("kernel_size=5", "FINISHED")


@pytest.mark.slow
def test_pictures_are_named_as_mlflow_names_them(home: Path, finished: RunRecord) -> None:
    """The judge is `log_image` itself, on the same picture, key and step."""
    publisher(finished).finish(finished)
    store, run = the_run(finished)
    image = np.zeros((9, 9, 3), np.uint8)
    other = store.client.create_run(run.info.experiment_id)
    store.client.log_image(other.info.run_id, image, key="feature_maps/conv_1", step=3, timestamp=7, synchronous=True)

    def parts(run_id: str) -> set[str]:
        names = [Path(file.path).name for file in store.client.list_artifacts(run_id, "images")]
        chosen = [name for name in names if name.startswith("feature_maps~conv_1+step+3+")]
        return {
            "+".join(name.split("+")[:4]) + name[name.rindex("+") :][-16:] * ("compressed" in name) for name in chosen
        }

    assert parts(run.info.run_id) == parts(other.info.run_id)
    assert (
        store.client.get_run(other.info.run_id).data.tags["mlflow.loggedImages"] == run.data.tags["mlflow.loggedImages"]
    )


def test_published_again_and_again_it_is_there_once(home: Path, finished: RunRecord) -> None:
    first = publisher(finished)
    first.finish(finished)
    before = everything(finished)
    first.finish(finished)
    publisher(finished).finish(finished)
    (finished.folder / "mlflow.json").unlink()
    publisher(finished).finish(finished)
    assert everything(finished) == before
    assert set(before["files"].values()) == {1}
    assert sum(name.startswith("images/") for name in before["files"]) == 2 * 2 * 4


@pytest.mark.slow
def test_a_result_that_an_older_version_published_at_its_epoch_is_not_doubled(home: Path, finished: RunRecord) -> None:
    store = open_store(Tracking(), create=False)
    older = store.client.create_run(store.experiment_id("cnnexp"), tags={"cnnexp.run": finished.id}).info.run_id
    store.client.log_metric(older, "accuracy/test", 0.98, step=3)
    assert publisher(finished).finish(finished)
    history = everything(finished)["history"]
    assert [step for step, _, _ in history["accuracy/test"]] == [3]
    assert [step for step, _, _ in history["loss/test"]] == [0]


@pytest.mark.slow
def test_epoch_by_epoch_is_the_same_as_all_at_once(home: Path, make_run: Any) -> None:
    writer = make_run("training.epochs=3")
    gradual = publisher(writer.read())
    steps = []
    with writer.recording():
        for number in range(4):
            epoch(writer, number)
            assert gradual.publish(writer.read())
            steps.append([step for step, _, _ in everything(writer.read())["history"]["loss/val"]])
            assert everything(writer.read())["status"] == "RUNNING"
    assert gradual.finish(writer.read())
    writer.close()
    assert steps == [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]
    found = everything(writer.read())
    (writer.folder / "mlflow.json").unlink()
    publisher(writer.read()).finish(writer.read())
    assert everything(writer.read()) == found


@pytest.mark.slow
def test_an_epoch_told_twice_by_a_resumed_run_is_there_once(home: Path, make_run: Any) -> None:
    writer = make_run()
    with writer.recording():
        epoch(writer, 0)
        epoch(writer, 1)
        publisher(writer.read()).publish(writer.read())
        time.sleep(0.005)
        epoch(writer, 1)
    publisher(writer.read()).finish(writer.read())
    writer.close()
    assert [step for step, _, _ in everything(writer.read())["history"]["loss/val"]] == [0, 1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "status", "outcome"),
    [(KeyboardInterrupt(), "KILLED", "killed"), (RuntimeError("no memory"), "FAILED", "failed")],
)
def test_a_run_ends_as_it_truly_did(home: Path, make_run: Any, error: BaseException, status: str, outcome: str) -> None:
    writer = make_run()
    with suppress(type(error)), writer.recording():
        epoch(writer, 0)
        publisher(writer.read()).publish(writer.read())
        raise error
    publisher(writer.read()).finish(writer.read())
    writer.close()
    found = everything(writer.read())
    assert (found["status"], found["tags"]["cnnexp.outcome"]) == (status, outcome)


@contextmanager
def ctrl_c_in_the_first_insert() -> Iterator[None]:
    """One SIGINT, at the moment when an open transaction is about to write."""
    left = [signal.SIGINT]

    def send(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if left and statement.startswith("INSERT"):
            signal.raise_signal(left.pop())

    event.listen(Engine, "before_cursor_execute", send)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", send)
    assert not left


def test_ctrl_c_waits_for_what_is_on_its_way(home: Path, make_run: Any) -> None:
    """It would leave the store locked for the process that has to tell it how the run ended."""
    writer, told = make_run(), list[str]()
    sending = publisher(writer.read(), told)
    with suppress(KeyboardInterrupt), writer.recording():
        epoch(writer, 0)
        with ctrl_c_in_the_first_insert():
            sending.publish(writer.read())
    writer.close()
    assert (writer.read().status, everything(writer.read())["status"]) == ("KILLED", "RUNNING")
    assert [step for step, _, _ in everything(writer.read())["history"]["loss/val"]] == [0]
    assert sending.finish(writer.read())
    assert (everything(writer.read())["status"], told) == ("KILLED", [])


def test_ctrl_c_waits_for_the_parent_of_a_sweep(home: Path) -> None:
    writer = SweepWriter.create(home / "runs", SweepHeader("seed", ("seed=0",), "cnnexp train -m", [], Tracking()))
    writer.event("started")
    with pytest.raises(KeyboardInterrupt), ctrl_c_in_the_first_insert():
        publish_sweep(writer.read(), Tracking())
    writer.close()
    run = open_store(Tracking(), create=False).client.get_run(writer.read().mlflow["run_id"])
    assert (run.data.tags["cnnexp.kind"], run.info.status) == ("sweep", "RUNNING")


@pytest.mark.slow
def test_a_run_whose_process_is_gone_becomes_killed(home: Path, make_run: Any) -> None:
    writer = make_run()
    writer.event("started", pid=1, host="there")
    epoch(writer, 0)
    publisher(writer.read()).publish(writer.read())
    writer.close()
    assert everything(writer.read())["status"] == "RUNNING"
    record = mark_if_gone(writer.read())
    publish_whole(open_store(Tracking(), create=False), record, no_model)
    assert everything(record)["status"] == "KILLED"


def test_tracking_off_sends_nothing(home: Path, make_run: Any) -> None:
    record = finish(make_run("tracking=off"))
    assert not publisher(record).finish(record)
    assert record.fresh().mlflow == {}


@pytest.mark.slow
def test_is_published_notices_a_new_picture_and_a_new_store(home: Path, migrated: Path, finished: RunRecord) -> None:
    store = open_store(Tracking(), create=False)
    assert not is_published(store, finished)
    publish_whole(store, finished, no_model)
    assert is_published(store, finished.fresh())
    shutil.copy(finished.folder / "figures" / "curves.png", finished.folder / "figures" / "new.png")
    assert not is_published(store, finished.fresh())
    publish_whole(store, finished, no_model)
    (home / "mlflow.db").unlink()
    shutil.copy(migrated, home / "mlflow.db")
    assert not is_published(open_store(Tracking(), create=False), finished.fresh())


@pytest.mark.slow
def test_an_inherited_run_id_does_no_harm(home: Path, finished: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "77")
    assert publisher(finished).finish(finished)


@pytest.mark.slow
def test_a_run_deleted_in_mlflow_is_left_deleted(home: Path, finished: RunRecord) -> None:
    store = open_store(Tracking(), create=False)
    publish_whole(store, finished, no_model)
    store.client.delete_run(finished.fresh().mlflow["run_id"])
    with pytest.raises(StoreError, match="deleted there"):
        publish_whole(store, finished.fresh(), no_model)


@pytest.mark.slow
def test_a_store_that_is_locked_is_told_once_and_filled_later(home: Path, make_run: Any, monkeypatch: Any) -> None:
    import sqlite3

    monkeypatch.setattr("cnnexp.runs.store.BUSY_SECONDS", 0.1)
    record = finish(make_run())
    told: list[str] = []
    sending = publisher(record, told)
    assert sending.publish(record)
    lock = sqlite3.connect(home / "mlflow.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    assert not sending.publish(record)
    assert not sending.publish(record)
    lock.execute("ROLLBACK")
    lock.close()
    assert len(told) == 1
    assert "locked by another process" in told[0]
    assert "cnnexp sync" in told[0]
    assert sending.finish(record)


@pytest.mark.slow
def test_a_store_deleted_under_a_run_is_made_again(home: Path, migrated: Path, finished: RunRecord) -> None:
    told: list[str] = []
    sending = publisher(finished, told)
    assert sending.publish(finished)
    (home / "mlflow.db").unlink()
    assert not sending.publish(finished)
    shutil.copy(migrated, home / "mlflow.db")
    assert sending.finish(finished)
    assert everything(finished)["runs"] == 1
    assert len(told) == 1


@pytest.mark.slow
def test_a_store_deleted_while_it_is_written_to_is_told_as_that(
    home: Path, finished: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, send = list[str](), Publication.send

    def delete_and_send(publication: Publication, record: RunRecord) -> None:
        (home / "mlflow.db").unlink()
        send(publication, record)

    sending = publisher(finished, told)
    monkeypatch.setattr(Publication, "send", delete_and_send)
    assert not sending.publish(finished)
    monkeypatch.undo()
    assert sending.finish(finished)
    assert len(told) == 1
    assert "deleted or replaced" in told[0]


@pytest.mark.slow
def test_a_server_that_never_answers_costs_seconds_in_all(home: Path, make_run: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("cnnexp.runs.store.QUICK_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        record = finish(make_run(f"tracking.uri=http://127.0.0.1:{silent.getsockname()[1]}"))
        told: list[str] = []
        sending = publisher(record, told)
        assert not any(sending.publish(record) for _ in range(100))
    assert len(told) == 1
    assert "no answer" in told[0]


def test_a_file_store_is_told_and_training_goes_on(home: Path, make_run: Any) -> None:
    record = finish(make_run("tracking.uri=file:./mlruns"))
    told: list[str] = []
    assert not publisher(record, told).finish(record)
    assert "mlflow migrate-filestore" in told[0]


@pytest.mark.slow
def test_mlflow_json_names_the_store_of_the_working_folder_from_there(home: Path, finished: RunRecord) -> None:
    publisher(finished).finish(finished)
    state = json.loads((finished.folder / "mlflow.json").read_text(encoding="utf-8"))
    assert state["uri"] == "sqlite:///mlflow.db"
    assert finished.fresh().mlflow["uri"] == f"sqlite:///{home}/mlflow.db"


@pytest.mark.slow
def test_a_process_killed_while_it_publishes_leaves_nothing_double(home: Path, finished: RunRecord) -> None:
    """SIGKILL at moments all over the publication, each time followed by a whole one."""
    code = ("import sys; from pathlib import Path; from cnnexp.runs.record import RunRecord; "
            "from cnnexp.runs.publish import Publisher; r = RunRecord(Path(sys.argv[1])); "
            "p = Publisher(r.config.tracking, r.folder, print); import mlflow; print('go', flush=True); "
            "p.finish(r)")  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for pause in (0.05, 0.15, 0.3):
        with subprocess.Popen([sys.executable, "-c", code, str(finished.folder)], stdout=subprocess.PIPE,
                              env=environment) as process:  # fmt: skip
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
    assert publisher(finished).finish(finished)
    found = everything(finished)
    assert (found["runs"], found["inputs"], set(found["files"].values())) == (1, 1, {1})
    assert [step for step, _, _ in found["history"]["loss/val"]] == [0, 1, 2, 3]


@pytest.mark.slow
def test_a_server_killed_in_the_middle_has_all_after_it_is_back(home: Path, make_run: Any) -> None:
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    writer = make_run(f"tracking.uri={uri}")
    told: list[str] = []
    sending = publisher(writer.read(), told)
    with serving(f"sqlite:///{home}/mlflow.db", "127.0.0.1", port) as server:
        with writer.recording():
            for number in range(4):
                epoch(writer, number)
                if number == 2:
                    os.killpg(server.pid, signal.SIGKILL)
                    server.wait()
                sending.publish(writer.read())
        assert not sending.finish(writer.read())
        assert len(told) == 1
    writer.close()
    with serving(f"sqlite:///{home}/mlflow.db", "127.0.0.1", port):
        publish_whole(open_store(Tracking(uri=uri), create=False), writer.read(), no_model)
        client = open_store(Tracking(uri=uri), create=False).client
        run = client.get_run(writer.read().mlflow["run_id"])
        points = client.get_metric_history(run.info.run_id, "loss/val")
        assert [point.step for point in points] == [0, 1, 2, 3]
        assert run.info.status == "FINISHED"
        assert len(client.list_artifacts(run.info.run_id, "images")) == 2 * 2 * 4

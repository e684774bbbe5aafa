"""Reading a record: crashes, resumed runs, tampering."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cnnexp.errors import RunError
from cnnexp.runs.files import write_json
from cnnexp.runs.journal import Ending, finite, milliseconds, read_events
from cnnexp.runs.record import RunRecord
from cnnexp.runs.writer import RunWriter
from tests.runs.conftest import MakeRun
from tests.runs.records import DATA

TIME = "2024-01-02T03:04:05.678+00:00"


def append(record: RunRecord, *lines: bytes) -> RunRecord:
    with (record.folder / "events.jsonl").open("ab") as file:
        file.writelines(lines)
    return record.fresh()


def test_a_finished_run_tells_everything(finished: RunRecord) -> None:
    assert (finished.name, finished.status, finished.ending) == (
        "kernel_size=5",
        "FINISHED",
        Ending("FINISHED", "complete"),
    )
    assert finished.overrides == ("model.kernel_size=5", "training.epochs=3")
    assert finished.config.model.kernel_size == (5, 5)
    assert (finished.data, finished.class_names) == (DATA, tuple("0123456789"))
    assert finished.history["loss/val"] == [(0, 1.0), (1, 1 / 2), (2, 1 / 3), (3, 1 / 4)]
    assert [epoch for epoch, _ in finished.history["loss/train"]] == [1, 2, 3]
    assert finished.result == {"best/epoch": 3.0, "accuracy/test": 0.98, "loss/test": 0.07}
    assert finished.metrics == {
        "loss/val": 0.25, "accuracy/val": 0.8, "loss/train": 0.375, "time/epoch_seconds": 0.25,
        "best/epoch": 3.0, "accuracy/test": 0.98, "loss/test": 0.07,
    }  # fmt: skip
    assert (finished.epochs_done, finished.probed_epochs, finished.mlflow) == (3, (3,), {})
    assert finished.ended is not None
    assert 0 <= finished.seconds < 60
    probes = finished.probes(3)
    assert (probes.maps["conv_1"].shape, probes.maps["conv_1"].dtype, probes.filters) == ((1, 4, 4, 2), np.float32, {})
    assert finished.predictions("test")["labels"].tolist() == [0, 1, 2, 3, 4]
    assert finished.predictions("validation") == {}


def test_a_run_that_has_just_started_tells_what_it_knows(make_run: MakeRun) -> None:
    record = make_run().read()
    assert (record.status, record.ending, record.ended, record.seconds) == ("RUNNING", None, None, 0.0)
    assert (record.metrics, record.history, record.epochs_done, record.events) == ({}, {}, 0, ())


@pytest.mark.parametrize("torn", [b"{", b'{"event": "epoch", "epoch": 4', '{"event": "\ud55c'.encode()[:-1]])
def test_a_last_line_cut_off_by_a_crash_is_no_event(torn: bytes, finished: RunRecord) -> None:
    assert append(finished, torn).events == finished.events


def test_a_resumed_runs_later_telling_counts(finished: RunRecord) -> None:
    again = {"event": "epoch", "time": TIME, "epoch": 2, "metrics": {"loss/val": 9.0}}
    started = {"event": "started", "time": TIME}
    record = append(finished, json.dumps(started).encode() + b"\n", json.dumps(again).encode() + b"\n")
    assert (record.status, record.ended) == ("RUNNING", None)
    assert record.history["loss/val"] == [(0, 1.0), (1, 1 / 2), (2, 9.0), (3, 1 / 4)]
    assert [event["epoch"] for event in record.epochs] == [0, 1, 2, 3]


def test_any_text_may_stand_in_a_message(make_run: MakeRun) -> None:
    writer = make_run()
    message = "한글 \u2028 \u0085 \x0b \r\n end"
    writer.event("ended", status="FAILED", outcome="failed", message=message)
    assert writer.read().ending == Ending("FAILED", "failed", message)


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\n", b"[1]\n", b"3\n", b"{}\n", b'{"event": 3}\n', b'{"event": "epoch"}\n', b"\xff\n",
        b"[" * 99_999 + b"\n", b'{"event": "epoch", "epoch": "1", "metrics": {}}\n', 
        b'{"event": "epoch", "epoch": 1, "metrics": []}\n',
        b'{"event": "ended", "status": "FINISHED"}\n', b'{"event": "started", "time": "yesterday"}\n',
    ],
)  # fmt: skip
def test_a_line_that_is_no_event_is_refused_with_its_place(line: bytes, finished: RunRecord) -> None:
    number = len(finished.events) + 1
    with pytest.raises(RunError) as caught:
        append(finished, line).events  # noqa: B018
    assert caught.value.problems[0].where == f"{finished.folder / 'events.jsonl'}:{number}"


def test_null_is_as_good_as_nothing(finished: RunRecord) -> None:
    write_json(finished.folder / "environment.json", {"threads": None, "packages": None, "git": None, "cpu": "x"})
    record = RunRecord(finished.folder)
    assert record.environment == {"cpu": "x"}
    with pytest.raises(RunError, match="no threads"):
        record.threads  # noqa: B018
    record = append(finished, json.dumps({"event": "started", "time": TIME, "changed": None}).encode() + b"\n")
    assert record.changed == ()


def test_a_journal_that_is_missing_is_empty_and_a_folder_is_none(tmp_path: Path) -> None:
    assert read_events(tmp_path / "events.jsonl") == ()
    with pytest.raises(RunError, match="a journal that can be read"):
        read_events(tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema_version": 2}, "schema_version 2"),
        ({"id": 3}, "id 3"),
        ({"id": "../a"}, "id '../a'"),
        ({"created": "yesterday"}, "created 'yesterday'"),
        ({"created": "2024-01-02"}, "created '2024-01-02'"),
        ({"overrides": "text", "data": None}, "overrides 'text', data null"),
        ({"data": {**DATA, "class_counts": {}}}, "class_counts {}"),
        ({"data": {**DATA, "class_counts": {"train": [1]}}}, "train"),
    ],
)
def test_a_header_that_is_none_is_refused(change: dict[str, object], told: str, finished: RunRecord) -> None:
    path = finished.folder / "run.json"
    path.write_text(json.dumps(finished.header | change), encoding="utf-8")
    with pytest.raises(RunError) as caught:
        finished.fresh().header  # noqa: B018
    assert told in caught.value.problems[0].got
    assert str(finished.folder) in caught.value.problems[0].where


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("seed: !!python/object/apply:pathlib.Path.touch [was_run]\n", "the tag tag:yaml.org,2002:python/object"),
        ("- 1\n", "got a list"),
        ("", "got null"),
        ("seed: true\n", "seed: got true"),
        ("model: {_target_: os.system}\n", "model._target_"),
        ("a: [\n", "broken YAML"),
        ("nosuch: 1\n", "nosuch: got 1, expected a key that exists"),
        ("schema_version: 2\n", "config.yaml: got schema_version 2, expected at most 1"),
    ],
)
def test_a_config_that_was_tampered_with_is_refused(
    text: str, told: str, finished: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished.folder)
    (finished.folder / "config.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RunError) as caught:
        finished.fresh().config  # noqa: B018
    assert told in str(caught.value)
    assert "config.yaml" in caught.value.problems[0].where
    assert not (finished.folder / "was_run").exists()


def test_probes_that_were_not_kept_are_told(finished: RunRecord) -> None:
    with pytest.raises(RunError, match=r"epoch_002\.npz: got no such file"):
        finished.probes(2)
    with pytest.raises(RunError, match=r"digits\.npz"):
        finished.digits()


def test_values_are_kept_until_it_is_read_anew(make_run: MakeRun) -> None:
    writer: RunWriter = make_run()
    record = writer.read()
    assert record.events == ()
    writer.event("started")
    assert record.events == ()
    assert len(record.fresh().events) == 1


def test_times_and_numbers() -> None:
    assert milliseconds(TIME) == 1704164645678
    assert finite({"a": 1.0, "b": float("nan"), "c": float("inf")}) == {"a": 1.0}

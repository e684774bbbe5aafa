"""Records as text and as JSON."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest

from cnnexp.runs.record import RunRecord
from cnnexp.verbs.report import as_json, ending_lines, result_table, table, where_to_look
from tests.conftest import Trained, run_command
from tests.runs.records import create_run


def test_table_pads_to_the_widest_cell() -> None:
    assert table(["a", "long head", "b"], [["12345", "x", ""], ["1", "가", "2"]]) == [
        "a      long head  b",
        "12345  x",
        "1      가         2",  # a terminal shows Hangul two cells wide
    ]


def test_result_table(trained: Trained) -> None:
    metrics = trained.record.metrics
    head, test, validation, told = result_table(trained.record)
    error = math.sqrt(metrics["accuracy/test"] * (1 - metrics["accuracy/test"]) / 500)
    assert head.split("  ")[-1] == "measured on"
    assert test.split()[:4] == ["test", f"{metrics['accuracy/test']:.2%}", "±", f"{error:.2%}"]
    assert validation.split()[-3:] == [f"{metrics['loss/val']:.4f}", "500", "digits"]
    assert told.startswith("weights of epoch 2 of 2, ")


@pytest.mark.slow
def test_result_table_of_the_best_epoch(best: Trained) -> None:
    result, record = best.record.result, best.record
    _, _, validation, told = result_table(record)
    assert f"{result['best/accuracy_val']:.2%}" in validation
    assert told.startswith(f"weights of epoch {result['best/epoch']:.0f} of {record.epochs_done}, ")


def test_where_to_look_offers_what_there_is(trained: Trained, twin: Trained, tmp_path: Path) -> None:
    assert [line.split()[0] for line in where_to_look(trained.record)][:3] == ["pictures", "report", "look"]
    assert [line.split()[0] for line in where_to_look(twin.record)] == ["report"], "tracking is off"
    shutil.copytree(trained.record.folder, tmp_path / "run", ignore=shutil.ignore_patterns("mlflow.json", "figures"))
    assert where_to_look(RunRecord(tmp_path / "run")) == [
        f"report    cnnexp show {trained.record.id}", f"publish   cnnexp sync {trained.record.id}",
    ]  # fmt: skip


def test_the_link_leads_to_the_server_that_has_the_run(trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.record.folder, tmp_path / "run")
    state = trained.record.mlflow | {"uri": "https://mlflow.example:8443"}
    (tmp_path / "run" / "mlflow.json").write_text(json.dumps(state), encoding="utf-8")
    link = where_to_look(RunRecord(tmp_path / "run"))[-1].strip()
    assert link.startswith(f"https://mlflow.example:8443/#/experiments/{state['experiment_id']}/runs/{state['run_id']}")


def test_ending_lines_are_set_apart(tmp_path: Path) -> None:
    run = create_run(tmp_path)
    with run.recording():
        for number in (0, 1):
            run.epoch(number, {"loss/val": 2.3}, "w", {})
        run.event("result", metrics={"loss/test": 2.3, "accuracy/test": 0.1})
    run.close()
    lines = ending_lines(run.read()).split("\n")
    assert lines[0] == ""
    blocks = "\n".join(lines[1:]).split("\n\n")
    assert [block.split()[0] for block in blocks] == ["accuracy", "found", "report"]


def test_as_json_is_plain(trained: Trained) -> None:
    told = json.loads(json.dumps(as_json(trained.record), allow_nan=False))
    assert told["name"] == trained.record.name
    assert told["metrics"] == trained.record.metrics
    assert told["command"].startswith("cnnexp train data.limit=200 ")
    assert set(told["identity"]) == {"variant", "recipe", "run_key"}


def test_show_says_how_to_run_it_again(trained: Trained) -> None:
    done = run_command(trained.home, "show", "latest")
    assert done.code == 0
    assert f"again     {trained.record.header['command']}" in done.out.splitlines()

"""What `cnnexp train` prints, and where."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.conftest import HANGUL, SMALL, Command, Trained


def test_standard_output_is_the_id_alone(trained: Trained) -> None:
    assert re.fullmatch(r"[0-9a-f]{8}\n", trained.printed.out)
    assert trained.printed.out.strip() == trained.record.id


def test_standard_error_tells_the_epochs_the_table_and_where_to_look(trained: Trained) -> None:
    lines = trained.printed.err.splitlines()
    assert lines[:2] == [
        f"run {trained.record.id}  {HANGUL}",
        "mnist_5k: 200 training, 500 validation, 500 test digits",
    ]
    assert [line.split(" | ")[0] for line in lines[2:5]] == ["before training", "epoch 1/2", "epoch 2/2"]
    accuracy = trained.record.metrics["accuracy/test"]
    (row,) = [line for line in lines if line.startswith("test ")]
    assert f"{accuracy:.2%} ± " in row
    assert row.endswith("500 digits")
    assert f"report    cnnexp show {trained.record.id}" in lines
    assert f"look      cnnexp ui {trained.record.id}" in lines
    assert trained.record.mlflow["run_id"] in lines[-1]
    assert f"pictures  runs/{trained.record.id}/figures" in lines


def test_json(command: Command) -> None:
    done = command("train", *SMALL, "training.epochs=1", "tracking=off", "figures=off", "--json")
    told = json.loads(done.out)
    assert (told["status"], told["outcome"], told["epochs"], told["mlflow"]) == ("FINISHED", "complete", 1, {})
    assert told["overrides"][:4] == list(SMALL)
    assert 0 <= told["metrics"]["accuracy/test"] <= 1
    assert Path(told["folder"]).name == told["id"]


def test_a_look_at_the_config_trains_nothing(command: Command, tmp_path: Path) -> None:
    done = command("train", "--cfg", "job", "model.kernel_size=5")
    assert done.code == 0
    assert "kernel_size: 5" in done.out
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_is_one_message_and_exit_code_2(command: Command, tmp_path: Path) -> None:
    done = command("train", "model.kernel_sze=5", "training.epochs=0")
    assert (done.code, done.out) == (2, "")
    assert "model.kernel_size" in done.err
    assert "training.epochs" in done.err
    assert list(tmp_path.iterdir()) == []

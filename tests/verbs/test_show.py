"""`cnnexp show RUN`: everything about one run, from its record alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cnnexp.errors import TrainingError
from cnnexp.runs.record import RunRecord
from tests.conftest import Command
from tests.runs.records import create_run


def test_everything_of_a_run_is_told(finished: RunRecord, command: Command) -> None:
    done = command("show", "latest")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert f"run       {finished.id}  kernel_size=5" in lines
    assert "status    FINISHED, complete" in lines
    assert "data      mnist_5k: 4,000 / 500 / 500 digits" in lines
    assert "again     cnnexp train model.kernel_size=5 training.epochs=3" in lines
    assert any(line.startswith("conv_1 ") for line in lines)
    assert any(line.split()[:2] == ["epoch", "loss/train"] for line in lines)
    assert any(line.startswith("test      98.00% (95 % interval ") for line in lines)
    assert f"pictures  runs/{finished.id}/figures" in lines


def test_json_holds_history_and_layers(finished: RunRecord, command: Command) -> None:
    told = json.loads(command("show", finished.id, "--json").out)
    assert told["history"]["loss/val"][0] == [0, 1.0]
    assert told["id"] == finished.id
    assert "conv_1" in json.dumps(told["layers"])


def test_a_run_that_failed_tells_why(tmp_path: Path, command: Command) -> None:
    writer = create_run(tmp_path / "runs")
    with pytest.raises(TrainingError), writer.recording():
        raise TrainingError("epoch 1", "nan", "a finite loss", "Try a smaller learning rate.")
    writer.close()
    done = command("show", "latest")
    assert "status    FAILED, diverged: epoch 1: got nan, expected a finite loss" in done.out
    assert "Try a smaller learning rate." in done.out


def test_nothing_is_drawn_unless_asked_for(tmp_path: Path, command: Command) -> None:
    writer = create_run(tmp_path / "runs")
    with writer.recording():
        writer.epoch(0, {"loss/val": 1.0}, "w", {})
    writer.close()
    before = sorted(tmp_path.rglob("*"))
    done = command("show", "latest")
    assert done.code == 0
    assert f"pictures  none yet; draw them: cnnexp show {writer.folder.name} --draw" in done.out.splitlines()
    assert sorted(tmp_path.rglob("*")) == before


def test_long_histories_are_told_in_steps(tmp_path: Path, command: Command) -> None:
    writer = create_run(tmp_path / "runs")
    with writer.recording():
        for number in range(40):
            writer.epoch(number, {"loss/val": 1.0}, "w", {})
    writer.close()
    table = command("show", "latest").out.split("epoch  loss")[1].split("\n\n")[0]
    assert [line.split()[0] for line in table.splitlines()[1:]] == [*(str(n) for n in range(0, 40, 4)), "39"]


@pytest.mark.parametrize(("word", "told"), [("zz", "the id of a run, or latest"), ("", "the id of a run, or latest")])
def test_a_run_that_is_not_there_is_refused(word: str, told: str, finished: RunRecord, command: Command) -> None:
    done = command("show", word)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert finished.id in done.err


def test_a_record_that_was_tampered_with_is_refused(finished: RunRecord, command: Command) -> None:
    (finished.folder / "config.yaml").write_text("seed: !!python/name:os.system x\n", encoding="utf-8")
    done = command("show", "latest")
    assert (done.code, done.out) == (2, "")
    assert "config.yaml" in done.err

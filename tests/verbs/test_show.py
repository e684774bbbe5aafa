"""`cnnexp show RUN`: everything about one run, from its record alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cnnexp.drawing
from cnnexp.config.schema import Tracking
from cnnexp.errors import DrawingError, TrainingError
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import open_store
from tests.conftest import Command, run_command
from tests.runs.records import create_run
from tests.study.conftest import Request
from tests.study.made import TINY, made_sweep


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


@pytest.mark.slow
def test_a_sweep_drawn_anew_has_the_maps_of_each_run_for_mlflow(home: Path, request_of: Request) -> None:
    sweep = made_sweep(request_of(*TINY, "tracking.enabled=true", "seed=0,1"), home / "runs", [0.9, 0.8])
    assert run_command(home, "sync", sweep.id).code == 0
    draw = f"maps      of each run in MLflow: cnnexp show {sweep.id} --draw, then cnnexp sync {sweep.id}"
    assert draw in run_command(home, "show", sweep.id).out.splitlines()
    done = run_command(home, "show", sweep.id, "--draw")
    assert f"and 4 of maps, of 2 runs; into MLflow: cnnexp sync {sweep.id}" in done.err
    assert draw not in done.out.splitlines()
    assert run_command(home, "sync", sweep.id).code == 0
    client = open_store(Tracking(), create=False).client
    for _, run in sweep.runs():
        names = [file.path for file in client.list_artifacts(run.mlflow["run_id"], "images")]
        assert sum("feature_maps~conv_1+step+2+" in name and name.endswith(".png") for name in names) == 1


@pytest.mark.slow
def test_a_run_whose_maps_cannot_be_drawn_keeps_no_other_from_it(
    home: Path, request_of: Request, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    sweep = made_sweep(request_of(*TINY, "seed=0,1"), home / "runs", [0.9, 0.8])
    first, second = [run for _, run in sweep.runs()]

    def draw_series(record: RunRecord) -> list[Path]:
        if record.id == first.id:
            raise DrawingError("conv_1", "no such colour", "what can be drawn")
        return drawn(record)

    drawn = cnnexp.drawing.draw_series
    monkeypatch.setattr(cnnexp.drawing, "draw_series", draw_series)
    done = run_command(home, "show", sweep.id, "--draw")
    assert done.code == 1
    assert "no such colour" in done.err
    assert (second.folder / "figures").is_dir()


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


def test_a_terminal_obeys_nothing_that_a_record_says(finished: RunRecord, command: Command) -> None:
    header = json.loads((finished.folder / "run.json").read_text(encoding="utf-8"))
    planted = {"name": "\x1b[31mred\x1b[2J", "command": "cnnexp train\x1b]0;title\x07"}
    (finished.folder / "run.json").write_text(json.dumps(header | planted), encoding="utf-8")
    for words in (("runs",), ("show", "latest")):
        done = command(*words)
        assert done.code == 0
        assert r"\x1b[31mred" in done.out
        assert "\x1b" not in done.out

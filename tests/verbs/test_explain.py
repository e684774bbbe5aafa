from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cnnexp.cli import main
from tests.conftest import Command
from tests.runs.conftest import MakeRun

ROOT = Path(__file__).resolve().parent.parent.parent
KERNEL = """\
model.blocks.conv_1.filters: number of kernels, which is the number of channels that come out

here      8
set by    override model.blocks.conv_1.filters=8
            instead of conf/model/article.yaml (shipped): 32
default   (must be given)
allowed   a whole number from 1 up
reaches   conv_1
formula   conv_1
            parameters        3·3·1·8 + 8 = 80
            multiply-adds     28·28·3·3·1·8 = 56,448
          conv_2, which takes them in
            parameters        3·3·8·64 + 64 = 4,672
"""
HEAVY = """
import contextlib, io, json, sys
from cnnexp.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    codes = [main(["explain", *words]) for words in json.loads(sys.argv[1])]
print(json.dumps([codes, [name for name in ("tensorflow", "keras", "mlflow", "matplotlib") if name in sys.modules]]))
"""


def test_a_key_as_it_is_printed(command: Command) -> None:
    done = command("explain", "model.blocks.conv_1.filters", "model.blocks.conv_1.filters=8")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(KERNEL)


def test_blocks_that_say_their_own_are_named(command: Command) -> None:
    out = command("explain", "model.kernel_size", "model.blocks.conv_2.kernel_size=5").out
    assert "reaches   conv_1\nnot       conv_2, which says its own: model.blocks.conv_2.kernel_size=5\n" in out


def test_what_is_inherited_and_what_was_taken_away(command: Command) -> None:
    out = command("explain", "model.blocks.conv_1.pool.pool_size", "model.pool=average").out
    assert (
        "set by    inherited from model.pool.pool_size:\n"
        "          the schema's default\n"
        "            instead of conf/model/article.yaml (shipped): 2\n"
        "            which override model.pool=average took away\n"
    ) in out


def test_parts_from_several_places(command: Command) -> None:
    out = command("explain", "model.pool", "model.pool.pool_size=3", "model=strided", "+model.pool.type=max").out
    assert "set by    override model.pool.pool_size=3\n          override +model.pool.type=max\n" in out
    assert "instead of conf/model/strided.yaml (shipped), chosen by model=strided: none\n" in out


def test_a_study_shows_its_effect(command: Command, tmp_path: Path) -> None:
    (tmp_path / "experiments").mkdir()
    header = "# @package _global_\n# Strides of 1 and 2.\n#   cnnexp train -m experiments=steps\n"
    study = f"{header}sweep: {{grid: {{model.strides: [1, 2]}}}}\n"
    (tmp_path / "experiments" / "steps.yaml").write_text(study, encoding="utf-8")
    out = command("explain", "model.strides").out
    assert "cnnexp train -m experiments=steps   (varies it)\n            Strides of 1 and 2.\n" in out


def test_as_json(command: Command) -> None:
    told = json.loads(command("explain", "training.optimizer", "training.optimizer=sgd", "--json").out)
    assert told["value"] == {"type": "sgd", "momentum": 0.0, "nesterov": False, "weight_decay": 0.0}
    assert told["formula"] == ["w ← w - rate·g"]
    assert told["layers"] == ["conv_1", "conv_2", "dense_1", "dense_2", "output"]
    in_force = [setting for setting in told["settings"] if setting["in_force"]]
    assert in_force == [
        {"key": "training.optimizer.type", "value": "sgd", "kind": "override", "where": "training.optimizer=sgd",
         "chosen_by": "", "in_force": True, "removes": False}
    ]  # fmt: skip


@pytest.mark.slow
def test_groups_as_tables_and_as_json(command: Command) -> None:
    out = command("explain", "data.augmentation", "data.augmentation.zoom=0.1").out
    assert out == (
        "data.augmentation: random changes of training digits\n\n"
        "key                       here  default  what it is\n"
        "data.augmentation.shift   0     0        largest shift along each axis, in pixels\n"
        "data.augmentation.rotate  0     0        largest rotation either way, in degrees\n"
        "data.augmentation.zoom    0.1   0        largest change of size either way, as a share\n"
    )
    told = json.loads(command("explain", "training", "--json").out)
    assert [group["group"] for group in told] == ["training", "optimizers", "schedules"]
    assert told[0]["keys"][0] == {
        "key": "training.epochs", "value": "5", "default": "5", "what": "passes over the training digits"
    }  # fmt: skip


def test_all_keys_fit_the_terminal(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    lines = command("explain").out.splitlines()
    assert max(map(len, lines)) <= 110
    assert sum(line.startswith("model.blocks.<name>.") for line in lines) == 12


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model.kernal_size"], "Did you mean model.kernel_size?"),
        (["model.blocks.conv_9.filters"], "got 'conv_9', expected one of conv_1, conv_2"),
        (["model.kernel_size", "model.kernal_size=3"], "Did you mean model.kernel_size?"),
        (["model.kernel_size", "nosuch"], "RUN: got 'nosuch'"),
        (["seed", "latest", "another"], "explain: got `seed latest another`, expected one key and at most one run"),
        (["seed", "--config-dir", "nosuch"], "--config-dir: got 'nosuch', expected a folder that exists"),
    ],
)
def test_refusals(command: Command, tmp_path: Path, words: list[str], message: str) -> None:
    done = command("explain", *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_run_explains_the_key_as_it_was(make_run: MakeRun, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run("model.kernel_size=7", "training.epochs=3").read()
    assert main(["explain", "model.kernel_size", "latest"]) == 0
    out = capsys.readouterr().out
    assert "here      7\n" in out
    assert (
        f"set by    override model.kernel_size=7 of run {run.id}\n            instead of runs/{run.id}/config.yaml: 7\n"
        in out
    )
    assert main(["explain", "training.epochs", run.id, "training.epochs=9"]) == 0
    assert "here      9\nset by    override training.epochs=9\n" in capsys.readouterr().out
    assert main(["explain", "model.kernel_size", run.id, "model=deep"]) == 2
    assert "Beside a run no file of a group can be chosen" in capsys.readouterr().err


def test_the_reference_as_markdown(command: Command) -> None:
    assert command("explain", "--markdown").out == (ROOT / "docs" / "config.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    words = [["model.kernel_size"], ["training.schedule", "training.schedule=cosine"], [], ["nosuch"], ["--markdown"]]
    done = subprocess.run(
        [sys.executable, "-c", HEAVY, json.dumps(words)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == [[0, 0, 0, 2, 0], []]

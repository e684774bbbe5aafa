"""What stays light, proved in fresh processes: help, looking, and every refusal import no heavy library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("tensorflow", "keras", "mlflow", "matplotlib.pyplot")
READS_NOTHING = (*HEAVY, "numpy")
SCRIPT = """
import contextlib, io, json, sys
from cnnexp.cli import VERBS, main
commands, heavy, told = json.loads(sys.argv[1]), sys.argv[2].split(","), []
for words in commands or [[], ["--version"], *([verb, "--help"] for verb in VERBS)]:
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            code = main(words)
        except SystemExit as left:
            code = left.code
    found = [name for name in heavy if name in sys.modules]
    told.append([words, code, len(out.getvalue()), err.getvalue(), found])
print(json.dumps(told))
"""
REFUSED = [
    ["train", "model.kernal_size=5"],
    ["train", "model=nosuch"],
    ["train", "experiments=nosuch"],
    ["train", "=3"],
    ["train", "training.epochs=0"],
    ["train", "model.kernel_size=3,5"],
    ["train", "model._target_=os.system"],
    ["train", "+hydra.callbacks.x._target_=os.system"],
    ["train", "seed=???"],
    ["train", "seed=${nosuch:1}"],
    ["train", "model.strides=2", "model.blocks.conv_1.dilation_rate=2"],
    ["train", "model.padding=valid", "model.kernel_size=29"],
    ["train", "training.batch_size=5000", "figures.layers=[nosuch]", "figures.epochs=[9]"],
    ["train", "--config-dir", "nosuch"],
    ["inspect", "--filter", "3"],
    ["nosuch"],
]
REFUSED_AFTER_READING = [
    ["train", "data=mnist", "data.folder=nosuch"],
    ["runs", "--filter", "nonsense"],
    ["show", "latest"],
    ["evaluate", "latest"],
    ["inspect", "latest", "--digit", "7"],
    ["rerun", "latest", "--verify"],
    ["rerun", "0123abcd"],
    ["diff", "latest", "0123abcd"],
]


def in_a_fresh_process(
    folder: Path, commands: list[list[str]], heavy: tuple[str, ...]
) -> list[tuple[str, int, int, str]]:
    """(words, exit code, length of standard output, standard error) of each; no heavy library may be in the process."""
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(commands), ",".join(heavy)],
        cwd=folder, env={**environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert [(words, found) for words, _, _, _, found in told if found] == []
    return [(" ".join(words), code, length, err) for words, code, length, err, _ in told]


@pytest.mark.slow
def test_help_and_looking_are_light(tmp_path: Path) -> None:
    for words, code, length, err in in_a_fresh_process(tmp_path, [], HEAVY):
        assert (code, err) == (0, ""), words
        assert length > 10, words
    looking = [["train", "--cfg", "job"], ["train", "--cfg", "all"], ["completion", "bash"], ["shapes"]]
    for commands, heavy in ((looking, READS_NOTHING), ([["runs"]], HEAVY)):
        for words, code, _, _ in in_a_fresh_process(tmp_path, commands, heavy):
            assert code == 0, words
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("commands", "heavy"),
    [(REFUSED, READS_NOTHING), (REFUSED_AFTER_READING, ("tensorflow", "keras"))],
    ids=["config", "data and records"],
)
def test_refusals_are_light_short_and_leave_nothing(
    tmp_path: Path, commands: list[list[str]], heavy: tuple[str, ...]
) -> None:
    for words, code, length, err in in_a_fresh_process(tmp_path, commands, heavy):
        assert (code, length) == (2, 0), f"{words}: {err}"
        assert err.startswith("error: ")
        assert len(err.splitlines()) <= 12, err
        assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []

"""Tab completion: what is offered, and that bash and zsh take it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cnnexp.cli import VERBS
from cnnexp.runs.record import RunRecord
from cnnexp.verbs.completion import matches
from tests.conftest import Command

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["tr"], ["train "]),
        (["completion", ""], ["bash", "zsh"]),
        (["train", "model.kern"], ["model.kernel_initializer.", "model.kernel_initializer=", "model.kernel_size="]),
        (["train", "model=sm"], ["model=small"]),
        (["train", "model.padding="], ["model.padding=same ", "model.padding=valid "]),
        (["train", "+training.optimizer=ad"], ["+training.optimizer=adam ", "+training.optimizer=adamw "]),
        (["train", "seed=1", "", "experiments=se"], ["experiments=seed"]),
        (["train", "--cfg", "job", "model.blocks.conv_2.fil"], ["model.blocks.conv_2.filters="]),
        (["train", "model=nosuch", "~x", "model=sm"], ["model=small"]),
        (["train", "nosuch.ke"], []),
        (["train", "hydra."], []),
        (["train", "hydra/launcher=p"], ["hydra/launcher=parallel "]),
        (
            ["train", "model.blocks.conv_1.ker"],
            [
                "model.blocks.conv_1.kernel_initializer.",
                "model.blocks.conv_1.kernel_initializer=",
                "model.blocks.conv_1.kernel_size=",
            ],
        ),
        (["train", "training.optimizer.mom"], ["training.optimizer.momentum="]),
        (["train", "training.optimizer.type=r"], ["training.optimizer.type=rmsprop "]),
        (["train", "training.epochs."], []),
        (["train", "model.use_bias=f"], ["model.use_bias=false "]),
        (["train", "++model.blocks.conv_9.str"], ["++model.blocks.conv_9.strides="]),
        (["train", "~model.bl"], ["~model.blocks "]),
        (["train", "~model.blocks."], ["~model.blocks.conv_1 ", "~model.blocks.conv_2 "]),
        (["runs", "--s"], ["--sort ", "--sweep "]),
        (["runs", "--sort", ""], []),
        (["evaluate", "latest", "--split", "te"], ["test "]),
        (["evaluate", "latest", "data=mn"], ["data=mnist", "data=mnist_5k"]),
        (["evaluate", "latest", "model.k"], []),
        (["train", "--cfg", "j"], ["job "]),
        (["train", "--plan", "model=sm"], ["model=small"]),
        (["show", "lat"], ["latest "]),
        (["version", "x"], []),
    ],
)
def test_what_is_offered(words: list[str], found: list[str]) -> None:
    assert matches(words) == found


def test_all_verbs_are_offered() -> None:
    assert matches([""]) == [f"{verb} " for verb in VERBS]


def test_runs_are_offered(finished: RunRecord, tmp_path: Path) -> None:
    assert finished.folder.parent == tmp_path / "runs"
    assert matches(["show", finished.id[:3]]) == [f"{finished.id} "]
    assert matches(["evaluate", ""]) == [f"{finished.id} ", "latest "]
    assert f"{finished.id} " in matches(["inspect", finished.id[:3]])


@pytest.mark.parametrize("line", ["", "cnnexp", "cnnexp ", "cnnexp train model=nosuch tr", "cnnexp train =3 ("])
def test_no_line_makes_it_fail_loudly(line: str, command: Command) -> None:
    done = command("__complete", line)
    assert done.code in (0, 2)
    assert "Traceback" not in done.err


@pytest.fixture
def shell_path(tmp_path: Path) -> str:
    """A PATH on which `cnnexp` is the one under test."""
    program = tmp_path / "bin" / "cnnexp"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m cnnexp.cli "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


DRIVE_BASH = """
eval "$(cnnexp completion bash)"
complete -p cnnexp
drive() {
    COMP_LINE=$1 COMP_POINT=${#1} COMP_CWORD=$(($# - 2))
    shift
    COMP_WORDS=("$@") COMPREPLY=()
    _cnnexp
    printf '%s|' "${COMPREPLY[@]}"
    echo
}
drive 'cnnexp sho' cnnexp sho
drive 'cnnexp train model=sm' cnnexp train model = sm
drive 'cnnexp train model.padding=' cnnexp train model.padding =
drive 'cnnexp train model.kern' cnnexp train model.kern
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_takes_it(shell_path: str, tmp_path: Path) -> None:
    """As bash calls it: it splits words at `=` and wants only what follows the last one."""
    done = subprocess.run(
        ["bash", "--norc", "-c", DRIVE_BASH], env={**os.environ, "PATH": shell_path}, cwd=tmp_path,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "complete -o default -o nospace -F _cnnexp cnnexp",
        "show |",
        "small|",
        "same |valid |",
        "model.kernel_initializer.|model.kernel_initializer=|model.kernel_size=|",
    ]


DRIVE_ZSH = """
source =(cnnexp completion zsh)
compadd() { print -rl -- $found }
BUFFER='cnnexp train model=sm' CURSOR=${#BUFFER}
_cnnexp
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
def test_zsh_takes_it(shell_path: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["zsh", "-f", "-c", f"autoload -Uz compinit && compinit -u -d {tmp_path / 'dump'}\n{DRIVE_ZSH}"],
        env={**os.environ, "PATH": shell_path}, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["model=small"]


def test_the_scripts_are_printed_as_they_are(command: Command) -> None:
    for shell in ("bash", "zsh"):
        done = command("completion", shell)
        assert (done.code, done.err) == (0, "")
        assert "cnnexp __complete" in done.out
    with pytest.raises(SystemExit) as left:
        command("completion", "fish")
    assert left.value.code == 2

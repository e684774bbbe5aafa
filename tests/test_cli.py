"""The command: verbs, messages, exit codes."""

from __future__ import annotations

import errno
import signal
from collections.abc import Iterator

import pytest

from cnnexp import cli
from cnnexp.cli import VERBS, main
from cnnexp.errors import TrainingError
from cnnexp.interrupts import Terminated


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_verb(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    out = capsys.readouterr().out
    assert all(f"  {verb} " in out for verb in VERBS)
    assert "  cnnexp train model.kernel_size=5" in out


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_tells_what_it_does_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([verb, "--help"])
    assert left.value.code == 0
    out = capsys.readouterr().out
    assert f"usage: cnnexp {verb}" in out
    assert f"cnnexp {verb}" in out.split("example:")[1]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("cnnexp ")


def test_a_mistyped_verb_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trian"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: cnnexp: got `trian`, expected one of train, ")
    assert err.endswith("Did you mean cnnexp train?\n")


@pytest.mark.parametrize("verb", ["rerun", "resume", "evaluate"])
def test_only_the_run_is_required(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([verb])
    assert left.value.code == 2
    assert capsys.readouterr().err.endswith("the following arguments are required: RUN\n")


def test_an_unknown_flag_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["train", "--nosuch"])
    assert left.value.code == 2
    assert "--nosuch" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (TrainingError("epoch 3", "nan", "a finite loss"), 1, "error: epoch 3: got nan, expected a finite loss\n"),
        (OSError(errno.ENOSPC, "No space left on device", "runs/x"), 1,
         "error: runs/x: got No space left on device, expected a place that can be read and written\n"),
        (KeyboardInterrupt(), 130, ""),
        (Terminated(), 143, ""),
    ],
)  # fmt: skip
def test_how_a_verb_ends_is_the_exit_code(
    error: BaseException, code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def end(words: list[str]) -> int:
        raise error

    monkeypatch.setattr(cli, "_dispatch", end)
    assert main(["train"]) == code
    assert capsys.readouterr().err == told


def test_sigterm_arrives_as_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_dispatch", lambda words: signal.raise_signal(signal.SIGTERM))
    assert main(["train"]) == 143


def test_overrides_and_flags_may_stand_in_any_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "seed=3", "--cfg", "job", "training.epochs=2", "--package", "seed"]) == 0
    assert capsys.readouterr().out == "3\n"

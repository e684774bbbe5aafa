"""`cnnexp diff RUN RUN`: only what differs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import run_command
from tests.report.made import made_run


def test_only_what_differs_is_told(tmp_path: Path) -> None:
    first = made_run(tmp_path / "runs", "+-")
    second = made_run(tmp_path / "runs", "++", "model.kernel_size=5", environment={"threads": 4, "python": "3.11"})
    done = run_command(tmp_path, "diff", first.id, second.id)
    assert (done.code, done.err) == (0, "")
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0] == [first.id, second.id]
    assert lines[1:5] == [["config"], ["model.kernel_size", "3", "5"], ["environment"], ["threads", "2", "4"]]
    assert [line[0] for line in lines[5:]] == ["result", "accuracy/val", "best/accuracy_val", "best/loss_val"]
    found = json.loads(run_command(tmp_path, "diff", first.id, second.id, "--json").out)
    assert found["runs"] == [first.id, second.id]
    assert found["config"] == {"model.kernel_size": ["3", "5"]}
    assert (found["data"], found["code"], found["weights_differ_from"]) == ({}, {}, None)


def test_where_the_weights_part(tmp_path: Path) -> None:
    first, second = (made_run(tmp_path / "runs", "+-") for _ in range(2))
    journal = second.folder / "events.jsonl"
    whole = journal.read_text(encoding="utf-8")
    for epoch, told in (
        (0, "differ from the beginning."),
        (2, "are the same up to epoch 1 and differ from epoch 2 on."),
    ):
        lines = whole.splitlines(keepends=True)
        lines[epoch + 1] = lines[epoch + 1].replace("w" * 64, "x" * 64)
        journal.write_text("".join(lines), encoding="utf-8")
        assert run_command(tmp_path, "diff", first.id, second.id).out.endswith(f"\nTheir weights {told}\n")


def test_weights_of_a_run_that_ended_earlier_do_not_differ(tmp_path: Path) -> None:
    long, short = (made_run(tmp_path / "runs", "+-") for _ in range(2))
    journal = short.folder / "events.jsonl"
    lines = [line for line in journal.read_text(encoding="utf-8").splitlines(keepends=True) if '"epoch": 2' not in line]
    journal.write_text("".join(lines), encoding="utf-8")
    for words in ((long.id, short.id), (short.id, long.id)):
        told = f"\nTheir weights are the same up to epoch 1, where {short.id} ends.\n"
        assert run_command(tmp_path, "diff", *words).out.endswith(told)
        assert json.loads(run_command(tmp_path, "diff", *words, "--json").out)["weights_differ_from"] is None


def test_nothing_differs_is_a_sentence(tmp_path: Path) -> None:
    first, second = (made_run(tmp_path / "runs", "+-") for _ in range(2))
    done = run_command(tmp_path, "diff", first.id, second.id)
    told = f"Nothing differs: config, environment, data, code and result of {first.id} and {second.id} are the same.\n"
    assert (done.code, done.out) == (0, told)


@pytest.mark.parametrize(
    ("words", "told"),
    [(("latest", "latest"), "two different runs"), (("latest", "zz"), "the id of a run, or latest")],
)
def test_refusals(words: tuple[str, str], told: str, tmp_path: Path) -> None:
    made_run(tmp_path / "runs", "+-")
    done = run_command(tmp_path, "diff", *words)
    assert (done.code, done.out) == (2, "")
    assert told in done.err

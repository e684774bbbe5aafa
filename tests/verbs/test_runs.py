"""`cnnexp runs`: newest first, filtered, sorted, as a table or JSON; it makes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.runs.records import create_run, finish


@pytest.fixture
def three(tmp_path: Path) -> list[str]:
    """Ids of three finished runs, the last made last."""
    overrides = {"a": ["model.kernel_size=5"], "b": [], "이름 " * 20: ["training.epochs=2"]}
    return [finish(create_run(tmp_path / "runs", words, name=name)).id for name, words in overrides.items()]


def test_runs_are_listed_newest_first(three: list[str], command: Command) -> None:
    done = command("runs")
    assert (done.code, done.err) == (0, "")
    head, *rows = done.out.splitlines()
    assert head.split() == ["run", "name", "status", "epochs", "val", "test", "seconds", "started"]
    assert [row.split()[0] for row in rows] == three[::-1]
    assert rows[1].split()[1:6] == ["b", "FINISHED", "3", "80.00%", "98.00%"]
    assert f"{('이름 ' * 20)[:39]}…" in rows[0]


def test_filters_sort_and_limit(three: list[str], command: Command) -> None:
    filtered = command("runs", "--filter", "model.kernel_size=5", "-f", "status=FINISHED", "--json")
    assert [run["id"] for run in json.loads(filtered.out)] == three[:1]
    limited = command("runs", "--sort", "name", "--limit", "2")
    assert [row.split()[1] for row in limited.out.splitlines()[1:]] == ["a", "b"]
    best_first = command("runs", "--sort", "name", "--reverse", "--limit", "1")
    assert best_first.out.splitlines()[1].split()[0] in three
    assert best_first.out.splitlines()[1] not in limited.out
    assert limited.err == "2 of 3 runs; all of them with --limit 0\n"
    assert len(command("runs", "-n", "0").out.splitlines()) == 4


def test_where_none_is_like_that_it_says_so(three: list[str], command: Command) -> None:
    done = command("runs", "-f", "name=nosuch")
    assert (done.code, done.out, done.err) == (0, "", "none of 3 runs is like that\n")
    assert command("runs", "-f", "name=nosuch", "--json").out == "[]\n"


def test_a_limit_below_0_is_refused(three: list[str], command: Command) -> None:
    done = command("runs", "-n", "-1")
    assert (done.code, done.err) == (2, "error: --limit: got -1, expected a whole number from 0 up (0: all)\n")


def test_json_tells_all(three: list[str], command: Command, tmp_path: Path) -> None:
    newest = json.loads(command("runs", "--json").out)[0]
    assert newest["id"] == three[-1]
    assert newest["overrides"] == ["training.epochs=2"]
    assert newest["folder"] == str(tmp_path / "runs" / three[-1])
    assert (newest["status"], newest["outcome"], newest["epochs"]) == ("FINISHED", "complete", 3)
    assert newest["metrics"]["accuracy/test"] == 0.98


def test_no_runs_yet(command: Command, tmp_path: Path) -> None:
    done = command("runs")
    assert (done.code, done.out) == (0, "")
    assert done.err == f"no runs yet in {tmp_path / 'runs'}; make one with: cnnexp train\n"
    assert json.loads(command("runs", "--json").out) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["--filter", "nonsense"], ["--sort", "nosuch"], ["--filter", "nosuch=1"]])
def test_what_cannot_be_asked_is_refused(words: list[str], three: list[str], command: Command) -> None:
    done = command("runs", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: --filter")


def test_a_damaged_record_hides_no_other(three: list[str], command: Command, tmp_path: Path) -> None:
    (tmp_path / "runs" / three[0] / "run.json").write_text("{", encoding="utf-8")
    done = command("runs")
    assert done.code == 0
    assert [row.split()[0] for row in done.out.splitlines()[1:]] == three[:0:-1]
    assert done.err.startswith(f"left out: {tmp_path / 'runs' / three[0] / 'run.json'}: ")

"""What a run ran on."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from cnnexp.runs.environment import MAX_PATCH_BYTES, code_patch, environment, git_state, usable_cores


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git checkout with one commit."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "no_config"))
    (tmp_path / "a.txt").write_text("one\n", encoding="utf-8")
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "a.txt"], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True, capture_output=True)
    return tmp_path


def test_commit_and_what_differs_from_it(checkout: Path) -> None:
    state = git_state(checkout)
    assert (len(state["commit"]), state["dirty"], code_patch(checkout)) == (40, False, "")
    (checkout / "new.txt").write_text("not tracked\n", encoding="utf-8")
    assert git_state(checkout) == state
    (checkout / "a.txt").write_text("둘\n", encoding="utf-8")
    assert git_state(checkout) == state | {"dirty": True}
    assert "-one\n+둘\n" in code_patch(checkout)


def test_a_large_patch_is_cut(checkout: Path) -> None:
    (checkout / "a.txt").write_text("x" * 80 + "\n" + "line\n" * 300_000, encoding="utf-8")
    patch = code_patch(checkout)
    assert patch.endswith(f"… cut after {MAX_PATCH_BYTES} bytes\n")
    assert len(patch) < MAX_PATCH_BYTES + 100


def test_outside_a_checkout_and_without_git_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert (git_state(tmp_path), code_patch(tmp_path)) == ({}, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (git_state(tmp_path), code_patch(tmp_path)) == ({}, "")


def test_switches_that_decide_bits_are_told_where_they_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    assert "TF_ENABLE_ONEDNN_OPTS" not in environment(threads=2)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert environment(threads=2)["TF_ENABLE_ONEDNN_OPTS"] == "0"


def test_machine_and_packages_are_told_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNEXP_TEST_SECRET", "hidden-value")
    told = environment(threads=2)
    assert told["threads"] == 2
    assert 1 <= told["cores_usable"] == usable_cores()
    assert told["packages"]["numpy"][0].isdigit()
    text = json.dumps(told)
    assert "hidden-value" not in text
    assert told["cpu"]

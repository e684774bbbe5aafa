"""What differs between two runs, section by section, and what happened around them."""

from __future__ import annotations

from pathlib import Path

from cnnexp.analysis.circumstances import changes, circumstances, circumstances_of
from cnnexp.analysis.run_differences import run_differences
from tests.report.made import made_run

THERE = {"packages": {"keras": "3.1"}, "threads": 2, "cpu": "one", "git": {"commit": "a" * 40}, "sources": "0123"}


def test_two_runs_of_one_recipe_differ_in_nothing(tmp_path: Path) -> None:
    first, second = (made_run(tmp_path, "+-", environment=THERE) for _ in range(2))
    found = run_differences(first, second)
    assert found.is_nothing
    assert set(found.sections) == {"config", "environment", "data", "code", "result"}


def test_every_difference_stands_in_its_section(tmp_path: Path) -> None:
    first = made_run(tmp_path, "+-", environment=THERE)
    here = {"packages": {"keras": "3.2"}, "threads": 1, "cpu": "one", "git": {"commit": "b" * 40}, "sources": "0123"}
    second = made_run(tmp_path, "++", "model.kernel_size=5", environment=here, digest="f" * 16)
    (second.folder / "code.patch").write_text("one\ntwo\n", encoding="utf-8")
    found = {
        section: {one.key: one.values for one in differing}
        for section, differing in run_differences(first, second.fresh()).sections.items()
    }
    assert found["config"] == {"model.kernel_size": ("3", "5")}
    assert found["environment"] == {"keras": ("3.1", "3.2"), "threads": ("2", "1")}
    assert found["data"] == {"digest": ("0123456789abcdef", "f" * 16)}
    assert found["code"] == {
        "commit": ("a" * 10, "b" * 10),
        "patch": ("none", "2 lines, c3f9c8c283"),
    }
    assert found["result"] == {
        "accuracy/val": ("0.5", "1"), "best/accuracy_val": ("0.5", "1"), "best/loss_val": ("0.5", "0"),
    }  # fmt: skip


def test_the_epoch_from_which_weights_differ(tmp_path: Path) -> None:
    first, second = made_run(tmp_path, "+-"), made_run(tmp_path, "+-")
    journal = second.folder / "events.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[2] = lines[2].replace("w" * 64, "x" * 64)
    journal.write_text("".join(lines), encoding="utf-8")
    found = run_differences(first, second.fresh())
    assert found.weights is not None
    assert (found.weights.epoch, found.is_nothing) == (1, False)


def test_what_changed_since_a_run(tmp_path: Path) -> None:
    record = made_run(tmp_path, "+-", environment=THERE)
    now = circumstances({**THERE, "threads": 4, "TF_ENABLE_ONEDNN_OPTS": "0"}, "a patch\n", record.data)
    found = changes(circumstances_of(record), now)
    assert {part: [one.key for one in some] for part, some in found.items()} == {
        "code": ["patch"], "packages": [], "machine": ["threads", "TF_ENABLE_ONEDNN_OPTS"], "data": [],
    }  # fmt: skip
    assert [one.values for one in found["machine"]] == [("2", "4"), ("–", "0")]

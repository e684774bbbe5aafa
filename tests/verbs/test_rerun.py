"""The words of a verdict, on verifications made by hand."""

from __future__ import annotations

from pathlib import Path

from cnnexp.analysis.verification import Departure, Judged, Verification
from cnnexp.verbs.rerun import verdict_json, verdict_lines
from tests.runs.records import create_run


def made(runs: Path, *judged: Judged, seeds: int = 0, epochs: tuple[int, ...] = (0, 1)) -> Verification:
    """A run of one epoch and one that departs from it."""
    first, again = (create_run(runs / "runs", ("training.epochs=1",)) for _ in range(2))
    departs = Departure(1, "weights", "a" * 64, "b" * 64)
    found = {number: f"{number:08x}" for number in range(1, seeds + 1)}
    return Verification(first.read(), again.read(), epochs, departs, None, judged, found)


def test_a_metric_that_no_other_seed_measured_is_unknown_beside_the_others(tmp_path: Path) -> None:
    loss = Judged("best/loss_val", 0.3, 0.31, (0.27, 0.33), 4)
    found = made(tmp_path, loss, Judged("loss/test", 0.2, 0.21, None, 0), seeds=4)
    lines = verdict_lines(found)
    assert lines[0] == "same within noise"
    assert "spread    of the first run and 4 other seeds (1, 2, 3, 4): where 95 % of further ones would lie" in lines
    assert [" ".join(line.split()) for line in lines[-2:]] == [
        "best/loss_val 0.3 0.31 0.27 to 0.33 inside",
        "loss/test 0.2 0.21 unknown 0 other seeds measured it",
    ]
    assert list(verdict_json(found)["spread"]["metrics"]) == ["best/loss_val"]


def test_one_seed_and_one_epoch_are_told_as_one(tmp_path: Path) -> None:
    lines = verdict_lines(made(tmp_path, Judged("loss/test", 0.2, 0.21, None, 1), seeds=1, epochs=(1,)))
    assert lines[2].endswith(" over epoch 1")
    known = "unknown: 1 other seed of this variant with 1 epoch in runs/ and MLflow, at least 3 make one"
    assert lines[-1] == f"spread    {known}"

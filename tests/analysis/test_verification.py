"""Verdicts on records made by hand: hashes, metrics and seeds are said, so the verdict is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cnnexp.analysis.statistics import prediction_interval
from cnnexp.analysis.verification import Departure, verify
from cnnexp.runs.record import RunRecord
from tests.runs.records import create_run

RESULT = {"best/loss_val": 0.30, "best/accuracy_val": 0.90}


def told(runs: Path, hashes: str, *overrides: str, result: dict[str, float] | None = None, **more: Any) -> RunRecord:
    """A run with one epoch a letter, whose weights have the hash of 64 such letters. more: losses, ends (FINISHED?)."""
    losses: Sequence[float] = more.get("losses", [1 / (n + 1) for n in range(len(hashes))])
    writer = create_run(runs, ("training.epochs=3", *overrides))
    try:
        with writer.recording():
            for number, (letter, loss) in enumerate(zip(hashes, losses, strict=True)):
                writer.epoch(number, {"loss/val": loss, "time/epoch_seconds": float(number)}, letter * 64, {})
            if not more.get("ends", True):
                raise KeyboardInterrupt
            writer.event("result", metrics=result or RESULT)
    except KeyboardInterrupt:
        pass
    writer.close()
    return writer.read()


def seeds(runs: Path, losses: Sequence[float], *overrides: str) -> list[RunRecord]:
    """Runs of the seeds 1, 2, … with these losses."""
    return [
        told(runs, "wxyz", f"seed={number}", *overrides, result={**RESULT, "best/loss_val": loss})
        for number, loss in enumerate(losses, 1)
    ]


def test_equal_hashes_after_every_epoch_are_bit_identical(tmp_path: Path) -> None:
    found = verify(told(tmp_path, "abcd"), told(tmp_path, "abcd"))
    assert (found.verdict, found.is_same) == ("bit-identical", True)
    assert (found.epochs, found.weights, found.metric, found.departs) == ((0, 1, 2, 3), None, None, None)


def test_the_first_epoch_whose_hash_departs_is_told(tmp_path: Path) -> None:
    found = verify(told(tmp_path, "abcd"), told(tmp_path, "abxd"))
    assert (found.verdict, found.is_same, found.has_spread) == ("differs from epoch 2", False, False)
    assert found.weights == Departure(2, "weights", "c" * 64, "x" * 64)
    assert found.seeds == {}


def test_a_metric_that_departs_before_the_weights_counts(tmp_path: Path) -> None:
    found = verify(told(tmp_path, "abcd"), told(tmp_path, "abcx", losses=[1, 0.5, 0.4, 0.25]))
    assert found.verdict == "differs from epoch 2"
    assert found.departs == Departure(2, "loss/val", pytest.approx(1 / 3), 0.4)


def test_equal_weights_that_were_measured_differently_are_bit_identical_and_it_is_told(tmp_path: Path) -> None:
    found = verify(told(tmp_path, "abcd"), told(tmp_path, "abcd", losses=[1, 0.5, 0.4, 0.25]))
    assert found.verdict == "bit-identical"
    assert found.metric == Departure(2, "loss/val", pytest.approx(1 / 3), 0.4)


def test_the_spread_is_that_of_one_more_seed() -> None:
    reach = 4.302653 * 1 * (1 + 1 / 3) ** 0.5  # Student's t of 2 degrees of freedom, standard deviation 1
    assert prediction_interval([1, 2, 3]) == pytest.approx((2 - reach, 2 + reach))


@pytest.mark.parametrize(
    ("loss", "verdict"), [(0.329, "same within noise"), (0.271, "same within noise"), (0.3291, "differs from epoch 1")]
)
def test_metrics_inside_the_spread_of_seeds_are_the_same_within_noise(
    loss: float, verdict: str, tmp_path: Path
) -> None:
    """Losses 0.30 of the first run, 0.29, 0.30 and 0.31: mean ± t(3)·s·√(5/4), which is 0.30 ± 0.02905."""
    first, others = told(tmp_path, "abcd"), seeds(tmp_path, [0.29, 0.30, 0.31])
    found = verify(first, told(tmp_path, "axcd", result={**RESULT, "best/loss_val": loss}), others)
    assert found.verdict == verdict
    assert found.seeds == {number: record.id for number, record in enumerate(others, 1)}
    judged = {one.key: one for one in found.judged}
    assert judged["best/loss_val"].interval == pytest.approx((0.27095, 0.32905), abs=1e-5)
    assert judged["best/accuracy_val"].interval == pytest.approx((0.898, 0.902))  # one digit of 500


def test_each_metric_is_judged_with_the_seeds_that_measured_it(tmp_path: Path) -> None:
    """Of a sweep's children the chosen one alone is tested: the others tell nothing of the test digits."""
    tested = {**RESULT, "loss/test": 0.2, "accuracy/test": 0.95}
    others = seeds(tmp_path, [0.29, 0.30, 0.31])
    again = told(tmp_path, "axcd", result={**tested, "loss/test": 0.21})
    found = verify(told(tmp_path, "abcd", result=tested), again, others)
    assert (found.verdict, list(found.seeds)) == ("same within noise", [1, 2, 3])
    known = {one.key: (one.seeds, one.interval is not None) for one in found.judged}
    assert known["best/loss_val"] == known["best/accuracy_val"] == (3, True)
    assert known["loss/test"] == known["accuracy/test"] == (0, False)
    worse = told(tmp_path, "axcd", result={**tested, "best/loss_val": 0.4})
    assert verify(found.first, worse, others).verdict == "differs from epoch 1"


@pytest.mark.slow
def test_two_seeds_are_no_spread_and_other_runs_are_no_seeds(tmp_path: Path) -> None:
    first, again = told(tmp_path, "abcd"), told(tmp_path, "axcd")
    others = [
        *seeds(tmp_path, [0.29, 0.30]),
        *seeds(tmp_path, [0.3, 0.3, 0.3], "training.epochs=4")[2:],
        told(tmp_path, "abcd", "seed=4", ends=False),
        told(tmp_path, "abcd", "seed=2"),
        first,
    ]
    found = verify(first, again, others)
    assert (found.verdict, list(found.seeds)) == ("differs from epoch 1", [1, 2])
    assert [one.interval for one in found.judged] == [None, None]


def test_a_damaged_run_is_no_seed(tmp_path: Path) -> None:
    others = seeds(tmp_path, [0.29, 0.30, 0.31])
    (others[1].folder / "events.jsonl").write_text("nonsense\n", encoding="utf-8")
    found = verify(told(tmp_path, "abcd"), told(tmp_path, "abxd"), [record.fresh() for record in others])
    assert list(found.seeds) == [1, 3]


def test_of_a_run_that_was_cut_short_what_it_finished_is_compared(tmp_path: Path) -> None:
    short = told(tmp_path, "abc", ends=False)
    found = verify(short, told(tmp_path, "abcd"))
    assert (found.verdict, found.epochs) == ("bit-identical", (0, 1, 2))
    found = verify(short, told(tmp_path, "abxd"), seeds(tmp_path, [0.29, 0.30, 0.31]))
    assert (found.verdict, found.judged) == ("differs from epoch 2", ())


def test_an_epoch_that_only_one_has_is_a_departure(tmp_path: Path) -> None:
    long, short = told(tmp_path, "abcd"), told(tmp_path, "abc")
    assert verify(long, short).weights == Departure(3, "weights", "d" * 64, None)
    assert verify(short, long).weights == Departure(3, "weights", None, "d" * 64)

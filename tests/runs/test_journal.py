"""Journals of runs that were started more than once: no epoch doubled, none missing, none from a line given up."""

from __future__ import annotations

from typing import Any

import pytest

from cnnexp.runs.journal import changes_told, epochs_told


def start(**told: Any) -> dict[str, Any]:
    return {"event": "started", **told}


def epoch(number: int, weights: str, seconds: float) -> dict[str, Any]:
    return {"event": "epoch", "epoch": number, "weights": weights, "metrics": {"time/epoch_seconds": seconds}}


FIRST = [start(after=None), epoch(0, "a", 1.0), epoch(1, "b", 1.0), epoch(2, "c", 1.0)]


def told(*events: dict[str, Any]) -> list[tuple[int, str, float]]:
    found = epochs_told(events)
    return [(one["epoch"], one["weights"], one["metrics"]["time/epoch_seconds"]) for one in found]


def test_one_start() -> None:
    assert told(*FIRST) == [(0, "a", 1.0), (1, "b", 1.0), (2, "c", 1.0)]
    assert told() == []


def test_a_start_leaves_out_what_comes_after_the_epoch_that_it_goes_on() -> None:
    assert told(*FIRST, start(after=1)) == [(0, "a", 1.0), (1, "b", 1.0)]
    assert told(*FIRST, start(after=None)) == []
    assert told(*FIRST, start(after=2)) == told(*FIRST)


def test_an_epoch_trained_again_to_the_same_weights_is_as_it_was_told_first() -> None:
    assert told(*FIRST, start(after=1), epoch(2, "c", 9.0)) == told(*FIRST)


def test_an_epoch_trained_again_to_other_weights_is_told_anew() -> None:
    again = told(*FIRST, start(after=0), epoch(1, "x", 9.0), epoch(2, "y", 9.0))
    assert again == [(0, "a", 1.0), (1, "x", 9.0), (2, "y", 9.0)]
    back = told(*FIRST, start(after=0), epoch(1, "x", 9.0), start(after=0), epoch(1, "b", 5.0))
    assert back == [(0, "a", 1.0), (1, "b", 1.0)]


def test_a_start_of_before_starts_said_where_they_go_on_leaves_nothing_out() -> None:
    assert told(*FIRST, start(), epoch(1, "x", 2.0)) == [(0, "a", 1.0), (1, "x", 2.0), (2, "c", 1.0)]


def test_changes_are_those_of_all_starts_each_once() -> None:
    events = [start(after=None, changed=[]), start(after=1, changed=["keras"]), start(changed=["keras", "numpy"])]
    assert changes_told(events) == ("keras", "numpy")
    assert changes_told(FIRST) == ()


@pytest.mark.parametrize("told_after", ["1", 1.5, [], {}])
def test_a_start_that_goes_on_after_no_number_is_refused(told_after: object, tmp_path: Any) -> None:
    import json

    from cnnexp.errors import RunError
    from cnnexp.runs.journal import read_events

    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps(start(after=told_after)) + "\n", encoding="utf-8")
    with pytest.raises(RunError, match=r"after .*expected the event 'started' with all"):
        read_events(path)

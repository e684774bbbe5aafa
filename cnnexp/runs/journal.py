"""What the events of a journal add up to where a run was started more than once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Event = dict[str, Any]


def epochs_told(events: Iterable[Event]) -> tuple[Event, ...]:
    """The epoch events that a run went through, by epoch, each epoch once.

    A start that says `after` which epoch it goes on leaves out what was told of later ones: they are trained again.
    Trained again to the same weights, an epoch is what it was when it was told first.
    """
    told: dict[int, Event] = {}
    first: dict[tuple[int, str], Event] = {}
    for event in events:
        if event["event"] == "started" and "after" in event:
            told = {epoch: known for epoch, known in told.items() if epoch <= _last(event)}
        elif event["event"] == "epoch":
            weights = str(event.get("weights", ""))
            told[event["epoch"]] = first.setdefault((event["epoch"], weights), event) if weights else event
    return tuple(told[epoch] for epoch in sorted(told))


def _last(started: Event) -> int:
    return -1 if started["after"] is None else int(started["after"])


def changes_told(events: Iterable[Event]) -> tuple[str, ...]:
    """What changed between the starts of a run that its bits may depend on, each change once."""
    changes = (change for event in events if event["event"] == "started" for change in event.get("changed", ()))
    return tuple(dict.fromkeys(map(str, changes)))

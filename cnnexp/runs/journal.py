"""The journal of a run or a sweep: events in order, and what they add up to where it was started more than once."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cnnexp.errors import RunError, show
from cnnexp.runs.trust import EVENTS, is_time
from cnnexp.specs import Spec, believe

Event = dict[str, Any]
EVENTS_FILE = "events.jsonl"
RUNNING, FINISHED, FAILED, KILLED = "RUNNING", "FINISHED", "FAILED", "KILLED"
PRUNED = "pruned"
"""The outcome of a run that a search gave up."""


def did_not_finish(status: str, outcome: str) -> bool:
    """Whether a run failed or was killed, which one that a search gave up did not."""
    return status != FINISHED and outcome != PRUNED


def now() -> str:
    """The time as records write it: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def milliseconds(time: str) -> int:
    """A record's time as MLflow counts it: milliseconds since 1970."""
    return round(datetime.fromisoformat(time).timestamp() * 1000)


def finite(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics that are numbers; NaN and infinity are left out."""
    return {key: value for key, value in metrics.items() if math.isfinite(value)}


def read_events(path: Path, specs: Mapping[str, Spec] = EVENTS) -> tuple[Event, ...]:
    """The events of a journal in order; none if there is no file. A last line cut off by a crash is no event.

    specs: kind → what its events must say. Raises RunError for any other line that is none.
    """
    try:
        *lines, _torn = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise RunError(str(path), error.strerror or str(error), "a journal that can be read") from None
    return tuple(_event(line, f"{path}:{number}", specs) for number, line in enumerate(lines, 1))


def _event(line: bytes, where: str, specs: Mapping[str, Spec]) -> Event:
    """One event; raises RunError for a line that is none."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        raise RunError(where, show(line.decode("utf-8", "replace")), "one JSON event a line") from None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise RunError(where, show(line.decode("utf-8", "replace")), "an event with all that its kind says")
    spec = {"time": is_time, **specs.get(event["event"], {})}
    believe(event, spec, where, f"the event {show(event['event'])} with all that its kind says")
    return event


@dataclass(frozen=True)
class Ending:
    """How a run ended: an MLflow status, a message, and an outcome.

    Outcomes: complete, early_stopped, pruned, diverged, killed, failed.
    """

    status: str
    outcome: str
    message: str = ""


def ending_of(events: tuple[Event, ...]) -> Ending | None:
    """How a journal says that its writer ended; None while it goes on (or since its process is gone)."""
    last = next((event for event in reversed(events) if event["event"] in ("started", "ended")), None)
    if last is None or last["event"] == "started":
        return None
    return Ending(last["status"], last["outcome"], last.get("message") or "")


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
    changes = (change for event in events if event["event"] == "started" for change in event.get("changed") or ())
    return tuple(dict.fromkeys(map(str, changes)))

"""Two runs, and only what differs: in their config, environment, data, code and result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cnnexp.analysis.circumstances import circumstances_of
from cnnexp.analysis.differences import Difference, differences
from cnnexp.analysis.verification import Departure, compared_epochs, weights_depart
from cnnexp.config.identity import flattened
from cnnexp.runs.record import RunRecord

HASH_SHOWN = 12


@dataclass(frozen=True)
class RunDifferences:
    """Section → what differs in it. weights: the first epoch after which they are not the same."""

    sections: Mapping[str, tuple[Difference, ...]]
    weights: Departure | None

    @property
    def is_nothing(self) -> bool:
        return self.weights is None and not any(self.sections.values())


def run_differences(first: RunRecord, second: RunRecord) -> RunDifferences:
    """What differs between two runs; how long they took is left out."""
    one, other = _sections(first), _sections(second)
    found = {section: differences([one[section], other[section]]) for section in one}
    return RunDifferences(found, weights_depart(first, second, compared_epochs(first, second)))


def _sections(record: RunRecord) -> dict[str, Mapping[str, Any]]:
    around = circumstances_of(record)
    return {
        "config": flattened(record.config.model_dump(mode="json")),
        "environment": {**around["packages"], **around["machine"]},
        "data": around["data"],
        "code": around["code"],
        "result": _result(record),
    }


def _result(record: RunRecord) -> dict[str, Any]:
    metrics = {key: value for key, value in record.metrics.items() if not key.startswith("time/")}
    hashes = [str(event.get("weights", "")) for event in record.epochs]
    return {
        "status": record.status,
        "outcome": record.ending.outcome if record.ending else None,
        "epochs": record.epochs_done,
        "weights": hashes[-1][:HASH_SHOWN] if hashes else None,
        **metrics,
    }

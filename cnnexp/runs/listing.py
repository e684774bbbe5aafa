"""Runs chosen and ordered: filters such as `model.kernel_size=5` or `accuracy/test>0.97`, and a sort key."""

from __future__ import annotations

import difflib
import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import yaml

from cnnexp.config.identity import flattened
from cnnexp.errors import ConfigError
from cnnexp.runs.journal import FAILED, FINISHED, KILLED, RUNNING
from cnnexp.runs.record import RunRecord

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
COLUMNS = {
    "run": "id", "name": "name", "status": "status", "epochs": "epochs", "val": "accuracy/val", "test": "accuracy/test",
    "seconds": "seconds", "started": "created",
}  # fmt: skip
"""The columns of `cnnexp runs`, each with the key whose values stand in it; either is understood."""
WORDS = {
    "status": (RUNNING, FINISHED, FAILED, KILLED),
    "outcome": ("complete", "early_stopped", "pruned", "diverged", "killed", "failed"),
}
ATTRIBUTES = ("id", "name", "status", "outcome", "created", "seconds", "epochs")
CONDITION = re.compile(r"^([A-Za-z0-9_./]+)\s*(!=|>=|<=|=|>|<)\s*(.*)$")


def value_of(record: RunRecord, key: str) -> Any:
    """An attribute, metric, config key or column of a run; None where the run has none."""
    key = COLUMNS.get(key, key)
    if key in ATTRIBUTES:
        if key == "outcome":
            return record.ending.outcome if record.ending else None
        return record.epochs_done if key == "epochs" else getattr(record, key)
    if key in record.metrics:
        return _measured(record, key)
    flat = flattened(record.config.model_dump(mode="json"))
    return flat.get(key, flat.get(f"{key}.type"))


def _measured(record: RunRecord, key: str) -> float | None:
    """A metric of the weights that are the result; before there are any, its newest value since training began."""
    if key in record.result:
        return record.result[key]
    points = {epoch: value for epoch, value in record.history[key] if epoch > 0}
    epoch = record.result.get("best/epoch", max(points, default=0))
    return points.get(int(epoch))


def chosen(
    records: Sequence[RunRecord], filters: Sequence[str], sort: str | None, *, reverse: bool = False
) -> list[RunRecord]:
    """The records that pass all `filters`, ordered by `sort`, smallest first unless `reverse`; runs without it last.

    Raises ConfigError for a filter that is no comparison, a key that no run has or a value that it cannot have.
    """
    conditions = [_condition(text) for text in filters]
    _refuse_unknown(records, [key for key, _, _ in conditions] + ([sort] if sort else []))
    for key, _, wanted in conditions:
        _refuse_impossible(records, key, wanted)
    kept = [record for record in records if all(_holds(record, *condition) for condition in conditions)]
    if sort is None:
        return kept
    having = [record for record in kept if value_of(record, sort) is not None]
    ordered = sorted(having, key=lambda record: _comparable(value_of(record, sort)), reverse=reverse)
    return ordered + [record for record in kept if value_of(record, sort) is None]


def _condition(text: str) -> tuple[str, str, str]:
    """Key, sign and wanted value of a filter; the value as it was typed."""
    match = CONDITION.match(text)
    if match is None:
        raise ConfigError("--filter", f"`{text}`", "KEY=VALUE, or with !=, >, <, >=, <=", "As in: accuracy/test>0.97")
    return match[1], match[2], match[3]


def _refuse_unknown(records: Sequence[RunRecord], keys: Sequence[str]) -> None:
    for key in keys:
        if records and all(value_of(record, key) is None for record in records):
            raise ConfigError(
                "--filter or --sort", f"`{key}`", f"{', '.join(ATTRIBUTES)}, a metric or a config key that a run has",
                "As in: accuracy/val, model.kernel_size",
            )  # fmt: skip


def _refuse_impossible(records: Sequence[RunRecord], key: str, text: str) -> None:
    if key in WORDS and text not in WORDS[key]:
        close = difflib.get_close_matches(text.casefold(), map(str.casefold, WORDS[key]), n=1)
        hint = f"Did you mean {key}={next(w for w in WORDS[key] if w.casefold() == close[0])}?" if close else ""
        raise ConfigError(f"--filter {key}", f"`{text}`", f"one of {', '.join(WORDS[key])}", hint)
    values = [value for record in records if (value := value_of(record, key)) is not None]
    if values and isinstance(_as_value(text), str) and not any(isinstance(value, str) for value in values):
        raise ConfigError(f"--filter {key}", f"`{text}`", f"a value such as {values[0]}")


def _holds(record: RunRecord, key: str, sign: str, text: str) -> bool:
    value = value_of(record, key)
    wanted = text if isinstance(value, str) else _as_value(text)
    if value is None or (isinstance(wanted, str) and not isinstance(value, str)):
        return sign == "!="
    try:
        return OPERATORS[sign](value, wanted)
    except TypeError:
        return False


def _as_value(text: str) -> Any:
    """`0.97`, `true` or `[1, 7]` as YAML reads it; other text as it is."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _comparable(value: Any) -> tuple[int, float, str]:
    if isinstance(value, bool | int | float):
        return (0, -math.inf if math.isnan(value) else float(value), "")
    return (1, 0.0, str(value))

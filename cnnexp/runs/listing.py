"""Runs chosen and ordered: filters such as `model.kernel_size=5` or `accuracy/test>0.97`, and a sort key."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import yaml

from cnnexp.config.identity import flattened
from cnnexp.errors import ConfigError
from cnnexp.runs.record import RunRecord

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
ATTRIBUTES = ("id", "name", "status", "outcome", "created", "seconds", "epochs")
CONDITION = re.compile(r"^([A-Za-z0-9_./]+)\s*(!=|>=|<=|=|>|<)\s*(.*)$")


def value_of(record: RunRecord, key: str) -> Any:
    """An attribute, a metric's newest value or a config key of a run; None where the run has none."""
    if key in ATTRIBUTES:
        if key == "outcome":
            return record.ending.outcome if record.ending else None
        return record.epochs_done if key == "epochs" else getattr(record, key)
    if key in record.metrics:
        return record.metrics[key]
    flat = flattened(record.config.model_dump(mode="json"))
    return flat.get(key, flat.get(f"{key}.type"))


def chosen(
    records: Sequence[RunRecord], filters: Sequence[str], sort: str | None, *, reverse: bool = False
) -> list[RunRecord]:
    """The records that pass all `filters`, ordered by `sort`, smallest first unless `reverse`; runs without it last.

    Raises ConfigError for a filter that is no comparison or a key that no run has.
    """
    conditions = [_condition(text) for text in filters]
    _refuse_unknown(records, [key for key, _, _ in conditions] + ([sort] if sort else []))
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

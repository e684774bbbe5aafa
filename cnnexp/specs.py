"""What plain values that were read from a file must be before they are believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cnnexp.errors import RunError, show

LARGEST = 1e300

Check = Callable[[Any], bool]
Spec = Mapping[str, Any]
"""Key → what its value must pass: a Check, or a Spec for a mapping of its own."""


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**53


def is_number(value: Any) -> bool:
    """A finite number that a float can hold."""
    return type(value) in (int, float) and abs(value) <= LARGEST


def each(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def mapping_of(check: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


def optional(check: Check) -> Check:
    return lambda value: value is None or check(value)


def all_of(spec: Spec) -> Check:
    """A mapping that is as `spec` says."""
    return lambda value: isinstance(value, dict) and not any(wrong_keys(value, spec))


def wrong_keys(values: Mapping[str, Any], spec: Spec, above: str = "") -> Iterator[str]:
    """Each dotted key whose value is not what it must be, with what was got."""
    for key, check in spec.items():
        value = values.get(key)
        if isinstance(check, Mapping) and isinstance(value, dict):
            yield from wrong_keys(value, check, f"{above}{key}.")
        elif isinstance(check, Mapping) or not check(value):
            yield f"{above}{key} {show(value)}" if key in values else f"no {above}{key}"


def believe(values: Mapping[str, Any], spec: Spec, where: str, what: str) -> None:
    """Raise RunError for values that are not what `spec` says; `what` they should have been."""
    if wrong := list(wrong_keys(values, spec)):
        raise RunError(where, ", ".join(wrong), what)

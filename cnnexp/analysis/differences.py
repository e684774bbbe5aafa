"""Keys whose values differ between several configs, and values in few characters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cnnexp.config.identity import flattened
from cnnexp.config.schema import Block, Dense

ABSENT = "–"
GROUPS = ("seed", "data", "model", "training", "evaluation", "figures", "tracking", "schema_version")
"""Config groups in the order in which they are told: what decides the result comes first."""


@dataclass(frozen=True)
class Difference:
    """A key whose values differ, one text a run."""

    key: str
    values: tuple[str, ...]


def differences(values: Sequence[Mapping[str, Any]]) -> tuple[Difference, ...]:
    """The keys whose values are not the same in all mappings; groups of a config in the order of GROUPS."""
    keys = merged([list(one) for one in values])
    found = [Difference(key, tuple(told(one[key]) if key in one else ABSENT for one in values)) for key in keys]
    places = {name: place for place, name in enumerate(GROUPS)}
    differing = [one for one in found if len(set(one.values)) > 1 and not _is_only_default(one)]
    return tuple(sorted(differing, key=lambda difference: places.get(difference.key.split(".")[0], len(GROUPS))))


def merged(lists: Sequence[Sequence[str]]) -> list[str]:
    """All names once, each list's order kept: what a later list has more stands after what it follows there."""
    found: list[str] = []
    for names in lists:
        place = 0
        for name in names:
            if name not in found:
                found.insert(place, name)
            place = found.index(name) + 1
    return found


def _is_only_default(found: Difference) -> bool:
    """Whether a key is that of a layer which some runs do not have, and at its default in all that have it."""
    group, layers, _, *rest = [*found.key.split("."), "", ""]
    if ABSENT not in found.values or (group, layers) not in LAYER_DEFAULTS:
        return False
    default = LAYER_DEFAULTS[group, layers].get(".".join(filter(None, rest)), ABSENT)
    return set(found.values) <= {ABSENT, default}


def told(value: Any) -> str:
    """A config value in few characters: `3`, `1×7`, `0.001`, `none`."""
    if isinstance(value, list) and len(value) == 2 and all(type(size) is int for size in value):
        return str(value[0]) if value[0] == value[1] else f"{value[0]}×{value[1]}"
    if value is None or value == {}:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.12g}" if isinstance(value, float) else without_secrets(str(value))


def without_secrets(text: str) -> str:
    """Text without the user and password of any URI in it: a report is made to be passed on."""
    return re.sub(r"(?<=://)[^/\s]*@", "", text)


def _defaults(layer: Block | Dense, size: str) -> dict[str, str]:
    """Dotted key → text of the defaults of a layer, without its size, which has none."""
    return {key: told(value) for key, value in flattened(layer.model_dump(mode="json")).items() if key != size}


LAYER_DEFAULTS = {
    ("model", "blocks"): _defaults(Block(filters=1), "filters"),
    ("model", "dense"): _defaults(Dense(units=1), "units"),
}

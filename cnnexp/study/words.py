"""Values as override words: what YAML or a search says becomes what a person could have typed."""

from __future__ import annotations

import re
from typing import Any

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-/]*")


def as_word(value: Any) -> str:
    """A plain value in Hydra's override grammar: 3, true, null, 'a b', [1,7], {type:sgd,momentum:0.9}."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return value if PLAIN.fullmatch(value) and value not in ("null", "true", "false") else _quoted(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(map(as_word, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{as_word(inner)}" for key, inner in value.items()) + "}"
    return repr(value)


def _quoted(text: str) -> str:
    """In single quotes; backslashes before a quote and at the end are doubled, as Hydra's grammar wants it."""
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", text)
    return "'" + re.sub(r"(\\+)\Z", r"\1\1", escaped) + "'"

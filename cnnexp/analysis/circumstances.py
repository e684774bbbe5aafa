"""What a run happened under, part by part: code, packages, machine, data; then and now."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from cnnexp.analysis.differences import Difference, differences
from cnnexp.config.identity import flattened
from cnnexp.runs.record import RunRecord

PARTS = ("code", "packages", "machine", "data")
Circumstances = Mapping[str, Mapping[str, Any]]
"""Part → key → value."""


def circumstances_of(record: RunRecord) -> Circumstances:
    """What a run happened under, as it recorded it."""
    return circumstances(record.environment, record.patch, record.data)


def circumstances(environment: Mapping[str, Any], patch: str, data: Mapping[str, Any]) -> Circumstances:
    """The same from an environment, what differs from its commit, and a description of the digits."""
    machine = {key: value for key, value in environment.items() if key not in ("packages", "git", "sources")}
    return {
        "code": {
            "commit": environment.get("git", {}).get("commit", "")[:10] or None,
            "patch": _told_patch(patch),
            "sources of data/ and nn/": environment.get("sources"),
        },
        "packages": environment.get("packages", {}),
        "machine": machine,
        "data": flattened(data),
    }


def changes(then: Circumstances, now: Circumstances) -> dict[str, tuple[Difference, ...]]:
    """What differs in each part."""
    return {part: differences([then[part], now[part]]) for part in PARTS}


def _told_patch(patch: str) -> str | None:
    """Such as "12 lines, 1f2e3d4c5b": two patches are told alike only where they are the same."""
    if not patch:
        return None
    return f"{len(patch.splitlines())} lines, {hashlib.sha256(patch.encode()).hexdigest()[:10]}"

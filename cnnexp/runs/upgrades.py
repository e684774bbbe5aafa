"""Records of older versions, read as if they had been written today: one function from each version to the next.

A step gets the header, or the config, and gives it back as the next version writes it. Each has versions of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cnnexp.errors import RunError, show

Values = dict[str, Any]
Steps = Mapping[int, Callable[[Values], Values]]

RECORD_VERSION = 1
"""What is written today."""

STEPS: Steps = {}
"""Version → what makes a header of that version one of the next. There has been no other version yet."""


CONFIG_STEPS: Steps = {}
"""The same of a config, whose newest version is its schema's."""


def upgraded(header: Values, where: str, steps: Steps = STEPS, newest: int = RECORD_VERSION) -> Values:
    """The header, or with other `steps` the config, as the newest version writes it.

    Raises RunError for a version that is newer, or that never was.
    """
    version = header.get("schema_version")
    while type(version) is int and version < newest and version in steps:
        header = {**steps[version](header), "schema_version": version + 1}
        version += 1
    if type(version) is not int or version != newest:
        newer = type(version) is int and version > newest
        hint = "A newer cnnexp wrote it: update this one, as in pip install --upgrade cnnexp." if newer else ""
        raise RunError(where, f"schema_version {show(version)}", f"at most {newest}", hint)
    return header

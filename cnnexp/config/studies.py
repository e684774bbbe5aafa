"""The named studies of experiments/, read as plain YAML: which keys each one varies or sets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from cnnexp.config.identity import flattened
from cnnexp.config.keys import NAME
from cnnexp.config.provenance import inherited_from, touches
from cnnexp.config.reference import first_comment
from cnnexp.config.sources import GROUP, shipped

COMMAND = re.compile(r"^#\s+(cnnexp .*?)(?:\s{2,}.*)?$")
"""A command in a study's header; what stands behind two spaces tells about it."""


@dataclass(frozen=True)
class Study:
    """One file of experiments/: the keys that its sweep varies, and those that it only sets to one value."""

    name: str
    title: str
    command: str
    varies: tuple[str, ...]
    sets: tuple[str, ...]

    def shows(self, key: str) -> Literal["varies", "sets", ""]:
        """Whether it varies `key` (or the model's key that a block inherits), only sets it, or says nothing of it."""
        wanted = {generic(key), inherited_from(key)} - {""}
        for how, keys in (("varies", self.varies), ("sets", self.sets)):
            if any(touches(generic(own), want) for own in keys for want in wanted):
                return how  # type: ignore[return-value]
        return ""


def generic(key: str) -> str:
    """A key with `<name>` for the name of a block or dense layer."""
    parts = key.split(".")
    if parts[0] == "model" and len(parts) > 2 and parts[1] in ("blocks", "dense"):
        parts[2] = NAME
    return ".".join(parts)


def studies() -> tuple[Study, ...]:
    """The studies that `experiments=NAME` can name, by name; a person's own hide shipped ones of the same name.

    A file that is no mapping in YAML is left out: composing it is what tells its user.
    """
    files = {path.stem: path for folder in (shipped(GROUP), Path.cwd() / GROUP) for path in folder.glob("*.yaml")}
    found = (_read(name, path) for name, path in sorted(files.items()))
    return tuple(study for study in found if study is not None)


def _read(name: str, path: Path) -> Study | None:
    try:
        return _parsed(name, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None


@cache
def _parsed(name: str, text: str) -> Study | None:
    values = yaml.safe_load(text)
    if not isinstance(values, Mapping):
        return None
    plain = {str(key): value for key, value in values.items() if key not in ("defaults", "sweep")}
    command = next((match[1] for line in text.splitlines() if (match := COMMAND.match(line))), "")
    varies = tuple(dict.fromkeys(_varied(values.get("sweep"))))
    usual = f"cnnexp train experiments={name}"
    return Study(name, first_comment(text), command or usual, varies, tuple(flattened(plain)))


def _varied(sweep: Any) -> Iterator[str]:
    """The keys below grid and space, and those of each variant."""
    if not isinstance(sweep, Mapping):
        return
    mappings = [sweep.get("grid"), sweep.get("space"), *_values(sweep.get("variants"))]
    for mapping in mappings:
        if isinstance(mapping, Mapping):
            yield from (str(key) for key in mapping)


def _values(mapping: Any) -> list[Any]:
    return list(mapping.values()) if isinstance(mapping, Mapping) else []

"""The schema as a reference: all keys by group, with what they allow, their default and what they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from cnnexp.config.choices import Choice, Size, Strict, WindowPool
from cnnexp.config.keys import NAME, Key, find_field, schema_keys, words_of
from cnnexp.config.schema import ExperimentConfig, Model
from cnnexp.config.sources import shipped

BLOCK, DENSE = f"model.blocks.{NAME}", f"model.dense.{NAME}"
OPTIONS = {
    "kernel_initializer": "initializers",
    "bias_initializer": "initializers",
    "pool": "pools",
    "optimizer": "optimizers",
    "schedule": "schedules",
}
"""Which table holds the options of a choice, by the last part of its key."""
TITLES = {
    "experiment": "Keys of no group.",
    BLOCK: "One convolution and what follows it; `<name>` is a name of one's own: the layer's name everywhere.",
    DENSE: "One hidden dense layer and the dropout after it.",
    "initializers": "Options of every `kernel_initializer` and `bias_initializer`.",
    "pools": "Options of every `pool`.",
    "optimizers": "Options of `training.optimizer`.",
    "schedules": "Options of `training.schedule`.",
}
"""What groups are that are no part of the schema by themselves."""
PARTS = {"model": (BLOCK, DENSE, "initializers", "pools"), "training": ("optimizers", "schedules")}
"""Groups that are told right behind another one."""
INITIALIZERS = ", ".join(words_of(Model.model_fields["kernel_initializer"].annotation))
INTRODUCTION = """\
# Config reference

Written by `cnnexp explain --markdown` from the schema (`cnnexp/config/schema.py`), where every default and range lives.
`cnnexp explain KEY` tells more about one key: its formula with your numbers, and what set it.

Every key can be overridden on the command line, `model.kernel_size=5`, or set in a file of `experiments/`. A bare word
stands for a choice without options: `training.optimizer=sgd` for `training.optimizer={type: sgd}`."""


@dataclass(frozen=True)
class Group:
    """Keys that belong together. Of a table of options, `Key.path` is the option's name alone."""

    name: str
    title: str
    keys: tuple[Key, ...]

    @property
    def part_of(self) -> str:
        """The group that this one is told behind; empty if none."""
        return next((name for name, parts in PARTS.items() if self.name in parts), "")


@cache
def groups() -> tuple[Group, ...]:
    """All keys of the schema once, by group; mappings that only hold other keys are left out."""
    found: dict[str, list[Key]] = {name: [] for name in _names()}
    for key in schema_keys():
        if not is_section(key):
            found[group_of(key)].append(_as_option(key) if key.choice else key)
    return tuple(Group(name, _title(name), _merged(keys)) for name, keys in found.items())


def _names() -> Iterator[str]:
    yield "experiment"
    for key in schema_keys():
        if "." not in key.path and is_section(key):
            yield from (key.path, *PARTS.get(key.path, ()))


def _title(name: str) -> str:
    field = ExperimentConfig.model_fields.get(name)
    return TITLES.get(name) or (getattr(field.annotation, "__doc__", "") if field else "") or ""


def is_section(key: Key) -> bool:
    """A mapping whose keys stand in the tables one by one."""
    return "a mapping with the keys" in key.allowed and not key.allowed.endswith("none")


def group_of(key: Key) -> str:
    """The name of the group that a key is told in."""
    parts = key.path.split(".")
    if key.choice:
        return OPTIONS[parts[-2]]
    if len(parts) == 1:
        return "experiment"
    for name in (BLOCK, DENSE):
        if key.path.startswith(f"{name}."):
            return name
    return parts[0]


def _as_option(key: Key) -> Key:
    return replace(key, path=key.path.rpartition(".")[2])


def _merged(keys: Sequence[Key]) -> tuple[Key, ...]:
    """Each option once, with all choices that have it, where it is the same in all of them."""
    merged: dict[tuple[str, ...], Key] = {}
    for key in keys:
        same = (key.path, key.allowed, repr(key.default), key.description)
        known = merged.get(same, replace(key, choice=""))
        choices = dict.fromkeys(word for word in (*known.choice.split("/"), *key.choice.split("/")) if word)
        merged[same] = replace(key, choice="/".join(choices))
    return tuple(merged.values())


def default_text(key: Key) -> str:
    """A key's default as one writes it."""
    field = find_field(key.path.split("."))
    if key.default is None and (key.path == "values" or (field is not None and field.is_required())):
        return "(must be given)"
    return as_yaml(key.default, none="none" if key.allowed.endswith("or none") else "null")


def none_word(key: str) -> str:
    """How one writes that a key has no value: none where the schema spells it so, else null."""
    return "none" if any(k.allowed.endswith("or none") for k in schema_keys() if k.path == key) else "null"


def as_yaml(value: Any, none: str = "null") -> str:
    """A value as one writes it in YAML on one line: 3, [1, 7], true, adam, {type: sgd, momentum: 0.9}.

    A choice is written without the options that are as always, a pool with all of them.
    """
    plain = _told(value) if isinstance(value, Choice) else as_plain(value)
    if plain is None or isinstance(plain, bool):
        return {None: none, True: "true", False: "false"}[plain]
    if isinstance(plain, dict):
        return "{" + ", ".join(f"{key}: {as_yaml(inner, none)}" for key, inner in plain.items()) + "}"
    if isinstance(plain, list):
        return "[" + ", ".join(as_yaml(inner, none) for inner in plain) + "]"
    return f"{plain:.12g}" if isinstance(plain, float) else str(plain)


def as_plain(value: Any) -> Any:
    """A value of the checked config as JSON has it: a pair of equal numbers as one number."""
    if isinstance(value, Strict):
        return value.model_dump(mode="json")
    if isinstance(value, tuple):
        return TypeAdapter(Size).dump_python(value)
    if isinstance(value, dict):
        return {key: as_plain(inner) for key, inner in value.items()}
    return value


def _told(choice: Choice) -> Any:
    values, fields = choice.model_dump(mode="json"), type(choice).model_fields
    if isinstance(values, str) or isinstance(choice, WindowPool):
        return values
    told = {k: v for k, v in values.items() if k == "type" or getattr(choice, k) != fields[k].default}
    return {"type": values["type"], **told} if len(told) > 1 else values["type"]


def markdown() -> str:
    """docs/config.md: a table for each group, and the shipped files of each group of conf/."""
    parts = [INTRODUCTION, *(_markdown_group(group) for group in groups()), _markdown_presets()]
    return "\n\n".join(parts) + "\n"


def _markdown_group(group: Group) -> str:
    choices = any(key.choice for key in group.keys)
    header = ["option", "of type"] if choices else ["key"]
    rows = [
        [f"`{key.path}`", *([key.choice.replace("/", ", ")] if choices else []), _markdown_allowed(key),
         _code(default_text(key)), key.description]
        for key in group.keys
    ]  # fmt: skip
    table = _markdown_table([*header, "allowed", "default", "what it is"], rows)
    words = f"{group.title} Types: {INITIALIZERS}." if group.name == "initializers" else group.title
    return "\n\n".join([f"## {group.name}", words, table])


def _markdown_allowed(key: Key) -> str:
    """The many initializers are told once, above the table of their options."""
    if not key.path.endswith("_initializer"):
        return key.allowed
    return f"an [initializer](#initializers){', or null' if key.allowed.endswith('null') else ''}"


def _code(text: str) -> str:
    return text if text.startswith("(") else f"`{text}`"


def _markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _markdown_presets() -> str:
    rows = [[f"`{group}={path.stem}`", about] for group, path, about in presets()]
    text = "A choice of a group takes a whole file of `conf/`; single keys can still be overridden behind it."
    return "\n\n".join(["## Files of conf/", text, _markdown_table(["choice", "what it is"], rows)])


def presets() -> Iterator[tuple[str, Path, str]]:
    """Group, file and first comment line of each shipped file that can be chosen for a group."""
    for path in sorted(shipped("conf").glob("*/*.yaml")):
        if path.parent.name != "hydra":
            yield path.parent.name, path, first_comment(path.read_text(encoding="utf-8"))


def first_comment(text: str) -> str:
    """The first line of a YAML file that is a comment for people; empty if it starts without one."""
    for line in text.splitlines():
        if not line.startswith("#"):
            return ""
        if not line.startswith("# @"):
            return line.lstrip("# ").rstrip()
    return ""

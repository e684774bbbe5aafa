"""The schema read as a tree of dotted keys: what each key allows, and which key a mistyped one was meant to be."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types as at
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cnnexp.config.choices import SIZE_EXPECTED, Choice, Size
from cnnexp.config.schema import ExperimentConfig

SIZE_TYPE = get_args(Size)[0]
NAME = "<name>"
"""Stands for a name of one's own in a key, as in model.blocks.<name>.filters."""


@dataclass(frozen=True)
class Key:
    """One key of the schema: dotted path, what may stand there, its default and what it is."""

    path: str
    allowed: str
    default: Any
    description: str
    choice: str = ""


def members(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a union (itself alone if it is none), annotations taken off."""
    if get_origin(annotation) is Annotated:
        return members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(m for part in get_args(annotation) for m in members(part))
    return (annotation,)


def choice_word(model: type[Choice]) -> tuple[str, ...]:
    """The words that select this member of a choice."""
    return get_args(model.model_fields["type"].annotation)


def choices_of(annotation: Any) -> tuple[type[Choice], ...]:
    """The members of a choice (`optimizer`, `pool`, …); empty for anything else."""
    return tuple(m for m in members(annotation) if isinstance(m, type) and issubclass(m, Choice))


def words_of(annotation: Any) -> tuple[str, ...]:
    """The words that may stand at a field: of a Literal, or of the members of a choice."""
    literals = [str(w) for m in members(annotation) if get_origin(m) is Literal for w in get_args(m)]
    return (*literals, *(word for choice in choices_of(annotation) for word in choice_word(choice)))


def alternatives(annotation: Any, metadata: Sequence[Any] = ()) -> Iterator[tuple[Any, list[Any]]]:
    """The alternatives of a union, each with the bounds that hold for it."""
    if get_origin(annotation) is Annotated:
        inner, *notes = get_args(annotation)
        bounds = [b for note in notes for b in (note.metadata if isinstance(note, FieldInfo) else [note])]
        yield from alternatives(inner, [*metadata, *bounds])
    elif get_origin(annotation) in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from alternatives(part, metadata)
    else:
        yield annotation, list(metadata)


def allowed(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """What may stand at a field, in words: `a whole number from 1 up`, `one of same, valid`."""
    if choices_of(annotation):
        text = f"one of {', '.join(words_of(annotation))}, or a mapping with one of them as type"
    else:
        parts = [part for part in alternatives(annotation, metadata) if part[0] is not type(None)]
        text = ", or ".join(_allowed_part(*part) for part in parts)
    if type(None) not in members(annotation):
        return text
    return f"{text}, or {'none' if any(_is_none_word(m) for m in metadata) else 'null'}"


def _is_none_word(metadata: Any) -> bool:
    return getattr(getattr(metadata, "func", None), "__name__", "") == "_none_word"


def _allowed_part(part: Any, metadata: Sequence[Any]) -> str:
    origin, args = get_origin(part), get_args(part)
    if part == SIZE_TYPE:
        return SIZE_EXPECTED
    if origin is Literal:
        return str(args[0]) if len(args) == 1 else f"one of {', '.join(map(str, args))}"
    if origin is list:
        return f"a list of {_plural(args[0])}"
    if origin is dict:
        return "a mapping of names to values"
    if isinstance(part, type) and issubclass(part, BaseModel):
        return f"a mapping with the keys {', '.join(part.model_fields)}"
    if part in (int, float):
        return f"{'a whole number' if part is int else 'a number'}{_range(metadata)}"
    if part is str:
        return "text that is not empty" if any(isinstance(m, at.MinLen) for m in metadata) else "text"
    return "true or false" if part is bool else "a value"


def _plural(annotation: Any) -> str:
    inner, bounds = next(alternatives(annotation))
    names = {int: "whole numbers", float: "numbers", str: "names"}
    return f"{names.get(inner, 'values')}{_range(bounds)}"


def _range(metadata: Sequence[Any]) -> str:
    low = next((f"from {_number(m.ge)}" for m in metadata if isinstance(m, at.Ge)), "")
    low = next((f"above {_number(m.gt)}" for m in metadata if isinstance(m, at.Gt)), low)
    high = next((f"to {_number(m.le)}" for m in metadata if isinstance(m, at.Le)), "")
    high = next((f"below {_number(m.lt)}" for m in metadata if isinstance(m, at.Lt)), high)
    if low.startswith("from") and not high:
        high = "up"
    joiner = " and " if high.startswith("below") and low else " "
    return f" {low}{joiner if low and high else ''}{high}" if low or high else ""


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def fields_at(annotation: Any) -> Iterator[tuple[str, FieldInfo]]:
    """The keys one level below a field, of all its alternatives together (`<name>` for a name of one's own)."""
    for part in members(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield from part.model_fields.items()


@cache
def schema_keys() -> tuple[Key, ...]:
    """All keys of the schema in their order, options of choices below their key."""
    return tuple(_keys_below("", ExperimentConfig))


def _keys_below(prefix: str, model: type[BaseModel], choice: str = "") -> Iterator[Key]:
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        if choice and name == "type":
            continue
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        yield Key(path, allowed(field.annotation, field.metadata), default, field.description or "", choice)
        yield from _keys_of_field(path, field.annotation)


def _keys_of_field(path: str, annotation: Any) -> Iterator[Key]:
    for part in members(annotation):
        if get_origin(part) is dict and hasattr(get_args(part)[1], "model_fields"):
            yield from _keys_below(f"{path}.{NAME}.", get_args(part)[1])
        elif isinstance(part, type) and issubclass(part, Choice):
            yield from _keys_below(f"{path}.", part, choice="/".join(choice_word(part)))
        elif isinstance(part, type) and issubclass(part, BaseModel):
            yield from _keys_below(f"{path}.", part)


def find_field(path: Sequence[str]) -> FieldInfo | None:
    """The field at a dotted key, through names of one's own and any alternative of a choice; None if unknown."""
    levels: list[Any] = [ExperimentConfig]
    field: FieldInfo | None = None
    for part in path:
        named = [get_args(m)[1] for level in levels for m in members(level) if get_origin(m) is dict]
        fields = [f for level in levels for name, f in fields_at(level) if name == part]
        if not named and not fields:
            return None
        field = fields[0] if fields else None
        levels = [f.annotation for f in fields] + named
    return field


def levels_at(path: Sequence[str]) -> list[tuple[Any, Sequence[Any]]]:
    """What may stand at a dotted key, as (annotation, bounds), through names of one's own and positions in lists.

    One for each alternative of a choice above it that knows the key; empty for an unknown key.
    """
    levels: list[tuple[Any, Sequence[Any]]] = [(ExperimentConfig, ())]
    for part in path:
        levels = [below for annotation, _ in levels for below in _below(annotation, part)]
    return levels


def _below(annotation: Any, part: str) -> Iterator[tuple[Any, Sequence[Any]]]:
    for member in members(annotation):
        if get_origin(member) is dict:
            yield get_args(member)[1], ()
        elif get_origin(member) is list and part.isdigit():
            yield get_args(member)[0], ()
        elif isinstance(member, type) and issubclass(member, BaseModel) and part in member.model_fields:
            field = member.model_fields[part]
            yield field.annotation, field.metadata


def what_is_allowed(path: Sequence[str]) -> str:
    """What may stand at a dotted key, in words."""
    levels = levels_at(path)
    return allowed(*levels[0]) if levels else "a key that exists"


def keys_below(path: Sequence[str]) -> list[str]:
    """The keys that the schema knows one level below a dotted key."""
    return list(dict.fromkeys(name for annotation, _ in levels_at(path) for name, _ in fields_at(annotation)))


def is_choice(path: Sequence[str]) -> bool:
    """Whether a bare word at this key stands for `{type: word}`."""
    field = find_field(path)
    return field is not None and bool(choices_of(field.annotation))


def nearest_key(path: Sequence[str], siblings: Sequence[str] = ()) -> str:
    """The known key that a mistyped one most resembles: beside it first, then anywhere; empty if none does."""
    *parents, last = path
    if close := difflib.get_close_matches(last, [*keys_below(parents), *siblings], n=1, cutoff=0.6):
        return ".".join([*parents, close[0]])
    paths, by_leaf = _known_paths()
    if last in by_leaf:
        return by_leaf[last]
    if close := difflib.get_close_matches(last, by_leaf, n=1, cutoff=0.75):
        return by_leaf[close[0]]
    others = [p for p in paths if p != ".".join(parents)]
    whole = difflib.get_close_matches(".".join(path), others, n=1, cutoff=0.75)
    return whole[0] if whole else ""


@cache
def _known_paths() -> tuple[list[str], dict[str, str]]:
    """All keys without names of one's own, and the first of them for each last part."""
    paths = [key.path for key in schema_keys() if NAME not in key.path]
    return paths, {p.rsplit(".", 1)[-1]: p for p in reversed(paths)}


def short_key(key: str) -> str:
    """`model.kernel_size` → `kernel_size`, `model.blocks.conv_1.filters` → `conv_1.filters`."""
    parts = key.split(".")
    named = len(parts) > 2 and parts[:2] in (["model", "blocks"], ["model", "dense"])
    kept = parts[2:] if named else parts[1:]
    return ".".join(kept) or key


def in_words(varied: Iterable[tuple[str, str]]) -> str:
    """What varied, (dotted key, word) each, as a name: `kernel_size=5 padding=valid seed=1`."""
    return " ".join(f"{short_key(key)}={word}" for key, word in varied)

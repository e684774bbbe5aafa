"""What the schema refused, told in its user's words: key, what it got, what is allowed, and a cure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from cnnexp.config.keys import allowed, choice_word, choices_of, fields_at, find_field, nearest_key, words_of
from cnnexp.config.schema import ExperimentConfig
from cnnexp.errors import ConfigError, Problem, show


def checked(values: Mapping[str, Any]) -> ExperimentConfig:
    """The experiment that plain `values` describe.

    Raises ConfigError with every problem in them together.
    """
    targets = [Problem(key, show(value), "no _target_ anywhere", "A config names choices; it never names code.")
               for key, value in _targets(values, "")]  # fmt: skip
    if targets:
        raise ConfigError.of(targets)
    try:
        return ExperimentConfig.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError.of(_problems(error, values)) from None


def _targets(values: object, prefix: str) -> list[tuple[str, object]]:
    if isinstance(values, Mapping):
        own = [(f"{prefix}{key}", value) for key, value in values.items() if str(key).startswith("_target_")]
        return own + [t for key, value in values.items() for t in _targets(value, f"{prefix}{key}.")]
    if isinstance(values, list):
        return [t for i, value in enumerate(values) for t in _targets(value, f"{prefix}{i}.")]
    return []


def _problems(error: ValidationError, values: Mapping[str, Any]) -> list[Problem]:
    found: dict[str, Problem] = {}
    for detail in error.errors(include_url=False):
        path, got, missing = _locate(detail["loc"], values)
        problem = _problem(path, got, missing, detail)
        found.setdefault(problem.where, problem)
    return list(found.values())


def _locate(loc: Sequence[int | str], values: Any) -> tuple[list[str], Any, bool]:
    """The dotted path in the values as written, without Pydantic's own marks for alternatives of a union."""
    path: list[str] = []
    node, missing = values, False
    for i, part in enumerate(loc):
        if isinstance(node, Mapping) and part in node:
            node = node[part]
        elif isinstance(node, Mapping) and i == len(loc) - 1 and _is_known([*path, str(part)]):
            missing = True
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            continue
        path.append(str(part))
    return path, node, missing


def _is_known(path: Sequence[str]) -> bool:
    return find_field(path) is not None


def _problem(path: list[str], got: Any, missing: bool, detail: Any) -> Problem:
    key = ".".join(path) or "config"
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown_key(path, got)
    if missing:
        return _missing_key(path, key)
    if kind == "combination":
        context = detail["ctx"]
        return Problem(".".join([*path, context["key"]]), context["got"], context["expected"])
    if kind == "string_pattern_mismatch":
        return Problem(
            key, show(path[-1]), "a name of letters A-Z, digits and _ that starts with a letter",
            "It becomes the layer's name in Keras, MLflow and every picture.",
        )  # fmt: skip
    if kind in ("union_tag_invalid", "literal_error"):
        word = got.get("type") if isinstance(got, Mapping) else got
        return Problem(key, show(word), _expected(path), _nearest_word(path, word))
    return Problem(key, show(got), _expected(path))


def _expected(path: Sequence[str]) -> str:
    field = _field_of_value(path)
    return allowed(field.annotation, field.metadata) if field else "a mapping"


def _field_of_value(path: Sequence[str]) -> FieldInfo | None:
    """The field at `path`; positions inside a list belong to the list's field."""
    while path and path[-1].isdigit():
        path = path[:-1]
    return find_field(path)


def _nearest_word(path: Sequence[str], word: object) -> str:
    field = _field_of_value(path)
    words = words_of(field.annotation) if field else ()
    close = difflib.get_close_matches(str(word), words, n=1)
    return f"Did you mean {close[0]}?" if close else ""


def _unknown_key(path: list[str], got: Any) -> Problem:
    near = nearest_key(path)
    field = find_field(path[:-1]) if path[:-1] else None
    level = field.annotation if field else (ExperimentConfig if not path[:-1] else None)
    choices = choices_of(level) if level is not None else ()
    if choices and any(path[-1] in c.model_fields for c in choices):
        owners = ", ".join(w for c in choices if path[-1] in c.model_fields for w in choice_word(c))
        parent = ".".join(path[:-1])
        return Problem(
            ".".join(path), show(got), f"no such option of this type of {parent}", f"It belongs to {owners}."
        )
    known = ", ".join(dict.fromkeys(name for name, _ in fields_at(level))) if level is not None else ""
    hint = f"Did you mean {near}?" if near else (f"Known here: {known}." if known else "")
    return Problem(".".join(path), show(got), "a key that exists", hint)


def _missing_key(path: list[str], key: str) -> Problem:
    field = find_field(path)
    expected = allowed(field.annotation, field.metadata) if field else "a value"
    if path[:2] == ["model", "blocks"] and len(path) == 4:
        hint = f"A new block needs its filters: model.blocks.{path[2]}.filters=32"
    elif path[:2] == ["model", "dense"] and len(path) == 4:
        hint = f"A new dense layer needs its units: model.dense.{path[2]}.units=256"
    else:
        hint = ""
    return Problem(key, "nothing", expected, hint)

"""What the schema refused, told in its user's words: key, what it got, what is allowed, and a cure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from cnnexp.config.keys import choice_word, choices_of, keys_below, levels_at, nearest_key, what_is_allowed, words_of
from cnnexp.config.schema import ExperimentConfig
from cnnexp.errors import MAX_PROBLEMS, ConfigError, Problem, one_line, show


def checked(values: Mapping[str, Any]) -> ExperimentConfig:
    """The experiment that plain `values` describe.

    Raises ConfigError with every problem in them together.
    """
    if not isinstance(values, Mapping):
        raise ConfigError("config", show(values), f"a mapping with the keys {', '.join(keys_below([]))}")
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
        if len(found) < MAX_PROBLEMS:
            problem = _problem(path, got, missing, detail)
        else:  # never told, only counted: no search for the nearest key
            problem = Problem(".".join(path), show(got), "something else")
        found.setdefault(problem.where, problem)
    parents = {where[:i] for where in found for i, letter in enumerate(where) if letter == "."}
    return [problem for where, problem in found.items() if where not in parents]


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
    return bool(levels_at(path))


def _problem(path: list[str], got: Any, missing: bool, detail: Any) -> Problem:
    key = ".".join(path) or "config"
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown_key(path, got)
    if missing:
        return _missing_key(path, key)
    if kind == "combination":
        context = detail["ctx"]
        return Problem(".".join(filter(None, [*path, context["key"]])), context["got"], context["expected"])
    if kind == "finite_number":
        return Problem(key, show(got), what_is_allowed(path).replace("a number", "a finite number"))
    if kind == "string_pattern_mismatch":
        return Problem(
            key, show(path[-1]), "a name of letters A-Z, digits and _ that starts with a letter",
            "It becomes the layer's name in Keras, MLflow and every picture.",
        )  # fmt: skip
    if kind == "union_tag_invalid" and isinstance(got, Mapping):
        return Problem(key, show(got.get("type")), what_is_allowed(path), _nearest_word(path, got.get("type")))
    if kind == "union_tag_not_found" and isinstance(got, Mapping):
        return Problem(key, show(got), what_is_allowed(path), _typed(path, got))
    return Problem(key, show(got), what_is_allowed(path), _nearest_word(path, got) if isinstance(got, str) else "")


def _nearest_word(path: Sequence[str], word: object) -> str:
    words = [w for annotation, _ in levels_at(path) for w in words_of(annotation)]
    close = difflib.get_close_matches(str(word), words, n=1)
    return f"Did you mean {close[0]}?" if close else ""


def _typed(path: Sequence[str], got: Mapping[str, Any]) -> str:
    """How to write options of a choice, for a mapping that does not say which choice."""
    owners = [c for annotation, _ in levels_at(path) for c in choices_of(annotation) if set(got) <= set(c.model_fields)]
    options = "".join(f", {key}: {value}" for key, value in got.items())
    if not owners:
        return ""
    return one_line(f"Say its type too: '{'.'.join(path)}={{type: {choice_word(owners[0])[0]}{options}}}'", 120)


def _unknown_key(path: list[str], got: Any) -> Problem:
    path, got, mistyped = _innermost(path, got)
    key, parents = ".".join(path), path[: mistyped - 1]
    choices = [c for annotation, _ in levels_at(parents) for c in choices_of(annotation)]
    if owners := [word for c in choices if path[mistyped - 1] in c.model_fields for word in choice_word(c)]:
        expected = f"no such option of this type of {'.'.join(parents)}"
        return Problem(key, show(got), expected, f"It belongs to {', '.join(owners)}.")
    near = nearest_key(path[:mistyped])
    if near and levels_at([*near.split("."), *path[mistyped:]]):
        near = ".".join([near, *path[mistyped:]])
    known = ", ".join(keys_below(parents))
    hint = f"Did you mean {near}?" if near else (f"Known here: {known}." if known else "")
    return Problem(key, show(got), "a key that exists", hint)


def _innermost(path: list[str], got: Any) -> tuple[list[str], Any, int]:
    """`traning: {epochs: 2}` as `traning.epochs: 2`, and how many parts of the key reach the mistyped one."""
    mistyped = len(path)
    while isinstance(got, Mapping) and len(got) == 1:
        [(name, got)] = got.items()
        path = [*path, str(name)]
    return path, got, mistyped


def _missing_key(path: list[str], key: str) -> Problem:
    if path[:2] == ["model", "blocks"] and len(path) == 4:
        hint = f"A new block needs its filters: model.blocks.{path[2]}.filters=32"
    elif path[:2] == ["model", "dense"] and len(path) == 4:
        hint = f"A new dense layer needs its units: model.dense.{path[2]}.units=256"
    else:
        hint = ""
    return Problem(key, "nothing", what_is_allowed(path), hint)

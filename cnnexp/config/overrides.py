"""Overrides as a person types them, turned into overrides that Hydra merges as cnnexp means them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from cnnexp.config.keys import is_choice
from cnnexp.config.sources import GROUP, shipped
from cnnexp.errors import ConfigError, Problem, one_line, show

T = TypeVar("T")
R = TypeVar("R")
WHOLE_MAPPINGS = ("model.blocks", "model.dense", "sweep.grid", "sweep.variants", "sweep.space")
SETTINGS_OF_LAUNCHERS = "hydra.launcher."
ALLOWED_HYDRA = (SETTINGS_OF_LAUNCHERS, "hydra.verbose")
EXPECTED = "key=value, +key=value or ~key"
MAX_KEY = 200
KEY = re.compile(r"(\+\+?|~)?[A-Za-z0-9_./@$-]+")
FILE = re.compile(r"\w[\w. -]*(/\w[\w. -]*)*")
"""A file of a group: no path that leaves the group's folder."""


def parse(words: Sequence[str]) -> list[Override]:
    """The words read by Hydra's grammar.

    Raises ConfigError for all words together that are no `key=value`, `+key=value` or `~key`.
    """
    parser = OverridesParser.create()
    return _all(lambda word: _parsed(word, parser), words)


def _all(read: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """`read` of each item; the problems of all of them together."""
    done, problems = list[R](), list[Problem]()
    for item in items:
        try:
            done.append(read(item))
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError.of(problems)
    return done


def _parsed(word: str, parser: OverridesParser) -> Override:
    if not isinstance(word, str):
        raise ConfigError("overrides", show(word), "texts such as 'seed=3'", "A list of them is given with a star.")
    key = word.partition("=")[0]
    try:
        override = parser.parse_override(word)
    except HydraException as error:
        message = str(error).splitlines()[0].split(" expecting")[0]
        raise ConfigError("overrides", _shown(word), EXPECTED, _grammar_hint(word, message)) from None
    if not override.key_or_group:
        raise ConfigError("overrides", _shown(word), EXPECTED, "The key is missing.")
    if len(key) > MAX_KEY:
        raise ConfigError("overrides", _shown(word), f"a key of at most {MAX_KEY} characters")
    return override


def _shown(word: str) -> str:
    return f"`{one_line(word, 60)}`"


def _grammar_hint(word: str, message: str) -> str:
    key, sign, _ = word.partition("=")
    if sign and not key:
        return "The key is missing."
    if not KEY.fullmatch(key):
        return "A key is names of letters A-Z, digits and _, joined by dots."
    if not sign and not word.startswith("~"):
        return "Values are set with =, as in model.kernel_size=5."
    return f"Hydra says: {one_line(message, 80)}. Quote values with special characters: 'key=\"a b\"'."


def standing(words: Sequence[str]) -> tuple[str, ...]:
    """The words in their order, without those whose key a later word gives another value.

    Values that are mappings are merged into what stands there already, and so replace none; but for those of choices.
    """
    kept: list[str] = []
    for word in words:
        key, _, value = word.lstrip("+").partition("=")
        merged = value.lstrip().startswith("{") and key not in WHOLE_MAPPINGS and not is_choice(key.split("."))
        if not word.startswith("~") and not merged:
            kept = _without(kept, key)
        kept.append(word)
    return tuple(kept)


def _without(words: Sequence[str], key: str) -> list[str]:
    """The words without values of the key; those before a ~ of it, or of what it lies in, stay: it removes them."""
    removes = [word.startswith("~") and f"~{key}.".startswith(f"{word.partition('=')[0]}.") for word in words]
    start = len(words) - removes[::-1].index(True) if any(removes) else 0
    return [*words[:start], *(word for word in words[start:] if word.lstrip("+").partition("=")[0] != key)]


def one_value_each(overrides: Sequence[Override]) -> None:
    """Raise ConfigError for all words together that give several values to a key, as a sweep does."""
    _all(_one_value, overrides)


def _one_value(override: Override) -> None:
    if override.is_sweep_override():
        value = str(override.input_line).partition("=")[2]
        raise ConfigError(
            override.key_or_group, _shown(value), "one value",
            "For a sweep over them add -m: cnnexp train -m KEY=A,B. For a list write KEY=[A,B].",
        )  # fmt: skip


def rewritten(overrides: Sequence[Override], is_group: Callable[[str], bool]) -> list[str]:
    """The same overrides for Hydra: values forced in (the schema is the judge), choices and whole mappings replaced.

    Raises ConfigError for what no group holds, and for overrides below `hydra.` that could run code; all together.
    """
    return [word for words in _all(lambda o: list(_rewritten(o, is_group)), overrides) for word in words]


def _rewritten(override: Override, is_group: Callable[[str], bool]) -> Iterator[str]:
    key, line = override.key_or_group, str(override.input_line)
    if key == "hydra" or key.startswith(("hydra.", "hydra/")):
        _check_hydra(override)
        is_setting = key.startswith(SETTINGS_OF_LAUNCHERS) and not override.is_delete()
        yield f"++{key}={line.split('=', 1)[1]}" if is_setting else line
    elif override.is_delete():
        yield line
    elif is_group(key):
        yield from _group_choice(override, line)
    else:
        yield from _forced(override, line.split("=", 1)[1])


def _group_choice(override: Override, line: str) -> Iterator[str]:
    key = override.key_or_group
    if override.package is not None:
        raise ConfigError(key, _shown(line), f"{key}=NAME", "A group's values stand at its own key.")
    if override.is_sweep_override():
        yield line
        return
    value = override.value()
    if value is None and key == GROUP:
        return  # no experiment, as by default
    if not isinstance(value, str) or not FILE.fullmatch(value) or len(value) > MAX_KEY:
        raise ConfigError(
            key, show(value), f"the name of a file in the group {key}", f"For one key write {key}.KEY=VALUE."
        )
    stands_in_defaults = key == GROUP or (shipped("conf") / key).is_dir()
    yield line.lstrip("+") if stands_in_defaults else line


def _forced(override: Override, text: str) -> Iterator[str]:
    key = override.key_or_group
    path = key.split(".")
    choice = is_choice(path)
    if (choice and not _is_partial(override)) or key in WHOLE_MAPPINGS or _is_list(override):
        yield f"++{key}=null"
    if choice and override.is_sweep_override() and not override.is_choice_sweep():
        yield f"++{key}={text}"
    elif choice and override.is_sweep_override():
        yield f"++{key}={','.join(_as_mapping(e) for e in override.sweep_string_iterator())}"
    elif choice:
        yield f"++{key}={_as_mapping(text)}"
    else:
        yield f"++{key}={text}"


def _is_partial(override: Override) -> bool:
    """Options without a `type`: they merge into the choice that stands there, as one by one they would."""
    value = None if override.is_sweep_override() else override.value()
    return isinstance(value, dict) and bool(value) and "type" not in value


def _is_list(override: Override) -> bool:
    """A list replaces whatever stands at its key: Hydra refuses to merge it into a mapping before the schema can."""
    return not override.is_sweep_override() and isinstance(override.value(), list)


def _as_mapping(word: str) -> str:
    """A bare word of a choice as a mapping, so that an option given beside it merges into it."""
    return f"{{type:{word}}}" if word.isidentifier() and word != "null" else word


def _check_hydra(override: Override) -> None:
    key = override.key_or_group
    is_name = not override.is_delete() and isinstance(override.value(), str)
    if key == "hydra/sweeper" and override.value() != "basic":
        raise ConfigError(
            key, _shown(str(override.input_line)), "no choice of a sweeper: it is cnnexp's",
            "Searches: sweep.search=random or sweep.search=bayes.",
        )  # fmt: skip
    chosen = key in ("hydra/launcher", "hydra/sweeper") and override.package is None and is_name
    plain = key.startswith(ALLOWED_HYDRA) and "_target_" not in str(override.input_line)
    if not chosen and not plain:
        raise ConfigError(
            key, _shown(str(override.input_line)), "hydra/launcher=NAME and its settings, hydra.launcher.KEY=VALUE",
            "Other keys of Hydra's own node can run code, or do nothing here.",
        )  # fmt: skip

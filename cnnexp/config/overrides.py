"""Overrides as a person types them, turned into overrides that Hydra merges as cnnexp means them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from cnnexp.config.keys import is_choice
from cnnexp.errors import ConfigError, show

WHOLE_MAPPINGS = ("model.blocks", "model.dense")
ALLOWED_HYDRA = ("hydra/launcher", "hydra/sweeper", "hydra.launcher.", "hydra.sweeper.", "hydra.verbose")


def parse(words: Sequence[str]) -> list[Override]:
    """The words read by Hydra's grammar.

    Raises ConfigError for a word that is no `key=value`, `+key=value` or `~key`.
    """
    parser = OverridesParser.create()
    parsed = []
    for word in words:
        try:
            override = parser.parse_override(word)
        except HydraException as error:
            hint = _grammar_hint(word, str(error).splitlines()[0])
            raise ConfigError("overrides", f"`{word}`", "key=value, +key=value or ~key", hint) from None
        if not override.key_or_group:
            raise ConfigError("overrides", f"`{word}`", "key=value, +key=value or ~key", "The key is missing.")
        parsed.append(override)
    return parsed


def _grammar_hint(word: str, message: str) -> str:
    if "=" not in word and not word.startswith("~"):
        return "Values are set with =, as in model.kernel_size=5."
    return f"Hydra says: {message}. Quote values with special characters: 'key=\"a b\"'."


def rewritten(overrides: Sequence[Override], is_group: Callable[[str], bool]) -> list[str]:
    """The same overrides for Hydra: values forced in (the schema is the judge), choices and whole mappings replaced.

    Raises ConfigError for an override below `hydra.` that could run code.
    """
    return [word for override in overrides for word in _rewritten(override, is_group)]


def _rewritten(override: Override, is_group: Callable[[str], bool]) -> Iterator[str]:
    key, line = override.key_or_group, str(override.input_line)
    if key == "hydra" or key.startswith(("hydra.", "hydra/")):
        _check_hydra(override)
        yield line
    elif override.is_delete():
        yield line
    elif is_group(key):
        _check_group_choice(override)
        yield line
    else:
        yield from _forced(override, line.split("=", 1)[1])


def _check_group_choice(override: Override) -> None:
    value = None if override.is_sweep_override() else override.value()
    if not override.is_sweep_override() and not isinstance(value, str):
        key = override.key_or_group
        raise ConfigError(
            key, show(value), f"the name of a file in the group {key}", f"For one key write {key}.KEY=VALUE."
        )


def _forced(override: Override, text: str) -> Iterator[str]:
    key = override.key_or_group
    path = key.split(".")
    choice = is_choice(path)
    if choice or key in WHOLE_MAPPINGS:
        yield f"++{key}=null"
    if choice and override.is_sweep_override() and not override.is_choice_sweep():
        yield f"++{key}={text}"
    elif choice and override.is_sweep_override():
        yield f"++{key}={','.join(_as_mapping(e) for e in override.sweep_string_iterator())}"
    elif choice:
        yield f"++{key}={_as_mapping(text)}"
    else:
        yield f"++{key}={text}"


def _as_mapping(word: str) -> str:
    """A bare word of a choice as a mapping, so that an option given beside it merges into it."""
    return f"{{type:{word}}}" if word.isidentifier() and word != "null" else word


def _check_hydra(override: Override) -> None:
    key = override.key_or_group
    if "_target_" in str(override.input_line) or not key.startswith(ALLOWED_HYDRA):
        raise ConfigError(
            key, f"`{override.input_line}`", "hydra/launcher=NAME or hydra/sweeper=NAME and their plain options",
            "Other keys of Hydra's own node can run code, so cnnexp does not take them.",
        )  # fmt: skip

"""One key of one config explained; or a row for each key of a group."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from cnnexp.config.choices import Strict
from cnnexp.config.keys import NAME, Key, find_field, nearest_key, schema_keys
from cnnexp.config.provenance import Provenance, Setting
from cnnexp.config.reference import Group, as_plain, as_yaml, default_text, groups, is_section, none_word
from cnnexp.config.schema import ExperimentConfig
from cnnexp.config.studies import Study, generic, studies
from cnnexp.errors import ConfigError, show
from cnnexp.explaining.facts import Facts
from cnnexp.explaining.layer_formulas import model_formula
from cnnexp.explaining.reach import Reach, reach
from cnnexp.explaining.training_formulas import training_formula

SETTING_STUDIES = 3
NO_VALUE = "–"
NOT_HERE = object()
"""The value of a key that has none in a config: an option of a choice that is not made."""


@dataclass(frozen=True)
class Explanation:
    """All that can be said of one key in one config; texts are as they are printed."""

    key: str
    what: str
    allowed: str
    default: str
    value: str
    plain: Any
    """the value as JSON has it; None too where the key has none here"""
    decided_by: str
    """the key that decides: itself, or the model's where a block or dense layer inherits it"""
    settings: tuple[Setting, ...]
    """what was given to that key, first to last; those in force are marked"""
    reach: Reach
    own: tuple[tuple[str, str], ...]
    """keys that stand in its way, each with its value"""
    formula: tuple[str, ...]
    studies: tuple[tuple[Study, str], ...]
    """named studies, each with varies or sets"""


def explain(facts: Facts, provenance: Provenance, key: str) -> Explanation:
    """The explanation of a key of the schema, such as model.kernel_size or model.blocks.conv_1.pool.

    Raises ConfigError, with the nearest key, for one that does not exist or names a block that is not there.
    """
    config = facts.config
    known = known_key(config, key)
    decided = provenance.decides(key)
    reached = reach(config, provenance, key)
    return Explanation(
        key=key,
        what=known.description,
        allowed=known.allowed,
        default=default_text(known),
        value=value_text(config, provenance, key),
        plain=None if (value := value_at(config, decided)) is NOT_HERE else as_plain(value),
        decided_by=decided,
        settings=_settings(config, provenance, key),
        reach=reached,
        own=tuple((own, value_text(config, provenance, own)) for own in reached.own),
        formula=tuple(_formula(facts, key, reached)),
        studies=tuple(_studies(key)),
    )


def _settings(config: ExperimentConfig, provenance: Provenance, key: str) -> tuple[Setting, ...]:
    """Of the key that decides; of a `<name>` key, of each block's or dense layer's."""
    names = getattr(config.model, key.split(".")[1]) if NAME in key.split(".") else ("",)
    keys = dict.fromkeys(provenance.decides(key.replace(NAME, name)) for name in names)
    return tuple(setting for decided in keys for setting in provenance.of(decided))


def _formula(facts: Facts, key: str, reached: Reach) -> list[str]:
    if key.split(".")[0] != "model":
        return training_formula(facts, key)
    lines = model_formula(facts, key, reached.layers)
    return [*lines, f"(no numbers: {facts.missing})"] if lines and facts.missing else lines


def _studies(key: str) -> list[tuple[Study, str]]:
    """The studies that vary a key; where none does, the first few that set it."""
    told: list[tuple[Study, str]] = [(study, how) for study in studies() if (how := study.shows(key))]
    return [pair for pair in told if pair[1] == "varies"] or told[:SETTING_STUDIES]


def known_key(config: ExperimentConfig, key: str) -> Key:
    """The schema's entry for a key. Of an option, the one that belongs to the choice made in the config, if any."""
    _check_name(config, key)
    found = [known for known in schema_keys() if known.path == generic(key)]
    if not found:
        near = nearest_key(key.split(".")) or nearest_group(key)
        hint = f"Did you mean {near}?" if near else "See all keys with: cnnexp explain"
        raise ConfigError("explain", show(key), "a key of the config, or a group of keys", hint)
    made = str(getattr(value_at(config, key.rpartition(".")[0]), "type", ""))
    return next((known for known in found if made in known.choice.split("/")), found[0])


def _check_name(config: ExperimentConfig, key: str) -> None:
    parts = key.split(".")
    for kind in ("blocks", "dense"):
        names = getattr(config.model, kind)
        if parts[:2] == ["model", kind] and len(parts) > 2 and parts[2] not in (*names, NAME):
            expected = f"one of {', '.join(names)}" if names else f"none: this config has no {kind}"
            rest = ".".join(parts[3:]) or ("filters" if kind == "blocks" else "units")
            hint = f"In general: cnnexp explain 'model.{kind}.{NAME}.{rest}'"
            raise ConfigError(f"model.{kind}", show(parts[2]), expected, hint)


def nearest_group(word: str) -> str:
    import difflib

    close = difflib.get_close_matches(word, [group.name for group in groups()], n=1)
    return close[0] if close else ""


def value_at(config: ExperimentConfig, key: str) -> Any:
    """The value at a dotted key of the checked config; NOT_HERE where the choice above it has no such option."""
    node: Any = config
    for part in key.split(".") if key else []:
        if isinstance(node, dict):
            node = node.get(part, NOT_HERE)
        else:
            node = getattr(node, part, NOT_HERE) if isinstance(node, Strict) else NOT_HERE
    return node


def value_text(config: ExperimentConfig, provenance: Provenance, key: str) -> str:
    """A key's value here as one writes it, what is inherited filled in; of `<name>`, that of each block."""
    parts = key.split(".")
    if NAME in parts:
        names = getattr(config.model, parts[1])
        each = {name: value_text(config, provenance, key.replace(NAME, name)) for name in names}
        alike = len(set(each.values())) == 1
        return next(iter(each.values())) if alike else ", ".join(f"{name}: {text}" for name, text in each.items())
    value = value_at(config, provenance.decides(key))
    if value is NOT_HERE:
        parent = key.rpartition(".")[0]
        made = value_at(config, provenance.decides(parent))
        return f"(no option of {as_yaml(getattr(made, 'type', made), none='none')}, which {parent} is here)"
    if isinstance(value, dict) and value and all(isinstance(part, Strict) for part in value.values()):
        return ", ".join(value)
    return as_yaml(value, none=none_word(key))


@dataclass(frozen=True)
class Row:
    """One key in the table of a group; value: empty for an option that stands for several keys."""

    key: str
    value: str
    default: str
    what: str


def rows_of(config: ExperimentConfig, provenance: Provenance, word: str) -> tuple[tuple[Group, tuple[Row, ...]], ...]:
    """The groups that `word` names, with a row for each key; empty where it names none, all for an empty word.

    A word is a group (training, with the options of its choices), a block or dense layer (model.blocks.conv_1), or a
    part of a group (data.augmentation). Raises ConfigError for a block or dense layer that is not there.
    """
    if word and find_field(word.split(".")[:2]) is not None:
        _check_name(config, word)
    return tuple(
        (group, tuple(_row(config, provenance, key, word) for key in group.keys)) for group in _named_groups(word)
    )


def _named_groups(word: str) -> list[Group]:
    name = generic(word)
    if not word:
        return list(groups())
    found = [replace(g, name=word) if g.name == name else g for g in groups() if name in (g.name, g.part_of)]
    section = next((key for key in schema_keys() if key.path == name and is_section(key)), None)
    if found or section is None:
        return found
    inside = tuple(key for group in groups() for key in group.keys if key.path.startswith(f"{name}."))
    return [Group(name, section.description, inside)]


def _row(config: ExperimentConfig, provenance: Provenance, key: Key, word: str) -> Row:
    if key.choice:
        return Row(f"{key.path} ({key.choice.replace('/', ', ')})", "", default_text(key), key.description)
    path = key.path.replace(NAME, word.split(".")[2]) if NAME in key.path and word.count(".") > 1 else key.path
    none = NAME not in path and value_at(config, provenance.decides(path)) is NOT_HERE
    here = NO_VALUE if none else value_text(config, provenance, path)
    return Row(path, here, default_text(key), key.description)

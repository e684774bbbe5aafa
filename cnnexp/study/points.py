"""The points of a sweep: every combination of what was said to vary, each composed and checked."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from cnnexp.config import overrides as words
from cnnexp.config.compose import (
    CONFIG_NAME,
    Composed,
    choices_of,
    hydra_session,
    is_group,
    job_part,
    job_values,
    told_as_config_errors,
)
from cnnexp.config.keys import in_words
from cnnexp.config.problems import checked
from cnnexp.errors import ConfigError, Problem
from cnnexp.interrupts import safe_point
from cnnexp.study.space import counted_words, dimension_of_word
from cnnexp.study.words import as_word

ONE_FOR_ALL = ("sweep", "hydra", "tracking", "experiments")
"""What a sweep has only once: keys and groups that cannot take several values."""


@dataclass(frozen=True)
class Point:
    """One combination: what varies in it (dotted key → word), all its overrides, and its checked config.

    sets: what the named variant stands for (dotted key → word).
    """

    number: int
    varied: tuple[tuple[str, str], ...]
    overrides: tuple[str, ...]
    composed: Composed
    sets: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """`kernel_size=5 padding=valid seed=1`."""
        return in_words(self.varied) or "the only point"


@dataclass(frozen=True)
class Choice:
    """One alternative of an axis: what it is called (key → word), its words, and what a named variant sets by them."""

    names: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    sets: tuple[tuple[str, str], ...] = ()


Axis = tuple[Choice, ...]
"""One thing that varies. A word that stays as it is, is an axis with one choice that has no name."""


def parsed(overrides: Sequence[str]) -> list[Override]:
    """The words read by Hydra's grammar, with the groups of its session in reach (`glob`).

    Raises ConfigError for words that it does not take or that stand for no value, and for a setting of the sweep itself
    with several values.
    """
    words.parse(overrides)
    with told_as_config_errors():
        typed = OverridesParser.create(GlobalHydra.instance().config_loader()).parse_overrides(list(overrides))
    for override in typed:
        key = override.key_or_group
        if override.is_sweep_override() and key.partition("/")[0].partition(".")[0] in ONE_FOR_ALL:
            raise ConfigError(key, f"`{override.input_line}`", "one value: it holds for the whole sweep")
        if override.is_discrete_sweep() and next(override.sweep_string_iterator(), None) is None:
            hint = "range(1,4) gives 1, 2 and 3; glob(s*) gives the names of a group, such as model, that begin with s."
            raise ConfigError(key, f"`{override.input_line}`", "at least one value", hint)
    return typed


def first_words(typed: Sequence[Override]) -> list[str]:
    """The words with the first of each one's values: what is no part of a sweep is read from their config."""
    return [_first(override) for override in typed]


def _first(override: Override) -> str:
    if not override.is_sweep_override():
        return str(override.input_line)
    if override.is_discrete_sweep():
        return f"{override.get_key_element()}={next(override.sweep_string_iterator())}"
    return f"{override.get_key_element()}={dimension_of_word(override).ends[0]}"


def axes_of_words(typed: Sequence[Override]) -> list[Axis]:
    """One axis a word, in order (a later word wins over an earlier one, as without a sweep).

    Raises ConfigError for intervals, which only a search can draw from.
    """
    return [_axis(override) for override in typed]


def _axis(override: Override) -> Axis:
    line = str(override.input_line)
    if not override.is_sweep_override():
        return (Choice((), (line,)),)
    if override.is_discrete_sweep():
        key = override.get_key_element()
        return tuple(Choice(((key.lstrip("+"), v),), (f"{key}={v}",)) for v in counted_words(override))
    raise ConfigError(
        override.key_or_group, f"`{line}`", "values that can be counted: a,b or choice(a,b) or range(1,4)",
        "An interval is searched, not swept: add sweep.search=random or sweep.search=bayes.",
    )  # fmt: skip


def axes_of_study(grid: Mapping[str, Sequence[Any]], variants: Mapping[str, Mapping[str, Any]]) -> list[Axis]:
    """The axes that a YAML study names: `variants` are named and paired, `grid` multiplies."""
    named = tuple(_variant(name, chosen) for name, chosen in variants.items())
    multiplied = [tuple(Choice(((key, as_word(v)),), (f"{key}={as_word(v)}",)) for v in values)
                  for key, values in grid.items()]  # fmt: skip
    return ([named] if named else []) + multiplied


def _variant(name: str, chosen: Mapping[str, Any]) -> Choice:
    sets = tuple((key, as_word(value)) for key, value in chosen.items())
    return Choice((("variant", name),), tuple(f"{key}={word}" for key, word in sets), sets)


def axis_of_draws(draws: Sequence[Mapping[str, str]]) -> Axis:
    """What a search drew, as one axis: the keys of a draw belong together."""
    return tuple(Choice(tuple(draw.items()), tuple(f"{k}={v}" for k, v in draw.items())) for draw in draws)


def check_that_what_varies_stands(axes: Sequence[Axis]) -> None:
    """Raise ConfigError where a later word takes the place of what an earlier one varies: names would not be true."""
    varied, problems = dict[str, str](), list[Problem]()
    for axis in axes:
        words_by_key = {_key(word): word for choice in axis for word in choice.words}
        for key, word in words_by_key.items():
            lost = [line for other, line in varied.items() if other == key or other.startswith(_below(key))]
            problems += [_taken_away(key, word, line) for line in lost[:1]]
        if axis[0].names:
            varied |= words_by_key
    if problems:
        raise ConfigError.of(problems)


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+~")


def _below(key: str) -> str | tuple[str, ...]:
    """How keys begin that a value at `key` replaces; choosing a file of a group replaces none."""
    return f"{key}." if "." in key else ()


def _taken_away(key: str, word: str, varied: str) -> Problem:
    hint = "Leave out one of them; without the variants of a study: sweep.variants={}"
    return Problem(key, f"`{word}` after `{varied}` of what varies", "nothing that takes its place", hint)


def points_of(axes: Sequence[Axis], config_dir: str | None) -> list[Point]:
    """Every combination of the axes in order, the last axis fastest, each composed and checked.

    Raises ConfigError with the problems of all points together where any value is invalid in itself.
    """
    points, problems = [], list[Problem]()
    with hydra_session(config_dir) as loader:
        composer = Composer(tuple(loader))
        for number, combination in enumerate(itertools.product(*axes)):
            varied = tuple(pair for choice in combination for pair in choice.names)
            own = tuple(word for choice in combination for word in choice.words)
            sets = tuple(pair for choice in combination for pair in choice.sets)
            try:
                points.append(Point(number, varied, own, composer.compose(own), sets))
            except ConfigError as error:
                problems.extend(problem for problem in error.problems if problem not in problems)
    if problems:
        raise ConfigError.of(problems)
    return points


def _sets_a_value(word: str) -> bool:
    """Whether a word sets a value of the job's config; Hydra's own node is no part of it."""
    return word.startswith("++") and not word.startswith("++hydra.")


@dataclass
class Composer:
    """Composes many points quickly: Hydra composes each choice of groups once, values are then set as Hydra does.

    Lives inside one Hydra session; `loader` are the overrides that make it see further folders.
    """

    loader: tuple[str, ...]
    _bases: dict[tuple[str, ...], tuple[DictConfig, dict[str, str]]] = field(default_factory=dict)
    _groups: dict[str, bool] = field(default_factory=dict)
    _known: dict[str, list[str]] = field(default_factory=dict)
    _values: dict[str, tuple[str, Any]] = field(default_factory=dict)

    def compose(self, overrides: Sequence[str]) -> Composed:
        """The same as config.compose.compose_config. Between two of them a signal takes effect."""
        safe_point()
        with told_as_config_errors():
            forced = [word for override in overrides for word in self._rewritten(override)]
            own = [word for word in forced if _sets_a_value(word)]
            base, choices = self._base(tuple(word for word in forced if not _sets_a_value(word)))
            config = base.copy()
            for key, value in map(self._value, own):
                OmegaConf.update(config, key, value, merge=True, force_add=True)
            values = job_values(config)
        return Composed(checked(values), tuple(overrides), tuple(forced), choices)

    def _rewritten(self, word: str) -> list[str]:
        if word not in self._known:
            self._known[word] = words.rewritten(words.parse([word]), self._is_group)
        return self._known[word]

    def _value(self, word: str) -> tuple[str, Any]:
        if word not in self._values:
            (override,) = words.parse([word])
            self._values[word] = override.key_or_group, override.value()
        return self._values[word]

    def _is_group(self, key: str) -> bool:
        if key not in self._groups:
            self._groups[key] = is_group(key)
        return self._groups[key]

    def _base(self, groups: tuple[str, ...]) -> tuple[DictConfig, dict[str, str]]:
        if groups not in self._bases:
            composed = compose(CONFIG_NAME, [*groups, *self.loader], return_hydra_config=True)
            self._bases[groups] = job_part(composed), choices_of(composed)
        return self._bases[groups]

"""What a search draws from: a range or a list for each key, drawn evenly (of the logarithm, where it says so)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from hydra.core.override_parser.types import IntervalSweep, Override

from cnnexp.config.schema import Range
from cnnexp.errors import ConfigError
from cnnexp.study.words import as_word

DIGITS = 4
"""Significant digits of a drawn number: enough for a knob, and short enough to read."""


@dataclass(frozen=True)
class Dimension:
    """One key of a space, and what may be drawn for it: a range, or words."""

    key: str
    values: Range | tuple[str, ...]

    @property
    def ends(self) -> tuple[str, ...]:
        """The words that tell whether all others can be: both ends of a range, or every word of a list."""
        if isinstance(self.values, Range):
            return self.word(self.values.low), self.word(self.values.high)
        return self.values

    def word(self, value: float | str) -> str:
        """A drawn value as a person would type it: `0.003162`, `5`, `same`; never outside its range."""
        if not isinstance(self.values, Range):
            return str(value)
        if self.values.integer:
            return str(round(float(value)))
        short = float(f"{float(value):.{DIGITS}g}")
        return as_word(min(max(short, self.values.low), self.values.high))

    def draw(self, generator: np.random.Generator) -> str:
        """One word, drawn evenly."""
        if not isinstance(self.values, Range):
            return self.values[int(generator.integers(len(self.values)))]
        low, high = self.values.low, self.values.high
        if self.values.integer and not self.values.log:
            return self.word(float(generator.integers(round(low), round(high) + 1)))
        if self.values.log:
            return self.word(float(np.exp(generator.uniform(np.log(low), np.log(high)))))
        return self.word(float(generator.uniform(low, high)))

    def __str__(self) -> str:
        """`training.learning_rate from 0.0001 to 0.1 (log)`."""
        if not isinstance(self.values, Range):
            return f"{self.key} among {', '.join(self.values)}"
        return f"{self.key} from {self.ends[0]} to {self.ends[1]}{' (log)' if self.values.log else ''}"


def space_of_study(space: Mapping[str, Range | Sequence[Any]]) -> list[Dimension]:
    """The dimensions that `sweep.space` names."""
    return [
        Dimension(key, values if isinstance(values, Range) else tuple(map(as_word, values)))
        for key, values in space.items()
    ]


def dimension_of_word(override: Override) -> Dimension:
    """The dimension that a swept word stands for: `a,b`, `choice(a,b)`, `range(3)`, `interval(0.1,1)`.

    `int(interval(1,5))` draws whole numbers, `tag(log,interval(0.001,1))` the logarithm. Raises ConfigError for an
    interval that is none.
    """
    key = override.key_or_group
    if override.is_discrete_sweep():
        return Dimension(key, counted_words(override))
    interval = cast(IntervalSweep, override.value())
    low, high, log = float(interval.start or 0), float(interval.end or 0), "log" in interval.tags
    if low >= high or (log and low <= 0):
        wanted = "0 < LOW < HIGH" if log else "LOW < HIGH"
        raise ConfigError(key, f"`{override.input_line}`", f"interval(LOW,HIGH) with {wanted}")
    return Dimension(key, Range(low=low, high=high, log=log, integer=isinstance(interval.start, int)))


def counted_words(override: Override) -> tuple[str, ...]:
    """Every value of a swept word; of a range of fractions without what their sums leave in the last places."""
    words = tuple(override.sweep_string_iterator())
    if not override.is_range_sweep():
        return words
    return tuple(as_word(float(f"{float(word):.12g}")) if "." in word or "e" in word else word for word in words)


def random_draws(space: Sequence[Dimension], seed: int, trials: int) -> list[dict[str, str]]:
    """Key → word of each trial. A trial depends on (seed, its number) alone: more trials begin with the same ones."""
    return [
        {dimension.key: dimension.draw(generator) for dimension in space}
        for generator in (np.random.default_rng([seed, number]) for number in range(trials))
    ]

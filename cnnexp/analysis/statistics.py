"""Tests for networks that read the same digits, and for recipes that were trained with the same seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.05
"""What is called distinguishable: less likely than this if there were no difference."""

ENOUGH_SEEDS = 3
Z = 1.959964


@dataclass(frozen=True)
class McNemar:
    """Two networks on the same digits: how many each reads right that the other does not, and the exact p."""

    both: int
    only_first: int
    only_second: int
    neither: int
    p: float

    @property
    def digits(self) -> int:
        return self.both + self.only_first + self.only_second + self.neither

    @property
    def disagreements(self) -> int:
        """Digits that exactly one of them reads right."""
        return self.only_first + self.only_second

    @property
    def lead(self) -> int:
        """Digits that the first reads right more than the second."""
        return self.only_first - self.only_second


def mcnemar(first_right: NDArray[np.bool_], second_right: NDArray[np.bool_]) -> McNemar:
    """McNemar's test (McNemar, 1947) in its exact, binomial form, on (n,) right or wrong of the same digits."""
    only_first = int((first_right & ~second_right).sum())
    only_second = int((~first_right & second_right).sum())
    p = two_sided(min(only_first, only_second), only_first + only_second)
    both, neither = int((first_right & second_right).sum()), int((~first_right & ~second_right).sum())
    return McNemar(both, only_first, only_second, neither, p)


def two_sided(smaller: int, tosses: int) -> float:
    """How likely a fair coin splits `tosses` as unevenly as `smaller` to the rest or more: min(1, 2·P(X ≤ smaller))."""
    if 2 * smaller >= tosses:
        return 1.0
    ways = term = 1
    for k in range(1, smaller + 1):
        term = term * (tosses - k + 1) // k
        ways += term
    return min(1.0, float(2 * ways / 2**tosses))


def least_lead(disagreements: int) -> int | None:
    """The smallest lead in digits that is distinguishable when so many digits are read right by exactly one.

    None below 6 disagreements: even if all go one way, chance does that with p = 2/2⁵ = 0.0625.
    """
    ways, term, smaller = 0, 1, -1
    while 2 * (ways + term) / 2**disagreements < LEVEL:
        smaller, ways = smaller + 1, ways + term
        term = term * (disagreements - smaller) // (smaller + 1)
    return None if smaller < 0 else disagreements - 2 * smaller


def digits_needed(found: McNemar) -> int | None:
    """About how many digits would tell such a pair apart, at the same rates; None where neither leads.

    With f times the digits McNemar's z, corrected for continuity (Edwards, 1948), is (f·lead - 1)/√(f·disagreements);
    it reaches 1.96 at √f = (1.96·√d + √(1.96²·d + 4·lead)) / (2·lead).
    """
    lead, disagreements = abs(found.lead), found.disagreements
    if lead == 0:
        return None
    root = (Z * math.sqrt(disagreements) + math.sqrt(Z * Z * disagreements + 4 * lead)) / (2 * lead)
    return math.ceil(found.digits * root * root)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of several tests, made larger so that one by chance among all stays rare (Holm, 1979)."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


@dataclass(frozen=True)
class PairedDifference:
    """First minus second in the seeds that both have.

    interval: by Student's t, of that confidence (a share); None where it is unknown: below 3 seeds, or where every
    seed differs by the same.
    """

    seeds: tuple[int, ...]
    mean: float
    interval: tuple[float, float] | None
    confidence: float = 1 - LEVEL

    @property
    def is_distinguishable(self) -> bool:
        """Whether the interval is known and leaves 0 out."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


def paired_difference(
    first: Mapping[int, float], second: Mapping[int, float], level: float = LEVEL
) -> PairedDifference:
    """The mean difference of two measurements by seed, with mean ± t·s/√n at n - 1 degrees of freedom.

    level: the share of such intervals that may leave the truth out.
    """
    seeds = tuple(sorted(first.keys() & second.keys()))
    differences = [first[seed] - second[seed] for seed in seeds]
    mean = statistics.fmean(differences) if differences else math.nan
    if len(seeds) < ENOUGH_SEEDS or math.isclose(min(differences), max(differences), abs_tol=1e-12):
        return PairedDifference(seeds, mean, None, 1 - level)
    reach = student_reach(len(seeds) - 1, level) * statistics.stdev(differences) / math.sqrt(len(seeds))
    return PairedDifference(seeds, mean, (mean - reach, mean + reach), 1 - level)


def prediction_interval(values: Sequence[float]) -> tuple[float, float]:
    """Where 95 % of further values lie: mean ± t·s·√(1 + 1/n) at n - 1 degrees of freedom, of at least 2 values."""
    mean, count = statistics.mean(values), len(values)
    reach = student_reach(count - 1) * statistics.stdev(values) * math.sqrt(1 + 1 / count)
    return mean - reach, mean + reach


def student_reach(freedom: int, level: float = LEVEL) -> float:
    """The t that Student's distribution of so many degrees of freedom (at least 1) passes, either way, so rarely."""
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        angle = (low + high) / 2
        low, high = (angle, high) if _student_within(angle, freedom) < 1 - level else (low, angle)
    return math.sqrt(freedom) * math.tan(low)


def _student_within(angle: float, freedom: int) -> float:
    """P(|T| ≤ √freedom·tan angle), a finite sum (Abramowitz and Stegun, 1964, 26.7.3 and 26.7.4)."""
    odd = freedom % 2
    term, total = (math.cos(angle), 0.0) if odd else (1.0, 0.0)
    for k in range(odd + 1, freedom, 2):
        total += term
        term *= k / (k + 1) * math.cos(angle) ** 2
    share = math.sin(angle) * total
    return 2 / math.pi * (angle + share) if odd else share

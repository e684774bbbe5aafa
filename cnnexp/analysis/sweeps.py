"""What a sweep says: values against metrics, mean and spread over seeds, and which differences stand out."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cnnexp.analysis.statistics import student_reach
from cnnexp.config.keys import in_words

SEED = "seed"
ENOUGH_SEEDS = 3


@dataclass(frozen=True)
class SweptRun:
    """One finished point: its run, what varied in it, and what came out.

    accuracy and loss are of the validation digits; seconds of its epochs; parameters and multiply_adds of its network.
    """

    run: str
    name: str
    varied: Mapping[str, str]
    accuracy: float
    loss: float
    seconds: float
    parameters: int
    multiply_adds: int
    digits: int

    @property
    def recipe(self) -> tuple[tuple[str, str], ...]:
        """What varied but the seed: runs of one recipe differ in nothing else."""
        return tuple((key, word) for key, word in self.varied.items() if key != SEED)


@dataclass(frozen=True)
class Recipe:
    """All runs that differ in nothing but the seed. spread: standard deviation over seeds, NaN below two."""

    name: str
    varied: Mapping[str, str]
    runs: tuple[SweptRun, ...]

    @property
    def accuracy(self) -> float:
        return statistics.fmean(run.accuracy for run in self.runs)

    @property
    def loss(self) -> float:
        return statistics.fmean(run.loss for run in self.runs)

    @property
    def spread(self) -> float:
        values = [run.accuracy for run in self.runs]
        return statistics.stdev(values) if len(values) > 1 else math.nan

    @property
    def seconds(self) -> float:
        return statistics.fmean(run.seconds for run in self.runs)


def recipes_of(runs: Sequence[SweptRun]) -> list[Recipe]:
    """The runs grouped by recipe, best mean validation accuracy first (the lower mean loss breaks a tie)."""
    groups: dict[tuple[tuple[str, str], ...], list[SweptRun]] = {}
    for run in runs:
        groups.setdefault(run.recipe, []).append(run)
    recipes = [Recipe(in_words(varied) or of[0].name, dict(varied), tuple(of)) for varied, of in groups.items()]
    return sorted(recipes, key=lambda recipe: (-recipe.accuracy, recipe.loss))


def chosen_run(runs: Sequence[SweptRun]) -> SweptRun | None:
    """The run that a sweep chooses, by validation alone: of the best recipe the seed with the lowest loss."""
    recipes = recipes_of(runs)
    return min(recipes[0].runs, key=lambda run: (run.loss, run.run)) if recipes else None


def welch(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """Welch's t and its degrees of freedom (Welch, 1947) for two samples of at least two values.

    t is infinite where both samples do not vary at all but their means differ.
    """
    va, vb = statistics.variance(a) / len(a), statistics.variance(b) / len(b)
    difference = statistics.fmean(a) - statistics.fmean(b)
    if va + vb == 0:
        return (math.copysign(math.inf, difference) if difference else 0.0, float(len(a) + len(b) - 2))
    freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    return difference / math.sqrt(va + vb), freedom


def verdict_words(best: Recipe, other: Recipe) -> str:
    """Whether the best recipe's lead over another is larger than the spread between seeds, in words."""
    seeds = min(len(best.runs), len(other.runs))
    lead = f"{100 * (best.accuracy - other.accuracy):.2f} percentage points"
    if seeds < ENOUGH_SEEDS:
        many = "one seed" if seeds == 1 else f"{seeds} seeds"
        return f"{lead} behind; unknown whether that is more than chance ({many} each, at least {ENOUGH_SEEDS} tell)"
    t, freedom = welch([run.accuracy for run in best.runs], [run.accuracy for run in other.runs])
    word = "more" if abs(t) > student_reach(max(1, math.floor(freedom))) else "not more"
    return f"{lead} behind: {word} than the spread between seeds (Welch's t-test, 95 %)"


def least_telling(digits: int, accuracy: float) -> float:
    """The smallest difference of two accuracies near `accuracy` that `digits` digits tell apart (95 %, unpaired)."""
    return 1.959964 * math.sqrt(2 * accuracy * (1 - accuracy) / digits) if digits else math.nan


def honest_words(runs: Sequence[SweptRun]) -> list[str]:
    """What the sweep's numbers can and cannot tell, one sentence a line."""
    recipes = recipes_of(runs)
    if not recipes:
        return ["No run finished, so nothing can be said."]
    best = recipes[0]
    lines = [f"{recipe.name}: {verdict_words(best, recipe)}." for recipe in recipes[1:]]
    tested = best.runs[0].digits
    lines.append(
        f"{tested:,} validation digits alone tell apart differences of about "
        f"{100 * least_telling(tested, best.accuracy):.2f} percentage points in one pair of runs."
    )
    if len(runs) > 1:
        lines.append(f"The best of {len(runs)} runs is also the luckiest of {len(runs)}: expect a little less of it.")
    return lines

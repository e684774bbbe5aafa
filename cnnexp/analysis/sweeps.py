"""What a sweep says: values against metrics, mean and spread over seeds, and which differences stand out."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cnnexp.analysis.statistics import LEVEL, student_reach
from cnnexp.config.keys import in_words

Pairs = tuple[tuple[str, str], ...]

SEED = "seed"
ENOUGH_SEEDS = 3
LISTED, LISTED_UNKNOWN = 10, 3
"""Of how many recipes each is told by itself, where that says something, and where it does not."""


@dataclass(frozen=True)
class SweptRun:
    """One finished point: its run, what varied in it, and what came out.

    accuracy and loss are of the validation digits, of which there are `digits`; runs with the same word as `validation`
    had the same ones. seconds: of its epochs; parameters and multiply_adds: of its network.
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
    validation: str

    @property
    def recipe(self) -> Pairs:
        """What varied but the seed."""
        return but_the_seed(self.varied)


@dataclass(frozen=True)
class Recipe:
    """All finished runs that differ in nothing but the seed, and how many did not finish.

    spread: standard deviation over seeds, NaN below two.
    """

    name: str
    varied: Mapping[str, str]
    runs: tuple[SweptRun, ...]
    unfinished: int = 0

    @property
    def validation(self) -> str:
        return self.runs[0].validation

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


def but_the_seed(varied: Mapping[str, str]) -> Pairs:
    """What the runs of one recipe have in common."""
    return tuple((key, word) for key, word in varied.items() if key != SEED)


def recipes_of(runs: Sequence[SweptRun], unfinished: Sequence[Mapping[str, str]] = ()) -> list[Recipe]:
    """The runs grouped by recipe; `unfinished`: what varied in each run that failed or was killed.

    Those of which all runs finished come first, then the best mean validation accuracy, then the lower mean loss.
    """
    groups: dict[Pairs, list[SweptRun]] = {}
    for run in runs:
        groups.setdefault(run.recipe, []).append(run)
    lost = Counter(map(but_the_seed, unfinished))
    recipes = [
        Recipe(in_words(varied) or of[0].name, dict(varied), tuple(of), lost[varied]) for varied, of in groups.items()
    ]
    return sorted(recipes, key=lambda recipe: (recipe.unfinished > 0, -recipe.accuracy, recipe.loss))


def comparable(recipes: Sequence[Recipe]) -> bool:
    """Whether all were measured on the same validation digits."""
    return len({recipe.validation for recipe in recipes}) <= 1


def chosen_run(recipes: Sequence[Recipe]) -> SweptRun | None:
    """The run that a sweep chooses, by validation alone: of the first recipe the seed with the lowest loss.

    None where there is no recipe, or where they were measured on different digits.
    """
    if not recipes or not comparable(recipes):
        return None
    return min(recipes[0].runs, key=lambda run: (run.loss, run.run))


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


def verdict_words(best: Recipe, other: Recipe, others: int = 1) -> str:
    """Whether the distance of two recipes is larger than the spread between seeds, in words that follow the distance.

    others: how many the best is held against. The level is divided by it (Bonferroni), so that of equal recipes with
    three seeds any is called worse in 2 to 3 % of sweeps, of two to ten of them; with ten seeds, where the picking of
    the best weighs more, in 5 to 11 % (simulated). Empty where the two were measured on different digits.
    """
    if best.validation != other.validation:
        return ""
    if not _tells(best, other):
        return f"; unknown whether that is more than chance ({_seeds(best, other)}, at least {ENOUGH_SEEDS} tell)"
    t, freedom = welch([run.accuracy for run in best.runs], [run.accuracy for run in other.runs])
    word = "more" if abs(t) > student_reach(max(1, math.floor(freedom)), LEVEL / others) else "not more"
    together = f" for all {others} together" if others > 1 else ""
    return f": {word} than the spread between seeds (Welch's t-test, 95 %{together})"


def _tells(best: Recipe, other: Recipe) -> bool:
    """Whether there are the same digits and enough seeds to judge a distance."""
    return best.validation == other.validation and min(len(best.runs), len(other.runs)) >= ENOUGH_SEEDS


def _seeds(best: Recipe, other: Recipe) -> str:
    one, two = len(best.runs), len(other.runs)
    many = "one seed" if one == 1 else f"{one} seeds"
    return f"{many} each" if one == two else f"{many} of the best, {'one' if two == 1 else two} of the other"


def least_telling(digits: int, accuracy: float) -> float:
    """The smallest difference of two accuracies near `accuracy` that `digits` digits tell apart (95 %, unpaired)."""
    return 1.959964 * math.sqrt(2 * accuracy * (1 - accuracy) / digits) if digits else math.nan


def honest_words(recipes: Sequence[Recipe]) -> list[str]:
    """What the numbers of a sweep's recipes, best first, can and cannot tell, one sentence a line."""
    if not recipes:
        return ["No run finished, so nothing can be said."]
    lines = [*_distances(recipes[0], recipes[1:]), *_unfinished(recipes)]
    if not comparable(recipes):
        return [*lines, "The recipes were measured on different validation digits, so none is chosen."]
    digits, runs = recipes[0].runs[0].digits, sum(len(recipe.runs) for recipe in recipes)
    lines.append(
        f"{digits:,} validation digits alone tell apart differences of about "
        f"{100 * least_telling(digits, recipes[0].accuracy):.2f} percentage points in one pair of runs."
    )
    if runs > 1:
        lines.append(f"The best of {runs} runs is also the luckiest of {runs}: expect a little less of it.")
    return lines


def _distances(best: Recipe, others: Sequence[Recipe]) -> list[str]:
    """How far the others are from the best and whether that says anything; what holds for many is said once."""
    groups: dict[tuple[str, str], list[Recipe]] = {}
    judged = sum(_tells(best, other) for other in others)
    for other in others:
        side = "behind" if other.accuracy <= best.accuracy else "ahead"
        groups.setdefault((side, verdict_words(best, other, judged)), []).append(other)
    lines = []
    for (side, verdict), of in groups.items():
        most = LISTED if _tells(best, of[0]) else LISTED_UNKNOWN
        lines += _said(of, _distance(best, side, verdict), most)
    return lines


def _distance(best: Recipe, side: str, verdict: str) -> Callable[[Sequence[Recipe]], str]:
    def told(recipes: Sequence[Recipe]) -> str:
        if not verdict:
            return "measured on different validation digits, not comparable"
        points = [100 * abs(best.accuracy - recipe.accuracy) for recipe in recipes]
        ends = dict.fromkeys(f"{end:.2f}" for end in (min(points), max(points)))
        return f"{' to '.join(ends)} percentage points {side}{verdict}"

    return told


def _unfinished(recipes: Sequence[Recipe]) -> list[str]:
    def told(of: Sequence[Recipe]) -> str:
        lost, all_runs = sum(one.unfinished for one in of), sum(one.unfinished + len(one.runs) for one in of)
        return f"{lost} of {all_runs} runs did not finish; a recipe without such runs comes first"

    return _said([recipe for recipe in recipes if recipe.unfinished], told)


def _said(recipes: Sequence[Recipe], told: Callable[[Sequence[Recipe]], str], most: int = LISTED) -> list[str]:
    """What is told of recipes: of each, or of more than `most` in one sentence."""
    if len(recipes) > most:
        return [f"{len(recipes)} recipes: {told(recipes)}."]
    return [f"{recipe.name}: {told([recipe])}." for recipe in recipes]

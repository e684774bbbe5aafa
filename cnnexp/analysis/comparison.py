"""Several runs side by side: what differs between them, what they share, and what can be said of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from string import ascii_uppercase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.analysis.differences import Difference, differences
from cnnexp.analysis.scores import Counts, accuracy_of, confusion_counts
from cnnexp.analysis.shared_digits import Readings, SharedDigits, readings, shared_digits
from cnnexp.analysis.statistics import (
    ENOUGH_SEEDS,
    LEVEL,
    McNemar,
    PairedDifference,
    holm,
    mcnemar,
    paired_difference,
)
from cnnexp.config.identity import flattened
from cnnexp.runs.journal import FINISHED
from cnnexp.runs.record import RunRecord
from cnnexp.shapes import LayerTable, layer_table
from cnnexp.shares import wilson

LETTERS = ascii_uppercase
IRRELEVANT = {"figures", "tracking"}  # groups of a config that decide no number


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """One of the compared runs: its letter, and what it read of the shared digits (None: it shares none)."""

    letter: str
    record: RunRecord
    readings: Readings | None

    @cached_property
    def table(self) -> LayerTable:
        height, width, channels = self.record.data["image_shape"]
        return layer_table(self.record.config.model, (height, width, channels), len(self.record.class_names))

    @property
    def receptive_field(self) -> tuple[int, int]:
        """(height, width) in pixels that one cell of the last maps depends on."""
        fields = [layer.receptive_field for layer in self.table.layers if layer.receptive_field]
        return fields[-1]

    @property
    def training_seconds(self) -> float:
        """Of all epochs, validation included."""
        return sum(value for _, value in self.record.history.get("time/epoch_seconds", []))


@dataclass(frozen=True, eq=False)
class Score:
    """A run on the shared digits: (n,) right or wrong, accuracy with its Wilson interval, loss in nats, confusion."""

    right: NDArray[np.bool_]
    accuracy: float
    interval: tuple[float, float]
    loss: float
    confusion: Counts


@dataclass(frozen=True)
class Pair:
    """Two sets of weights on the same digits. p: of all such tests together (Holm), McNemar's own where it is one."""

    first: ComparedRun
    second: ComparedRun
    test: McNemar
    p: float


@dataclass(frozen=True)
class Recipe:
    """All runs that differ in nothing but the seed. letters: those compared; accuracies: seed → (run id, accuracy)."""

    letters: tuple[str, ...]
    accuracies: Mapping[int, tuple[str, float]]

    @property
    def by_seed(self) -> dict[int, float]:
        return {seed: accuracy for seed, (_, accuracy) in self.accuracies.items()}

    @property
    def mean(self) -> float:
        return float(np.mean(list(self.by_seed.values())))

    @property
    def members(self) -> str:
        """Such as "A+C"."""
        return "+".join(self.letters)

    @property
    def name(self) -> str:
        return f"recipe of {self.members}"


@dataclass(frozen=True)
class RecipePair:
    """Two recipes on the same digits, paired by seed."""

    first: Recipe
    second: Recipe
    difference: PairedDifference

    @classmethod
    def of(cls, first: Recipe, second: Recipe, level: float = LEVEL) -> RecipePair:
        return cls(first, second, paired_difference(first.by_seed, second.by_seed, level))

    @property
    def is_known(self) -> bool:
        """Whether both have enough seeds in common to say anything."""
        return len(self.difference.seeds) >= ENOUGH_SEEDS


@dataclass(frozen=True, eq=False)
class Comparison:
    """Everything that is said of some runs.

    settings: the keys of the config that differ, without IRRELEVANT groups; circumstances: what else may matter and
    differs. shared is None where no two runs read the same digits.
    """

    runs: tuple[ComparedRun, ...]
    settings: tuple[Difference, ...]
    circumstances: tuple[Difference, ...]
    shared: SharedDigits | None
    recipes: tuple[Recipe, ...]

    @property
    def readers(self) -> tuple[ComparedRun, ...]:
        """The runs that share digits."""
        return tuple(run for run in self.runs if run.readings is not None)

    @cached_property
    def scores(self) -> dict[str, Score]:
        """Letter → score on the shared digits."""
        return {run.letter: _score(run.readings) for run in self.runs if run.readings is not None}

    @property
    def best(self) -> ComparedRun | None:
        """The run that reads most of the shared digits right (the lower loss breaks a tie)."""
        scores = self.scores
        ranked = sorted(self.readers, key=lambda run: (-scores[run.letter].accuracy, scores[run.letter].loss))
        return ranked[0] if ranked else None

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The two runs, or the best one against each of the others."""
        best = self.best
        if best is None:
            return ()
        first = self.readers[0] if len(self.readers) == 2 else best
        others = [run for run in self.readers if run is not first]
        tests = [mcnemar(self.scores[first.letter].right, self.scores[run.letter].right) for run in others]
        adjusted = holm([test.p for test in tests])
        return tuple(Pair(first, run, test, p) for run, test, p in zip(others, tests, adjusted, strict=True))

    @cached_property
    def recipe_pairs(self) -> tuple[RecipePair, ...]:
        """The two recipes, or the one with the best mean against each other.

        The best one is picked on these very digits, so whichever pair differs most is among those that are told. The
        intervals are therefore as wide as those of all pairs together have to be (Bonferroni).
        """
        if len(self.recipes) < 2:
            return ()
        first = self.recipes[0] if len(self.recipes) == 2 else max(self.recipes, key=lambda recipe: recipe.mean)
        others = [recipe for recipe in self.recipes if recipe is not first]
        known = sum(RecipePair.of(one, two).is_known for one, two in combinations(self.recipes, 2))
        return tuple(RecipePair.of(first, one, LEVEL / max(known, 1)) for one in others)


def compare(records: Sequence[RunRecord], others: Iterable[RunRecord] = ()) -> Comparison:
    """What differs between at least two runs. others: where further seeds of their recipes are looked for."""
    shared = shared_digits(records)
    runs = tuple(
        ComparedRun(letter, record, shared.readings.get(record.id) if shared else None)
        for letter, record in zip(LETTERS, records, strict=False)
    )
    settings = differences([flattened(record.config.model_dump(mode="json", exclude=IRRELEVANT)) for record in records])
    circumstances = differences([_circumstances(record) for record in records])
    recipes = _recipes(runs, list(others), shared) if shared else ()
    return Comparison(runs, settings, circumstances, shared, recipes)


def _circumstances(record: RunRecord) -> dict[str, Any]:
    """What else may matter: the digits, the versions, the machine."""
    environment = record.environment
    packages = environment.get("packages", {})
    found = {
        "digest of the data": str(record.data["digest"])[:8],
        "commit": environment.get("git", {}).get("commit", "")[:10],
    }
    found |= {name: packages[name] for name in ("cnnexp", "keras", "tensorflow", "numpy") if name in packages}
    return found | {key: environment[key] for key in ("threads", "cpu", "python") if key in environment}


def _score(found: Readings) -> Score:
    right = found.right
    interval = wilson(int(right.sum()), len(right))
    confusion = confusion_counts(found.probabilities, found.labels)
    accuracy = accuracy_of(found.probabilities, found.labels)
    return Score(right, accuracy, interval, float(found.losses.mean()), confusion)


def _recipes(runs: Sequence[ComparedRun], others: Sequence[RunRecord], shared: SharedDigits) -> tuple[Recipe, ...]:
    """The compared runs that share digits, grouped by recipe, each with the further seeds found among `others`."""
    groups: dict[tuple[str, ...], list[ComparedRun]] = {}
    for run in runs:
        if run.readings is not None:
            groups.setdefault(recipe_key(run.record), []).append(run)
    recipes = []
    for key, group in groups.items():
        members = {run.record.config.seed: (run.record.id, run.readings) for run in reversed(group)}
        for record in others:
            if record.header["identity"]["variant"] == key[0] and _counts(record, key, members):
                members[record.config.seed] = (record.id, readings(record, shared.split).of(shared.digests))
        accuracies = {
            seed: (run, float(found.right.mean()))
            for seed, (run, found) in sorted(members.items())
            if found is not None
        }
        recipes.append(Recipe(tuple(run.letter for run in group), accuracies))
    return tuple(recipes)


def recipe_key(record: RunRecord) -> tuple[str, ...]:
    """Variant, epochs (which most variants leave open) and data."""
    return record.header["identity"]["variant"], str(record.config.training.epochs), str(record.data["digest"])


def _counts(record: RunRecord, key: tuple[str, ...], members: Mapping[int, Any]) -> bool:
    """Whether a run is a further seed of a recipe."""
    new = record.config.seed not in members
    return new and record.status == FINISHED and recipe_key(record) == key

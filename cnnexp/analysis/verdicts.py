"""Three statements, never mixed: of these sets of weights, of their recipes, and of what so many digits can tell."""

from __future__ import annotations

from collections.abc import Sequence

from cnnexp.analysis.comparison import Comparison, Pair, RecipePair
from cnnexp.analysis.shared_digits import TEST
from cnnexp.analysis.statistics import ENOUGH_SEEDS, LEVEL, McNemar, digits_needed, least_lead

WEIGHTS, RECIPES, DIGITS = "These weights", "These recipes", "This many digits"
QUESTIONS = {
    WEIGHTS: "Does one of these networks, as trained, read these digits better?",
    RECIPES: "Is one recipe better than another, whatever the seed?",
    DIGITS: "How small a difference can this many digits show at all?",
}
ONE_RECIPE = "Nothing to compare: these runs have one recipe and "


def verdicts(comparison: Comparison) -> dict[str, list[str]]:
    """Each of the three statements as sentences; a reason where nothing can be said."""
    if comparison.shared is None:
        return {title: ["Unknown: these runs have read no digit in common."] for title in QUESTIONS}
    name, pairs = comparison.shared.name, comparison.pairs
    one = len(pairs) == 1
    weights = [of_weights(pairs[0], name)] if one else of_many_weights(pairs, name)
    return {
        WEIGHTS: weights + of_chosen_weights(comparison),
        RECIPES: of_recipes(comparison.recipe_pairs, [run.record.config.seed for run in comparison.runs]),
        DIGITS: [of_digits(pairs[0].test, name)] if one else of_many_digits([pair.test for pair in pairs], name),
    }


def is_told_apart(pair: Pair) -> bool:
    """Whether so large a difference would be rare by chance, all pairs taken together."""
    return pair.p < LEVEL


def of_weights(pair: Pair, digits: str) -> str:
    """Two sets of weights on the same digits: which is better on them, counts and p."""
    first, second, test = pair.first.letter, pair.second.letter, pair.test
    how = f"{first} alone is right on {test.only_first}, {second} alone on {test.only_second}"
    how += f" (McNemar's exact test, {told_p(test.p)})"
    if not is_told_apart(pair):
        return f"Not distinguishable: of these {digits}, {how}."
    better, worse = (first, second) if test.lead > 0 else (second, first)
    return f"{better} reads these {digits} better than {worse}: {how}."


def of_many_weights(pairs: Sequence[Pair], digits: str) -> list[str]:
    """The best one against the others."""
    best, count = pairs[0].first.letter, len(pairs) + 1
    worse = [pair.second.letter for pair in pairs if is_told_apart(pair)]
    alike = [pair.second.letter for pair in pairs if not is_told_apart(pair)]
    parts = [f"better than {', '.join(worse)}"] if worse else []
    parts += [f"not distinguishably better than {', '.join(alike)}"] if alike else []
    return [
        f"On these {digits} {best} is {' and '.join(parts)} (McNemar's exact test, Holm's correction for "
        f"{len(pairs)} pairs).",
        f"{best} was picked as the best of {count} on these very digits, so it is also the luckiest of {count}.",
    ]


def of_chosen_weights(comparison: Comparison) -> list[str]:
    """A warning where the shared digits took part in choosing the weights that they now measure."""
    if comparison.shared is None or comparison.shared.split == TEST:
        return []
    trainings = {run.letter: run.record.config.training for run in comparison.readers}
    chosen = [letter for letter, one in trainings.items() if one.keep == "best" or one.early_stopping is not None]
    if not chosen:
        return []
    return [
        f"Validation digits also decided when {', '.join(chosen)} stopped or which weights stayed: they flatter it."
    ]


def of_recipes(pairs: Sequence[RecipePair], seeds: Sequence[int]) -> list[str]:
    """Recipes seed by seed; those with too few seeds in common are named together. seeds: of all runs."""
    if not pairs:
        return [ONE_RECIPE + ("one seed." if len(set(seeds)) == 1 else "differ in their seeds alone.")]
    few = [pair for pair in pairs if not pair.is_known]
    sentences = [of_recipe(pair) for pair in pairs if pair.is_known]
    if few:
        others = ", ".join(pair.second.members for pair in few)
        have = sorted({len(pair.difference.seeds) for pair in few})
        sentences.append(
            f"Unknown: the {few[0].first.name} has {_few_seeds(have)} in common with "
            f"{'that' if len(few) == 1 else 'those'} of {others}; at least {ENOUGH_SEEDS} tell a better recipe from a "
            "lucky seed."
        )
    return sentences + of_picked_recipe(pairs)


def _few_seeds(numbers: Sequence[int]) -> str:
    if numbers == [0]:
        return "no seed"
    return f"only {' or '.join(map(str, numbers))} seed{'s' * (numbers != [1])}"


def of_picked_recipe(pairs: Sequence[RecipePair]) -> list[str]:
    """Why intervals are wider where one recipe of several was picked as the best."""
    if not any(pair.difference.interval and pair.difference.confidence > 1 - LEVEL for pair in pairs):
        return []
    return [
        f"The {pairs[0].first.name} was picked as the best of {len(pairs) + 1} by these numbers, so its intervals are "
        "wider: were all recipes equal, at most one such comparison in 20 would call any of them better."
    ]


def of_recipe(pair: RecipePair) -> str:
    """Two recipes with enough seeds in common: the mean difference in points with its interval."""
    first, second, found = pair.first.name, pair.second.name, pair.difference
    seeds = len(found.seeds)
    if found.interval is None:
        return (
            f"Unknown: {first} minus {second} is {points(found.mean)} in each of {seeds} seeds alike, so the spread "
            "between seeds cannot be seen."
        )
    low, high = found.interval
    told = f"{first} minus {second} is {points(found.mean)} on average over {seeds} seeds"
    between = f"{100 * found.confidence:.4g} % interval {points(low)} to {points(high)}"
    if not found.is_distinguishable:
        return f"Not distinguishable: {told}, {between}, which includes 0."
    better, worse = (first, second) if found.mean > 0 else (second, first)
    return f"The {better} is better than the {worse}: {told}, {between}."


def of_digits(test: McNemar, digits: str) -> str:
    """From which lead on two networks that disagree so often can be told apart."""
    least, lead = least_lead(test.disagreements), abs(test.lead)
    are = "is" if test.disagreements == 1 else "are"
    start = f"Of {digits}, {test.disagreements} {are} read right by one of the two alone"
    if least is None:
        return f"{start}: too few. Below 6 such digits no difference can be told from chance."
    start += f", so a lead below {_lead(least, test)} could be chance"
    if lead >= least:
        return f"{start}; theirs is {_lead(lead, test)}: distinguishable."
    needed = digits_needed(test)
    more = f" At these rates about {rounded(needed):,} digits would tell." if needed else ""
    return f"{start}; theirs is {_lead(lead, test)}: not distinguishable on {test.digits:,} digits.{more}"


def of_many_digits(tests: Sequence[McNemar], digits: str) -> list[str]:
    """The same for several pairs: the range of leads that can be told apart."""
    leads = sorted(least for test in tests if (least := least_lead(test.disagreements)) is not None)
    if not leads:
        return [f"Of {digits}, fewer than 6 are read right by one of two alone: no difference can be told from chance."]
    low, high = _lead(leads[0], tests[0]), _lead(leads[-1], tests[0])
    start = f"On {digits} a lead below {low}" + (f" to {high}" if high != low else "")
    return [f"{start} could be chance, depending on how often two of these networks disagree; the table says each."]


def _lead(lead: int, test: McNemar) -> str:
    return f"{lead} ({points(lead / test.digits, sign=False)})"


def points(share: float, *, sign: bool = True) -> str:
    """A difference of two shares in percentage points: `+1.20 points`."""
    text = f"{100 * share:+.2f}" if sign else f"{100 * share:.2f}"
    return f"{text.replace('-', '−')} points"


def told_p(p: float) -> str:
    """`p = 0.031`, `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def rounded(number: int) -> int:
    """Up to two digits that count."""
    scale = int(10 ** max(len(str(number)) - 2, 0))
    return -(-number // scale) * scale

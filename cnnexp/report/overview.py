"""The start of the report: the runs at a glance, what can be said of them, and what differs between them."""

from __future__ import annotations

from collections.abc import Sequence

from cnnexp.analysis.comparison import ComparedRun, Comparison, Pair, RecipePair
from cnnexp.analysis.differences import Difference
from cnnexp.analysis.statistics import least_lead
from cnnexp.analysis.verdicts import QUESTIONS, is_told_apart, points, told_p, verdicts
from cnnexp.report.charts import axis_of, without_failures
from cnnexp.report.html import Child, Markup, section, table, tag
from cnnexp.report.words import badge, look_of, named, percent, run_number, size

PAIRS_NOTE = (
    "Right alone: digits that the other one gets wrong. Least lead: the smallest lead in digits that so many "
    "disagreements can show. p: McNemar's exact test of the pair; for all pairs together with Holm's correction."
)
BAR = 120  # units that an interval's axis is long


def runs_section(comparison: Comparison) -> Markup:
    """Each run in a line: how it reads the shared digits, and what it costs."""
    shared = comparison.shared
    header = [
        "run",
        "read correctly",
        "95 % interval",
        "loss",
        "parameters",
        "multiply-adds",
        "sees",
        "epochs",
        "time",
    ]
    rows = [_run_row(comparison, run) for run in comparison.runs]
    measured = f"measured on the same {shared.name}" if shared else "they share no digits"
    notes = [
        tag("li", badge(run.letter), f" is not measured here: {shared.left_out[run.record.id]}.")
        for run in comparison.runs
        if shared and run.record.id in shared.left_out
    ]
    return section(
        "The runs",
        table(f"Runs, {measured}", header, rows, class_="numbers runs"),
        tag("ul", notes) if notes else None,
        tag(
            "p",
            "sees: pixels of the image (height × width) that one cell of the last maps depends on. "
            "Multiply-adds: of one digit. Time: of all epochs.",
            class_="note",
        ),
        id_="runs",
    )


def _run_row(comparison: Comparison, run: ComparedRun) -> list[Child]:
    record, score = run.record, comparison.scores.get(run.letter)
    kept = record.result.get("best/epoch", record.epochs_done)
    measured: list[Child] = ["–", "–", "–"]
    if score:
        low, high = score.interval
        bar = _interval_bar(comparison, run)
        measured = [
            tag("b", percent(score.accuracy)),
            [bar, f" {percent(low)} to {percent(high)}"],
            f"{score.loss:.3f}",
        ]
    return [
        [named(run), tag("code", record.id, class_="id")],
        *measured,
        f"{run.table.parameters:,}",
        f"{run.table.multiply_adds:,}",
        size(run.receptive_field),
        f"{kept:g} of {record.epochs_done}",
        f"{run.training_seconds:.0f} s",
    ]


def _interval_bar(comparison: Comparison, run: ComparedRun) -> Markup:
    """A run's accuracy and interval on the axis that all runs share."""
    axis = axis_of(without_failures([end for score in comparison.scores.values() for end in score.interval], 0.05))
    score = comparison.scores[run.letter]
    low, middle, high = (
        round(BAR * max(axis.share(x), 0), 1) for x in (score.interval[0], score.accuracy, score.interval[1])
    )
    colour = look_of(run_number(run.letter))
    dot = tag("circle", cx=middle, cy=8, r=4, class_=f"dot {colour}")
    return tag(
        "svg",
        tag("line", x1=low, x2=high, y1=8, y2=8, class_=f"line {colour}"),
        tag("text", "←", x=0, y=13, class_=f"outside {colour}") if score.accuracy < axis.low else dot,
        viewBox=f"0 0 {BAR} 16",
        class_="interval",
        aria_hidden="true",
    )


def verdict_section(comparison: Comparison) -> Markup:
    """The three statements apart, and for several pairs the table behind them."""
    cards = [
        tag(
            "article",
            tag("h3", title),
            tag("p", QUESTIONS[title], class_="question"),
            [tag("p", s) for s in sentences],
            class_="card",
        )
        for title, sentences in verdicts(comparison).items()
    ]
    pairs = _pairs_table(comparison.pairs) if len(comparison.pairs) > 1 else None
    return section("What can be said", tag("div", cards, class_="cards"), pairs, _recipes_table(comparison), id_="said")


def _pairs_table(pairs: Sequence[Pair]) -> Markup:
    header = [
        "pair",
        "right alone, first",
        "right alone, second",
        "lead",
        "least lead",
        "p",
        "p, all pairs",
        "in words",
    ]
    rows = [_pair_row(pair) for pair in pairs]
    note = tag("p", PAIRS_NOTE, class_="note")
    return Markup(table("The best run against each other, on the same digits", header, rows, class_="numbers") + note)


def _pair_row(pair: Pair) -> list[Child]:
    test, least = pair.test, least_lead(pair.test.disagreements)
    verdict = "distinguishable" if is_told_apart(pair) else "not distinguishable"
    return [
        [badge(pair.first.letter), " ", badge(pair.second.letter)],
        str(test.only_first),
        str(test.only_second),
        f"{test.lead:+d}".replace("-", "−"),
        "none tells" if least is None else str(least),
        told_p(test.p),
        told_p(pair.p),
        verdict,
    ]


def _recipes_table(comparison: Comparison) -> Markup | None:
    """Accuracy on the shared digits by recipe and seed, with the runs that it comes from."""
    recipes, seeds = comparison.recipes, sorted({seed for recipe in comparison.recipes for seed in recipe.by_seed})
    if len(recipes) < 2 or len(seeds) < 2 or comparison.shared is None:
        return None
    rows: list[list[Child]] = []
    for recipe in recipes:
        cells = [_seed_cell(recipe.accuracies.get(seed)) for seed in seeds]
        rows.append([["recipe of ", [badge(letter) for letter in recipe.letters]], *cells, percent(recipe.mean)])
    differences = [_seed_differences(pair) for pair in comparison.recipe_pairs if pair.difference.interval]
    title = f"Recipes by seed: {comparison.shared.name} read correctly"
    grid = table(title, ["recipe", *(f"seed {seed}" for seed in seeds), "mean"], rows, class_="numbers")
    return Markup(grid + tag("ul", [tag("li", text) for text in differences], class_="note"))


def _seed_differences(pair: RecipePair) -> str:
    first, second = pair.first.by_seed, pair.second.by_seed
    told = [f"seed {seed} {points(first[seed] - second[seed])}" for seed in pair.difference.seeds]
    return f"{pair.first.name} minus {pair.second.name}: {', '.join(told)}"


def _seed_cell(found: tuple[str, float] | None) -> Child:
    return "–" if found is None else [percent(found[1]), " ", tag("code", found[0], class_="faint")]


def settings_section(comparison: Comparison) -> Markup:
    """Only the keys that differ: of the config, and of versions, machine and data."""
    letters = [badge(run.letter) for run in comparison.runs]
    if comparison.settings:
        parts: list[Child] = [_differences("Settings", letters, comparison.settings)]
    else:
        parts = [tag("p", "The configs are the same in every key that decides a number.")]
    if comparison.circumstances:
        parts.append(_differences("Data, versions and machine", letters, comparison.circumstances))
    return section(
        "What differs",
        parts,
        tag("p", "All other keys are the same, but for tracking and figures.", class_="note"),
        id_="differs",
    )


def _differences(caption: str, letters: Sequence[Markup], found: Sequence[Difference]) -> Markup:
    return table(caption, ["key", *letters], [[tag("code", one.key), *one.values] for one in found])

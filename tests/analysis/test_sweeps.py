"""Numbers worked by hand: three recipes, their seeds, and what may be said of them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from cnnexp.analysis.sweeps import SweptRun, chosen_run, honest_words, least_telling, recipes_of, welch


def run(recipe: str, seed: int, accuracy: float, loss: float = 0.1, name: str = "") -> SweptRun:
    return SweptRun(
        run=name or f"{recipe}{seed}", name=f"kernel_size={recipe} seed={seed}",
        varied={"model.kernel_size": recipe, "seed": str(seed)}, accuracy=accuracy, loss=loss, seconds=2.0 + seed,
        parameters=100, multiply_adds=1000, digits=10_000, validation="a",
    )  # fmt: skip


THREE = [run("3", s, a) for s, a in enumerate((0.90, 0.91, 0.92))]
FIVE = [run("5", s, a) for s, a in enumerate((0.95, 0.96, 0.97))]


def test_recipes_are_grouped_by_what_varied_but_the_seed_best_mean_first() -> None:
    five, three = recipes_of([THREE[0], FIVE[0], THREE[1], FIVE[1], FIVE[2], THREE[2]])
    assert (five.name, three.name) == ("kernel_size=5", "kernel_size=3")
    assert five.accuracy == pytest.approx(0.96)
    assert five.spread == pytest.approx(0.01)  # sqrt((0.01² + 0 + 0.01²) / 2)
    assert five.seconds == pytest.approx(3.0)
    assert math.isnan(recipes_of(THREE[:1])[0].spread)
    tie = [run("3", 0, 0.9, loss=0.5), run("5", 0, 0.9, loss=0.4)]
    assert [recipe.name for recipe in recipes_of(tie)] == ["kernel_size=5", "kernel_size=3"]


def test_other_horizons_are_other_recipes() -> None:
    """They share the variant, which leaves the number of epochs out."""
    one = replace(THREE[0], varied={"training.epochs": "1"})
    two = replace(THREE[1], varied={"training.epochs": "2"})
    assert [recipe.name for recipe in recipes_of([one, two])] == ["epochs=2", "epochs=1"]


def test_a_recipe_is_named_as_its_runs_are() -> None:
    varied = {"model.blocks.conv_1.filters": "4", "training.optimizer.momentum": "0.9", "seed": "0"}
    (recipe,) = recipes_of([replace(THREE[0], varied=varied)])
    assert recipe.name == "conv_1.filters=4 optimizer.momentum=0.9"


def test_the_chosen_run_is_of_the_best_recipe_not_the_luckiest_run() -> None:
    lucky = [run("9", 0, 0.99, loss=0.01), run("9", 1, 0.80)]
    best = [run("5", 0, 0.95, loss=0.3), run("5", 1, 0.94, loss=0.2)]
    chosen = chosen_run(recipes_of([*lucky, *best]))
    assert chosen is not None
    assert chosen.run == "51"
    assert chosen_run([]) is None


def test_welch() -> None:
    """By hand: means 0.96 and 0.91, variances 0.0001 each, n = 3: t = 0.05 / sqrt(0.0002 / 3), 4 degrees."""
    t, freedom = welch([0.95, 0.96, 0.97], [0.90, 0.91, 0.92])
    assert t == pytest.approx(0.05 / math.sqrt(0.0002 / 3))
    assert freedom == pytest.approx(4)
    t, freedom = welch([1, 2, 3, 4, 5], [2, 2, 2.5])  # variances 2.5 and 1/12
    a, b = 2.5 / 5, 1 / 12 / 3
    assert t == pytest.approx((3 - 13 / 6) / math.sqrt(a + b))
    assert freedom == pytest.approx((a + b) ** 2 / (a * a / 4 + b * b / 2))
    assert welch([1, 1], [1, 1]) == (0.0, 2.0)
    assert welch([2, 2], [1, 1]) == (math.inf, 2.0)
    assert welch([1, 1], [2, 2]) == (-math.inf, 2.0)


def words_of(*runs: SweptRun) -> list[str]:
    return honest_words(recipes_of(runs))


def test_larger_than_the_spread_or_not_or_unknown() -> None:
    words = "5.00 percentage points behind: more than the spread between seeds (Welch's t-test, 95 %)"
    assert words_of(*FIVE, *THREE)[0] == f"kernel_size=3: {words}."
    close = [run("5", s, a) for s, a in enumerate((0.91, 0.92, 0.93))]  # t = 1.22, below 2.78 at 4 degrees
    words = "1.00 percentage points behind: not more than the spread between seeds"
    assert words in words_of(*close, *THREE)[0]
    unknown = "unknown whether that is more than chance"
    assert f"{unknown} (one seed each, at least 3 tell)" in words_of(*FIVE[:1], *THREE[:1])[0]
    assert f"{unknown} (2 seeds each, at least 3 tell)" in words_of(*FIVE[:2], *THREE[:2])[0]
    assert f"{unknown} (one seed of the best, 3 of the other, at least 3 tell)" in words_of(*FIVE[:1], *THREE)[0]
    assert f"{unknown} (3 seeds of the best, one of the other, at least 3 tell)" in words_of(*FIVE, *THREE[:1])[0]


def test_of_many_recipes_the_same_distance_says_less() -> None:
    """t = 3.06 at 4 degrees: above 2.78, which leaves 5 %, and below 3.50, which leaves 2.5 %."""
    near = [run("4", seed, accuracy) for seed, accuracy in enumerate((0.925, 0.935, 0.945))]
    told = "2.50 percentage points behind: {} than the spread between seeds (Welch's t-test, 95 %{})."
    assert words_of(*FIVE, *near)[0] == f"kernel_size=4: {told.format('more', '')}"
    assert words_of(*FIVE, *near, *THREE)[0] == f"kernel_size=4: {told.format('not more', ' for all 2 together')}"


def test_a_recipe_with_failures_is_chosen_only_where_all_have_some() -> None:
    """0.1: 92 % and two failures; 0.001: 90, 91 and 89 %."""
    steady = [run("0.001", seed, accuracy) for seed, accuracy in enumerate((0.90, 0.91, 0.89))]
    survivor, lost = run("0.1", 0, 0.92), [run("0.1", seed, 0).varied for seed in (1, 2)]
    recipes = recipes_of([survivor, *steady], lost)
    assert [(recipe.varied["model.kernel_size"], recipe.unfinished) for recipe in recipes] == [("0.001", 0), ("0.1", 2)]
    chosen = chosen_run(recipes)
    assert chosen is not None
    assert chosen.recipe == steady[0].recipe
    first, second, *_ = honest_words(recipes)
    assert first.startswith("kernel_size=0.1: 2.00 percentage points ahead; unknown")
    assert second == "kernel_size=0.1: 2 of 3 runs did not finish; a recipe without such runs comes first."
    assert chosen_run(recipes_of([survivor], lost)) == survivor


def test_what_was_measured_on_different_digits_is_not_compared() -> None:
    other = [replace(one, validation="b", digits=500) for one in THREE]
    recipes = recipes_of([*FIVE, *other])
    assert honest_words(recipes) == [
        "kernel_size=3: measured on different validation digits, not comparable.",
        "The recipes were measured on different validation digits, so none is chosen.",
    ]
    assert chosen_run(recipes) is None


def test_what_holds_for_many_recipes_is_said_once() -> None:
    many = [run(str(number), 0, 0.9 - number / 1000) for number in range(100)]
    lines = words_of(*many)
    assert len(lines) == 3
    assert lines[0].startswith("99 recipes: 0.10 to 9.90 percentage points behind; unknown whether that is more than")
    assert len(words_of(*many[:4])) == 3 + 2
    assert len(words_of(*many[:5])) == 1 + 2
    seeds = [run(str(number), seed, 0.9 - number / 1000 + seed / 100) for number in range(12) for seed in range(3)]
    assert len(words_of(*seeds)) == 1 + 2
    assert len(words_of(*seeds[3:])) == 10 + 2
    lost = honest_words(recipes_of(many, [one.varied for one in many[1:]]))
    assert "99 recipes: 99 of 198 runs did not finish; a recipe without such runs comes first." in lost


def test_how_little_few_digits_can_tell() -> None:
    """1.96 sqrt(2 p (1 - p) / n): 500 digits at 0.95 cannot tell less than 2.7 %."""
    assert least_telling(500, 0.95) == pytest.approx(1.96 * math.sqrt(2 * 0.95 * 0.05 / 500), rel=1e-4)
    assert math.isnan(least_telling(0, 0.9))


def test_words() -> None:
    lines = words_of(*FIVE, *THREE)
    assert lines[0].startswith("kernel_size=3: 5.00 percentage points behind")
    assert "10,000 validation digits" in lines[1]
    assert lines[-1] == "The best of 6 runs is also the luckiest of 6: expect a little less of it."
    assert honest_words([]) == ["No run finished, so nothing can be said."]
    assert not any("luckiest" in line for line in words_of(*FIVE[:1]))

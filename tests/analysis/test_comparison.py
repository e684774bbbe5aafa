from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import ascii_uppercase as LETTERS

import numpy as np
import pytest

from cnnexp.analysis.comparison import Comparison, Recipe, compare
from tests.report.made import made_run


def test_only_differing_keys_in_an_order_of_importance(tmp_path: Path) -> None:
    records = [
        made_run(tmp_path, "+-", "model.kernel_size=5", "tracking.run_name=a"),
        made_run(tmp_path, "+-", "model.kernel_size=[1,7]", "seed=3", "tracking.run_name=b"),
    ]
    found = {one.key: one.values for one in compare(records).settings}
    assert list(found) == ["seed", "model.kernel_size"]
    assert found["model.kernel_size"] == ("5", "1×7")
    assert found["seed"] == ("0", "3")


def test_a_layer_that_only_one_has_is_told_by_its_size_and_what_it_says_itself(tmp_path: Path) -> None:
    more = "model.blocks.conv_3={filters: 8, dropout: 0.5}"
    found = compare([made_run(tmp_path, "+-"), made_run(tmp_path, "+-", more)]).settings
    assert {one.key: one.values for one in found} == {
        "model.blocks.conv_3.filters": ("–", "8"),
        "model.blocks.conv_3.dropout": ("–", "0.5"),
    }


def test_versions_and_data_that_differ_are_told_apart_from_settings(tmp_path: Path) -> None:
    first = made_run(tmp_path, "+-", environment={"packages": {"keras": "3.1"}, "threads": 2})
    second = made_run(tmp_path, "+-", environment={"packages": {"keras": "3.2"}, "threads": 2}, digest="f" * 16)
    found = compare([first, second])
    assert found.settings == ()
    assert {one.key: one.values for one in found.circumstances} == {
        "digest of the data": ("01234567", "f" * 8),
        "keras": ("3.1", "3.2"),
    }


def test_scores_on_the_shared_digits(tmp_path: Path) -> None:
    found = compare([made_run(tmp_path, "++++-----+"), made_run(tmp_path, "+" * 10)])
    score = found.scores["A"]
    assert score.accuracy == 0.5
    assert score.interval == pytest.approx((0.2366, 0.7634), abs=1e-4)  # Wilson, 5 of 10
    assert score.confusion[0, 0] == 1
    assert score.confusion[4, 5] == 1
    assert found.best is found.runs[1]


def test_two_runs_are_a_pair_as_given_and_more_are_held_against_the_best(tmp_path: Path) -> None:
    worse, best, middle = (made_run(tmp_path, right) for right in ("+---------", "++++++++++", "++++++++--"))
    (pair,) = compare([worse, best]).pairs
    assert (pair.first.letter, pair.second.letter, pair.test.lead, pair.p) == ("A", "B", -9, pair.test.p)
    pairs = compare([worse, best, middle]).pairs
    assert [(pair.first.letter, pair.second.letter) for pair in pairs] == [("B", "A"), ("B", "C")]
    assert pairs[0].test.p == pytest.approx(2 / 512)
    assert pairs[0].p == pytest.approx(4 / 512)


def test_recipes_gather_all_their_seeds_and_are_paired_by_them(tmp_path: Path) -> None:
    small = [made_run(tmp_path, right, f"seed={seed}") for seed, right in enumerate(("+++-", "++--", "+---"))]
    large = [
        made_run(tmp_path, right, "model.kernel_size=5", f"seed={seed}")
        for seed, right in enumerate(("++++", "++++", "++++"))
    ]
    longer = made_run(tmp_path, "----", "seed=3", "training.epochs=9")
    untested = made_run(tmp_path, "++++", "seed=4", split="validation")
    found = compare([small[0], large[0]], [*small, *large, longer, untested])
    assert [recipe.by_seed for recipe in found.recipes] == [{0: 0.75, 1: 0.5, 2: 0.25}, {0: 1.0, 1: 1.0, 2: 1.0}]
    assert found.recipes[0].accuracies[1][0] == small[1].id
    (pair,) = found.recipe_pairs
    assert pair.difference.mean == pytest.approx(-0.5)
    assert pair.difference.interval == pytest.approx(
        (-0.5 - 4.3027 * 0.25 / 3**0.5, -0.5 + 4.3027 * 0.25 / 3**0.5), abs=1e-4
    )


def recipes_alone(accuracies: Sequence[Sequence[float]]) -> Comparison:
    """A comparison of nothing but recipes, each with its accuracies by seed."""
    recipes = [
        Recipe((letter,), {seed: ("run", share) for seed, share in enumerate(shares)})
        for letter, shares in zip(LETTERS, accuracies, strict=False)
    ]
    return Comparison((), (), (), None, tuple(recipes))


def test_of_many_recipes_the_best_alone_is_held_against_the_others_at_wider_intervals() -> None:
    found = recipes_alone([[0.91, 0.92, 0.90], [0.95, 0.97, 0.96], [0.93, 0.93, 0.94], [0.5, 0.6]]).recipe_pairs
    assert [(pair.first.members, pair.second.members) for pair in found] == [("B", "A"), ("B", "C"), ("B", "D")]
    assert [pair.is_known for pair in found] == [True, True, False]
    assert found[0].difference.confidence == pytest.approx(1 - 0.05 / 3)  # three of the six pairs have seeds enough
    reach = 7.6488 * 0.01 / 3**0.5  # t of 2 degrees of freedom at 98.33 %
    assert found[0].difference.interval == pytest.approx((0.05 - reach, 0.05 + reach), abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("recipes", "seeds"), [(3, 3), (6, 3), (6, 10)])
def test_of_equal_recipes_hardly_ever_one_is_called_better(recipes: int, seeds: int) -> None:
    draws = np.random.default_rng(0).normal(0.95, 0.01, (400, recipes, seeds)).tolist()
    wrong = [any(pair.difference.is_distinguishable for pair in recipes_alone(draw).recipe_pairs) for draw in draws]
    assert sum(wrong) / len(wrong) <= 0.06


def test_other_data_or_other_epochs_are_another_recipe(tmp_path: Path) -> None:
    records = [
        made_run(tmp_path, "++-"),
        made_run(tmp_path, "++-", "training.epochs=9"),
        made_run(tmp_path, "++-", digest="f" * 16),
    ]
    assert [recipe.letters for recipe in compare(records).recipes] == [("A",), ("B",), ("C",)]
    same = compare([records[0], made_run(tmp_path, "++-", "seed=1")])
    assert [recipe.letters for recipe in same.recipes] == [("A", "B")]
    assert same.recipe_pairs == ()


def test_runs_without_shared_digits_have_layers_but_no_scores(tmp_path: Path) -> None:
    found = compare([made_run(tmp_path, "++"), made_run(tmp_path, "++", digests=[7, 8])])
    assert (found.shared, found.scores, found.best, found.pairs, found.recipes) == (None, {}, None, (), ())
    assert found.runs[0].table.parameters == 890_250
    assert found.runs[0].receptive_field == (10, 10)
    assert found.runs[0].training_seconds == 3.0

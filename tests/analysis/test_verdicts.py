"""Three statements: each says its own thing, and only what the numbers allow."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnexp.analysis.comparison import compare
from cnnexp.analysis.verdicts import DIGITS, RECIPES, WEIGHTS, points, rounded, told_p, verdicts
from tests.report.made import made_run


def test_a_clear_pair_with_one_seed(tmp_path: Path) -> None:
    found = verdicts(compare([made_run(tmp_path, "+" * 12), made_run(tmp_path, "+" * 3 + "-" * 9, "seed=1")]))
    assert found[WEIGHTS] == [
        "A reads these 12 test digits better than B: A alone is right on 9, B alone on 0 (McNemar's exact test, "
        "p = 0.0039)."
    ]
    assert found[RECIPES] == ["Nothing to compare: these runs have one recipe and differ in their seeds alone."]
    assert found[DIGITS] == [
        "Of 12 test digits, 9 are read right by one of the two alone, so a lead below 7 (58.33 points) could be "
        "chance; theirs is 9 (75.00 points): distinguishable."
    ]


def test_one_recipe_with_one_seed_is_no_comparison_of_recipes(tmp_path: Path) -> None:
    found = verdicts(compare([made_run(tmp_path, "+" * 12), made_run(tmp_path, "+" * 12, "training.threads=1")]))
    assert found[RECIPES] == ["Nothing to compare: these runs have one recipe and one seed."]
    none = [made_run(tmp_path, "+" * 12), made_run(tmp_path, "+" * 12, "model.kernel_size=5", "seed=1")]
    assert "has no seed in common with that of B" in verdicts(compare(none))[RECIPES][0]


def test_a_pair_that_cannot_be_told_apart(tmp_path: Path) -> None:
    first = made_run(tmp_path, "+" * 5 + "-" * 3 + "+" * 12)
    second = made_run(tmp_path, "-" * 5 + "+" * 3 + "+" * 12, "model.kernel_size=5")
    found = verdicts(compare([first, second]))
    assert found[WEIGHTS] == [
        "Not distinguishable: of these 20 test digits, A alone is right on 5, B alone on 3 (McNemar's exact test, "
        "p = 0.73)."
    ]
    assert found[RECIPES] == [
        "Unknown: the recipe of A has only 1 seed in common with that of B; at least 3 tell a better recipe from a "
        "lucky seed."
    ]
    assert found[DIGITS][0].endswith(
        "a lead below 8 (40.00 points) could be chance; theirs is 2 (10.00 points): not distinguishable on 20 digits. "
        "At these rates about 180 digits would tell."
    )


def test_hardly_any_disagreement(tmp_path: Path) -> None:
    found = verdicts(compare([made_run(tmp_path, "+++++"), made_run(tmp_path, "-++++")]))
    assert found[DIGITS] == [
        "Of 5 test digits, 1 is read right by one of the two alone: too few. Below 6 such digits no difference can be "
        "told from chance."
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("others", "words"),
    [
        (
            ("+++++-", "++++--", "+++---"),
            "Not distinguishable: recipe of A minus recipe of B is +33.33 points on average",
        ),
        (("++++--", "+++---", "++----"), "The recipe of A is better than the recipe of B: recipe of A minus"),
        (("+++++-", "+++++-", "+++++-"), "in each of 3 seeds alike, so the spread between seeds cannot be seen."),
    ],
)
def test_recipes_with_three_seeds(tmp_path: Path, others: tuple[str, ...], words: str) -> None:
    first = [made_run(tmp_path, "++++++", f"seed={seed}") for seed in range(3)]
    second = [made_run(tmp_path, right, "model.kernel_size=5", f"seed={seed}") for seed, right in enumerate(others)]
    (sentence,) = verdicts(compare([first[0], second[0]], [*first, *second]))[RECIPES]
    assert words in sentence


@pytest.mark.slow
def test_of_three_recipes_the_best_is_told_with_why_its_intervals_are_wider(tmp_path: Path) -> None:
    reads = {3: ("+" * 12, "+" * 11 + "-"), 5: ("+" * 8 + "-" * 4, "+" * 7 + "-" * 5), 7: ("+" * 6 + "-" * 6,) * 2}
    runs = [
        [made_run(tmp_path, rights[seed % 2], f"model.kernel_size={size}", f"seed={seed}") for seed in range(3)]
        for size, rights in reads.items()
    ]
    found = verdicts(compare([group[0] for group in runs], [run for group in runs for run in group]))[RECIPES]
    assert found[0].startswith("Unknown: recipe of A minus recipe of B is +33.33 points in each of 3 seeds alike")
    assert found[1].startswith("The recipe of A is better than the recipe of C: recipe of A minus recipe of C is +47")
    assert "98.33 % interval +25.98 points to +68.47 points." in found[1]
    assert found[2].startswith("The recipe of A was picked as the best of 3 by these numbers, so its intervals are")
    assert len(found) == 3
    two_seeds = [*runs[0], *runs[1], *runs[2][:2]]
    alone = verdicts(compare([group[0] for group in runs], two_seeds))[RECIPES]
    assert not [sentence for sentence in alone if "wider" in sentence]  # one pair has seeds enough


def test_several_runs_against_the_best_with_the_warning_about_luck(tmp_path: Path) -> None:
    records = [made_run(tmp_path, right) for right in ("+" * 20, "+" * 8 + "-" * 12, "+" * 19 + "-")]
    found = verdicts(compare(records))
    assert found[WEIGHTS] == [
        "On these 20 test digits A is better than B and not distinguishably better than C (McNemar's exact test, "
        "Holm's correction for 2 pairs).",
        "A was picked as the best of 3 on these very digits, so it is also the luckiest of 3.",
    ]
    assert found[DIGITS][0].startswith("On 20 test digits a lead below 8 (40.00 points) could be chance")


def test_too_few_disagreements_in_every_pair(tmp_path: Path) -> None:
    records = [made_run(tmp_path, right) for right in ("+++", "++-", "+--")]
    (sentence,) = verdicts(compare(records))[DIGITS]
    assert sentence.startswith("Of 3 test digits, fewer than 6 are read right by one of two alone")


def test_digits_that_chose_the_weights_are_said_to_flatter(tmp_path: Path) -> None:
    warned = {}
    for split in ("test", "validation"):
        first = made_run(tmp_path, "++", split=split)
        warned[split] = verdicts(compare([first, made_run(tmp_path, "+-", "training.keep=best", split=split)]))[WEIGHTS]
    assert len(warned["test"]) == 1
    assert warned["validation"][1:] == [
        "Validation digits also decided when B stopped or which weights stayed: they flatter it."
    ]


def test_without_shared_digits_all_three_are_unknown(tmp_path: Path) -> None:
    found = verdicts(compare([made_run(tmp_path, "+"), made_run(tmp_path, "+", digests=[9])]))
    assert set(map(str, found.values())) == {"['Unknown: these runs have read no digit in common.']"}


def test_numbers_in_words() -> None:
    assert points(-0.0123) == "−1.23 points"
    assert points(0.5) == "+50.00 points"
    assert (told_p(0.0005), told_p(0.0312)) == ("p < 0.001", "p = 0.031")
    assert [rounded(number) for number in (7, 99, 101, 1290, 38123)] == [7, 99, 110, 1300, 39000]

"""Tests against worked examples, tables in print, and counting every outcome."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from cnnexp.analysis.statistics import (
    McNemar,
    digits_needed,
    holm,
    least_lead,
    mcnemar,
    paired_difference,
    student_reach,
    two_sided,
)


def as_uneven(smaller: int, tosses: int) -> float:
    """Two-sided p by tossing every sequence of coins."""
    heads = [sum(coins) for coins in product((0, 1), repeat=tosses)]
    return sum(min(count, tosses - count) <= smaller for count in heads) / len(heads)


@pytest.mark.parametrize("tosses", range(1, 11))
def test_p_is_the_share_of_all_outcomes_as_uneven(tosses: int) -> None:
    for smaller in range(tosses // 2 + 1):
        assert two_sided(smaller, tosses) == pytest.approx(as_uneven(smaller, tosses), abs=1e-15)


def test_without_a_disagreement_nothing_is_uncommon() -> None:
    assert two_sided(0, 0) == 1.0


def test_ten_thousand_disagreements_are_no_overflow() -> None:
    assert two_sided(4800, 10_000) == pytest.approx(6.7e-05, rel=0.02)


def test_the_four_counts_and_p_of_one_against_nine() -> None:
    first = np.array([True] * 20 + [True] * 9 + [False] * 1 + [False] * 5)
    second = np.array([True] * 20 + [False] * 9 + [True] * 1 + [False] * 5)
    found = mcnemar(first, second)
    assert (found.both, found.only_first, found.only_second, found.neither) == (20, 9, 1, 5)
    assert (found.digits, found.disagreements, found.lead) == (35, 10, 8)
    assert found.p == pytest.approx(2 * (1 + 10) / 1024)
    assert mcnemar(second, first).lead == -8


def test_the_least_lead_is_the_first_that_the_test_calls_rare() -> None:
    assert [least_lead(disagreements) for disagreements in range(6)] == [None] * 6
    assert least_lead(6) == 6
    for disagreements in range(6, 120):
        leads = range(disagreements % 2, disagreements + 1, 2)
        rare = [lead for lead in leads if two_sided((disagreements - lead) // 2, disagreements) < 0.05]
        assert least_lead(disagreements) == rare[0]


@pytest.mark.parametrize(("first", "second"), [(10, 3), (60, 50), (9, 8), (30, 26)])
def test_so_many_more_digits_tell_and_clearly_fewer_do_not(first: int, second: int) -> None:
    digits = 500
    needed = digits_needed(McNemar(digits - first - second, first, second, 0, 0.0))
    assert needed is not None
    for factor, tells in ((1.1, True), (0.85, False)):
        more = needed * factor / digits
        assert (two_sided(round(second * more), round((first + second) * more)) < 0.05) == tells


def test_no_number_of_digits_tells_apart_what_is_level() -> None:
    assert digits_needed(McNemar(90, 5, 5, 0, 1.0)) is None


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.04]) == [0.04]
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("freedom", "printed"), [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (10, 2.228), (30, 2.042)]
)
def test_student_as_printed_tables_have_it(freedom: int, printed: float) -> None:
    assert student_reach(freedom) == pytest.approx(printed, abs=5e-4)


@pytest.mark.parametrize(("freedom", "level", "printed"), [(2, 0.01, 9.925), (2, 0.001, 31.599), (9, 0.01, 3.250)])
def test_student_at_other_levels(freedom: int, level: float, printed: float) -> None:
    assert student_reach(freedom, level) == pytest.approx(printed, abs=1e-3)


def test_a_paired_difference_by_hand() -> None:
    first, second = {0: 0.95, 1: 0.96, 2: 0.94, 7: 0.1}, {2: 0.91, 1: 0.92, 0: 0.93, 8: 0.9}
    found = paired_difference(first, second)
    assert found.seeds == (0, 1, 2)
    assert found.mean == pytest.approx(0.03)
    assert found.interval == pytest.approx((0.03 - 4.3027 * 0.01 / 3**0.5, 0.03 + 4.3027 * 0.01 / 3**0.5), abs=1e-6)
    assert found.is_distinguishable


def test_an_interval_with_zero_inside_tells_nothing() -> None:
    assert not paired_difference({0: 0.9, 1: 0.8, 2: 0.9}, {0: 0.8, 1: 0.9, 2: 0.8}).is_distinguishable


def test_below_three_seeds_and_without_any_spread_it_is_unknown() -> None:
    two = paired_difference({0: 0.9, 1: 0.8}, {0: 0.8, 1: 0.6})
    assert (two.interval, two.is_distinguishable) == (None, False)
    assert two.mean == pytest.approx(0.15)
    assert (
        paired_difference({seed: 0.9 + seed for seed in range(4)}, {seed: 0.8 + seed for seed in range(4)}).interval
        is None
    )
    assert paired_difference({0: 0.9}, {1: 0.9}).seeds == ()

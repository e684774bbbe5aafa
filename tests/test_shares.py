"""Intervals of shares against published ones."""

from __future__ import annotations

import pytest

from cnnexp.shares import interval, wilson


@pytest.mark.parametrize(
    ("right", "digits", "expected"),
    [
        (81, 263, (0.2553, 0.3662)),  # Newcombe (1998), table I, method 3
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
        (0, 0, (0.0, 1.0)),
    ],
)
def test_wilson_against_published_intervals(right: int, digits: int, expected: tuple[float, float]) -> None:
    assert wilson(right, digits) == pytest.approx(expected, abs=5e-5)


def test_wilson_is_symmetric() -> None:
    low, high = wilson(3, 50)
    assert wilson(47, 50) == pytest.approx((1 - high, 1 - low))


def test_the_interval_in_words() -> None:
    assert interval(0.978, 500) == "97.80% (95 % interval 96.10% to 98.77%)"

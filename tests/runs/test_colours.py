"""Colours of a sweep's runs in MLflow."""

from __future__ import annotations

import colorsys
import itertools

import pytest

from cnnexp.runs.colours import colour_of


def hue(colour: str) -> float:
    return colorsys.rgb_to_hls(*(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)))[0]


def test_of_a_dozen_runs_no_two_are_of_one_hue() -> None:
    hues = [hue(colour_of(str(number))) for number in range(12)]
    apart = [abs((one - other + 0.5) % 1 - 0.5) for one, other in itertools.combinations(hues, 2)]
    assert min(apart) > 1 / 30


@pytest.mark.parametrize("point", ["0", "7", "9" * 5000, "", "x", "²"])
def test_whatever_a_record_says_gives_a_colour(point: str) -> None:
    colour = colour_of(point)
    assert len(colour) == 7
    assert int(colour.removeprefix("#"), 16) >= 0

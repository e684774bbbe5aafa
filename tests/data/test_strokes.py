from __future__ import annotations

import numpy as np
import pytest

from cnnexp.data.strokes import FINEST, cropped, scaled, stroke_width, wide_enough


def bar(width: int, length: int) -> np.ndarray:
    return np.ones((length, width), np.float32)


def ring(radius: float, width: float, side: int = 200) -> np.ndarray:
    """A circle drawn by its formula, soft at its edges."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return np.clip(width / 2 + 0.5 - np.abs(np.hypot(y, x) - radius), 0, 1).astype(np.float32)


@pytest.mark.parametrize(("width", "length"), [(4, 100), (10, 100), (25, 100)])
def test_the_width_of_a_bar_is_twice_its_area_over_its_outline(width: int, length: int) -> None:
    expected = 2 * width * length / (2 * (width + length)) / length
    assert stroke_width(bar(width, length)) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("width", [6.0, 10.0, 20.0])
def test_the_width_of_a_ring(width: float) -> None:
    ink = cropped(ring(80, width))
    assert stroke_width(ink) == pytest.approx(
        width / (160 + width), rel=0.08
    )  # soft corners of pixels lengthen the outline a little


@pytest.mark.parametrize("width", [2.0, 4.0, 8.0])
def test_fine_strokes_are_made_wide_enough_and_stay_where_they_were(width: float) -> None:
    ink = wide_enough(cropped(ring(80, width)))
    assert 0.7 * FINEST <= stroke_width(ink) <= 1.1 * FINEST
    assert ink.shape[0] == ink.shape[1]
    assert ink[ink.shape[0] // 2 - 10 : ink.shape[0] // 2 + 10, 20:-20].max() == 0
    assert np.abs(ink - ink[::-1, ::-1]).mean() < 0.01


def test_strokes_that_are_wide_enough_are_not_touched() -> None:
    ink = cropped(ring(80, 24))
    assert wide_enough(ink) is ink


def test_scaling_down_is_by_area_and_keeps_the_aspect() -> None:
    ink = np.arange(32, dtype=np.float32).reshape(8, 4)
    assert scaled(ink, 4).tolist() == [[ink[y : y + 2, x : x + 2].mean() for x in (0, 2)] for y in (0, 2, 4, 6)]
    assert scaled(np.ones((1, 90), np.float32), 20).shape == (1, 20)


def test_cropping_keeps_the_faintest_ink() -> None:
    ink = np.zeros((9, 9), np.float32)
    ink[2, 3], ink[5, 4] = 0.01, 1
    assert cropped(ink).shape == (4, 2)

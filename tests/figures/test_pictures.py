from __future__ import annotations

import numpy as np
import pytest

from cnnexp.figures.pictures import as_pictures


def test_bytes_count_to_255_however_dark_the_image():
    assert as_pictures(np.array([[[0, 51]]], np.uint8)).tolist() == [[[0, pytest.approx(0.2)]]]


def test_floats_inside_the_unit_range_stay_and_others_are_stretched_together():
    assert as_pictures(np.array([[[0.25, 0.5]]])).tolist() == [[[0.25, 0.5]]]
    assert as_pictures(np.array([[[-1.0, 1.0]], [[3.0, 0.0]]])).tolist() == [[[0, 0.5]], [[1, 0.25]]]
    assert as_pictures(np.array([[[7.0, 7.0]]])).tolist() == [[[0, 0]]]


def test_channels_one_is_dropped_three_are_colours_and_others_averaged():
    assert as_pictures(np.zeros((2, 4, 5, 1), np.uint8)).shape == (2, 4, 5)
    assert as_pictures(np.zeros((2, 4, 5, 3), np.uint8)).shape == (2, 4, 5, 3)
    assert as_pictures(np.array([[[[0.0, 1.0]]]])).tolist() == [[[0.5]]]
    assert as_pictures(np.zeros((0, 4, 5, 1), np.uint8)).shape == (0, 4, 5)


def test_what_is_not_finite_is_paper_or_ink():
    assert as_pictures(np.array([[[np.nan, 0.5, np.inf]]])).tolist() == [[[0, 0.5, 1]]]
    assert as_pictures(np.full((1, 1, 2), np.nan)).tolist() == [[[0, 0]]]

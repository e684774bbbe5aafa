from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.patches import Rectangle

from cnnexp.figures.padding import padding_figure
from cnnexp.figures.scales import colour_scale
from cnnexp.figures.style import BLUE, GREEN, ORANGE
from cnnexp.shapes import Axis


def figure_of(height: Axis, width: Axis, outside: str = "0"):
    values = np.arange(1.0, height.size * width.size + 1).reshape(height.size, width.size)
    scale = colour_scale((0, float(values.max())))
    return padding_figure(values, (height, width), scale, layer="conv_1", note="same", outside=outside), values


def outlines(figure, colour):
    found = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle) and not patch.get_fill()]
    return [patch for patch in found if patch.get_edgecolor() == Rectangle((0, 0), 1, 1, ec=colour).get_edgecolor()]


def test_the_toys_pool_shows_minus_infinity_at_the_right_and_the_bottom(check_figure):
    axis = Axis(2, 2, 1, 1, "same")
    figure, _ = figure_of(axis, axis, "−∞")
    texts = check_figure(figure)
    assert texts.count("−∞") == 5
    assert {"1", "2", "3", "4"} <= set(texts)
    assert "cells outside count as −∞: 0 at the top, 1 at the bottom, 0 at the left, 1 at the right" in texts
    assert "uneven: the one more is at the bottom and the right" in texts
    shown = np.asarray(figure.axes[0].images[0].get_array())
    assert np.ma.filled(shown, np.nan)[:2, :2].tolist() == [[1, 2], [3, 4]]
    assert shown.shape == (3, 3)


def test_the_first_second_and_last_window_stand_where_they_read(check_figure):
    axis = Axis(5, 3, 2, 1, "same")
    figure, _ = figure_of(axis, axis)
    texts = check_figure(figure)
    assert texts.count("0") == 7 * 7 - 5 * 5
    image = figure.axes[0].images[0]
    left, right, bottom, top = image.get_extent()
    side = (right - left) / 7
    for colour, (row, column) in ((BLUE, (0, 0)), (ORANGE, (0, 1)), (GREEN, (2, 2))):
        window = outlines(figure, colour)[0]
        assert window.get_x() == pytest.approx(left + column * 2 * side, abs=0.1)
        assert window.get_y() == pytest.approx(top + row * 2 * side, abs=0.1)
        assert window.get_width() == pytest.approx(3 * side, abs=0.2)
    assert bottom > top
    assert not any("uneven" in text for text in texts)


def test_windows_inside_say_so_and_count_what_is_never_read(check_figure):
    texts = check_figure(figure_of(Axis(8, 3, 2, 1, "valid"), Axis(7, 3, 2, 1, "valid"))[0])
    assert "no cells outside: every window lies inside" in texts
    assert "cells that no window reads: 1 at the bottom" in texts


def test_average_pools_do_not_count_cells_outside(check_figure):
    axis = Axis(3, 2, 2, 1, "same")
    texts = check_figure(figure_of(axis, axis, "not counted")[0])
    assert "cells outside are not counted: 0 at the top, 1 at the bottom, 0 at the left, 1 at the right" in texts


@pytest.mark.slow
def test_dilated_windows_have_a_dot_in_each_cell_that_they_read(check_figure):
    axis = Axis(6, 3, 1, 2, "same")
    figure, _ = figure_of(axis, axis)
    check_figure(figure)
    dots = [found for found in figure.axes[0].collections if isinstance(found, PathCollection)]
    assert [len(found.get_offsets()) for found in dots] == [9, 9, 9]


@pytest.mark.slow
def test_large_pictures_are_shown_whole_and_at_two_corners(check_figure):
    axis = Axis(28, 3, 2, 1, "same")
    figure, values = figure_of(axis, axis)
    texts = check_figure(figure)
    assert {"all 29×29 cells", "top left corner", "bottom right corner"} <= set(texts)
    whole, first, last = (np.ma.filled(np.asarray(image.get_array()), np.nan) for image in figure.axes[0].images)
    assert (whole[:28, :28] == values).all()
    assert (first == values[: first.shape[0], : first.shape[1]]).all()
    assert np.isnan(last[-1]).all()
    assert last[-2, -2] == values[-1, -1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("height", "width"),
    [
        (Axis(1, 1, 1, 1, "same"), Axis(1, 1, 1, 1, "same")),
        (Axis(500, 11, 4, 1, "valid"), Axis(400, 3, 1, 1, "same")),
        (Axis(28, 7, 1, 3, "same"), Axis(28, 5, 1, 2, "same")),
        (Axis(8, 1, 4, 1, "same"), Axis(5, 20, 3, 1, "same")),
    ],
)
def test_any_window_fits_its_page(height, width, check_figure):
    check_figure(figure_of(height, width)[0])

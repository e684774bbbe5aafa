from __future__ import annotations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from cnnexp.figures.page import blank_page, counted, fit, shorten, text_width
from cnnexp.figures.style import styled


def test_a_page_counts_in_inches_from_its_top_left_corner():
    page = blank_page(8, 3)
    assert page.axes.get_xlim() == (0, 8)
    assert page.axes.get_ylim() == (3, 0)
    assert page.figure.get_size_inches().tolist() == [8, 3]
    below = page.axes_at((2, 1, 4, 0.5))
    assert below.get_position().bounds == pytest.approx((0.25, 0.5, 0.5, 1 / 6))


def test_a_narrow_page_is_widened_for_its_heading():
    assert blank_page(1, 2).width > 5


def test_fit_keeps_proportions_down_to_one_to_four():
    assert fit((10, 10), (0, 0, 2, 1)) == (0.5, 0, 1, 1)
    assert fit((10, 20), (1, 1, 2, 2)) == (1, 1.5, 2, 1)
    assert fit((1, 28), (0, 0, 4, 4)) == (0, 1.5, 4, 1)
    assert fit((28, 1, 3), (0, 0, 4, 4)) == (1.5, 0, 1, 4)


def test_measured_width_is_what_is_drawn():
    with styled():
        page = blank_page(6, 1)
        page.text(0.2, 0.5, "kernel_size=5 padding=valid", size=12)
        canvas = FigureCanvasAgg(page.figure)
        canvas.draw()
        drawn = page.axes.texts[0].get_window_extent().width / page.figure.dpi
        assert text_width("kernel_size=5 padding=valid", 12) == pytest.approx(drawn, rel=0.03)


def test_shorten_keeps_as_much_as_fits():
    with styled():
        assert shorten("short", 10, 2) == "short"
        cut = shorten("a much longer text than that", 10, 1)
        assert cut.endswith("…")
        assert "a much longer text than that".startswith(cut[:-1])
        assert 0.8 < text_width(cut, 10) <= 1
        assert shorten("anything", 10, 0) == "…"


def test_counted():
    assert [counted(number, "filter") for number in (0, 1, 1200)] == ["0 filters", "1 filter", "1,200 filters"]

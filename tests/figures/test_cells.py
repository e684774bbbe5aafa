from __future__ import annotations

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import Normalize

from cnnexp.figures.cells import Grid, cell_texts, draw_cells, number
from cnnexp.figures.page import blank_page
from cnnexp.figures.style import styled

SCALE = (Normalize(0, 10), colormaps["Greys"])


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1, -20, 0], ["1", "−20", "0"]),
        ([0.5, -1.25, 0], ["0.50", "−1.25", "0"]),
        ([0.034, -0.0001], ["0.034", "0.000"]),
        ([12.34, 0.01], ["12.3", "0.0"]),
        ([123.4, -7.0], ["123", "−7"]),
        ([0.001, 0], ["1e−03", "0"]),
        ([20_000.5], ["2e+04"]),
        ([np.inf, -np.inf, 3], ["∞", "−∞", "3"]),
    ],
)
def test_numbers_in_cells_are_short_and_alike(values, texts):
    assert cell_texts(np.array(values, dtype=np.float64)) == texts


def test_other_numbers_can_decide_the_decimals():
    assert cell_texts(np.array([1.0, 2.0]), like=np.array([1.0, 2.5])) == ["1.00", "2.00"]


@pytest.mark.parametrize(
    ("value", "text"), [(28.0, "28"), (-0.0, "0"), (-3.0, "−3"), (0.123456, "0.1235"), (2.5e6, "2.5e+06")]
)
def test_numbers_in_lines_keep_four_digits(value, text):
    assert number(value) == text


def drawn(values: np.ndarray, side: float, **look: bool) -> list[str]:
    with styled():
        page = blank_page(6, 6)
        draw_cells(page, Grid(0.5, 0.5, side, **look), values, SCALE, outside="−∞")
    return [text.get_text() for text in page.axes.texts]


def test_numbers_stand_only_where_all_of_them_can_be_read():
    values = np.array([[1.0, 2.0], [3.0, np.nan]])
    assert drawn(values, 0.8) == ["1", "2", "3", "−∞"]
    assert drawn(values, 0.08) == []
    assert drawn(values, 0.8, numbered=False) == []
    assert drawn(np.array([[1.0, 2.0], [12345.0, 4.0]]), 0.3) == []

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PatchCollection

from cnnexp.figures.excitation import SILENT, Excitement, excitement_figure, excitement_sheet

RNG = np.random.default_rng(0)


def made(name: str, count: int, shape: tuple[int, int, int] = (28, 28, 1)) -> Excitement:
    images = RNG.integers(0, 256, (count, *shape), dtype=np.uint8)
    squares = [(slice(0, 3), slice(2, 5)) if i % 3 else None for i in range(count)]
    return Excitement(name, images, squares, [f"{i}: 7, output 1.23" for i in range(count)])


@pytest.mark.slow
@pytest.mark.parametrize("filters", [1, 33])
def test_each_filter_has_a_row(filters, check_figure):
    figure = excitement_sheet([made(str(i), 8 if i % 5 else 0) for i in range(filters)], title="한글", note="n")
    texts = check_figure(figure)
    assert {str(i) for i in range(filters)} <= set(texts)
    silent = len(range(0, filters, 5))
    assert texts.count(SILENT) == silent
    assert len(figure.axes[0].images) == 8 * (filters - silent)
    edges, parts = (
        [c for c in figure.axes[0].collections if isinstance(c, PatchCollection)][-2:] if filters > 1 else (0, 0)
    )
    assert filters == 1 or (len(edges.get_paths()), len(parts.get_paths())) == (8, 5)


@pytest.mark.parametrize(("count", "shape"), [(8, (28, 28, 1)), (3, (10, 30, 3)), (1, (3, 3, 1))])
def test_one_filter_large(count, shape, check_figure):
    texts = check_figure(excitement_figure(made("3", count, shape), title="What excites filter 3", note="n"))
    assert [text for text in texts if "output" in text] == [f"{i}: 7, output 1.23" for i in range(count)]


def test_one_silent_filter(check_figure):
    assert f"Its output is {SILENT}." in check_figure(excitement_figure(made("3", 0), title="t", note="n"))

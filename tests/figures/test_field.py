from __future__ import annotations

import numpy as np
import pytest

from cnnexp.figures.field import Field, field_figure, part_of


def made(shape: tuple[int, int, int], square: tuple[slice, slice] | None) -> Field:
    rng = np.random.default_rng(0)
    seen = np.zeros(shape[:2], bool)
    if square is not None:
        seen[square] = True
    return Field(rng.integers(0, 256, shape, dtype=np.uint8), rng.normal(size=(7, 5)), (6, 0), seen, square)


@pytest.mark.parametrize("shape", [(28, 28, 1), (12, 40, 3), (3, 3, 1)])
def test_the_field_is_whole_and_framed(shape, check_figure):
    figure = field_figure(made(shape, (slice(0, 2), slice(1, 3))), title="conv_1: é", note="it sees rows 0 to 1")
    assert {"conv_1: é", "these pixels, enlarged", "output"} <= set(check_figure(figure))
    _, whole, veil, part = figure.axes[0].images
    assert whole.get_array().shape[:2] == shape[:2]
    assert part.get_array().shape[:2] == (2, 2)
    assert (np.asarray(part.get_array()) == np.asarray(whole.get_array())[:2, 1:3]).all()
    hidden = np.asarray(veil.get_array())[..., 3] > 0
    assert not hidden[:2, 1:3].any()
    assert hidden.sum() == hidden.size - 4


def test_a_unit_that_sees_nothing(check_figure):
    assert "none: it sees only cells outside" in check_figure(field_figure(made((5, 5, 1), None), title="t", note="n"))


def test_a_part_of_a_picture_on_the_page():
    assert part_of((1, 2, 10, 20), (10, 5), (slice(0, 10), slice(0, 5))) == (1, 2, 10, 20)
    assert part_of((1, 2, 10, 20), (10, 5), (slice(3, 5), slice(1, 2))) == (3, 8, 2, 4)

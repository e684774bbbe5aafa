from __future__ import annotations

import numpy as np
import pytest

from cnnexp.figures.occlusion import LEAST, Covered, occlusion_figure


def made(shape: tuple[int, int, int], drops: np.ndarray) -> Covered:
    image = np.zeros(shape, np.uint8)
    image[1:-1, 1] = 255
    covered = image.copy()
    covered[0:2] = 0
    return Covered(image, covered, drops, (slice(0, 2), slice(0, 3)), ("as it is: é, 99.00%", "covered: 1, 50.00%"))


@pytest.mark.parametrize("shape", [(28, 28, 1), (9, 14, 3), (4, 4, 1)])
def test_the_heat_map_is_around_zero_and_has_its_unit(shape, check_figure):
    drops = np.linspace(-0.2, 0.5, shape[0] * shape[1]).reshape(shape[:2])
    figure = occlusion_figure(made(shape, drops), title="t", note="a 3×3 patch", label="drop of the probability of 7")
    texts = check_figure(figure)
    assert {"as it is: é, 99.00%", "covered: 1, 50.00%", "drop of the probability of 7", "0.4"} <= set(texts)
    first, second, heat = figure.axes[0].images
    assert (np.asarray(heat.get_array()) == drops).all()
    assert heat.get_clim() == (-0.5, 0.5)
    assert (np.asarray(first.get_array()) != np.asarray(second.get_array())).any()


def test_what_changes_next_to_nothing_looks_like_nothing(check_figure):
    figure = occlusion_figure(made((8, 8, 1), np.full((8, 8), 1e-6)), title="t", note="n", label="drop")
    check_figure(figure)
    assert figure.axes[0].images[2].get_clim() == (-LEAST, LEAST)


@pytest.mark.slow
def test_a_picture_without_ink_has_no_outline(check_figure):
    blank = np.zeros((8, 8, 1), np.uint8)
    found = Covered(blank, blank, np.zeros((8, 8)), (slice(0, 1), slice(0, 1)), ("a", "b"))
    check_figure(occlusion_figure(found, title="t", note="n", label="drop"))

from __future__ import annotations

import numpy as np
import pytest

from cnnexp.figures.arithmetic import Product, convolution_figure, pool_figure
from cnnexp.figures.scales import colour_scale


def product(height: int, width: int, channels: int, seed: int = 0) -> Product:
    rng = np.random.default_rng(seed)
    patch, kernel = rng.normal(size=(2, height, width, channels))
    inside = np.ones((height, width), dtype=bool)
    return Product(patch, inside, kernel, [("bias", "0.5"), ("relu: output", "1.5")], colour_scale((-1, 1)))


def test_the_toys_last_cell_is_shown_product_by_product(check_figure):
    patch = np.array([[5.0, 6.0], [8.0, 9.0]])[..., None]
    shown = Product(patch, np.ones((2, 2), bool), np.full((2, 2, 1), 10.0), [], colour_scale((0, 9)))
    figure = convolution_figure(shown, title="conv_1: row 1, column 1, channel 1", note="reads rows 1 to 2")
    texts = check_figure(figure)
    assert {"patch", "kernel", "products", "×", "=", "5", "9", "10", "50", "60", "80", "90"} <= set(texts)
    assert texts[texts.index("sum of all products") + 1] == "280"
    panels = [np.asarray(image.get_array()) for image in figure.axes[0].images]
    assert panels[2].tolist() == [[50, 60], [80, 90]]


def test_cells_outside_the_patch_are_marked_and_zero(check_figure):
    inside = np.array([[False, False], [False, True]])
    patch = np.where(inside, 7.0, 0.0)[..., None]
    figure = convolution_figure(Product(patch, inside, np.full((2, 2, 1), 2.0), [], colour_scale((0, 9))),
                                title="conv_1", note="")  # fmt: skip
    check_figure(figure)
    shown = np.ma.filled(np.asarray(figure.axes[0].images[0].get_array()), np.nan)
    assert (np.isnan(shown) == ~inside).all()


@pytest.mark.slow
def test_of_many_channels_the_strongest_three_are_shown_and_the_others_summed(check_figure):
    shown = product(3, 3, 20)
    texts = check_figure(convolution_figure(shown, title="conv_2", note=""))
    sums = (shown.patch * shown.kernel).sum(axis=(0, 1))
    strongest = np.argsort(-np.abs(sums))[:3]
    assert [text for text in texts if text.startswith("channel ")] == [f"channel {channel}" for channel in strongest]
    others = texts[texts.index("sum of 17 other channels") + 1]
    assert float(others.replace("−", "-")) == pytest.approx(np.delete(sums, strongest).sum(), rel=1e-3)
    total = texts[texts.index("sum of all products") + 1]
    assert float(total.replace("−", "-")) == pytest.approx(sums.sum(), rel=1e-3)
    assert texts[texts.index("relu: output") + 1] == "1.5"


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 7, 3), (5, 7, 64), (28, 28, 1), (40, 1, 1)])
def test_any_kernel_fits_its_page(shape, check_figure):
    check_figure(convolution_figure(product(*shape), title="conv_1: row 0, column 0, channel 0", note="reads rows"))


def test_a_pools_window_shows_what_is_not_counted(check_figure):
    patch = np.array([[-28.0, np.nan], [np.nan, np.nan]])
    lines = [("largest of 1 inside, those outside count as −∞", "−28")]
    texts = check_figure(pool_figure(patch, colour_scale((-30, 30)), lines, title="conv_1_pool", note="", outside="−∞"))
    assert texts.count("−∞") == 3
    assert texts.count("−28") == 2
    assert "largest of 1 inside, those outside count as −∞" in texts

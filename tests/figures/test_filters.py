from __future__ import annotations

import numpy as np
import pytest

from cnnexp.figures import filters_before_after
from cnnexp.figures.filters import kernel_norms


def kernels(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_before_after_and_change_share_one_scale_around_zero(check_figure):
    before, after = kernels(3, 3, 1, 8), kernels(3, 3, 1, 8, seed=1)
    figure = filters_before_after(before, after, layer="conv_1")
    texts = check_figure(figure)
    assert {"before training", "after training", "change", "8 filters, 3 × 3; one colour scale"} <= set(texts)
    drawn = figure.axes[0].images
    assert len(drawn) == 3 * 8
    assert len({id(image.norm) for image in drawn}) == 1
    reach = max(np.abs(array).max() for array in (before, after, after - before))
    assert drawn[0].get_clim() == pytest.approx((-reach, reach))
    assert np.asarray(drawn[2].get_array()) == pytest.approx(before[:, :, 0, 2])
    assert np.asarray(drawn[8 + 2].get_array()) == pytest.approx(after[:, :, 0, 2])
    assert np.asarray(drawn[16 + 2].get_array()) == pytest.approx((after - before)[:, :, 0, 2], abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 3, 1, 2), (5, 5, 1, 17), (1, 7, 16, 6), (7, 1, 1, 40)])
def test_every_kind_of_kernel_fits_its_page(shape, check_figure):
    texts = check_figure(filters_before_after(kernels(*shape), kernels(*shape, seed=1), layer="conv_1"))
    assert any(f"{shape[0]} × {shape[1]}" in text for text in texts)


def test_what_is_left_out_is_said(check_figure):
    figure = filters_before_after(kernels(3, 3, 4, 64), kernels(3, 3, 4, 64), layer="c")
    assert "32 of 64 filters shown, 3 × 3, input channel 0 of 4; one colour scale" in check_figure(figure)
    assert len(figure.axes[0].images) == 3 * 32


@pytest.mark.slow
def test_kernels_of_three_input_channels_are_in_colour_with_grey_for_zero(check_figure):
    before = np.zeros((2, 2, 3, 1))
    after = before.copy()
    after[0, 0, 0, 0] = 2.0
    after[1, 1, 2, 0] = -2.0
    figure = filters_before_after(before, after, layer="c")
    assert any("grey is 0, full colour ±2" in text for text in check_figure(figure))
    first, last, change = (np.asarray(image.get_array(), dtype=float) for image in figure.axes[0].images)
    assert first == pytest.approx(np.full((2, 2, 3), 0.5))
    assert last[0, 0] == pytest.approx([1, 0.5, 0.5])
    assert last[1, 1] == pytest.approx([0.5, 0.5, 0])
    assert change == pytest.approx(last)


def test_without_the_kernels_before_only_those_after_are_shown(check_figure):
    kernels = np.random.default_rng(0).normal(size=(3, 3, 1, 8))
    texts = check_figure(filters_before_after(None, kernels, layer="conv_1"))
    assert {"conv_1: kernels after training", "after training", "weight"} <= set(texts)
    assert not {"before training", "change"} & set(texts)


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (32, 64), (3, 200), (256, 4)])
def test_norms_of_the_kernels_between_inputs_and_filters(inputs, outputs, check_figure):
    kernels = np.random.default_rng(0).normal(size=(3, 2, inputs, outputs))
    figure = kernel_norms(kernels, layer="conv_2", reads="conv_1_pool")
    texts = check_figure(figure)
    assert {"conv_2: how strongly its filters read conv_1_pool", "norm", "0"} <= set(texts)
    shown = np.asarray(figure.axes[0].images[0].get_array())
    assert shown.shape == (inputs, outputs)
    row, column = inputs - 1, outputs // 2
    assert shown[row, column] == pytest.approx(np.linalg.norm(kernels[:, :, row, column]))

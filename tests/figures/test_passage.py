from __future__ import annotations

import numpy as np
import pytest

from cnnexp.figures.passage import input_figure, passage_figure

MAPS = np.array([[[12, 120, -12], [16, 160, -16]], [[24, 240, -24], [28, 280, -28]]], np.float32)
POOL = np.array([[[28, 280, -12], [28, 280, -16]], [[28, 280, -24], [28, 280, -28]]], np.float32)


def test_before_and_after_a_pool_stand_below_each_other_on_one_scale(check_figure):
    figure = passage_figure({"conv_1": MAPS, "conv_1_pool": POOL}, title="conv_1 before and after its pool")
    texts = check_figure(figure)
    assert {"conv_1", "conv_1_pool", "channel 0", "channel 2", "240", "−28"} <= set(texts)
    assert "2×2×3 → 2×2×3, 3 channels; one colour scale" in texts
    drawn = figure.axes[0].images
    assert len(drawn) == 6
    assert {image.get_clim() for image in drawn} == {(-280, 280)}
    for channel in range(3):
        before, after = drawn[2 * channel], drawn[2 * channel + 1]
        assert (np.asarray(before.get_array()) == MAPS[..., channel]).all()
        assert (np.asarray(after.get_array()) == POOL[..., channel]).all()
        assert before.get_extent()[0] == after.get_extent()[0]
        assert before.get_extent()[2] < after.get_extent()[3]


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 1, 1), (14, 14, 9), (28, 28, 40), (1, 30, 2), (30, 1, 16)])
def test_any_maps_fit_their_page(shape, check_figure):
    maps = np.random.default_rng(0).normal(size=shape)
    texts = check_figure(passage_figure({"conv_1": maps}, title="conv_1: maps"))
    shown = min(shape[2], 16)
    assert [text for text in texts if text.startswith("channel ")] == [f"channel {i}" for i in range(shown)]
    check_figure(passage_figure({"conv_1": maps, "conv_1_pool": maps[::2, ::2]}, title="conv_1"))


def test_a_small_grey_picture_has_its_numbers_and_is_drawn_as_ink(check_figure):
    image = np.arange(1.0, 10).reshape(3, 3, 1)
    figure = input_figure(image, title="train image 0 of arrays", note="3×3×1, what goes in")
    assert {str(number) for number in range(1, 10)} <= set(check_figure(figure))
    assert figure.axes[0].images[0].get_cmap().name == "Greys"


@pytest.mark.parametrize("shape", [(40, 60, 3), (3, 3, 2), (300, 20, 1)])
def test_any_picture_fits_its_page(shape, check_figure):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    figure = input_figure(
        image, title="a picture with a name of 한글 that is longer than its page is wide", note="what goes in"
    )
    check_figure(figure)
    if shape[2] == 1:
        assert figure.axes[0].images[0].get_cmap().name == "Greys"

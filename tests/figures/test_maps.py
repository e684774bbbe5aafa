from __future__ import annotations

import numpy as np
import pytest
from matplotlib import colormaps

from cnnexp.figures import feature_map_image, feature_maps, shared_limits
from cnnexp.figures.maps import maps_over_epochs


def digits(count: int, shape: tuple[int, ...] = (28, 28, 1)) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, *shape), dtype=np.uint8)


def random_maps(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=shape).astype(np.float32)


def images_of(figure):
    """The drawn input pictures and the drawn maps, each in reading order."""
    drawn = figure.axes[0].images
    pictures = [image for image in drawn if image.get_cmap().name == "Greys"]
    return pictures, [image for image in drawn if image not in pictures]


def test_rows_are_digits_and_columns_channels_on_one_scale(check_figure):
    maps = random_maps(3, 14, 14, 20)
    figure = feature_maps(maps, digits(3), layer="conv_2", labels=[7, 1, 4], epoch=5)
    texts = check_figure(figure)
    assert "conv_2: feature maps after 5 epochs" in texts
    assert "16 of 20 channels shown, 14 × 14 values each; one colour scale" in texts
    assert {"7", "1", "4", "input", "channel", "0", "15"} <= set(texts)
    pictures, drawn = images_of(figure)
    assert len(pictures) == 3
    assert len(drawn) == 3 * 16
    assert len({id(image.norm) for image in drawn}) == 1
    assert (np.asarray(drawn[16 + 3].get_array()) == maps[1, :, :, 3]).all()
    reach = float(np.abs(maps).max())
    assert drawn[0].get_clim() == pytest.approx((-reach, reach))
    assert drawn[0].get_cmap().name == "RdBu_r"
    assert np.asarray(pictures[2].get_array()) == pytest.approx(digits(3)[2, ..., 0] / 255)
    left = [image.get_extent()[0] for image in drawn[:16]]
    assert left == sorted(left)
    assert drawn[0].get_extent()[0] > pictures[0].get_extent()[1]


def test_positive_maps_have_a_scale_from_zero_and_given_limits_count(check_figure):
    maps = np.abs(random_maps(2, 7, 7, 4))
    figure = feature_maps(maps, digits(2), layer="pool", labels=["a", "b"], limits=(0.0, 9.0), epoch=0)
    assert "pool: feature maps before training" in check_figure(figure)
    _, drawn = images_of(figure)
    assert drawn[0].get_clim() == (0, 9)
    assert drawn[0].get_cmap().name == "viridis"
    bar = figure.axes[1]
    assert bar.get_ylim() == (0, 9)
    assert bar.get_ylabel() == "output of the layer"


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape", [(1, 1, 1, 1), (10, 28, 28, 16), (10, 1, 1, 2), (2, 1, 28, 16), (1, 28, 1, 16), (3, 5, 9, 4)]
)
def test_every_size_of_maps_fits_its_page(shape, check_figure):
    names = [f"a long name of class {index}, longer than fits" for index in range(shape[0])]
    images = digits(shape[0], (20, 30, 3))
    texts = check_figure(feature_maps(random_maps(*shape), images, layer="conv_1", labels=names, epoch=1))
    assert "conv_1: feature maps after 1 epoch" in texts
    assert sum(text.startswith("a long name") and text.endswith("…") for text in texts) == shape[0]


def test_maps_that_are_not_finite_are_drawn_grey(check_figure):
    check_figure(feature_maps(np.full((1, 3, 3, 2), np.nan), digits(1), layer="x", labels=[0]))
    image = feature_map_image(np.full((1, 3, 3, 1), np.nan), limits=(0, 1))
    assert (image == (0xC4, 0xCA, 0xD2)).all()


def test_shared_limits_over_all_arrays():
    assert shared_limits([np.array([0.0, 2.0]), np.array([3.0])]) == (0, 3)
    assert shared_limits([np.array([-4.0, 2.0]), np.array([3.0])]) == (-4, 4)
    assert shared_limits([np.array([-1.0]), np.array([3.0, np.nan, np.inf])]) == (-3, 3)
    assert shared_limits([np.zeros(3), np.full(2, np.nan), np.empty(0)]) == (0, 1)
    assert shared_limits([]) == (0, 1)
    assert shared_limits(array for array in [np.array([0.5], np.float16)]) == (0, 0.5)


def test_the_bare_picture_shows_each_value_in_its_colour_on_the_given_scale():
    maps = np.array([[0.0, 1.0], [2.0, 4.0]], np.float32).reshape(1, 2, 2, 1)
    image = feature_map_image(maps, limits=(0, 4))
    assert image.shape == (460, 460, 3)
    assert image.dtype == np.uint8
    viridis = (colormaps["viridis"](np.arange(256))[:, :3] * 255 + 0.5).astype(np.uint8)
    for row, column, level in ((0, 0, 0), (0, 1, 64), (1, 0, 128), (1, 1, 255)):
        quarter = image[230 * row : 230 * row + 230, 230 * column : 230 * column + 230]
        assert (quarter == viridis[level]).all()


def test_the_bare_picture_sets_digits_below_each_other_and_channels_side_by_side():
    maps = np.zeros((2, 1, 1, 2), np.float32)
    maps[1, 0, 0, 0] = 1
    image = feature_map_image(maps, limits=(0, 1))
    high, wide = image.shape[0] // 2, image.shape[1] // 2
    dark, bright = (68, 1, 84), (253, 231, 37)  # the two ends of viridis
    assert tuple(image[high // 2, wide // 2]) == dark
    assert tuple(image[high // 2, wide + wide // 2]) == dark
    assert tuple(image[high + high // 2, wide // 2]) == bright
    assert tuple(image[high + high // 2, wide + wide // 2]) == dark


@pytest.mark.parametrize(
    "shape", [(10, 28, 28, 32), (10, 7, 7, 64), (1, 28, 28, 1), (3, 14, 14, 16), (10, 1, 1, 16), (2, 1, 28, 8)]
)
def test_the_bare_picture_is_about_square_and_never_small(shape):
    high, wide, _ = feature_map_image(random_maps(*shape), limits=(-3, 3)).shape
    assert 345 <= max(high, wide) <= 470
    assert max(high, wide) / min(high, wide) <= 1.8


def test_the_bare_picture_shows_only_so_many_channels():
    maps = random_maps(2, 4, 4, 40)
    cut = feature_map_image(maps[..., :5], limits=(-1, 1))
    assert (feature_map_image(maps, limits=(-1, 1), max_channels=5) == cut).all()


@pytest.mark.parametrize("shape", [(28, 28, 40), (7, 7, 3), (1, 1, 1)])
def test_maps_over_epochs_stand_below_each_other_on_one_scale(shape, check_figure):
    rng = np.random.default_rng(0)
    maps = {epoch: epoch * rng.random(shape) for epoch in (0, 1, 12)}
    image = rng.integers(0, 256, (28, 28, 1), dtype=np.uint8)
    figure = maps_over_epochs(maps, image, layer="conv_1", title="conv_1: how the maps grew")
    assert {"before", "epoch 1", "epoch 12", "input"} <= set(check_figure(figure))
    _, *drawn = figure.axes[0].images
    channels = min(shape[2], 16)
    assert len(drawn) == 3 * channels
    assert {image.get_clim() for image in drawn} == {(0, float(np.max(maps[12])))}
    assert np.asarray(drawn[2 * channels].get_array()) == pytest.approx(maps[12][..., 0], rel=1e-6)

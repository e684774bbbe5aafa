"""Pictures are decoded again and looked at, pixel by pixel."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnexp.report.images import GAP, digit_uri, enlargement, pitch, scale_colours, thinned, tiles_uri


def decoded(uri: str) -> NDArray[np.uint8]:
    """(h, w, 4)"""
    start = "data:image/png;base64,"
    assert uri.startswith(start)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri[len(start) :]))).convert("RGBA"))


def test_tiles_stand_in_columns_digit_below_digit() -> None:
    tiles = np.zeros((2, 3, 28, 28), np.float32)
    tiles[1, 2, 5, 7] = 1.0
    pixels = decoded(tiles_uri(tiles, 2, (0.0, 1.0)))
    down, across = 28 + GAP, 28 + GAP
    assert pixels.shape == (4 * down, 2 * across, 4)
    dark, bright = pixels[0, 0], pixels[3 * down + 5, 7]
    assert (bright[:3] > [200, 200, 0]).all()
    assert (pixels[..., 3] == 0).sum() == pixels.shape[0] * pixels.shape[1] - 6 * 28 * 28
    assert ((pixels == dark).all(axis=-1)).sum() == 6 * 28 * 28 - 1


def test_a_diverging_scale_is_white_at_zero_and_values_outside_are_kept_inside() -> None:
    tiles = np.array([[[[-9.0, 0.0], [9.0, np.nan]]]], np.float32)
    pixels = decoded(tiles_uri(tiles, 4, (-1.0, 1.0)))
    large = enlargement((2, 2))
    assert large == 14
    low, zero, high, nothing = pixels[0, 0], pixels[0, large], pixels[large, 0], pixels[large, large]
    assert low[2] > low[0]
    assert high[0] > high[2]
    assert (zero[:3] > 240).all()
    assert nothing[3] == 0
    assert [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in (low[:3], zero[:3], high[:3])] == [
        scale_colours((-1.0, 1.0))[i] for i in (0, 3, 6)
    ]


def test_small_tiles_are_enlarged_and_large_ones_thinned() -> None:
    assert [enlargement((size, size)) for size in (1, 3, 7, 14, 28, 56)] == [28, 9, 4, 2, 1, 1]
    assert pitch((7, 3)) == (28 + GAP, 12 + GAP)
    maps = np.arange(112 * 60, dtype=np.float32).reshape(1, 112, 60, 1)
    assert thinned(maps).shape == (1, 56, 56, 1)
    assert thinned(maps)[0, 1, 0, 0] == maps[0, 2, 0, 0]
    assert thinned(maps[:, :28, :28]).shape == (1, 28, 28, 1)


def test_digits_are_ink_on_paper_or_in_their_colours() -> None:
    grey = np.zeros((2, 3), np.float32)
    grey[0, 1] = 1.0
    assert decoded(digit_uri(grey))[:, :, 0].tolist() == [[255, 0, 255], [255, 255, 255]]
    colour = np.zeros((2, 3, 3), np.float32)
    colour[..., 0] = 1.0
    assert decoded(digit_uri(colour))[0, 0].tolist() == [255, 0, 0, 255]

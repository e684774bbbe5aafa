"""Random shift, rotation and zoom of training digits: a function of seed, epoch and index, not of their order."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnexp.config.schema import Augmentation

Floats = NDArray[np.float64]
STREAM = 1  # sets these numbers apart from the order of digits, which comes from (seed, epoch) alone


def draw_changes(augmentation: Augmentation, digits: int, seed: int, epoch: int) -> Floats:
    """(digits, 4): shift down and right in pixels, rotation in degrees (counter-clockwise), zoom as a factor.

    Uniform within the limits of `augmentation`. Row i is the same for any number of digits.
    """
    unit = np.random.default_rng([seed, epoch, STREAM]).uniform(-1.0, 1.0, (digits, 4))
    limits = [augmentation.shift, augmentation.shift, augmentation.rotate, augmentation.zoom]
    return unit * limits + [0.0, 0.0, 0.0, 1.0]


def change(images: NDArray[Any], changes: Floats) -> NDArray[Any]:
    """`images` (n, height, width, channels) changed by row of `changes` (n, 4) about their centre; dtype is kept.

    Bilinear, 0 outside the image; 8-bit pixels are rounded.
    """
    moved = keras.ops.image.affine_transform(
        images.astype(np.float32), _transforms(changes, images.shape[1:3]), data_format="channels_last"
    )
    pixels = np.asarray(moved)
    return pixels if images.dtype == np.float32 else np.rint(pixels).astype(images.dtype)


def _transforms(changes: Floats, size: tuple[int, ...]) -> NDArray[np.float32]:
    """Rows a0 a1 a2 b0 b1 b2 0 0: output cell (x, y) shows input cell (a0 x + a1 y + a2, b0 x + b1 y + b2)."""
    down, right, degrees, zoom = changes.T
    centre_y, centre_x = (size[0] - 1) / 2, (size[1] - 1) / 2
    cos, sin = np.cos(np.radians(degrees)) / zoom, np.sin(np.radians(degrees)) / zoom
    start_x = centre_x - cos * (centre_x + right) + sin * (centre_y + down)
    start_y = centre_y - sin * (centre_x + right) - cos * (centre_y + down)
    nothing = np.zeros_like(cos)
    return np.stack([cos, -sin, start_x, sin, cos, start_y, nothing, nothing], axis=1).astype(np.float32)

"""Small pictures as data URIs: tiles of values on one colour scale, and digits as ink on paper."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnexp.figures.scales import Limits, colour_scale

LEVELS = 31  # colours of a scale; few, so that a hundred pictures stay small
BETWEEN = LEVELS  # palette index of what lies between tiles: transparent
SMALLEST = 28  # pixels that a tile is high or wide, about; smaller maps are enlarged
GAP = 3  # pixels between tiles
LARGEST = 56  # pixels that a tile is high or wide; larger maps are thinned


def tiles_uri(tiles: NDArray[Any], columns: int, limits: Limits) -> str:
    """(rows, n, h, w) as a picture: each row's n tiles in `columns` columns, row below row.

    Values are coloured by `colour_scale(limits)` in 31 steps; those outside count as the nearest inside, NaN is
    transparent.
    """
    rows, number, height, width = tiles.shape
    down, across = pitch((height, width))
    factor = enlargement((height, width))
    lines = -(-number // columns)
    canvas = np.full((rows * lines * down, columns * across), BETWEEN, np.uint8)
    span = limits[1] - limits[0]
    scaled = np.clip((tiles.astype(np.float32) - limits[0]) / span * LEVELS, 0, LEVELS - 1)
    index = np.where(np.isnan(scaled), BETWEEN, np.nan_to_num(scaled)).astype(np.uint8)
    for row in range(rows):
        for tile in range(number):
            y, x = (row * lines + tile // columns) * down, tile % columns * across
            large = index[row, tile].repeat(factor, axis=0).repeat(factor, axis=1)
            canvas[y : y + large.shape[0], x : x + large.shape[1]] = large
    image = Image.fromarray(canvas)
    image.putpalette(bytes(_palette(limits).tobytes()) + b"\x80\x80\x80")
    return _uri(image, transparency=BETWEEN)


def enlargement(size: tuple[int, int]) -> int:
    """How many pixels high and wide a value is drawn, so that small tiles have about the size of larger ones."""
    return max(1, round(SMALLEST / max(size)))


def pitch(size: tuple[int, int]) -> tuple[int, int]:
    """Pixels from a tile of (h, w) values to the next: (down, across)."""
    factor = enlargement(size)
    return size[0] * factor + GAP, size[1] * factor + GAP


def scale_colours(limits: Limits) -> list[str]:
    """Some colours of a scale from low to high, as CSS writes them."""
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in _palette(limits)[:: LEVELS // 6]]


def _palette(limits: Limits) -> NDArray[np.uint8]:
    _, colours = colour_scale(limits)
    shares = (np.arange(LEVELS) + 0.5) / LEVELS
    table: NDArray[np.uint8] = np.round(colours(shares)[:, :3] * 255).astype(np.uint8)
    return table


def digit_uri(picture: NDArray[np.float32]) -> str:
    """A picture (h, w) of values 0..1 as dark ink on white, or (h, w, 3) in its colours."""
    values = np.round(255 * (1 - picture if picture.ndim == 2 else picture)).astype(np.uint8)
    return _uri(Image.fromarray(values))


def thinned(maps: NDArray[Any]) -> NDArray[Any]:
    """(…, h, w, channels) with at most 56 rows and columns, evenly chosen."""
    rows, columns = (np.arange(min(size, LARGEST)) * size // min(size, LARGEST) for size in maps.shape[-3:-1])
    return maps[..., rows, :, :][..., columns, :]


def _uri(image: Image.Image, **options: Any) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True, **options)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")

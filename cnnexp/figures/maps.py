"""Feature maps of fixed digits: as a figure with axes, and as a bare picture for a slider over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, log
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnexp.figures.glyphs import class_labels
from cnnexp.figures.page import HEADING, Page, blank_page, counted, fit, shorten, text_width
from cnnexp.figures.pictures import as_pictures
from cnnexp.figures.scales import Limits, colour_scale, shared_limits
from cnnexp.figures.style import BODY, MARGIN, MUTED, SMALL, styled

_SIDE = 460  # pixels that the longer side of a bare picture is about: three fit beside each other into a window
_LINE, _GAP = 2, 8  # pixels between the channels, and between the digits, of a bare picture
_BETWEEN = np.array([0xC4, 0xCA, 0xD2], dtype=np.uint8)  # seen on both colour scales and in both modes of a browser
_SPACE = 0.05  # inches between two maps


def feature_maps(
    maps: NDArray[Any],
    images: NDArray[Any],
    *,
    layer: str,
    labels: Sequence[object],
    epoch: int | None = None,
    limits: Limits | None = None,
    max_channels: int = 16,
) -> Figure:
    """One row a digit: the picture that went in, then one map a channel, all maps on one colour scale.

    `maps` is (digits, h, w, channels), `images` (digits, h, w[, c]), `labels` one name a digit, `epoch` the
    epochs done. `limits` are those of the colour scale, by default the maps' own (`shared_limits`).
    """
    shown = min(maps.shape[-1], max_channels)
    names = class_labels([str(label) for label in labels])
    with styled(layer, *names):
        cell = float(np.clip(10.5 / (shown + 1), 0.58, 1.3))
        left = MARGIN + min(1.5, max(text_width(name, BODY) for name in names)) + 0.12
        top = HEADING + 0.45
        _, _, wide, high = fit(maps.shape[1:3], (0, 0, cell, cell))
        pitch = max(high, fit(images.shape[1:3], (0, 0, cell, cell))[3]) + _SPACE
        right = left + cell + 0.2 + shown * (wide + _SPACE)
        depth = len(maps) * pitch
        page = blank_page(right + 1.15, top + max(depth, 1.0) + 0.25)
        page.heading(f"{layer}: {_when(epoch)}", _note(maps, shown))
        for row, (name, picture) in enumerate(zip(names, as_pictures(images), strict=True)):
            box = (left, top + row * pitch, cell, pitch - _SPACE)
            page.text(left - 0.12, box[1] + box[3] / 2, shorten(name, BODY, 1.5), ha="right")
            page.digit(picture, fit(picture.shape, box))
        page.text(left + cell / 2, top - 0.14, "input", size=SMALL, color=MUTED, ha="center")
        grid = (left + cell + 0.2, top, wide + _SPACE, pitch)
        _draw_maps(page, maps[..., :shown], grid, (wide, high), limits or shared_limits([maps]))
        return page.figure


def feature_map_image(maps: NDArray[Any], *, limits: Limits, max_channels: int = 16) -> NDArray[np.uint8]:
    """The same maps without axes: (H, W, 3), about 460 pixels on its longer side and as square as they allow.

    `maps` is (digits, h, w, channels). A digit's channels stand in reading order, in one row or in several.
    Pass the `limits` of all epochs (`shared_limits`), so that the pictures of a series can be compared.
    """
    maps = np.asarray(maps[..., :max_channels])
    digits, height, width, channels = maps.shape
    ratio = float(np.clip(height / width, 0.25, 4))
    lines = min(range(1, channels + 1), key=lambda n: abs(log(digits * n * ratio / ceil(channels / n))))
    columns = ceil(channels / lines)
    tile_width = _tile_width(columns, digits * lines * ratio, width)
    tile_height = max(1, round(tile_width * ratio))
    coloured = _colour(_stretch(maps, tile_height, tile_width), limits)
    down, across = tile_height + _LINE, tile_width + _LINE
    block = lines * down - _LINE + (_GAP if lines > 1 else _LINE)
    canvas = np.empty((digits * block - (block - lines * down + _LINE), columns * across - _LINE, 3), np.uint8)
    canvas[:] = _BETWEEN
    for digit in range(digits):
        for channel in range(channels):
            y, x = digit * block + channel // columns * down, channel % columns * across
            canvas[y : y + tile_height, x : x + tile_width] = coloured[digit, ..., channel, :]
    return canvas


def maps_over_epochs(
    maps: Mapping[int, NDArray[Any]], image: NDArray[Any], *, layer: str, title: str, max_channels: int = 16
) -> Figure:
    """One row an epoch: the maps (h, w, channels) of one picture (h, w, c) as they grew, all on one colour scale."""
    epochs, stacked = list(maps), np.stack([*maps.values()])
    shown = min(stacked.shape[-1], max_channels)
    with styled(layer, title):
        cell = float(np.clip(10.5 / (shown + 1), 0.58, 1.3))
        _, _, wide, high = fit(stacked.shape[1:3], (0, 0, cell, cell))
        names = ["before" if epoch == 0 else f"epoch {epoch}" for epoch in epochs]
        side, top, down = 1.1, HEADING + 0.45, high + _SPACE
        left = MARGIN + side + 0.25 + max(text_width(name, BODY) for name in names) + 0.15
        page = blank_page(left + shown * (wide + _SPACE) + 1.15, top + max(len(maps) * down, 1.2) + 0.25)
        page.heading(title, _note(stacked, shown))
        page.text(MARGIN, top - 0.14, "input", size=SMALL, color=MUTED)
        page.digit(as_pictures(image[np.newaxis])[0], fit(image.shape, (MARGIN, top, side, side)))
        for row, name in enumerate(names):
            page.text(left - 0.12, top + row * down + high / 2, name, ha="right")
        _draw_maps(page, stacked[..., :shown], (left, top, wide + _SPACE, down), (wide, high), shared_limits([stacked]))
        return page.figure


def _draw_maps(
    page: Page,
    maps: NDArray[Any],
    grid: tuple[float, float, float, float],
    size: tuple[float, float],
    limits: Limits,
) -> None:
    """Draw (digits, h, w, channels) and their scale; `grid` is left, top and the pitch across and down."""
    left, top, across, down = grid
    norm, colours = colour_scale(limits)
    values = maps.astype(np.float32)
    inset = (down - _SPACE - size[1]) / 2
    for row in range(len(maps)):
        for channel in range(maps.shape[-1]):
            box = (left + channel * across, top + row * down + inset, *size)
            image = page.picture(values[row, ..., channel], box, norm, colours)
    page.text(left, top - 0.36, "channel", size=SMALL, color=MUTED)
    for channel in range(maps.shape[-1]):
        centre = left + channel * across + size[0] / 2
        page.text(centre, top - 0.14, str(channel), size=SMALL, color=MUTED, ha="center")
    right = left + maps.shape[-1] * across
    page.colour_bar(image, (right + 0.15, top, 0.14, max(len(maps) * down - _SPACE, 1.0)), "output of the layer")


def _when(epoch: int | None) -> str:
    if epoch is None:
        return "feature maps"
    if epoch == 0:
        return "feature maps before training"
    return f"feature maps after {epoch} epoch{'s' if epoch > 1 else ''}"


def _note(maps: NDArray[Any], shown: int) -> str:
    _, height, width, channels = maps.shape
    some = f"{shown} of {channels} channels shown" if shown < channels else counted(channels, "channel")
    return f"{some}, {height} \N{MULTIPLICATION SIGN} {width} values each; one colour scale"


def _tile_width(columns: int, rows: float, width: int) -> int:
    """Pixels a map is wide: a whole multiple of its values where that keeps the picture's size."""
    longest = max(columns, rows)
    tile = max(1, round((_SIDE - _LINE * (longest - 1)) / longest))
    whole = tile // width * width
    return whole if whole * longest >= 0.75 * _SIDE else tile


def _stretch(maps: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """Nearest-neighbour resize of (digits, h, w, channels)."""
    rows = np.arange(height) * maps.shape[1] // height
    columns = np.arange(width) * maps.shape[2] // width
    return maps[:, rows][:, :, columns]


def _colour(values: NDArray[Any], limits: Limits) -> NDArray[np.uint8]:
    _, colours = colour_scale(limits)
    table = (colours(np.arange(256))[:, :3] * 255 + 0.5).astype(np.uint8)
    with np.errstate(invalid="ignore", over="ignore"):  # maps of a network that ran away hold infinities
        scaled = (values.astype(np.float64) - limits[0]) / (limits[1] - limits[0]) * 256
    index = np.clip(np.nan_to_num(scaled), 0, 255).astype(np.uint8)
    pictures: NDArray[np.uint8] = table[index]
    pictures[np.isnan(scaled)] = _BETWEEN
    return pictures

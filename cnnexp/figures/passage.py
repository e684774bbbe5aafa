"""One picture on its way through layers: itself, and the maps of one layer or of two below each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnexp.figures.cells import Grid, Scale, caption, draw_cells
from cnnexp.figures.page import HEADING, Page, blank_page, counted, fit, text_width
from cnnexp.figures.pictures import as_pictures
from cnnexp.figures.scales import colour_scale, shared_limits
from cnnexp.figures.style import BODY, MARGIN, styled

_NUMBERED = 9  # the longest side of an array that is drawn as cells with numbers
_ACROSS = 8  # the most channels beside each other
_WIDTH, _LARGEST = 9.0, 2.2  # inches of all maps beside each other, and of the largest
_SPACE, _BAND = 0.12, 0.32  # inches between maps, and between two lines of channels


def input_figure(image: NDArray[Any], *, title: str, note: str) -> Figure:
    """The picture (h, w, c) as it is: grey as ink on paper (cmap Greys), with its numbers if it is small."""
    height, width, channels = image.shape
    with styled(title, note):
        top = HEADING + 0.1
        _, _, wide, high = fit(image.shape, (0, 0, 4.0, 4.0))
        page = blank_page(2 * MARGIN + wide, top + high + MARGIN)
        page.heading(title, note)
        if channels != 3 and max(height, width) <= _NUMBERED:
            side = 4.0 / max(height, width)
            draw_cells(page, Grid(MARGIN, top, side), image.mean(axis=-1), picture_scale(image))
        else:
            page.digit(as_pictures(image[np.newaxis])[0], (MARGIN, top, wide, high))
        return page.figure


def picture_scale(image: NDArray[Any]) -> Scale:
    """Dark ink for large values, on white paper from 0 (or from the lowest, below 0) to the highest."""
    from matplotlib import colormaps

    low, high = shared_limits([np.asarray(image, np.float64)])
    return Normalize(low, high), colormaps["Greys"]


def passage_figure(panels: Mapping[str, NDArray[Any]], *, title: str, max_channels: int = 16) -> Figure:
    """The maps (h, w, channels) of one layer or several with as many channels: a channel's stand below each other.

    All on one colour scale; small maps with their numbers.
    """
    channels = next(iter(panels.values())).shape[-1]
    shown = min(channels, max_channels)
    limits = shared_limits([maps[..., :shown] for maps in panels.values()])
    with styled(title, *panels):
        across = ceil(shown / ceil(shown / _ACROSS))
        cell = float(np.clip(_WIDTH / across, 0, _LARGEST))
        left = MARGIN + (max(text_width(name, BODY) for name in panels) + 0.15 if len(panels) > 1 else 0)
        sizes = [fit(maps.shape[:2], (0, 0, cell, cell))[2:] for maps in panels.values()]
        band = sum(high + _SPACE for _, high in sizes) + _BAND
        bands = ceil(shown / across)
        top = HEADING + 0.36
        page = blank_page(left + across * (cell + _SPACE) + 1.2, top + max(bands * band - _BAND, 1.0) + MARGIN)
        page.heading(title, _note(panels, shown, channels))
        for channel in range(shown):
            corner = (left + channel % across * (cell + _SPACE), top + channel // across * band)
            caption(page, corner[0] + cell / 2, corner[1] - 0.13, f"channel {channel}", ha="center")
            _draw_channel(page, panels, channel, (*corner, cell), limits)
        for place in range(bands):
            _name_rows(page, list(panels), sizes, (left - 0.15, top + place * band))
        bar = (left + across * (cell + _SPACE) + 0.1, top, 0.14, float(np.clip(bands * band - _BAND, 1.0, 3.0)))
        page.colour_bar(ScalarMappable(*colour_scale(limits)), bar, "output")
        return page.figure


def _draw_channel(
    page: Page, panels: Mapping[str, NDArray[Any]], channel: int, place: tuple[float, float, float],
    limits: tuple[float, float],
) -> None:  # fmt: skip
    """One channel of every panel, below each other in boxes of equal size."""
    left, top, cell = place
    for maps in panels.values():
        _, _, wide, high = fit(maps.shape[:2], (0, 0, cell, cell))
        values = maps[..., channel].astype(np.float64)
        corner = left + (cell - wide) / 2
        if max(values.shape) <= _NUMBERED:
            side = cell / max(values.shape)
            wide, high = values.shape[1] * side, values.shape[0] * side
            draw_cells(page, Grid(left + (cell - wide) / 2, top, side), values, colour_scale(limits), like=maps)
        else:
            page.picture(values, (corner, top, wide, high), *colour_scale(limits))
        top += fit(maps.shape[:2], (0, 0, cell, cell))[3] + _SPACE


def _name_rows(page: Page, names: list[str], sizes: Sequence[tuple[float, ...]], place: tuple[float, float]) -> None:
    if len(names) < 2:
        return
    right, top = place
    for name, (_, high) in zip(names, sizes, strict=True):
        page.text(right, top + high / 2, name, ha="right")
        top += high + _SPACE


def _note(panels: Mapping[str, NDArray[Any]], shown: int, channels: int) -> str:
    sizes = " → ".join("×".join(map(str, maps.shape)) for maps in panels.values())
    of = f"{shown} of {channels} channels shown" if shown < channels else counted(channels, "channel")
    return f"{sizes}, {of}; one colour scale"

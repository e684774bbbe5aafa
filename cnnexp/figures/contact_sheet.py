"""The contact sheet: the same digits through the same layer of every run, one row a run, on one colour scale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnexp.figures.glyphs import drawable
from cnnexp.figures.page import HEADING, blank_page, fit, shorten, text_width
from cnnexp.figures.pictures import as_pictures
from cnnexp.figures.scales import colour_scale, shared_limits
from cnnexp.figures.style import BODY, MARGIN, MUTED, SMALL, styled

_CELL, _SPACE, _GROUP = 0.78, 0.05, 0.22  # inches: a map, between two maps, between two digits
_NAME = 3.4  # inches that a run's name may take
_LINE = 0.24  # inches of a line below the maps


def contact_sheet(
    maps: Mapping[str, NDArray[Any]], images: NDArray[Any], *, title: str, labels: Sequence[str], foot: str = "",
    channels: int = 3,
) -> Figure:  # fmt: skip
    """One row a run, below the digits that went in; for each digit the run's strongest channels of the layer.

    maps: run name → (digits, h, w, channels), sizes may differ from run to run; images (digits, h, w, c). The
    channels shown are those whose mean absolute value over all digits is largest, chosen for each run. foot: what has
    to be known beside; that values which are not finite are grey is told where there are some.
    """
    digits = len(images)
    names = list(maps)
    with styled(title, foot, *names, *labels):
        left = MARGIN + min(_NAME, max(text_width(drawable(name), BODY) for name in names)) + 0.15
        group = channels * (_CELL + _SPACE) + _GROUP
        top = HEADING + 0.25
        strongest = {name: _strongest(array, channels) for name, array in maps.items()}
        below = [text for text in (foot, _grey(strongest.values())) if text]
        bottom = top + (len(names) + 1) * (_CELL + _SPACE) + 0.3
        page = blank_page(left + digits * group + 0.9, bottom + _LINE * len(below))
        note = f"{channels} strongest channels of each run, one colour scale; bigger cells mean fewer of them"
        page.heading(title, note)
        for line, text in enumerate(below):
            page.text(MARGIN, bottom + _LINE * line, text, size=SMALL, color=MUTED, room=page.width - 2 * MARGIN)
        for i, picture in enumerate(as_pictures(images)):
            page.digit(picture, fit(picture.shape, (left + i * group, top, group - _GROUP, _CELL)))
            page.text(left + i * group, top - 0.1, labels[i], size=SMALL, color=MUTED)
        norm, colours = colour_scale(shared_limits(strongest.values()))
        image = None
        for row, (name, array) in enumerate(strongest.items()):
            down = top + (row + 1) * (_CELL + _SPACE) + 0.08
            page.text(left - 0.15, down + _CELL / 2, shorten(name, BODY, _NAME), ha="right")
            for digit in range(digits):
                for channel in range(array.shape[-1]):
                    box = (left + digit * group + channel * (_CELL + _SPACE), down, _CELL, _CELL)
                    image = page.picture(array[digit, ..., channel], fit(array.shape[1:3], box), norm, colours)
        if image is not None:
            height = len(names) * (_CELL + _SPACE) - _SPACE
            first = top + _CELL + _SPACE + 0.08
            page.colour_bar(image, (left + digits * group - _GROUP + 0.15, first, 0.14, min(height, 4.0)), "output")
        return page.figure


def _grey(arrays: Iterable[NDArray[Any]]) -> str:
    return "" if all(np.isfinite(array).all() for array in arrays) else "grey: the output overflowed, no finite number"


def _strongest(maps: NDArray[Any], channels: int) -> NDArray[np.float32]:
    """The `channels` channels of (digits, h, w, all) with the largest mean absolute value, strongest first."""
    values = maps.astype(np.float32)
    order = np.argsort(-np.abs(values).mean(axis=(0, 1, 2), dtype=np.float64), kind="stable")[:channels]
    return values[..., order]

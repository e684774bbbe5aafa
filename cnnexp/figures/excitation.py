"""The pictures that excite filters most, each with the part framed that the answering unit sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from cnnexp.figures.cells import caption, frame
from cnnexp.figures.field import Square, part_of
from cnnexp.figures.page import HEADING, Box, Page, blank_page, fit
from cnnexp.figures.pictures import as_pictures
from cnnexp.figures.style import BODY, INK, MARGIN, MUTED, ORANGE, RULE, SMALL, styled

SILENT = "the same on every picture"
_CELL, _SPACE, _NAME, _APART = 0.38, 0.04, 0.4, 0.3  # inches: a picture, between two, a filter's number, two groups
_ROWS, _GROUPS = 16, 4  # at most so many groups of filters beside each other; rows are added then
_LARGE, _PITCH, _ACROSS = 1.5, 2.0, 4


@dataclass(frozen=True, eq=False)
class Excitement:
    """One filter's pictures (n, h, w, c), strongest first, with what its unit sees of each, and a line below each."""

    name: str
    images: NDArray[Any]
    squares: Sequence[Square | None]
    captions: Sequence[str] = ()


def excitement_sheet(filters: Sequence[Excitement], *, title: str, note: str) -> Figure:
    """A row for each filter, in up to four groups beside each other."""
    most = max(1, *(len(one.images) for one in filters))
    groups = min(_GROUPS, ceil(len(filters) / _ROWS))
    rows = ceil(len(filters) / groups)
    width = _NAME + most * (_CELL + _SPACE)
    with styled(title, note):
        page = blank_page(
            2 * MARGIN + groups * width + (groups - 1) * _APART, HEADING + rows * (_CELL + _SPACE) + MARGIN
        )
        page.heading(title, note)
        for place, one in enumerate(filters):
            left = MARGIN + place // rows * (width + _APART)
            top = HEADING + place % rows * (_CELL + _SPACE)
            page.text(left + _NAME - 0.1, top + _CELL / 2, one.name, size=SMALL, color=MUTED, ha="right")
            _draw_row(page, one, left + _NAME, top)
        return page.figure


def excitement_figure(one: Excitement, *, title: str, note: str) -> Figure:
    """One filter's pictures large, with a line below each."""
    with styled(title, note, *one.captions):
        rows = max(1, ceil(len(one.images) / _ACROSS))
        high = fit(one.images.shape[1:], (0, 0, _LARGE, _LARGE))[3]
        page = blank_page(2 * MARGIN + _ACROSS * _PITCH, HEADING + rows * (high + 0.4) + 0.15)
        page.heading(title, note)
        if not len(one.images):
            page.text(MARGIN, HEADING + 0.3, f"Its output is {SILENT}.", size=BODY)
        for place, (picture, square, line) in enumerate(zip(_pictures(one), one.squares, one.captions, strict=True)):
            left, top = MARGIN + place % _ACROSS * _PITCH, HEADING + place // _ACROSS * (high + 0.4)
            box = fit(picture.shape, (left, top, _LARGE, high))
            page.digit(picture, box)
            if square is not None:
                frame(page, part_of(box, picture.shape, square), ORANGE, 1.4)
            caption(page, left, top + high + 0.14, line, color=INK, room=_PITCH - 0.1)
        return page.figure


def _pictures(one: Excitement) -> NDArray[np.float32] | list[NDArray[np.float32]]:
    return as_pictures(one.images) if len(one.images) else []


def _draw_row(page: Page, one: Excitement, left: float, top: float) -> None:
    if not len(one.images):
        page.text(left, top + _CELL / 2, SILENT, size=SMALL, color=MUTED)
        return
    edges, parts = [], []
    for place, (picture, square) in enumerate(zip(_pictures(one), one.squares, strict=True)):
        box = fit(picture.shape, (left + place * (_CELL + _SPACE), top, _CELL, _CELL))
        page.digit(picture, box)
        edges.append(_rectangle(box))
        if square is not None:
            parts.append(_rectangle(part_of(box, picture.shape, square)))
    page.axes.add_collection(PatchCollection(edges, facecolor="none", edgecolor=RULE, linewidth=0.6), autolim=False)
    page.axes.add_collection(PatchCollection(parts, facecolor="none", edgecolor=ORANGE, linewidth=1.1), autolim=False)


def _rectangle(box: Box) -> Rectangle:
    return Rectangle(box[:2], box[2], box[3])

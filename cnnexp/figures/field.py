"""What one unit of a layer sees: its map, the picture with its field framed, and the pixels in that frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnexp.figures.cells import caption, frame
from cnnexp.figures.page import HEADING, Box, Page, blank_page, fit
from cnnexp.figures.pictures import as_pictures
from cnnexp.figures.scales import colour_scale, shared_limits
from cnnexp.figures.style import MARGIN, ORANGE, styled

SIDE, GAP = 2.7, 0.4  # inches of a panel, and between panels
VEIL = 0.62  # how much of a pixel outside the field is hidden

Square = tuple[slice, slice]
"""Rows and columns of a picture, each from a first to a last one."""


@dataclass(frozen=True, eq=False)
class Field:
    """A picture (h, w, c), one channel's map (rows, columns) of it, and the cell (row, column) that is looked at.

    seen (h, w): the pixels that the cell depends on; square: the smallest rectangle around them, None without any.
    """

    image: NDArray[Any]
    map: NDArray[Any]
    cell: tuple[int, int]
    seen: NDArray[np.bool_]
    square: Square | None


def field_figure(field: Field, *, title: str, note: str) -> Figure:
    """The map with the cell framed, the picture with what the cell sees framed, and that enlarged."""
    with styled(title, note):
        top = HEADING + 0.3
        part = field.image[field.square] if field.square is not None else field.image
        high = max(fit(shown.shape, (0, 0, SIDE, SIDE))[3] for shown in (field.map, field.image, part))
        page = blank_page(2 * MARGIN + 3 * SIDE + 2 * GAP + 0.95, top + max(high, 1.2) + MARGIN)
        page.heading(title, note)
        left, middle, right = (MARGIN + place * (SIDE + GAP) for place in range(3))
        middle, right = middle + 0.95, right + 0.95
        for x, name in ((left, "its channel, the unit framed"), (middle, "the pixels that it depends on"),
                        (right, "these pixels, enlarged")):  # fmt: skip
            caption(page, x, top - 0.14, name)
        _draw_map(page, field, (left, top, SIDE, SIDE))
        _draw_picture(page, field, (middle, top, SIDE, SIDE))
        _draw_part(page, field, (right, top, SIDE, SIDE))
        return page.figure


def part_of(box: Box, shape: tuple[int, ...], square: Square) -> Box:
    """Where a square of a picture (h, w, …) lies that is drawn over the whole of `box`."""
    left, top, width, height = box
    (first_row, last_row), (first, last) = ((part.start, part.stop) for part in square)
    down, across = height / shape[0], width / shape[1]
    return left + first * across, top + first_row * down, (last - first) * across, (last_row - first_row) * down


def _draw_map(page: Page, field: Field, place: Box) -> None:
    box = _at_top(field.map.shape, place)
    norm, colours = colour_scale(shared_limits([field.map]))
    image = page.picture(field.map, box, norm, colours)
    row, column = field.cell
    frame(page, part_of(box, field.map.shape, (slice(row, row + 1), slice(column, column + 1))), ORANGE)
    page.colour_bar(image, (box[0] + box[2] + 0.12, box[1], 0.12, max(box[3], 1.2)), "output")


def _draw_picture(page: Page, field: Field, place: Box) -> None:
    box = _at_top(field.image.shape, place)
    page.digit(as_pictures(field.image[np.newaxis])[0], box)
    veil = np.ones((*field.seen.shape, 4))
    veil[..., 3] = np.where(field.seen, 0, VEIL)
    page.picture(veil, box, Normalize(0, 1), "Greys")
    if field.square is not None:
        frame(page, part_of(box, field.image.shape, field.square), ORANGE)


def _draw_part(page: Page, field: Field, place: Box) -> None:
    if field.square is None:
        caption(page, place[0], place[1] + 0.2, "none: it sees only cells outside")
        return
    part = as_pictures(field.image[np.newaxis])[0][field.square]
    page.digit(part, _at_top(part.shape, place))


def _at_top(shape: tuple[int, ...], place: Box) -> Box:
    """The largest box of a picture's proportions at the top left of a place."""
    _, _, width, height = fit(shape, place)
    return place[0], place[1], width, height

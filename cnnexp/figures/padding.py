"""The padded picture drawn: cells outside marked, the first, second and last window, and the uneven side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnexp.figures.cells import LINE, MINUS, RULED, Grid, Scale, caption, draw_cells, frame, hatch
from cnnexp.figures.page import HEADING, Page, blank_page
from cnnexp.figures.style import BLUE, GREEN, MARGIN, ORANGE, PAPER, styled
from cnnexp.shapes import Axis

WIDEST = 8.0  # inches of a page, at least
_WHOLE, _CORNER = 14, 16  # the most cells of a side that are drawn with numbers: all of them, or of a corner
_SIDE, _ALONE, _APART = 4.2, 6.2, 0.45  # inches of a panel, of one that is alone, and between two
_CELL = 0.85  # inches of the largest cell
_INSET = 0.035  # inches between outlines that would lie on each other


@dataclass(frozen=True)
class Padded:
    """One channel with NaN in the cells outside, (before + height + after, likewise), and the window on it."""

    values: NDArray[np.float64]
    window: tuple[Axis, Axis]
    outside: str

    @property
    def last(self) -> tuple[int, int]:
        return self.window[0].output - 1, self.window[1].output - 1

    def windows(self) -> Iterator[tuple[str, str, int, int]]:
        """Name, colour, and row and column of the output cell; only those that differ."""
        height, width = self.window
        second = (0, 1) if width.output > 1 else (1, 0)
        places = {"first window": (0, 0), "second window": second, "last window": self.last}
        seen: set[tuple[int, int]] = set()
        for (name, place), colour in zip(places.items(), (BLUE, ORANGE, GREEN), strict=True):
            if place not in seen and place[0] < height.output and place[1] < width.output:
                seen.add(place)
                yield name, colour, *place


@dataclass(frozen=True)
class Region:
    """Rows and columns of the padded picture that a panel shows, from the first to before the last."""

    title: str
    rows: tuple[int, int]
    columns: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]


def padding_figure(
    values: NDArray[Any], window: tuple[Axis, Axis], scale: Scale, *, layer: str, note: str,
    outside: str,
) -> Figure:  # fmt: skip
    """One channel (h, w) of what goes into a layer, with the cells around it that its windows reach.

    outside: what stands in those cells: 0, −∞ or not counted. Large pictures are shown whole and at two corners.
    """
    height, width = window
    around = ((height.before, height.after), (width.before, width.after))
    padded = Padded(np.pad(values.astype(np.float64), around, constant_values=np.nan), window, outside)
    regions = _regions(padded)
    room = _SIDE if len(regions) > 1 else _ALONE
    sides = [min(room / max(region.shape), _CELL) for region in regions]
    across = sum(region.shape[1] * side for region, side in zip(regions, sides, strict=True))
    depth = max(region.shape[0] * side for region, side in zip(regions, sides, strict=True))
    lines = list(_legend(padded))
    with styled(layer):
        page_width = max(2 * MARGIN + across + _APART * (len(regions) - 1), WIDEST)
        top = HEADING + 0.3
        page = blank_page(page_width, top + depth + 0.3 + LINE * len(lines) + MARGIN)
        page.heading(f"{layer}: what its windows read", note.replace("-", MINUS))
        left = MARGIN
        for region, side in zip(regions, sides, strict=True):
            caption(page, left, top - 0.14, region.title)
            _draw_region(
                page,
                Grid(left, top, side, numbered=region is not regions[0] or len(regions) == 1),
                padded,
                region,
                scale,
            )
            left += region.shape[1] * side + _APART
        _draw_legend(page, lines, top + depth + 0.3)
        return page.figure


def _regions(padded: Padded) -> list[Region]:
    rows, columns = padded.values.shape
    whole = Region(f"all {rows}×{columns} cells", (0, rows), (0, columns))
    down, across = (_corner(axis, size) for axis, size in zip(padded.window, (rows, columns), strict=True))
    if max(rows, columns) <= max(_WHOLE, 1.5 * max(down, across)):
        return [whole]
    first = Region("top left corner", (0, down), (0, across))
    bottom, right = (_reached(axis, size) for axis, size in zip(padded.window, (rows, columns), strict=True))
    last = Region("bottom right corner", (max(bottom - down, 0), bottom), (max(right - across, 0), right))
    return [whole, first, last]


def _corner(axis: Axis, size: int) -> int:
    """Cells of a corner: the first two windows and a little more."""
    return min(max(axis.reach + axis.stride + 1, 7), _CORNER, size)


def _reached(axis: Axis, size: int) -> int:
    """Where the corner at the end stops: a few cells that no window reads are enough."""
    return min(size, (axis.output - 1) * axis.stride + axis.reach + 2)


def _draw_region(page: Page, grid: Grid, padded: Padded, region: Region, scale: Scale) -> None:
    part = padded.values[slice(*region.rows), slice(*region.columns)]
    draw_cells(page, grid, part, scale, padded.outside)
    _mark_uneven(page, grid, padded, region)
    for number, (_, colour, row, column) in enumerate(padded.windows()):
        _draw_window(page, grid, padded, region, (row, column), (colour, number))


def _mark_uneven(page: Page, grid: Grid, padded: Padded, region: Region) -> None:
    """The outermost row and column where one more cell lies at the bottom or right."""
    (rows, columns), (height, width) = padded.values.shape, padded.window
    if height.after > height.before and region.rows[1] == rows:
        hatch(page, grid.box(region.shape[0] - 0.18, 0, 0.18, region.shape[1]), dense=True)
    if width.after > width.before and region.columns[1] == columns:
        hatch(page, grid.box(0, region.shape[1] - 0.18, region.shape[0], 0.18), dense=True)


def _draw_window(
    page: Page, grid: Grid, padded: Padded, region: Region, place: tuple[int, int], look: tuple[str, int]
) -> None:
    """The outline of a window, cut at the region's rim; with dilation a dot in each cell that it reads."""
    colour, number = look
    starts = [index * axis.stride - low for index, axis, low in
              zip(place, padded.window, (region.rows[0], region.columns[0]), strict=True)]  # fmt: skip
    lows = [max(start, 0) for start in starts]
    highs = [min(start + axis.reach, size)
             for start, axis, size in zip(starts, padded.window, region.shape, strict=True)]  # fmt: skip
    if any(low >= high for low, high in zip(lows, highs, strict=True)):
        return
    left, top, width, height = grid.box(*lows, *(high - low for high, low in zip(highs, lows, strict=True)))
    inset = min(_INSET * (number + 0.5), grid.side * 0.15 * (number + 0.5))
    frame(page, (left + inset, top + inset, width - 2 * inset, height - 2 * inset), colour)
    if max(axis.dilation for axis in padded.window) > 1 and grid.side >= RULED:
        _dots(page, grid, [np.arange(axis.kernel) * axis.dilation + start
                          for axis, start in zip(padded.window, starts, strict=True)], region, look)  # fmt: skip


def _dots(page: Page, grid: Grid, cells: list[NDArray[np.int64]], region: Region, look: tuple[str, int]) -> None:
    colour, number = look
    rows, columns = (part[(part >= 0) & (part < size)] for part, size in zip(cells, region.shape, strict=True))
    down, across = np.meshgrid(rows + 0.16, columns + 0.2 + 0.28 * number, indexing="ij")
    size = (grid.side * 0.22 * 72) ** 2
    x, y = grid.left + across * grid.side, grid.top + down * grid.side
    page.axes.scatter(x, y, s=size, color=colour, edgecolors=PAPER, linewidths=0.6, zorder=2.5)


def _legend(padded: Padded) -> Iterator[tuple[str, str]]:
    """Kind of swatch, or a colour, and what it stands for."""
    height, width = padded.window
    dilated = max(height.dilation, width.dilation) > 1
    for name, colour, row, column in padded.windows():
        dots = "; it reads the cells with a dot" if dilated else ""
        yield colour, f"{name}: row {row}, column {column} of the output{dots}"
    sides = (height.before, height.after, width.before, width.after)
    if any(sides):
        counts = "{} at the top, {} at the bottom, {} at the left, {} at the right".format(*sides)
        what = f"count as {padded.outside}" if len(padded.outside) <= 2 else f"are {padded.outside}"
        yield "outside", f"cells outside {what}: {counts}"
    else:
        yield "", "no cells outside: every window lies inside"
    uneven = [side for axis, side in ((height, "bottom"), (width, "right")) if axis.after > axis.before]
    if uneven:
        yield "uneven", f"uneven: the one more is at the {' and the '.join(uneven)}"
    unread = [f"{-axis.overhang} {name}" for axis, name in
              ((height, "at the bottom"), (width, "at the right")) if axis.overhang < 0]  # fmt: skip
    if unread:
        yield "", f"cells that no window reads: {', '.join(unread)}"


def _draw_legend(page: Page, lines: list[tuple[str, str]], top: float) -> None:
    for number, (swatch, text) in enumerate(lines):
        y = top + number * LINE
        box = (MARGIN, y, 0.22, 0.16)
        if swatch in ("outside", "uneven"):
            hatch(page, box, dense=swatch == "uneven")
        elif swatch:
            frame(page, box, swatch)
        page.text(MARGIN + 0.34 if swatch else MARGIN, y + 0.08, text, room=page.width - 2 * MARGIN - 0.34)

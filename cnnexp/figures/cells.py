"""Grids of numbered cells: arrays small enough to be read number by number, with cells outside hatched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, Normalize
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from cnnexp.figures.page import Box, Page, text_width
from cnnexp.figures.style import INK, MUTED, PAPER, RULE, SMALL

MINUS = "\N{MINUS SIGN}"
SMALLEST, LARGEST = 6.5, 10.0  # points of a number in a cell
LINE = 0.25  # inches between two lines of a legend
RULED = 0.12  # inches of a cell from which on lines stand between cells
OUTSIDE, HATCH = "#F3F5F7", "#B9C2CC"  # ground and lines of cells outside
LABEL = {"boxstyle": "square,pad=0.15", "facecolor": OUTSIDE, "edgecolor": "none"}
_LONGEST = 5


Scale = tuple[Normalize, Colormap]


@dataclass(frozen=True)
class Grid:
    """Square cells on a page: left, top and side in inches; cell (0, 0) is at the top left."""

    left: float
    top: float
    side: float
    numbered: bool = True

    def box(self, row: float, column: float, rows: float = 1, columns: float = 1) -> Box:
        """The rectangle of so many rows and columns from that cell on."""
        return (self.left + column * self.side, self.top + row * self.side, columns * self.side, rows * self.side)


def number(value: float) -> str:
    """Short, for a line of text: whole numbers whole, others with four digits that count."""
    text = f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e6 else f"{value:.4g}"
    return "0" if text == "-0" else text.replace("-", MINUS)


def cell_texts(values: NDArray[Any], like: NDArray[Any] | None = None) -> list[str]:
    """Each value, in reading order, in at most about six characters; `like` are numbers that decide the decimals."""
    basis = values if like is None else like
    finite = np.abs(basis[np.isfinite(basis)]).astype(np.float64)
    largest = float(finite.max()) if finite.size else 0.0
    whole = bool((finite == np.rint(finite)).all())
    return [_short(float(value), largest, whole) for value in values.ravel()]


def _short(value: float, largest: float, whole: bool) -> str:
    if value == 0 or not np.isfinite(value):
        return f"{value:.0f}".replace("-0", "0").replace("inf", "∞").replace("-", MINUS)
    if whole and largest < 10**_LONGEST:
        return f"{value:.0f}".replace("-", MINUS)
    if largest >= 10_000 or largest < 0.01:
        return f"{value:.0e}".replace("-", MINUS)
    decimals = next(decimals for limit, decimals in ((0.1, 3), (10, 2), (100, 1), (np.inf, 0)) if largest < limit)
    text = f"{value:.{decimals}f}"
    return (text if float(text) else text.lstrip("-")).replace("-", MINUS)


def size_that_fits(texts: Iterable[str], side: float) -> float | None:
    """Points in which every text fits a cell of `side` inches; None where that is too small to read."""
    widest = max((text_width(text, LARGEST) for text in set(texts)), default=0.0)
    size = min(LARGEST, 0.78 * side / widest * LARGEST if widest else LARGEST, side * 72 * 0.45)
    return size if size >= SMALLEST else None


def draw_cells(
    page: Page, grid: Grid, values: NDArray[Any], scale: Scale, outside: str = "", like: NDArray[Any] | None = None
) -> None:
    """Draw (h, w) values, with their numbers where all fit; NaN is a cell outside, hatched and labelled `outside`.

    like: numbers of other grids beside this one, so that all are written alike.
    """
    rows, columns = values.shape
    page.picture(values, grid.box(0, 0, rows, columns), *scale)
    size = size_that_fits(cell_texts(values if like is None else like), grid.side) if grid.numbered else None
    for (row, column), text in zip(np.ndindex(rows, columns), cell_texts(values, like), strict=True):
        value = float(values[row, column])
        if size is not None and not np.isnan(value):
            _write(page, grid.box(row + 0.5, column + 0.5), text, size=size, color=ink_on(value, scale))
    _hatch_outside(page, grid, np.isnan(values))
    size = size_that_fits([outside], grid.side) if grid.numbered else None
    for row, column in np.argwhere(np.isnan(values)) if size is not None else ():
        _write(page, grid.box(row + 0.5, column + 0.5), outside, size=size, bbox=LABEL)
    if grid.side >= RULED:
        rule(page, grid, rows, columns)


def _hatch_outside(page: Page, grid: Grid, outside: NDArray[np.bool_]) -> None:
    """One rectangle for cells beside each other, and for rows that are alike: there may be thousands."""
    starts = [0, *(row for row in range(1, len(outside)) if (outside[row] != outside[row - 1]).any()), len(outside)]
    for first, last in pairwise(starts):
        edges = np.flatnonzero(np.diff(np.pad(outside[first].astype(np.int8), 1)))
        for left, right in edges.reshape(-1, 2):
            hatch(page, grid.box(first, left, last - first, right - left))


def _write(page: Page, box: Box, text: str, **look: Any) -> None:
    page.text(box[0], box[1], text, ha="center", **look)


def hatch(page: Page, box: Box, *, dense: bool = False) -> None:
    """Mark a rectangle as outside."""
    left, top, width, height = box
    look: dict[str, Any] = {"hatch": "xxxx", "edgecolor": MUTED} if dense else {"hatch": "////", "edgecolor": HATCH}
    page.axes.add_patch(Rectangle((left, top), width, height, facecolor=OUTSIDE, linewidth=0, **look))


def rule(page: Page, grid: Grid, rows: int, columns: int) -> None:
    """Thin lines between the cells."""
    left, top, width, height = grid.box(0, 0, rows, columns)
    downs, across = (np.arange(count + 1) * grid.side for count in (rows, columns))
    lines = [[(left, top + y), (left + width, top + y)] for y in downs]
    lines += [[(left + x, top), (left + x, top + height)] for x in across]
    page.axes.add_collection(LineCollection(lines, colors=RULE, linewidths=0.6, zorder=1.1), autolim=False)


def ink_on(value: float, scale: Scale) -> str:
    """Dark or white, whichever is read better on a value's colour."""
    norm, colours = scale
    red, green, blue, _ = colours(float(np.clip(norm(value), 0, 1)))
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else PAPER


def frame(page: Page, box: Box, colour: str, width: float = 2.0) -> None:
    """An outline around a rectangle, with a white rim, so that it is seen on any ground."""
    left, top, across, down = box
    for edge, size in ((PAPER, width + 1.6), (colour, width)):
        page.axes.add_patch(Rectangle((left, top), across, down, fill=False, edgecolor=edge, linewidth=size, zorder=2))


def caption(page: Page, x: float, y: float, text: str, **look: Any) -> None:
    """A small grey line."""
    page.text(x, y, text, **{"size": SMALL, "color": MUTED, **look})

"""The arithmetic of one output cell made visible: patch × kernel = products, their sum, and what follows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnexp.figures.cells import LINE, Grid, Scale, caption, draw_cells, number
from cnnexp.figures.page import HEADING, Page, blank_page, counted
from cnnexp.figures.scales import colour_scale, shared_limits
from cnnexp.figures.style import BODY, INK, MARGIN, MUTED, RULE, styled

MOST_CHANNELS = 3
_WIDEST = 8.0  # inches of a page, at least
_SIGN, _LABEL = 0.5, 0.95  # inches for × and =, and for the name of a channel
_PANEL, _CELL = 3.7, 0.62  # inches: about the width of a panel, and the largest cell
_ROW = 0.22  # inches between two channels
_SUMS = 4.4  # inches of the column of sums

Line = tuple[str, str]
"""What a number is, and the number."""


@dataclass(frozen=True, eq=False)
class Product:
    """One cell of a convolution. patch, kernel: (kernel height, kernel width, channels); inside: (height, width).

    after: what follows the sum of all products, such as ("relu", "0"); `scale` is that of the patch.
    """

    patch: NDArray[Any]
    inside: NDArray[np.bool_]
    kernel: NDArray[Any]
    after: Sequence[Line]
    scale: Scale


def convolution_figure(product: Product, *, title: str, note: str) -> Figure:
    """Patch, kernel and products of each channel (of more than three the three that add most), and the sum."""
    products = product.patch.astype(np.float64) * product.kernel
    sums = products.sum(axis=(0, 1))
    chosen = _strongest(sums)
    rows, columns = product.inside.shape
    side = min(_PANEL / max(rows, columns), _CELL)
    band = max(rows * side, 0.3) + _ROW
    lines = _sum_lines(sums, chosen, product.after)
    with styled(title):
        label = _LABEL if len(sums) > 1 else 0.0
        width = 2 * MARGIN + label + 3 * columns * side + 2 * _SIGN
        top = HEADING + 0.3
        height = top + len(chosen) * band + 0.1 + LINE * len(lines) + MARGIN
        page = blank_page(max(width, _WIDEST), height)
        page.heading(title, note)
        _head(page, (MARGIN + label, top), side * columns)
        for place, channel in enumerate(chosen):
            y = top + place * band
            if label:
                page.text(MARGIN, y + rows * side / 2, f"channel {channel}", room=label - 0.1)
            _draw_channel(page, (MARGIN + label, y, side), product, channel, chosen)
        _draw_lines(page, lines, top + len(chosen) * band + 0.1)
        return page.figure


def _strongest(sums: NDArray[np.float64]) -> list[int]:
    order = np.argsort(-np.abs(np.nan_to_num(sums)), kind="stable")[:MOST_CHANNELS]
    return sorted(order.tolist()) if len(sums) <= MOST_CHANNELS else order.tolist()


def _head(page: Page, corner: tuple[float, float], width: float) -> None:
    left, top = corner
    for place, name in enumerate(("patch", "kernel", "products")):
        x = left + place * (width + _SIGN) + width / 2
        caption(page, x, top - 0.14, name, ha="center")


def _draw_channel(
    page: Page, place: tuple[float, float, float], product: Product, channel: int, beside: list[int]
) -> None:
    """Three panels of one channel; `place` is left, top and the side of a cell. Numbers are written as in `beside`."""
    left, top, side = place
    rows, columns = product.inside.shape
    products = product.patch.astype(np.float64) * product.kernel
    shown = np.where(product.inside[..., None], product.patch.astype(np.float64), np.nan)
    panels = [
        (shown, product.scale),
        (product.kernel, _around_zero(product.kernel)),
        (products, _around_zero(products)),
    ]
    for number_of, (values, scale) in enumerate(panels):
        x = left + number_of * (columns * side + _SIGN)
        draw_cells(page, Grid(x, top, side), values[..., channel], scale, "0", like=values[..., beside])
        if number_of < 2:
            sign = "×="[number_of]
            page.text(x + columns * side + _SIGN / 2, top + rows * side / 2, sign, size=14, ha="center", color=MUTED)


def _around_zero(values: NDArray[Any]) -> Scale:
    low, high = shared_limits([-np.abs(values)])
    return colour_scale((min(low, -high), max(high, -low)))


def _sum_lines(sums: NDArray[np.float64], chosen: Sequence[int], after: Sequence[Line]) -> list[Line]:
    lines = [(f"sum of channel {channel}", number(sums[channel])) for channel in chosen] if len(sums) > 1 else []
    others = len(sums) - len(chosen)
    if others:
        rest = float(np.delete(sums, chosen).sum())
        lines.append((f"sum of {counted(others, 'other channel')}", number(rest)))
    return [*lines, ("sum of all products", number(float(sums.sum()))), *after]


def _draw_lines(page: Page, lines: Sequence[Line], top: float) -> None:
    """A column of numbers as one adds by hand; the last one is the result."""
    right = MARGIN + _SUMS
    for place, (name, value) in enumerate(lines):
        y, last = top + place * LINE + LINE / 2, place == len(lines) - 1
        if last:
            page.axes.plot([MARGIN, right], [y - LINE / 2] * 2, color=RULE, linewidth=1)
        look: dict[str, Any] = {"weight": "bold"} if last else {}
        page.text(MARGIN, y, name, room=_SUMS - 1.1, size=BODY, **look)
        page.text(right, y, value, ha="right", color=INK, size=BODY, **look)


def pool_figure(
    patch: NDArray[Any],
    scale: Scale,
    lines: Sequence[Line],
    *,
    title: str,
    note: str,
    outside: str,
) -> Figure:
    """The (h, w) cells that one position of a pool reads, NaN where they lie outside, and what becomes of them."""
    rows, columns = patch.shape
    side = min(_PANEL / max(rows, columns), 2 * _CELL)
    with styled(title):
        top = HEADING + 0.3
        page = blank_page(_WIDEST, top + rows * side + 0.2 + LINE * len(lines) + MARGIN)
        page.heading(title, note)
        caption(page, MARGIN, top - 0.14, "window")
        draw_cells(page, Grid(MARGIN, top, side), patch.astype(np.float64), scale, outside)
        _draw_lines(page, lines, top + rows * side + 0.2)
        return page.figure

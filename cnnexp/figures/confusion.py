"""Which classes are read right, and what the others are taken for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from cnnexp.figures.glyphs import class_labels
from cnnexp.figures.page import HEADING, blank_page, shorten, text_width
from cnnexp.figures.style import BLUE, BODY, INK, MARGIN, MUTED, PAPER, RED, RULE, SMALL, styled

_RIGHT = LinearSegmentedColormap.from_list("right", [PAPER, "#CFE0EE"])
_WRONG = LinearSegmentedColormap.from_list("wrong", [PAPER, "#F8C9A6", RED, "#6B2500"])
_NAME = 1.4  # inches that a class name may take
_DOT = 9  # points: the larger of the dots that stand on an axis
_SMALLEST = 6.0  # points: numbers that would have to be smaller are left out


def confusion_matrix(counts: NDArray[Any], class_names: Sequence[str], *, title: str) -> Figure:
    """How many of each true class (row) were read as each class (column), coloured by the share of it.

    `counts` is (classes, classes). What was read right is pale, so that the errors stand out.
    """
    counts = np.asarray(counts, dtype=np.int64)
    classes = len(counts)
    with styled(title, *class_names):
        cell = float(np.clip(5.2 / classes, 0.17, 1.1))
        size = min(BODY, cell * 72 * 0.75)
        names = [shorten(name, size, _NAME) for name in class_labels(class_names)]
        longest = max(text_width(name, size) for name in names)
        upright = longest > 0.85 * cell
        left, side = MARGIN + 0.35 + longest, cell * classes
        bottom = (longest if upright else 0.2) + 0.5
        page = blank_page(left + side + 1.35, HEADING + side + bottom + 0.1)
        page.heading(title, _score(counts))
        axes = page.axes_at((left, HEADING, side, side))
        wrong = _draw_shares(axes, counts)
        _write_counts(axes, counts, cell, wrong.get_clim()[1] or 100.0)
        axes.set_xticks(range(classes), names, rotation=90 if upright else 0, size=size)
        axes.set_yticks(range(classes), names, size=size)
        axes.tick_params(length=0, pad=4)
        axes.set_ylabel("true class")
        axes.set_xlabel("read as")
        bar = (left + side + 0.25, HEADING, 0.14, side)
        page.colour_bar(wrong, bar, "errors: share of the true class (%)")
        return page.figure


def _draw_shares(axes: Axes, counts: NDArray[np.int64]) -> AxesImage:
    """Colour the cells, the diagonal on a pale scale of its own; returns the image of the errors."""
    totals = counts.sum(axis=1, keepdims=True)
    shares = 100 * counts / np.maximum(totals, 1)
    diagonal = np.eye(len(counts), dtype=bool)
    errors = np.where(diagonal, np.nan, shares)
    axes.imshow(np.where(diagonal, shares, np.nan), cmap=_RIGHT, norm=Normalize(0, 100), interpolation="nearest")
    highest = max(2.0, float(np.nanmax(errors, initial=0)))
    image = axes.imshow(errors, cmap=_WRONG, norm=Normalize(0, highest), interpolation="nearest")
    edges = np.arange(len(counts) - 1) + 0.5
    axes.grid(False)
    axes.hlines(edges, -0.5, len(counts) - 0.5, color=RULE, linewidth=0.6)
    axes.vlines(edges, -0.5, len(counts) - 0.5, color=RULE, linewidth=0.6)
    axes.spines[:].set_visible(True)
    return image


def _write_counts(axes: Axes, counts: NDArray[np.int64], cell: float, highest: float) -> None:
    """A number in every cell that is not zero, if the largest is legible in a cell of that many inches.

    Numbers are white on the dark cells: errors near the `highest` share of a true class, in per cent.
    """
    size = min(BODY, 0.85 * cell / text_width("0" * len(str(counts.max())), 1))
    if size < _SMALLEST or len(counts) > 25:
        return
    totals = np.maximum(counts.sum(axis=1), 1)
    for row, column in zip(*np.nonzero(counts), strict=True):
        dark = row != column and 100 * counts[row, column] / totals[row] > 0.6 * highest
        colour = PAPER if dark else INK
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", size=size, color=colour)


def _score(counts: NDArray[np.int64]) -> str:
    total, right = int(counts.sum()), int(np.trace(counts))
    if total == 0:
        return "no digits"
    return f"{right:,} of {total:,} read correctly ({100 * right / total:.1f} %, blue); errors orange"


def per_class(
    precision: NDArray[Any], recall: NDArray[Any], counts: NDArray[Any], class_names: Sequence[str]
) -> Figure:
    """Precision and recall of each class as dots on one axis, and how many digits of the class there were.

    All three arrays are (classes,), shares 0..1; NaN where a class has none, which leaves its dot out.
    """
    classes = len(class_names)
    with styled(*class_names):
        names = [shorten(name, BODY, _NAME) for name in class_labels(class_names)]
        left = MARGIN + 0.5 + max(text_width(name, BODY) for name in names)
        depth = classes * (0.32 if classes <= 20 else 0.24)
        page = blank_page(left + 6.2, HEADING + 0.5 + depth + 0.65)
        page.heading("Precision and recall per class", _averages(precision, recall))
        width = page.width - left - 1.1
        axes = page.axes_at((left, HEADING + 0.5, width, depth))
        rows = np.arange(classes)
        both = np.stack([100 * np.asarray(precision, dtype=float), 100 * np.asarray(recall, dtype=float)])
        axes.hlines(rows, *both, color=MUTED, linewidth=1.2, zorder=2)
        look: dict[str, Any] = {"linestyle": "none", "clip_on": False, "zorder": 3}
        axes.plot(
            both[0],
            rows,
            marker="o",
            markersize=_DOT,
            color=BLUE,
            label="precision: right among all read as the class",
            **look,
        )
        axes.plot(
            both[1],
            rows,
            marker="D",
            markersize=4.5,
            color="#F0B84A",
            label="recall: right among all of the class",
            **look,
        )
        _class_axis(axes, names, np.asarray(counts), both[np.isfinite(both)])
        return page.figure


def _averages(precision: NDArray[Any], recall: NDArray[Any]) -> str:
    """The plain means over the classes that have one, and how many these are where not all do."""
    parts = []
    for name, shares, having in (("precision", precision, "read at all"), ("recall", recall, "with digits")):
        known = np.asarray(shares, dtype=float)[np.isfinite(shares)]
        few = f" ({known.size} {having})" if known.size < len(shares) else ""
        parts.append(f"{name} {100 * known.mean():.1f} %{few}" if known.size else f"no {name}")
    return "mean over the classes: " + ", ".join(parts)


def _class_axis(axes: Axes, names: list[str], counts: NDArray[Any], values: NDArray[np.float64]) -> None:
    lowest = float(values.min()) if values.size else 0.0
    axes.set_xlim(5 * np.floor((lowest - 1) / 5) if lowest > 50 else 0, 100)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names, size=BODY)
    axes.tick_params(axis="y", length=0, pad=_DOT)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.set_xlabel("share (%)")
    axes.set_ylabel("class")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderpad=0, borderaxespad=0.3)
    across = axes.get_yaxis_transform()
    axes.text(1.15, -0.75, "digits", transform=across, ha="right", va="bottom", size=SMALL, color=MUTED)
    for row, count in enumerate(counts):
        axes.text(1.15, row, f"{count:,}", transform=across, ha="right", va="center", size=SMALL, color=MUTED)

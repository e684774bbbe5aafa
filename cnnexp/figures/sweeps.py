"""What a sweep shows: a metric against each swept value, accuracy against cost, all learning curves, the table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from cnnexp.figures.glyphs import drawable
from cnnexp.figures.page import HEADING, blank_page, shorten, text_width
from cnnexp.figures.style import BLUE, BODY, INK, MARGIN, MUTED, RED, SMALL, TITLE, styled

_HEIGHT = 4.4
_LEGEND_MOST = 12
_COST_WIDTH = 11.0
_NAME_WIDTH = 4.6
_KEY_WIDTH, _KEY_HEIGHT = 0.75, 0.22  # of a legend's mark and the space around a name; of its lines
_VALUES_MOST = 8
_DECADES = 30  # from this ratio on, numbers stand on a logarithmic axis
_LOGARITHMIC = 5  # from this ratio on, losses stand on one, which has at least two of 1, 2, 5, 10 then
_TENS_ALONE = 1000  # from this ratio on, a logarithmic axis counts in tens


@dataclass(frozen=True)
class PlottedRun:
    """One run: its recipe's name, what it varied (key → word), accuracy 0..1, and its three costs."""

    recipe: str
    varied: Mapping[str, str]
    accuracy: float
    parameters: float
    multiply_adds: float
    seconds: float


def metric_against_value(runs: Sequence[PlottedRun], key: str) -> Figure:
    """Validation accuracy against the values of one swept key: every run a dot, the mean of each value a bar.

    More than eight numbers stand at their place on an axis of numbers, without means.
    """
    values = list(dict.fromkeys(run.varied[key] for run in runs if key in run.varied))
    if len(values) > _VALUES_MOST and all(_is_number(value) for value in values):
        return _accuracy_over_numbers(runs, key)
    with styled(key, *values):
        figure, axes = _canvas(max(5.2, 1.1 * len(values) + 2.2), f"{key}: validation accuracy")
        for place, value in enumerate(values):
            found = np.array([run.accuracy for run in runs if run.varied.get(key) == value]) * 100
            spread = np.linspace(-0.14, 0.14, len(found)) if len(found) > 1 else np.zeros(1)
            axes.plot(place + spread, found, "o", color=BLUE, markersize=6, alpha=0.75,
                      label="one run" if place == 0 else None)  # fmt: skip
            axes.plot([place - 0.25, place + 0.25], [found.mean()] * 2, color=RED, linewidth=2.4,
                      label="mean" if place == 0 else None)  # fmt: skip
        axes.set_xticks(range(len(values)), [shorten(value, SMALL, 1.1) for value in values])
        axes.set_xlim(-0.6, len(values) - 0.4)
        axes.set_xlabel(drawable(key))
        axes.grid(axis="x", visible=False)
        _accuracy_axis(axes)
        figure.legend(loc="outside lower center", ncols=2, fontsize=BODY)
        return figure


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _accuracy_over_numbers(runs: Sequence[PlottedRun], key: str) -> Figure:
    found = [(float(run.varied[key]), run.accuracy * 100) for run in runs if key in run.varied]
    numbers = [number for number, _ in found]
    with styled(key):
        figure, axes = _canvas(7.2, f"{key}: validation accuracy")
        axes.plot(numbers, [share for _, share in found], "o", color=BLUE, markersize=6, alpha=0.75, label="one run")
        if min(numbers) > 0 and max(numbers) / min(numbers) > _DECADES:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xlabel(drawable(key))
        _accuracy_axis(axes)
        figure.legend(loc="outside lower center", fontsize=BODY)
        return figure


def cost_against_accuracy(runs: Sequence[PlottedRun]) -> Figure:
    """Validation accuracy against parameters, multiply-adds and seconds: what an accuracy costs.

    Up to a dozen recipes have a colour and a name each; runs that differ in nothing but the seed are one recipe.
    """
    panels = {"parameters": "parameters", "multiply_adds": "multiply-adds a digit", "seconds": "seconds of training"}
    groups: dict[str, list[PlottedRun]] = {}
    for run in runs:
        groups.setdefault(run.recipe, []).append(run)
    with styled(*groups):
        columns = max(1, min(4, int((_COST_WIDTH - MARGIN) / (_widest(groups) + _KEY_WIDTH))))
        lines = math.ceil(len(groups) / columns) if 1 < len(groups) <= _LEGEND_MOST else 0
        figure = Figure(
            figsize=(_COST_WIDTH, _HEIGHT + _KEY_HEIGHT * lines), layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.1)
        )
        FigureCanvasAgg(figure)
        _title(figure, "What the accuracy costs")
        for axes, (field, label) in zip(figure.subplots(1, 3, sharey=True), panels.items(), strict=True):
            _scatter(axes, groups, field)
            axes.set_xlabel(label)
        _accuracy_axis(figure.axes[0])
        if lines:
            dots, names = figure.axes[0].get_legend_handles_labels()
            figure.legend(dots, names, loc="outside lower center", ncols=columns, fontsize=SMALL)
        return figure


def _widest(names: Iterable[str]) -> float:
    """Inches that the names of a legend take."""
    return min(_NAME_WIDTH, max((text_width(drawable(name), SMALL) for name in names), default=0.0))


def _scatter(axes: Axes, groups: Mapping[str, Sequence[PlottedRun]], field: str) -> None:
    """The accuracy of each run, in percent, against one of its costs."""
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.92, len(groups))) if len(groups) <= _LEGEND_MOST else None
    for number, (name, runs) in enumerate(groups.items()):
        costs, shares = [getattr(run, field) for run in runs], [run.accuracy * 100 for run in runs]
        colour = BLUE if colours is None or len(groups) == 1 else colours[number]
        axes.plot(costs, shares, "o", color=colour, markersize=6, alpha=0.75, label=shorten(name, SMALL, _NAME_WIDTH))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short_number(value)))
    axes.set_xlim(*_with_room(np.array([getattr(run, field) for group in groups.values() for run in group], float)))


def all_curves(histories: Mapping[str, Sequence[tuple[int, float]]]) -> Figure:
    """Validation loss of every run over the epochs in one chart; more than a dozen have one colour and no names."""
    names = list(histories)
    with styled(*names):
        few = len(names) <= _LEGEND_MOST
        figure, axes = _canvas(
            6.6 + _KEY_WIDTH + _widest(names) if few else 7.5,
            f"Validation loss of all{'' if few else f' {len(names)}'} runs",
        )
        colours = mpl.colormaps["viridis"](np.linspace(0, 0.92, len(names))) if few else [BLUE] * len(names)
        for colour, (name, points) in zip(colours, histories.items(), strict=True):
            steps, values = zip(*points, strict=True) if points else ((), ())
            axes.plot(steps, values, color=colour, linewidth=1.5, marker="o" if len(steps) == 1 else "",
                      alpha=1 if few else 0.4, label=shorten(name, SMALL, _NAME_WIDTH) if few else None)  # fmt: skip
        axes.set_xlabel("epochs done")
        axes.set_ylabel("cross-entropy (nats)")
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        losses = [value for points in histories.values() for _, value in points]
        if losses and min(losses) > 0 and (ratio := max(losses) / min(losses)) > _LOGARITHMIC:
            axes.set_yscale("log")
            wide = ratio > _TENS_ALONE
            axes.yaxis.set_major_locator(LogLocator() if wide else LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
        if few and names:
            figure.legend(loc="outside right center", fontsize=SMALL)
        return figure


def table_picture(header: Sequence[str], rows: Sequence[Sequence[str]], *, title: str, note: str) -> Figure:
    """A table as a picture: the first row is the best, drawn bold."""
    with styled(title, *(cell for row in rows for cell in row)):
        widths = [
            max(text_width(drawable(cell), BODY) for cell in column) + 0.35
            for column in zip(header, *rows, strict=True)
        ]
        page = blank_page(sum(widths) + 2 * MARGIN, HEADING + 0.3 * (len(rows) + 1) + 0.3)
        page.heading(title, note)
        for line, row in enumerate([header, *rows]):
            left, top = MARGIN, HEADING + 0.15 + 0.3 * line
            for width, cell in zip(widths, row, strict=True):
                page.text(left, top, cell, color=MUTED if line == 0 else INK, weight="bold" if line == 1 else "normal")
                left += width
        return page.figure


def _canvas(width: float, title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, _HEIGHT), layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.1))
    FigureCanvasAgg(figure)
    _title(figure, title)
    return figure, figure.subplots()


def _title(figure: Figure, title: str) -> None:
    width = figure.get_size_inches()[0]
    figure.suptitle(shorten(title, TITLE, width - 2 * MARGIN), x=MARGIN / width, ha="left", fontsize=TITLE)


def _accuracy_axis(axes: Axes) -> None:
    axes.set_ylabel("validation digits read correctly (%)")
    low, high = axes.get_ylim()
    axes.set_ylim(low, min(high, 100 + 0.03 * (100 - low)))


def _with_room(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    room = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room


def _short_number(value: float) -> str:
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"

"""Loss and accuracy over the epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from numpy.typing import NDArray

from cnnexp.figures.history import History, best_epoch, finite, series
from cnnexp.figures.page import shorten
from cnnexp.figures.style import (
    BLUE,
    BODY,
    GREEN,
    MARGIN,
    MUTED,
    ORANGE,
    PAPER,
    RED,
    SKY,
    SMALL,
    TITLE,
    styled,
)

_MANY = 15  # epochs; more of them get lines without markers
_WIDTH = 10.0  # inches
_LABEL = {"facecolor": PAPER, "edgecolor": "none", "pad": 2}


@dataclass(frozen=True)
class _Line:
    split: str
    label: str
    color: str
    marker: str
    dashes: str


_LINES = (
    _Line("train", "training (dropout on)", SKY, "^", "--"),
    _Line("train_eval", "training (dropout off)", BLUE, "o", "-"),
    _Line("val", "validation", RED, "s", "-"),
)


def learning_curves(history: History, *, title: str) -> Figure:
    """Loss, accuracy and, where it varies, the learning rate, over the epochs (0 = before training).

    `history` holds (step, value) pairs by metric: `loss/train`, `loss/train_eval`, `loss/val`, `loss/test`,
    the same of `accuracy`, `learning_rate`, and `best/epoch`, whose last value is the epoch of the kept weights
    (without it, that of the lowest `loss/val` is marked). Any may be missing; values that are not finite leave a
    gap and are named.
    """
    rates = finite(history.get("learning_rate", ()))[1]
    varies = rates.size > 1 and float(np.ptp(rates)) > 1e-9 * float(np.max(rates))
    with styled(title):
        width = _WIDTH + 3 * varies
        figure = Figure(figsize=(width, 4.3), layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.1))
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, 2 + varies, width_ratios=[1, 1, 0.6][: 2 + varies], squeeze=False)[0]
        figure.suptitle(shorten(title, TITLE, width - 2 * MARGIN), x=MARGIN / width, ha="left", size=TITLE)
        _panel(panels[0], history, "loss", 1.0)
        _panel(panels[1], history, "accuracy", 100.0)
        panels[0].set_ylabel("cross-entropy (nats)")
        panels[1].set_ylabel("digits read correctly (%)")
        if varies:
            steps, values = series(history["learning_rate"])
            panels[2].plot(steps, values, color=GREEN, marker=_marker("o", steps), markersize=4)
            panels[2].set(title="learning rate", ylabel="step size of the optimizer")
            _wide_range_as_logarithm(panels[2], values)
        for panel in panels:
            _epoch_axis(panel, history)
        _legend(figure, panels[0], panels[1])
        return figure


def _panel(axes: Axes, history: History, quantity: str, unit: float) -> None:
    """Draw all lines of one quantity, its values multiplied by `unit`."""
    drawn = [_draw(axes, history, quantity, unit, line) for line in _LINES]
    test = finite(history.get(f"{quantity}/test", ()))
    values = np.concatenate([*(line[1] for line in drawn), test[1] * unit])
    best = best_epoch(history)
    axes.set_title(quantity)
    if values.size == 0:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "nothing recorded", transform=axes.transAxes, ha="center", color=MUTED)
    elif best is not None:
        axes.axvline(best, color=MUTED, linestyle=":", linewidth=1.4, label=_best_label(history, best), zorder=1)
    if test[1].size:
        _test_value(axes, int(test[0][-1]), float(test[1][-1]) * unit, " %" if unit == 100 else "")
    if quantity == "loss":
        _wide_range_as_logarithm(axes, values)
    else:
        _leave_out_the_start(axes, np.concatenate([*(line[0] for line in drawn), test[0]]), values)
    _name_gap(axes, history, quantity)


def _draw(
    axes: Axes, history: History, quantity: str, unit: float, line: _Line
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw one line, with gaps where a value is not finite; returns the steps and values that are."""
    pairs = history.get(f"{quantity}/{line.split}", ())
    steps, values = series(pairs)
    look: dict[str, Any] = {"color": line.color, "linestyle": line.dashes, "markersize": 4.5}
    if np.isfinite(values).any():
        axes.plot(steps, values * unit, label=line.label, marker=_marker(line.marker, steps), **look)
    known, finite_values = finite(pairs)
    return known, finite_values * unit


def _test_value(axes: Axes, step: int, value: float, suffix: str) -> None:
    """A star at the test value, and the value itself at the right of the panel, where no curve passes."""
    axes.axhline(value, color=ORANGE, linewidth=0.9, zorder=1)
    star: dict[str, Any] = {"color": ORANGE, "markersize": 14, "markeredgecolor": "#5A3E00"}
    axes.plot([step], [value], "*", label="test", zorder=5, **star)
    written = f"test\n{value:.1f}{suffix}" if suffix else f"test\n{value:.3g}"
    axes.annotate(
        written,
        (1, value),
        xycoords=axes.get_yaxis_transform(),
        xytext=(7, 0),
        textcoords="offset points",
        va="center",
        size=SMALL,
        annotation_clip=False,
    )


def _leave_out_the_start(axes: Axes, steps: NDArray[np.int64], values: NDArray[np.float64]) -> None:
    """Begin the axis at the lowest accuracy after training began, where that at least halves its range.

    The few per cent before training would press all that matters into a line; they are written down instead.
    """
    start, later = values[steps <= 0], values[steps > 0]
    if start.size == 0 or np.unique(steps).size < 3:
        return
    low, high = float(later.min()), float(later.max())
    if low - start.min() > high - low > 0:
        room = 0.07 * (high - low)
        axes.set_ylim(low - room, min(high + room, 100 + room / 2))
        axes.set_title(f"accuracy ({start[-1]:.0f} % before training)")


def _name_gap(axes: Axes, history: History, quantity: str) -> None:
    """Say since when a value is no number, for a curve that ends early tells nothing by itself."""
    lost = [
        step for line in _LINES for step, value in history.get(f"{quantity}/{line.split}", ()) if not np.isfinite(value)
    ]
    if lost:
        note = f"not a finite number: epoch {min(lost)}" + (" and later" if max(lost) > min(lost) else "")
        look: dict[str, Any] = {"ha": "right", "va": "top", "size": SMALL, "color": RED, "bbox": _LABEL}
        axes.text(0.98, 0.97, note, transform=axes.transAxes, **look)


def _epoch_axis(axes: Axes, history: History) -> None:
    steps = [step for key, pairs in history.items() if not key.startswith("best/") for step, _ in pairs]
    first, last = min([0, *steps]), max([1, *steps])
    room = 0.04 * (last - first)
    axes.set_xlim(first - room, last + room)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel("epochs done")


def _wide_range_as_logarithm(axes: Axes, values: NDArray[np.float64]) -> None:
    """A logarithmic axis where the highest value is more than ten times the lowest, else a linear one."""
    known = values[np.isfinite(values)]
    if known.size and known.min() > 0 and known.max() > 10 * known.min():
        axes.set_yscale("log")
        few = known.max() < 300 * known.min()
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_formatter(NullFormatter())


def _legend(figure: Figure, *panels: Axes) -> None:
    """One legend below both panels, every label once."""
    handles, labels = [], []
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            if label not in labels:
                handles.append(handle)
                labels.append(label)
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=BODY)


def _best_label(history: History, epoch: int) -> str:
    return f"weights kept: epoch {epoch}" if history.get("best/epoch") else f"lowest loss: epoch {epoch}"


def _marker(marker: str, steps: NDArray[np.int64]) -> str:
    return marker if len(steps) <= _MANY + 1 else ""

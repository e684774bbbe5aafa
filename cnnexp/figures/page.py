"""A white sheet measured in inches from its top left corner, for figures made of many small pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from cnnexp.figures.glyphs import drawable
from cnnexp.figures.style import BODY, INK, MARGIN, MUTED, PAPER, RULE, SMALL, TITLE

Box = tuple[float, float, float, float]  # left, top, width, height in inches
HEADING = 0.95  # inches that a heading of two lines takes, margin included
NARROWEST = 5.8  # inches that a heading needs


@dataclass(frozen=True)
class Page:
    """A figure whose one full-size axes count in inches: x to the right, y downwards."""

    figure: Figure
    axes: Axes
    width: float
    height: float

    def heading(self, title: str, note: str) -> None:
        """What is seen, and in grey what has to be known to read it."""
        room = self.width - 2 * MARGIN
        self.text(MARGIN, 0.36, title, size=TITLE, room=room)
        self.text(MARGIN, 0.66, note, color=MUTED, room=room)

    def text(self, x: float, y: float, text: str, *, room: float | None = None, **look: Any) -> None:
        """Write one line, vertically centred at y, shortened to `room` inches."""
        look = {"size": BODY, "color": INK, "ha": "left", "va": "center", **look}
        line = drawable(text) if room is None else shorten(text, look["size"], room)
        self.axes.text(x, y, line, **look)

    def picture(self, pixels: NDArray[Any], box: Box, norm: Normalize, colours: str | Colormap) -> AxesImage:
        """Show an (h, w) or (h, w, 3) array over the whole box, each value a flat rectangle, in a frame."""
        left, top, width, height = box
        self.axes.add_artist(Rectangle((left, top), width, height, fill=False, edgecolor=RULE, linewidth=0.8))
        return self.axes.imshow(
            pixels,
            extent=(left, left + width, top + height, top),
            norm=norm,
            cmap=colours,
            interpolation="nearest",
            aspect="auto",
        )

    def digit(self, pixels: NDArray[Any], box: Box) -> AxesImage:
        """Show a picture of values 0..1 as dark ink on white paper, or in its colours."""
        return self.picture(pixels, box, Normalize(0, 1), "Greys")

    def colour_bar(self, image: ScalarMappable, box: Box, label: str) -> None:
        """Draw the scale of an image as an upright bar in the box; its numbers stand to the right."""
        bar = self.figure.colorbar(image, cax=self.axes_at(box))
        bar.outline.set_visible(False)
        bar.ax.grid(False)
        bar.ax.yaxis.set_major_locator(MaxNLocator(5, min_n_ticks=3))
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}".replace("-", "\N{MINUS SIGN}")))
        bar.set_label(label, size=SMALL)

    def axes_at(self, box: Box) -> Axes:
        """New axes that fill the box."""
        left, top, width, height = box
        bottom = self.height - top - height
        return self.figure.add_axes((left / self.width, bottom / self.height, width / self.width, height / self.height))


def blank_page(width: float, height: float) -> Page:
    """A page of that many inches, at least wide enough for a heading."""
    width = max(width, NARROWEST)
    figure = Figure(figsize=(width, height), facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_autoscale_on(False)
    return Page(figure, axes, width, height)


def fit(shape: tuple[int, ...], box: Box) -> Box:
    """The largest box of the proportions of an (h, w, ...) picture, centred in `box`; no thinner than 1:4."""
    ratio = float(np.clip(shape[0] / shape[1], 0.25, 4))
    left, top, room, depth = box
    width = min(room, depth / ratio)
    height = width * ratio
    return left + (room - width) / 2, top + (depth - height) / 2, width, height


def counted(number: int, noun: str) -> str:
    """Such as "1 filter" and "1,200 filters"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def text_width(text: str, size: float) -> float:
    """Inches that one line takes in the fonts in force."""
    points, _, _ = _measure().get_text_width_height_descent(text, FontProperties(size=size), False)
    return float(points) / 72


def shorten(text: str, size: float, room: float) -> str:
    """`text` if it fits into `room` inches, else as many of its characters as do, and an ellipsis."""
    line = drawable(text)
    if text_width(line, size) <= room:
        return line
    fits = 0
    for length in range(1, len(line)):
        if text_width(line[:length].rstrip() + "…", size) > room:
            break
        fits = length
    return line[:fits].rstrip() + "…"


@cache
def _measure() -> Any:
    return RendererAgg(1, 1, 72)  # type: ignore[no-untyped-call]

"""Figures to bytes and to pixels, the same ones every time."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnexp.figures.style import PAPER, styled

DPI = 120


def png_bytes(figure: Figure, dpi: float = DPI) -> bytes:
    """The figure as PNG on white; equal figures give equal bytes (no date, no version inside)."""
    buffer = BytesIO()
    with styled():
        figure.savefig(buffer, format="png", dpi=dpi, facecolor=PAPER, metadata={"Software": None})
    return buffer.getvalue()


def figure_rgb(figure: Figure, dpi: float = DPI) -> NDArray[np.uint8]:
    """The figure's pixels, (height, width, 3), on white. The figure keeps its own resolution."""
    own = figure.dpi
    canvas: Any = FigureCanvasAgg(figure)
    try:
        figure.set_dpi(dpi)
        with styled():
            canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()
    finally:
        figure.set_dpi(own)

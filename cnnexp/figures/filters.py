"""What training did to the kernels of a convolution layer."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnexp.figures.page import HEADING, blank_page, counted, fit
from cnnexp.figures.scales import colour_scale, shared_limits
from cnnexp.figures.style import BODY, MARGIN, styled

_MOST = 32
_APART, _SPACE = 0.4, 0.06  # inches between the three panels, and between two kernels


def filters_before_after(before: NDArray[Any], after: NDArray[Any], *, layer: str) -> Figure:
    """Kernels before training, after it, and the change, on one scale around 0; at most 32 of them.

    Both arrays are (kh, kw, in, out). Kernels of three input channels are shown in colour (grey
    is 0), of others those of input channel 0.
    """
    shown = min(before.shape[-1], _MOST)
    first, last = (kernels[..., :shown].astype(np.float64) for kernels in (before, after))
    panels = {"before training": first, "after training": last, "change": last - first}
    if before.shape[2] != 3:
        panels = {name: kernels[:, :, :1] for name, kernels in panels.items()}
    limits = shared_limits([-np.abs(kernels) for kernels in panels.values()])
    reach = limits[1]
    norm, colours = colour_scale((-reach, reach))
    across = _columns(shown)
    cell = float(np.clip(3.2 / across, 0.4, 1.0))
    _, _, wide, high = fit(before.shape[:2], (0, 0, cell, cell))
    with styled(layer):
        top, panel = HEADING + 0.3, max(across * (wide + _SPACE), 1.2)
        depth = ceil(shown / across) * (high + _SPACE)
        page = blank_page(2 * MARGIN + 3 * panel + 2 * _APART + 0.95, top + max(depth, 1.0) + MARGIN)
        page.heading(f"{layer}: kernels before and after training", _note(before, shown, reach))
        for place, (name, kernels) in enumerate(panels.items()):
            left = MARGIN + place * (panel + _APART)
            page.text(left, top - 0.16, name, size=BODY)
            for index, pixels in enumerate(np.moveaxis(_pixels(kernels, reach), -1, 0)):
                x, y = left + index % across * (wide + _SPACE), top + index // across * (high + _SPACE)
                image = page.picture(pixels, (x, y, wide, high), norm, colours)
        if before.shape[2] != 3:
            bar = (MARGIN + 3 * panel + 2 * _APART + 0.15, top, 0.14, max(depth - _SPACE, 1.0))
            page.colour_bar(image, bar, "weight")
        return page.figure


def _columns(number: int) -> int:
    """About the square root, rather a little more than rows that are not full."""
    least = ceil(sqrt(number))
    return next((columns for columns in range(least, least + 3) if number % columns == 0), least)


def _pixels(kernels: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """(kh, kw, 1, n) to values (kh, kw, n); (kh, kw, 3, n) to colours 0..1 (kh, kw, 3, n)."""
    if kernels.shape[2] == 3:
        return np.nan_to_num(np.clip(0.5 + kernels / (2 * reach), 0, 1))
    return kernels[:, :, 0]


def _note(kernels: NDArray[Any], shown: int, reach: float) -> str:
    height, width, inputs, outputs = kernels.shape
    parts = [
        f"{shown} of {outputs} filters shown" if shown < outputs else counted(outputs, "filter"),
        f"{height} \N{MULTIPLICATION SIGN} {width}",
    ]
    if inputs == 3:
        return ", ".join([*parts, f"input channels as red, green, blue; grey is 0, full colour ±{reach:.2g}"])
    if inputs > 1:
        parts.append(f"input channel 0 of {inputs}")
    return ", ".join(parts) + "; one colour scale"

"""The kernels of a convolution layer: what training did to them, and how strongly each reads each of its inputs."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnexp.figures.cells import caption
from cnnexp.figures.page import HEADING, blank_page, counted, fit, text_width
from cnnexp.figures.scales import colour_scale, shared_limits
from cnnexp.figures.style import BODY, MARGIN, SMALL, styled

_MOST = 32
_APART, _SPACE = 0.4, 0.06  # inches between the panels, and between two kernels
_LARGEST, _ACROSS, _DOWN = 0.3, 8.5, 6.0  # inches of the table of norms: a cell, all filters, all inputs
_NUMBER, _LINE = 0.4, 0.25  # inches that a number beside it needs, across and downwards


def filters_before_after(before: NDArray[Any] | None, after: NDArray[Any], *, layer: str) -> Figure:
    """Kernels before training, after it, and the change, on one scale around 0; at most 32 of them.

    Both arrays are (kh, kw, in, out); without `before` only those after training are shown. Kernels of three input
    channels are shown in colour (grey is 0), of others those of input channel 0.
    """
    shown = min(after.shape[-1], _MOST)
    last = after[..., :shown].astype(np.float64)
    panels = {"after training": last}
    if before is not None:
        first = before[..., :shown].astype(np.float64)
        panels = {"before training": first, "after training": last, "change": last - first}
    if after.shape[2] != 3:
        panels = {name: kernels[:, :, :1] for name, kernels in panels.items()}
    limits = shared_limits([-np.abs(kernels) for kernels in panels.values()])
    reach = limits[1]
    norm, colours = colour_scale((-reach, reach))
    across = _columns(shown)
    cell = float(np.clip(3.2 / across, 0.4, 1.0))
    _, _, wide, high = fit(after.shape[:2], (0, 0, cell, cell))
    with styled(layer):
        top, panel = HEADING + 0.3, max(across * (wide + _SPACE), 1.2)
        depth = ceil(shown / across) * (high + _SPACE)
        right = MARGIN + len(panels) * (panel + _APART)
        page = blank_page(right + MARGIN - _APART + 0.95, top + max(depth, 1.0) + MARGIN)
        page.heading(f"{layer}: kernels {'before and ' * (before is not None)}after training",
                     _note(after, shown, reach))  # fmt: skip
        for place, (name, kernels) in enumerate(panels.items()):
            left = MARGIN + place * (panel + _APART)
            page.text(left, top - 0.16, name, size=BODY)
            for index, pixels in enumerate(np.moveaxis(_pixels(kernels, reach), -1, 0)):
                x, y = left + index % across * (wide + _SPACE), top + index // across * (high + _SPACE)
                image = page.picture(pixels, (x, y, wide, high), norm, colours)
        if after.shape[2] != 3:
            bar = (right - _APART + 0.15, top, 0.14, max(depth - _SPACE, 1.0))
            page.colour_bar(image, bar, "weight")
        return page.figure


def kernel_norms(kernels: NDArray[Any], *, layer: str, reads: str) -> Figure:
    """How strongly each filter (column) reads each channel of its input (row): the norm of the kernel between them.

    kernels: (kh, kw, in, out); the norm is the square root of the sum of its squared weights. reads: the input's name.
    """
    norms = np.sqrt(np.square(kernels.astype(np.float64)).sum(axis=(0, 1)))
    (height, width), (inputs, outputs) = kernels.shape[:2], norms.shape
    wide, high = min(_ACROSS / outputs, _LARGEST), min(_DOWN / inputs, _LARGEST)
    with styled(layer, reads):
        left, top = MARGIN + 0.15 + max(text_width(str(inputs - 1), SMALL), 0.2), HEADING + 0.55
        box = (left, top, outputs * wide, inputs * high)
        page = blank_page(left + box[2] + 1.2, top + max(box[3], 1.0) + MARGIN)
        title = f"{layer}: how strongly its filters read {reads}"
        page.heading(title, f"norm of the {height} \N{MULTIPLICATION SIGN} {width} weights of each pair")
        image = page.picture(norms, box, *colour_scale(shared_limits([norms])))
        caption(page, left, top - 0.34, f"filter of {layer}; downwards: channel of {reads}")
        for number in range(0, outputs, ceil(_NUMBER / wide)):
            caption(page, left + (number + 0.5) * wide, top - 0.12, str(number), ha="center")
        for number in range(0, inputs, ceil(_LINE / high)):
            caption(page, left - 0.08, top + (number + 0.5) * high, str(number), ha="right")
        page.colour_bar(image, (left + box[2] + 0.15, top, 0.14, max(min(box[3], 3.0), 1.0)), "norm")
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

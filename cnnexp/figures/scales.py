"""One colour scale over many arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import Colormap, Normalize
from numpy.typing import NDArray

from cnnexp.figures.style import RULE

Limits = tuple[float, float]


def shared_limits(arrays: Iterable[NDArray[Any]]) -> Limits:
    """The limits of one scale over all arrays: (0, highest), or (-m, m) where a value is negative.

    Values that are not finite do not count; where nothing but zero is left, the limits are (0, 1).
    """
    low, high = 0.0, 0.0
    for array in arrays:
        finite = array[np.isfinite(array)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low < 0:
        reach = max(-low, high)
        return -reach, reach
    return 0.0, high or 1.0


def colour_scale(limits: Limits) -> tuple[Normalize, Colormap]:
    """Sequential from 0, diverging around a white 0 where the limits reach below it; NaN is pale grey."""
    name = "RdBu_r" if limits[0] < 0 else "viridis"
    return Normalize(*limits), mpl.colormaps[name].with_extremes(bad=RULE)

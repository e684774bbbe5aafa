"""What every figure must keep: all of its text inside, and none of it on top of other text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from cnnexp.figures import figure_rgb

CheckFigure = Callable[[Figure], list[str]]


@pytest.fixture
def check_figure() -> CheckFigure:
    """Draws a figure, asserts that it is white at its rim and that its texts are whole; returns these texts."""

    def check(figure: Figure) -> list[str]:
        pixels = figure_rgb(figure, dpi=figure.dpi)
        rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert (rim == 255).all(), "something is cut at the rim"
        texts = _drawn_texts(figure)
        boxes = np.array([text.get_window_extent().extents for text in texts])
        for text, (left, bottom, right, top) in zip(texts, boxes, strict=True):
            inside = min(left, bottom) >= -1 and right <= figure.bbox.width + 1 and top <= figure.bbox.height + 1
            assert inside, f"{text.get_text()!r} leaves the canvas"
        for one, other in _overlapping(boxes):
            pytest.fail(f"{texts[one].get_text()!r} lies on {texts[other].get_text()!r}")
        return [text.get_text() for text in texts]

    return check


def _drawn_texts(figure: Figure) -> list[Text]:
    hidden = {label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for label in _not_drawn(axis)}
    texts = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible())
    return [text for text in texts if text.get_text().strip() and text not in hidden]


def _not_drawn(axis: Axis) -> list[Text]:
    """Labels of ticks outside the view, and all labels of axes that are off."""
    low, high = sorted(axis.get_view_interval())
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    off = not axis.axes.axison
    labels = [
        label
        for tick in ticks
        if off or not low - 1e-9 <= tick.get_loc() <= high + 1e-9
        for label in (tick.label1, tick.label2)
    ]
    return labels + ([axis.label] if off else [])


def _overlapping(boxes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Pairs of (left, bottom, right, top) with more than a pixel of both directions in common."""
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    return np.argwhere(np.triu((high - low > 1).all(axis=-1), k=1))

"""Which pixels matter: how much of a class's probability a patch takes away wherever it covers the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnexp.figures.cells import caption, frame
from cnnexp.figures.field import GAP, SIDE, Square, part_of
from cnnexp.figures.page import HEADING, Box, Page, blank_page, fit
from cnnexp.figures.pictures import as_pictures
from cnnexp.figures.style import INK, MARGIN, RED, styled

LEAST = 0.01
"""The scale reaches at least so far: what moves no probability by a point looks like nothing."""


@dataclass(frozen=True, eq=False)
class Covered:
    """A picture (h, w, c), itself with the patch where that takes most, and the drop (h, w) for a patch on each pixel.

    square: what the patch covers there; answers: what is read in the whole picture and in the covered one, in words.
    """

    image: NDArray[Any]
    covered: NDArray[Any]
    drops: NDArray[Any]
    square: Square
    answers: tuple[str, str]


def occlusion_figure(found: Covered, *, title: str, note: str, label: str) -> Figure:
    """The picture, the picture covered where it matters most, and the heat map with the picture's outline."""
    with styled(title, note, label, *found.answers):
        top = HEADING + 0.3
        high = fit(found.image.shape, (0, 0, SIDE, SIDE))[3]
        page = blank_page(2 * MARGIN + 3 * SIDE + 2 * GAP + 0.9, top + max(high, 1.2) + MARGIN)
        page.heading(title, note)
        lefts = [MARGIN + place * (SIDE + GAP) for place in range(3)]
        texts = (*found.answers, "the drop, for a patch on each pixel")
        for left, text in zip(lefts, texts, strict=True):
            caption(page, left, top - 0.14, text, room=SIDE + 0.2)
        box = fit(found.image.shape, (lefts[0], top, SIDE, high))
        pictures = as_pictures(np.stack([found.image, found.covered]))
        page.digit(pictures[0], box)
        page.digit(pictures[1], _moved(box, lefts[1] - lefts[0]))
        for place in (0, 1):
            frame(page, part_of(_moved(box, lefts[place] - lefts[0]), found.image.shape, found.square), RED)
        _heat(page, found, pictures[0], _moved(box, lefts[2] - lefts[0]), label)
        return page.figure


def _moved(box: Box, right: float) -> Box:
    return (box[0] + right, *box[1:])


def _heat(page: Page, found: Covered, picture: NDArray[np.float32], box: Box, label: str) -> None:
    reach = max(LEAST, float(np.abs(found.drops).max()))
    image = page.picture(found.drops, box, Normalize(-reach, reach), mpl.colormaps["RdBu_r"])
    _outline(page, picture, box)
    frame(page, part_of(box, found.image.shape, found.square), INK, 1.2)
    page.colour_bar(image, (page.width - MARGIN - 0.78, box[1], 0.12, max(box[3], 1.2)), label)


def _outline(page: Page, picture: NDArray[np.float32], box: Box) -> None:
    """The line between ink and paper, of a grey picture."""
    if picture.ndim == 3 or min(picture.shape) < 2 or not picture.min() < 0.5 < picture.max():
        return
    left, top, width, height = box
    rows, columns = ((np.arange(n) + 0.5) / n for n in picture.shape)
    page.axes.contour(left + columns * width, top + rows * height, picture, levels=[0.5], colors=INK, linewidths=0.9)

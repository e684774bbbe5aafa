"""A person's pictures beside what the network saw of them, and what it made of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from cnnexp.figures.glyphs import class_labels
from cnnexp.figures.page import HEADING, Box, Page, blank_page, fit
from cnnexp.figures.pictures import as_pictures
from cnnexp.figures.style import BODY, GREEN, INK, MARGIN, MUTED, ORANGE, RED, RULE, SKY, SMALL, styled

BARS = 5
_SIDE, _GAP, _BARS = 1.15, 0.12, 1.75  # inches: a picture, between things, the bars with their words
_CELL, _DEPTH, _BETWEEN = 2 * (_SIDE + _GAP) + _BARS, _SIDE + 0.62, 0.45


@dataclass(frozen=True, eq=False)
class Shown:
    """One picture: its name, original (h, w, 3), image (h, w, c) as the network saw it, probabilities (classes,)."""

    name: str
    original: NDArray[np.uint8]
    image: NDArray[Any]
    probabilities: NDArray[np.float32]
    class_names: Sequence[str]
    unsure: bool
    label: str | None = None


def predictions(shown: Sequence[Shown], title: str, note: str) -> Figure:
    """Two columns of pictures: as they are, as the network saw them, and its five likeliest classes as bars."""
    names = {name for one in shown for name in (*one.class_names, one.name)}
    with styled(title, *names):
        columns = min(2, len(shown))
        width = 2 * MARGIN + columns * _CELL + (columns - 1) * _BETWEEN
        page = blank_page(width, HEADING + ceil(len(shown) / columns) * _DEPTH + 0.1)
        page.heading(title, f"{note}. Left: the picture, right: what the network saw")
        for place, one in enumerate(shown):
            left = MARGIN + place % columns * (_CELL + _BETWEEN)
            _draw(page, one, left, HEADING + place // columns * _DEPTH)
        return page.figure


def _draw(page: Page, one: Shown, left: float, top: float) -> None:
    verdict, colour = _verdict(one)
    bars = left + 2 * (_SIDE + _GAP)
    page.text(left, top + 0.08, one.name, size=SMALL, color=MUTED, room=2 * _SIDE - 0.15)
    page.text(bars, top + 0.08, verdict, size=BODY, color=colour, weight="bold", room=_BARS)
    below = top + 0.24
    _smooth(page, as_pictures(one.original[np.newaxis])[0], (left, below, _SIDE, _SIDE))
    seen = as_pictures(one.image[np.newaxis])[0]
    page.picture(seen, fit(seen.shape, (left + _SIDE + _GAP, below, _SIDE, _SIDE)), Normalize(0, 1), "gray")
    _bars(page, one, (bars, below, _BARS, _SIDE), colour)


def _smooth(page: Page, pixels: NDArray[Any], box: Box) -> None:
    """A picture of more pixels than there is room for, without losing thin lines."""
    page.picture(pixels, fit(pixels.shape, box), Normalize(0, 1), "gray").set_interpolation("antialiased")


def _verdict(one: Shown) -> tuple[str, str]:
    """The answer in words and its colour: wrong, unsure, right, or said without a label to hold it against."""
    names = class_labels(one.class_names)
    digit = names[int(np.argmax(one.probabilities))]
    unsure = ", unsure" if one.unsure else ""
    if one.label is not None and one.class_names[int(np.argmax(one.probabilities))] != one.label:
        return f"{digit}{unsure}: wrong", RED
    if one.unsure:
        return f"{digit}{unsure}", ORANGE
    return digit, INK if one.label is None else GREEN


def _bars(page: Page, one: Shown, box: Box, colour: str) -> None:
    left, top, width, height = box
    names = class_labels(one.class_names)
    likeliest = np.argsort(-one.probabilities, kind="stable")[:BARS]
    pitch, label, number = height / BARS, 0.35, 0.42
    if max(len(names[index]) for index in likeliest) > 2:
        label = 0.8
    room = width - label - number
    for place, index in enumerate(likeliest):
        middle, share = top + (place + 0.5) * pitch, float(one.probabilities[index])
        page.text(left + label - 0.08, middle, names[index], size=SMALL, ha="right", room=label - 0.08)
        page.axes.add_patch(
            Rectangle((left + label, middle - 0.07), room, 0.14, facecolor=RULE, alpha=0.5, linewidth=0)
        )
        filled = colour if place == 0 and colour != INK else SKY
        page.axes.add_patch(Rectangle((left + label, middle - 0.07), room * share, 0.14, facecolor=filled, linewidth=0))
        page.text(left + width, middle, f"{share:.2f}", size=SMALL, ha="right", color=MUTED)

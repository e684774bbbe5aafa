"""The digits themselves: what the network learns from, and what it gets wrong."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnexp.figures.glyphs import class_labels, drawable
from cnnexp.figures.page import HEADING, Page, blank_page, counted, fit, shorten, text_width
from cnnexp.figures.pictures import as_pictures
from cnnexp.figures.style import BODY, GREEN, MARGIN, MUTED, SMALL, styled

_EXAMPLES = 10
_ACROSS = 5


def sample_digits(
    images: NDArray[Any], labels: NDArray[Any], class_names: Sequence[str], *, counts: NDArray[Any] | None = None
) -> Figure:
    """The first digits of each class, at most ten, a row a class; at its end how many there are, where told.

    `images` is (n, h, w[, c]), `labels` (n,) class indices; both may be a part of the data, of which `counts`
    (classes,) says the whole.
    """
    labels = np.asarray(labels)
    chosen = [np.flatnonzero(labels == index)[:_EXAMPLES] for index in range(len(class_names))]
    with styled(*class_names):
        cell = 0.6 if len(class_names) <= 12 else 0.42
        names = [shorten(name, BODY, 1.6) for name in class_labels(class_names)]
        left = MARGIN + max(text_width(name, BODY) for name in names) + 0.15
        columns = max(1, *(len(indices) for indices in chosen))
        across = left + columns * (cell + 0.06) + (MARGIN if counts is None else 0.85)
        page = blank_page(across, HEADING + len(names) * (cell + 0.06) + MARGIN)
        page.heading("Training digits", _samples_note(columns, counts))
        pictures = as_pictures(images[np.concatenate(chosen)])
        seen = 0
        for row, (name, indices) in enumerate(zip(names, chosen, strict=True)):
            top = HEADING + row * (cell + 0.06)
            page.text(left - 0.15, top + cell / 2, name, ha="right")
            for column, picture in enumerate(pictures[seen : seen + len(indices)]):
                box = (left + column * (cell + 0.06), top, cell, cell)
                page.digit(picture, fit(picture.shape, box))
            seen += len(indices)
            if not len(indices):
                page.text(left, top + cell / 2, "none", color=MUTED)
            if counts is not None:
                look: dict[str, Any] = {"ha": "right", "size": SMALL, "color": MUTED}
                page.text(page.width - MARGIN, top + cell / 2, f"{int(counts[row]):,}", **look)
        return page.figure


def surest_mistakes(
    images: NDArray[Any],
    labels: NDArray[Any],
    probabilities: NDArray[Any],
    class_names: Sequence[str],
    *,
    count: int = 20,
    out_of: tuple[int, int] | None = None,
) -> Figure:
    """The digits read wrongly with the highest probability, surest first.

    `images` is (n, h, w[, c]), `labels` (n,) class indices, `probabilities` (n, classes). Where these are only a part,
    `out_of` says how many mistakes and digits there are in all.
    """
    labels = np.asarray(labels)
    probabilities = np.nan_to_num(np.asarray(probabilities, dtype=np.float64))
    answers = probabilities.argmax(axis=1)
    sureness = probabilities.max(axis=1)
    wrong = np.flatnonzero(answers != labels)
    order = wrong[np.argsort(-sureness[wrong], kind="stable")][:count]
    mistakes, digits = out_of or (len(wrong), len(labels))
    with styled(*class_names):
        if order.size == 0:
            return _no_mistake(digits)
        names = class_labels(class_names)
        cell, pitch = 1.3, 1.85
        columns = min(_ACROSS, len(order))
        depth = cell + 0.55
        page = blank_page(2 * MARGIN + columns * pitch, HEADING + ceil(len(order) / columns) * depth + 0.1)
        page.heading("The mistakes it was surest of", _mistakes_note(len(order), mistakes, digits))
        for place, (index, picture) in enumerate(zip(order, as_pictures(images[order]), strict=True)):
            left = MARGIN + place % columns * pitch
            top = HEADING + place // columns * depth
            page.digit(picture, fit(picture.shape, (left + (pitch - cell) / 2, top, cell, cell)))
            answer = (names[labels[index]], names[answers[index]], sureness[index])
            _caption(page, left + pitch / 2, top + cell + 0.08, answer, pitch - 0.1)
        return page.figure


def _caption(page: Page, centre: float, top: float, answer: tuple[str, str, float], room: float) -> None:
    """Write "true 4 → read as 9, 0.98", on two lines where one is too short for the names."""
    true, read, sureness = answer
    first, second = f"true {true} →", f"read as {read}, {sureness:.2f}"
    if text_width(drawable(f"{first} {second}"), SMALL) <= room:
        page.text(centre, top + 0.08, f"{first} {second}", size=SMALL, ha="center")
        return
    page.text(centre, top + 0.07, shorten(f"true {true}", SMALL, room - 0.2) + " →", size=SMALL, ha="center")
    end = f", {sureness:.2f}"
    read_as = shorten(f"read as {read}", SMALL, room - text_width(end, SMALL))
    page.text(centre, top + 0.24, read_as + end, size=SMALL, ha="center")


def _mistakes_note(shown: int, wrong: int, total: int) -> str:
    some = f"{shown} of {wrong:,} mistakes" if shown < wrong else counted(wrong, "mistake")
    return f"{some} in {counted(total, 'digit')}, with the probability of each"


def _samples_note(columns: int, counts: NDArray[Any] | None) -> str:
    note = f"the first {columns} of each class" if columns > 1 else "the first of each class"
    return note if counts is None else f"{note}; at the right, how many there are"


def _no_mistake(total: int) -> Figure:
    page = blank_page(0, 2.2)
    if total == 0:
        page.heading("The mistakes it was surest of", "")
        page.text(page.width / 2, 1.35, "No digit was read yet.", ha="center", color=MUTED)
        return page.figure
    page.heading("The mistakes it was surest of", f"among {counted(total, 'digit')}")
    page.text(page.width / 2, 1.3, "None at all.", ha="center", size=20, color=GREEN)
    page.text(page.width / 2, 1.7, "Every digit was read correctly.", ha="center")
    return page.figure

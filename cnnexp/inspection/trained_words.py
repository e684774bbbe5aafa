"""The inspection of a trained run in words: the answer, what covers the picture, what a unit sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cnnexp.inspection.occlusion import Occlusion
from cnnexp.inspection.trained import RunInspection
from cnnexp.inspection.units import Unit


def answer(found: RunInspection) -> str:
    """Such as "7 (99.98%), then 9 (0.01%)"."""
    shares = [f"{found.record.class_names[i]} ({found.probabilities[i]:.2%})" for i in found.ranking[:2]]
    return ", then ".join(shares)


def by(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def covering(occlusion: Occlusion) -> str:
    """What covers the picture, and where."""
    fill = ", ".join(f"{value:g}" for value in occlusion.fill.tolist())
    step = occlusion.step
    where = "centred on each pixel in turn" if step == 1 else f"at places {step} pixels apart"
    return f"a {occlusion.patch}×{occlusion.patch} patch of the picture's median ({fill}), {where}"


def span(pixels: slice) -> str:
    """Such as "6 to 13", or "6" for one."""
    last = pixels.stop - 1
    return f"{pixels.start}" if last == pixels.start else f"{pixels.start} to {last}"


def square(rows: slice, columns: slice) -> str:
    return f"rows {span(rows)}, columns {span(columns)}"


def field(unit: Unit) -> str:
    """Which pixels the unit sees, and what of its receptive field they are."""
    full, seen = by(unit.layer.receptive_field or ()), unit.square
    if seen is None:
        return "it sees no pixel: its windows lie outside the picture"
    gaps = " with gaps" if has_gaps(unit.rows) or has_gaps(unit.columns) else ""
    size = by([part.stop - part.start for part in seen])
    if unit.at_border:
        return f"it sees {square(*seen)}{gaps}: {size} pixels, the rest of its field of {full} lies outside"
    return f"it sees {square(*seen)}{gaps}: its whole field of {full} pixels"


def has_gaps(pixels: NDArray[np.int64]) -> bool:
    return bool(pixels.size and (np.diff(pixels) > 1).any())

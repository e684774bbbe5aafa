"""The metrics of a run as series over its epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

History = Mapping[str, Sequence[tuple[int, float]]]  # (step, value) pairs by metric


def best_epoch(history: History) -> int | None:
    """The last value of `best/epoch`, without it the epoch of the lowest `loss/val`, None without both."""
    told = finite(history.get("best/epoch", ()))[1]
    if told.size:
        return int(told[-1])
    steps, losses = finite(history.get("loss/val", ()))
    return int(steps[np.argmin(losses)]) if steps.size else None


def series(pairs: Sequence[tuple[int, float]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Steps in order and their values, NaN for those that are not finite."""
    ordered = sorted(pairs, key=lambda pair: pair[0])
    values = np.array([value for _, value in ordered], dtype=np.float64)
    return np.array([step for step, _ in ordered], dtype=np.int64), np.where(np.isfinite(values), values, np.nan)


def finite(pairs: Sequence[tuple[int, float]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """As `series`, without the values that are not finite."""
    steps, values = series(pairs)
    return steps[np.isfinite(values)], values[np.isfinite(values)]

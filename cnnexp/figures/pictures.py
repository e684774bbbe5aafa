"""Pictures as the data holds them, made ready to be shown."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_pictures(images: NDArray[Any]) -> NDArray[np.float32]:
    """Images with values 0..1 on one scale, NaN as 0.

    `images` is (n, h, w) or (n, h, w, c): uint8 counts to 255; floats inside 0..1 stay, others are stretched
    from their lowest to their highest value. Returns (n, h, w, 3) for three channels, else (n, h, w), the
    channels averaged.
    """
    images = np.asarray(images)
    values = images.astype(np.float32)
    if values.ndim == 4 and values.shape[-1] != 3:
        values = values.mean(axis=-1)
    low, high = (0.0, 255.0) if images.dtype == np.uint8 else _range(values)
    scaled: NDArray[np.float32] = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.where(np.isnan(scaled), np.float32(0), scaled)


def _range(values: NDArray[np.float32]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return (low, high) if high > low else (low, low + 1)

"""Images written as numbers in YAML: to work an example by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.config.schema import Data
from cnnexp.data.digits import Digits, Labels, Split
from cnnexp.errors import ConfigError

NESTED = "numbers as (height, width), (n, height, width) or (n, height, width, channels), all rows as long"
NO_LABEL = -1


def read_arrays(data: Data) -> Digits:
    """`data.images` as float32, all of them in `train`; validation and test are empty.

    Without `data.labels` every label is -1 and there are no class names. Raises ConfigError.
    """
    images = _images(data.images or [])
    labels = _labels(data.labels, len(images))
    train = Split.of(images, labels)
    class_names = tuple(map(str, range(int(labels.max()) + 1)))
    return Digits(train, train.take(slice(0)), train.take(slice(0)), class_names, "arrays")


def _images(nested: list[Any]) -> NDArray[np.float32]:
    try:
        images = np.array(nested, dtype=np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise ConfigError("data.images", f"what is not an array ({error})", NESTED) from error
    if images.ndim not in (2, 3, 4) or images.size == 0 or not np.isfinite(images).all():
        got = f"an array of shape {images.shape}" if np.isfinite(images).all() else "a number that is not finite"
        raise ConfigError("data.images", got, NESTED)
    if images.ndim == 2:
        images = images[np.newaxis]
    return images if images.ndim == 4 else images[..., np.newaxis]


def _labels(labels: list[int] | None, count: int) -> Labels:
    if labels is None:
        return np.full(count, NO_LABEL, dtype=np.int64)
    if len(labels) != count:
        raise ConfigError("data.labels", f"{len(labels)} labels", f"{count}, one for each image")
    if min(labels) < 0:
        raise ConfigError("data.labels", str(min(labels)), "classes from 0 up")
    return np.array(labels, dtype=np.int64)

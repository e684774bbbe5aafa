"""What the layers show: maps of convolutions and pools, and the kernels themselves."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
POOLS = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)


def layer_maps(model: keras.Model, images: NDArray[Any]) -> dict[str, Floats]:
    """(n, height, width, channels) by name, first layer first: each block's convolution, activation included,
    under the block's name, and each pool under its own. Dropout is off; all images go through in one step."""
    outputs = {layer.name: activated(model, layer).output for layer in model.layers if _has_maps(layer)}
    if not outputs:
        return {}
    maps = keras.Model(model.input, outputs)(images, training=False)
    return {name: np.array(keras.ops.cast(maps[name], "float32")) for name in outputs}


def filters(model: keras.Model) -> dict[str, Floats]:
    """Kernels (height, width, channels in, filters) of each convolution, by the block's name."""
    return {layer.name: np.array(layer.kernel.numpy(), np.float32) for layer in model.layers if is_convolution(layer)}


def peaks(model: keras.Model, name: str, images: NDArray[Any], batch_size: int) -> tuple[Floats, NDArray[np.int64]]:
    """How strongly each image excites each channel of a layer, and where, dropout off: the largest outputs
    (n, channels), activation included, and their rows and columns (n, channels, 2), the first of equal ones."""
    part = keras.Model(model.input, activated(model, model.get_layer(name)).output)
    values, places = [], []
    for start in range(0, len(images), batch_size):
        maps = np.asarray(part.predict_on_batch(images[start : start + batch_size])).astype(np.float32)
        cells = maps.reshape(len(maps), -1, maps.shape[-1])
        largest = cells.argmax(axis=1)
        values.append(np.take_along_axis(cells, largest[:, np.newaxis], axis=1)[:, 0])
        places.append(np.stack(np.unravel_index(largest, maps.shape[1:3]), axis=-1))
    return np.concatenate(values), np.concatenate(places)


def activated(model: keras.Model, layer: Any) -> Any:
    """The layer whose output is this one's after its activation: another one where it is normalized between."""
    names = {each.name: each for each in model.layers}
    return names.get(f"{layer.name}_activation", layer)


def is_convolution(layer: Any) -> bool:
    return isinstance(layer, keras.layers.Conv2D)


def _has_maps(layer: Any) -> bool:
    return is_convolution(layer) or isinstance(layer, POOLS)

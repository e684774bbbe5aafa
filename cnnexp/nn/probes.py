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


def activated(model: keras.Model, layer: Any) -> Any:
    """The layer whose output is this one's after its activation: another one where it is normalized between."""
    names = {each.name: each for each in model.layers}
    return names.get(f"{layer.name}_activation", layer)


def is_convolution(layer: Any) -> bool:
    return isinstance(layer, keras.layers.Conv2D)


def _has_maps(layer: Any) -> bool:
    return is_convolution(layer) or isinstance(layer, POOLS)

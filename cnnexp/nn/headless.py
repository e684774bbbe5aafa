"""What one picture becomes on its way through the blocks, with nothing trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.config.schema import Model
from cnnexp.nn.model import build_model
from cnnexp.nn.probes import filters, is_convolution, layer_maps

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Passed:
    """maps (height, width, channels) of each convolution, activation included, and of each pool, by name;
    kernels (height, width, channels in, filters) and biases (filters,) by the block's name."""

    maps: dict[str, Floats]
    kernels: dict[str, Floats]
    biases: dict[str, Floats]


def pass_through(model: Model, image: NDArray[Any], divisor: float, seed: int) -> Passed:
    """One image (height, width, channels) through a model's blocks with their initial weights: float32, dropout off."""
    height, width, channels = image.shape
    built = build_model(model, (height, width, channels), 1, divisor, seed)
    maps = layer_maps(built, image[np.newaxis].astype(np.float32))
    biases = {
        layer.name: np.array(layer.bias.numpy(), np.float32)
        for layer in built.layers
        if is_convolution(layer) and layer.use_bias
    }
    return Passed({name: array[0] for name, array in maps.items()}, filters(built), biases)

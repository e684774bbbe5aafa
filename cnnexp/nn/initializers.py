"""Initializers of kernels and biases, by the name that a config uses."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from cnnexp.config.choices import Initializer, ValuesInitializer
from cnnexp.errors import ConfigError, show

RANDOM = {
    "glorot_uniform": keras.initializers.GlorotUniform,
    "glorot_normal": keras.initializers.GlorotNormal,
    "he_uniform": keras.initializers.HeUniform,
    "he_normal": keras.initializers.HeNormal,
    "lecun_uniform": keras.initializers.LecunUniform,
    "lecun_normal": keras.initializers.LecunNormal,
    "random_normal": keras.initializers.RandomNormal,
    "truncated_normal": keras.initializers.TruncatedNormal,
    "random_uniform": keras.initializers.RandomUniform,
    "orthogonal": keras.initializers.Orthogonal,
}
FIXED = {
    "zeros": keras.initializers.Zeros,
    "ones": keras.initializers.Ones,
    "constant": keras.initializers.Constant,
}


def build_initializer(choice: Initializer, shape: tuple[int, ...], seed: int, where: str) -> Any:
    """Keras's initializer for a variable of `shape`; `where` is the config key that an error names.

    Raises ConfigError for written-out values that are not finite numbers or do not broadcast to `shape`.
    """
    if isinstance(choice, ValuesInitializer):
        return keras.initializers.Constant(_broadcast(choice.values, shape, where))
    options = {name: getattr(choice, name) for name in type(choice).model_fields if name != "type"}
    if choice.type in FIXED:
        return FIXED[choice.type](**options)
    return RANDOM[choice.type](**options, seed=seed)


def _broadcast(values: float | list[Any], shape: tuple[int, ...], where: str) -> Any:
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
            raise ValueError("not finite numbers")
        return np.array(np.broadcast_to(array, shape), np.float32)
    except ValueError as error:
        raise ConfigError(
            f"{where}.values",
            show(values),
            f"finite numbers that broadcast to the variable's shape {list(shape)}",
            "the axes of a kernel are height, width, channels in, filters; the last axis is matched first",
        ) from error

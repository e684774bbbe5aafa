"""A model's weights as arrays by name: to hash, to keep, to put back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.errors import RunError
from cnnexp.nn.arrays import Arrays, read_arrays, write_arrays

if TYPE_CHECKING:
    import keras


def get_weights(model: keras.Model) -> dict[str, NDArray[Any]]:
    """Copies of all weights (not of random streams), by `layer/variable`."""
    return {variable.path: to_array(variable) for variable in model.weights}


def set_weights(model: keras.Model, arrays: Arrays, source: str) -> None:
    """The model's weights become `arrays`. Raises RunError naming `source` where names or shapes differ."""
    assign({variable.path: variable for variable in model.weights}, arrays, source)


def save_weights(path: Path, model: keras.Model) -> None:
    write_arrays(path, get_weights(model))


def load_weights(path: Path, model: keras.Model) -> None:
    """Raises RunError where the file is damaged or belongs to another model."""
    set_weights(model, read_arrays(path), str(path))


def to_array(variable: Any) -> NDArray[Any]:
    return np.array(variable.numpy())


def assign(variables: dict[str, Any], arrays: Arrays, source: str) -> None:
    """Each variable becomes the array of its name; nothing is changed where any name, shape or type differs."""
    wanted = {name: (tuple(v.shape), str(v.dtype)) for name, v in variables.items()}
    found = {name: (array.shape, str(array.dtype)) for name, array in arrays.items()}
    for name in [*wanted, *found]:
        if wanted.get(name) != found.get(name):
            raise RunError(source, f"{name}: {_shown(found.get(name))}", _shown(wanted.get(name)))
    for name, variable in variables.items():
        variable.assign(arrays[name])


def _shown(kind: tuple[tuple[int, ...], str] | None) -> str:
    return "no such variable" if kind is None else f"{kind[1]} of shape {list(kind[0])}"

"""Pictures whose size is known without reading them: MNIST always has the same, and the same number of digits."""

from __future__ import annotations

from cnnexp.config.schema import ExperimentConfig
from cnnexp.shapes.check import check_shapes
from cnnexp.shapes.table import LayerTable

KNOWN_SHAPES = {"mnist_5k": ((28, 28, 1), 10), "mnist": ((28, 28, 1), 10)}
"""Image shape (height, width, channels) and classes of the sources that always have the same."""

KNOWN_SIZES = {"mnist_5k": (4500, 500), "mnist": (60000, 5000)}
"""Digits to train and validate on together, and how many of them validate unless data.validation_size says."""


def check_known_shapes(config: ExperimentConfig) -> LayerTable | None:
    """The layers on pictures of a known size; None where the pictures must be read first.

    Raises ShapeError as `check_shapes` does.
    """
    known = KNOWN_SHAPES.get(config.data.source)
    return None if known is None else check_shapes(config.model, *known)

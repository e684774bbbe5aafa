"""What is known of pictures without reading them: MNIST always has the same size and the same number of digits."""

from __future__ import annotations

from cnnexp.config.schema import Data
from cnnexp.data.load import load_digits

KNOWN_SHAPES = {"mnist_5k": ((28, 28, 1), 10), "mnist": ((28, 28, 1), 10)}
"""Image shape (height, width, channels) and classes of the sources that always have the same."""

KNOWN_SIZES = {"mnist_5k": (4500, 500), "mnist": (60000, 5000)}
"""Digits to train and validate on together, and how many of them validate unless data.validation_size says."""


def image_shape_and_classes(data: Data) -> tuple[tuple[int, int, int], int]:
    """(height, width, channels) and the number of classes, which is 0 without labels; read only where not known."""
    if data.source in KNOWN_SHAPES:
        return KNOWN_SHAPES[data.source]
    digits = load_digits(data)
    return digits.image_shape, digits.classes

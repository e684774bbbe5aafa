"""The numbers that formulas need: sizes of pictures and splits, known without reading MNIST, and the layer table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from cnnexp.checks import known_extent
from cnnexp.config.schema import ExperimentConfig
from cnnexp.data import load_digits
from cnnexp.errors import CnnexpError
from cnnexp.shapes import Layer, LayerTable, layer_table


@dataclass(frozen=True)
class Facts:
    """A config with its numbers; those of the data are None where it cannot be read, and `missing` says why."""

    config: ExperimentConfig
    image_shape: tuple[int, int, int] | None
    classes: int | None
    train: int | None
    validation: int | None
    missing: str = ""

    @cached_property
    def table(self) -> LayerTable | None:
        """The layers; up to the first impossible one where the config cannot be built."""
        if self.image_shape is None or self.classes is None:
            return None
        return layer_table(self.config.model, self.image_shape, max(self.classes, 1))

    def layer(self, name: str) -> Layer | None:
        layers = self.table.layers if self.table is not None else ()
        return next((layer for layer in layers if layer.name == name), None)

    def after(self, name: str) -> Layer | None:
        """The next layer with weights behind a layer."""
        layers = self.table.layers if self.table is not None else ()
        names = [layer.name for layer in layers]
        behind = layers[names.index(name) + 1 :] if name in names else ()
        return next((layer for layer in behind if layer.kernel), None)

    @property
    def steps(self) -> int | None:
        """Steps an epoch: batches of training digits, the last one smaller."""
        return None if self.train is None else math.ceil(self.train / self.config.training.batch_size)


def facts_of(config: ExperimentConfig) -> Facts:
    """The facts of a config. Pictures are read only where their number and size are not known without."""
    known = known_extent(config.data)
    if known is None:
        return _read(config)
    return Facts(config, known.image_shape, known.classes, known.train, known.validation)


def _read(config: ExperimentConfig) -> Facts:
    try:
        digits = load_digits(config.data)
    except CnnexpError as error:
        return Facts(config, None, None, None, None, str(error).splitlines()[0])
    return Facts(config, digits.image_shape, digits.classes, len(digits.train), len(digits.validation))

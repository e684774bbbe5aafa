"""A recorded network that answers in arrays; TensorFlow starts with the first question."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.runs.record import RunRecord

if TYPE_CHECKING:
    import keras

Floats = NDArray[np.float32]


class Network:
    """The network of a run with its kept weights. Images are raw pixels, (n, height, width, channels)."""

    def __init__(self, record: RunRecord) -> None:
        self._record = record
        self._batch_size = record.config.evaluation.batch_size

    @cached_property
    def _model(self) -> keras.Model:
        from cnnexp.evaluation import load_model

        return load_model(self._record)

    def probabilities(self, images: NDArray[Any]) -> Floats:
        """(n, classes)"""
        from cnnexp.nn.forward import logits, probabilities

        return probabilities(logits(self._model, images, self._batch_size))

    def maps(self, image: NDArray[Any]) -> dict[str, Floats]:
        """What leaves each convolution (activation included) and pool for one image: (height, width, channels)."""
        from cnnexp.nn.probes import layer_maps

        return {name: maps[0] for name, maps in layer_maps(self._model, image[np.newaxis]).items()}

    def filters(self) -> dict[str, Floats]:
        """Kernels (height, width, channels in, filters) by block."""
        from cnnexp.nn.probes import filters

        return filters(self._model)

    def peaks(self, layer: str, images: NDArray[Any]) -> tuple[Floats, NDArray[np.int64]]:
        """The strongest output of each channel of a layer (n, channels), and its row and column (n, channels, 2)."""
        from cnnexp.nn.probes import peaks

        return peaks(self._model, layer, images, self._batch_size)

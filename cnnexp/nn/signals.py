"""How each layer fares: sizes of gradients, weights and updates, and units that no longer answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cnnexp.data.digits import Split
from cnnexp.nn.probes import activated, is_convolution

DIGITS = 200
"""Training digits that gradients and activations are measured on."""
CHUNK = 50
"""Digits at a time: as many activations in memory as a training step needs, not more."""


@dataclass(frozen=True)
class LayerSignals:
    """One convolution or dense layer after one epoch. Norms are Euclidean, over kernel and bias together."""

    gradient_norm: float
    """of the loss (cross-entropy without smoothing, dropout off) on the fixed digits"""
    weight_norm: float
    update_ratio: float
    """norm of the epoch's change of the weights, as a share of weight_norm; 0 before training"""
    dead_units: float
    """share of channels or units that are 0 everywhere for every digit"""
    zero_activations: float
    """share of all activations that are 0"""


class SignalMeter:
    """Measures all layers on the same digits each time."""

    def __init__(self, model: keras.Model, split: Split) -> None:
        self.images, self.labels = split.images, split.labels
        self.layers = [x for x in model.layers if is_convolution(x) or isinstance(x, keras.layers.Dense)]
        outputs = [activated(model, layer).output for layer in self.layers]
        self.observer = keras.Model(model.input, outputs)  # the last layer's output is the logits

    def measure(self, previous: Mapping[str, NDArray[Any]]) -> dict[str, LayerSignals]:
        """Signals by layer name; `previous`: weights before the epoch, by name."""
        starts = range(0, len(self.images), CHUNK)
        chunks = [self._chunk(slice(start, start + CHUNK)) for start in starts]
        slopes = _mean_slopes([slopes for slopes, _ in chunks], len(self.images))
        zeros = [np.concatenate(parts) for parts in zip(*(zeros for _, zeros in chunks), strict=True)]
        return {
            layer.name: _signals(layer.trainable_variables, own_slopes, own_zeros, previous)
            for layer, own_slopes, own_zeros in zip(self.layers, slopes, zeros, strict=True)
        }

    def _chunk(self, which: slice) -> tuple[list[list[Any]], list[NDArray[Any]]]:
        """For each layer: gradients of the summed loss, and for each digit the share of each channel that is 0."""
        with tf.GradientTape() as tape:
            outputs = self.observer(self.images[which], training=False)
            outputs = outputs if isinstance(outputs, list) else [outputs]
            losses = keras.losses.sparse_categorical_crossentropy(self.labels[which], outputs[-1], from_logits=True)
            loss = keras.ops.sum(losses)
        slopes = tape.gradient(loss, [layer.trainable_variables for layer in self.layers])
        zeros = [np.asarray(out == 0) for out in outputs]
        return slopes, [zero.mean(axis=tuple(range(1, zero.ndim - 1))) for zero in zeros]


def _mean_slopes(chunks: list[list[list[Any]]], digits: int) -> list[list[Any]]:
    """Gradients of the mean loss over all digits, by layer and variable."""
    return [
        [sum(np.asarray(part, np.float64) for part in variable) / digits for variable in zip(*layer, strict=True)]
        for layer in zip(*chunks, strict=True)
    ]


def _signals(
    variables: list[Any], slopes: list[Any], zeros: NDArray[np.float64], previous: Mapping[str, NDArray[Any]]
) -> LayerSignals:
    """`zeros` (digits, channels): share of each channel's cells that are 0."""
    weights = [variable.numpy() for variable in variables]
    changes = [now - previous[variable.path] for now, variable in zip(weights, variables, strict=True)]
    size = _norm(weights)
    return LayerSignals(
        gradient_norm=_norm(slopes),
        weight_norm=size,
        update_ratio=_norm(changes) / size if size else 0.0,
        dead_units=float((zeros == 1).all(axis=0).mean()),
        zero_activations=float(zeros.mean()),
    )


def _norm(arrays: list[Any]) -> float:
    return float(np.sqrt(sum(np.square(array, dtype=np.float64).sum() for array in arrays)))

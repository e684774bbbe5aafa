"""Scores of images, and what is computed from them: probabilities, cross-entropy, accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]


def logits(model: keras.Model, images: NDArray[Any], batch_size: int) -> Floats:
    """One score a class, (n, classes), dropout off; `batch_size` images a step, in order."""
    starts = range(0, len(images), batch_size)
    parts = [model.predict_on_batch(images[start : start + batch_size]) for start in starts]
    empty = np.zeros((0, model.output_shape[-1]), np.float32)
    return np.concatenate([empty, *parts])


def probabilities(logits: Floats) -> Floats:
    """Softmax of each row, computed in float64."""
    return np.exp(_log_softmax(logits)).astype(np.float32)


def losses(logits: Floats, labels: Labels) -> NDArray[np.float64]:
    """-log(probability of the label) of each row, in nats; no probability is so small that it would be clipped."""
    return -_log_softmax(logits)[np.arange(len(labels)), labels]


def cross_entropy(logits: Floats, labels: Labels) -> float:
    """Mean of the `losses`; at least one row."""
    return float(losses(logits, labels).mean())


def accuracy(logits: Floats, labels: Labels) -> float:
    """Share of rows whose largest score is the label's; the first of equal scores counts. At least one row."""
    return float((logits.argmax(axis=1) == labels).mean())


def _log_softmax(logits: Floats) -> NDArray[np.float64]:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    shares: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shares

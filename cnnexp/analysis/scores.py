"""How good predictions are, and how much of it this many digits can tell."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class ClassScores:
    """precision and recall (classes,) 0..1, NaN where undefined; counts (classes,): how many truly are of each."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    counts: Counts


def standard_error(accuracy: float, digits: int) -> float:
    """Standard error of a share of `digits` independent digits: sqrt(p (1 - p) / n). NaN without digits."""
    return math.sqrt(accuracy * (1 - accuracy) / digits) if digits else math.nan


def accuracy_of(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Share of digits (n,) whose most probable class of (n, classes) is the true one."""
    return float((probabilities.argmax(axis=1) == labels).mean())


def losses_of(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Cross-entropy of each digit (n,) in nats where only (n, classes) were kept; 0 counts as float32's smallest."""
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return -np.log(np.maximum(true, np.finfo(np.float32).tiny))


def confusion_counts(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> Counts:
    """How many of each true class (row) were read as each class (column)."""
    classes = probabilities.shape[1]
    pairs = labels * classes + probabilities.argmax(axis=1)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def class_scores(counts: Counts) -> ClassScores:
    """Precision and recall of each class from its confusion counts."""
    right, read, true = np.diag(counts), counts.sum(axis=0), counts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return ClassScores(right / read, right / true, true)


def surest_mistakes(probabilities: NDArray[np.float32], labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Positions of the `count` wrong answers with the highest probability, surest first."""
    read = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(read != labels)
    return wrong[np.argsort(-probabilities[wrong, read[wrong]], kind="stable")][:count]

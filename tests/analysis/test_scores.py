"""Scores against numbers worked by hand and against published intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cnnexp.analysis.scores import (
    accuracy_of,
    class_scores,
    confusion_counts,
    losses_of,
    standard_error,
    surest_mistakes,
)

PROBABILITIES = np.array(
    [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1], [0.05, 0.9, 0.05], [0.5, 0.5, 0]], np.float32
)
LABELS = np.array([0, 1, 1, 0, 1])
COUNTS = np.array([[1, 1, 0], [2, 1, 0], [0, 0, 0]])


def test_standard_error() -> None:
    assert standard_error(0.9, 100) == pytest.approx(0.03)
    assert standard_error(1.0, 100) == 0
    assert math.isnan(standard_error(0.5, 0))


def test_accuracy_takes_the_first_of_equal_probabilities() -> None:
    assert accuracy_of(PROBABILITIES, LABELS) == pytest.approx(2 / 5)


def test_losses() -> None:
    expected = [-math.log(share) for share in (0.7, 0.8, 0.3, 0.05, 0.5)]
    assert losses_of(PROBABILITIES, LABELS) == pytest.approx(expected, rel=1e-6)


def test_loss_of_a_probability_of_zero_is_finite() -> None:
    tiny = float(np.finfo(np.float32).tiny)
    assert losses_of(np.array([[0, 1]], np.float32), np.array([0])) == pytest.approx([-math.log(tiny)])


def test_confusion_counts_true_classes_in_rows() -> None:
    assert confusion_counts(PROBABILITIES, LABELS).tolist() == COUNTS.tolist()


def test_class_scores() -> None:
    scores = class_scores(COUNTS)
    np.testing.assert_allclose(scores.precision, [1 / 3, 1 / 2, np.nan])
    np.testing.assert_allclose(scores.recall, [1 / 2, 1 / 3, np.nan])
    assert scores.counts.tolist() == [2, 3, 0]


def test_surest_mistakes_come_first() -> None:
    assert surest_mistakes(PROBABILITIES, LABELS, 5).tolist() == [3, 2, 4]
    assert surest_mistakes(PROBABILITIES, LABELS, 1).tolist() == [3]
    assert surest_mistakes(PROBABILITIES[:2], LABELS[:2], 5).tolist() == []

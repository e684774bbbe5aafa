from __future__ import annotations

import numpy as np
import pytest

from cnnexp.config.schema import Model
from cnnexp.nn.forward import accuracy, cross_entropy, logits, probabilities
from cnnexp.nn.model import build_model

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 8, 8, 1)).astype(np.uint8)


def test_logits_come_in_order_for_any_batch_size_and_without_dropout() -> None:
    config = Model.model_validate({"dense": {"d": {"units": 4, "dropout": 0.9}}})
    model = build_model(config, (8, 8, 1), 3, 255.0, seed=0)
    expected = model(IMAGES, training=False)
    for batch_size in (3, 7, 100):
        np.testing.assert_allclose(logits(model, IMAGES, batch_size), expected, rtol=1e-5, atol=1e-6)
    assert logits(model, IMAGES[:0], 3).shape == (0, 3)


def test_probabilities_of_a_known_row() -> None:
    row = np.log(np.array([[1.0, 2.0, 5.0]], np.float32))
    np.testing.assert_allclose(probabilities(row), [[0.125, 0.25, 0.625]], rtol=1e-6)
    assert probabilities(row).dtype == np.float32


def test_large_logits_neither_overflow_nor_vanish() -> None:
    scores = np.array([[1000.0, 0.0], [-1000.0, 0.0]], np.float32)
    np.testing.assert_array_equal(probabilities(scores), [[1, 0], [0, 1]])
    assert cross_entropy(scores, np.array([1, 1])) == 500.0


def test_cross_entropy_is_in_nats_and_accuracy_a_share() -> None:
    scores = np.log(np.array([[1.0, 3.0], [1.0, 1.0]], np.float32))
    assert cross_entropy(scores, np.array([0, 1])) == pytest.approx((np.log(4) + np.log(2)) / 2, rel=1e-6)
    assert accuracy(scores, np.array([1, 1])) == 0.5  # of two equal scores the first counts

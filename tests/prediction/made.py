"""Answers made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cnnexp.prediction import Answer, Picture

TEN = tuple("0123456789")


def answer(*shares: float, label: str | None = None, name: str = "a.png", names: tuple[str, ...] = TEN) -> Answer:
    """Probabilities of the first classes; the others get nothing."""
    probabilities = np.zeros(len(names), np.float32)
    probabilities[: len(shares)] = shares
    image = np.zeros((28, 28, 1), np.uint8)
    image[4:24, 10:18] = 255
    original = np.full((60, 40, 3), 200, np.uint8)
    votes = np.zeros(len(names), np.int64)
    votes[probabilities.argmax()] = 1
    return Answer(Picture(Path("folder") / name, label, original, image), names, probabilities, votes)

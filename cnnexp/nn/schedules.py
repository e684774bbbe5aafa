"""The learning rate of every step, as one table: plain arithmetic, known before training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnexp.config.choices import Cosine, OneCycle, Step
from cnnexp.config.schema import Training

Floats = NDArray[np.float64]


def learning_rates(training: Training, steps_per_epoch: int) -> NDArray[np.float32]:
    """The rate of each step, (epochs * steps_per_epoch,).

    Warm-up multiplies step k (from 0) of the first W steps by (k + 1) / W: from 0 in a line, full at its last step
    (Goyal et al., 2017, "Accurate, large minibatch SGD"). Cosine and one cycle use the steps after it.
    """
    steps = np.arange(training.epochs * steps_per_epoch, dtype=np.float64)
    warmup = training.schedule.warmup_epochs * steps_per_epoch
    rise = np.minimum(1.0, (steps + 1) / warmup) if warmup else np.ones_like(steps)
    return (training.learning_rate * rise * _shares(training, steps, steps_per_epoch, warmup)).astype(np.float32)


def is_constant(training: Training) -> bool:
    """Whether every step has the same rate."""
    return training.schedule.type == "constant" and training.schedule.warmup_epochs == 0


def _shares(training: Training, steps: Floats, steps_per_epoch: int, warmup: float) -> Floats:
    """What the full rate is multiplied by at each step, warm-up aside."""
    schedule = training.schedule
    done = np.clip((steps - warmup) / max(len(steps) - 1 - warmup, 1), 0.0, 1.0)
    match schedule:
        case Step():
            return schedule.factor ** ((steps // steps_per_epoch) // schedule.every)
        case Cosine():
            return half_cosine(1.0, schedule.final, done)
        case OneCycle():
            rising = half_cosine(schedule.start, 1.0, np.minimum(done / schedule.rise, 1.0))
            falling = half_cosine(1.0, schedule.final, np.maximum(done - schedule.rise, 0.0) / (1 - schedule.rise))
            return np.where(done < schedule.rise, rising, falling)
    return np.ones_like(steps)


def half_cosine(start: float, end: float, done: Floats) -> Floats:
    """From `start` (done = 0) to `end` (done = 1) along half a cosine.

    Equation 5 of Loshchilov & Hutter, 2017, "SGDR". One cycle (Smith, 2018, "A disciplined approach to neural
    network hyper-parameters") joins two of them, as PyTorch's OneCycleLR does.
    """
    shares: Floats = end + (start - end) * (1 + np.cos(np.pi * done)) / 2
    return shares

"""Pictures to answers: one network, or the mean of several and how many of them say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnexp.nn.forward import logits, probabilities
from cnnexp.prediction.pictures import Picture
from cnnexp.runs.record import RunRecord

UNSURE_BELOW = 0.9
"""An answer with a lower probability counts as unsure.

The smallest of 0.5, 0.6, … with which at least 99 % of the sure answers were right for each of four default networks
(5 epochs on 4,000 digits, seeds 0 to 3), both on 1,260 digits drawn stroke by stroke (99.1 to 99.8 %) and on 500 of
MNIST (99.1 to 99.6 %). A tenth of the drawn digits were unsure, and 83 % of the wrong answers were among them.
"""


@dataclass(frozen=True, eq=False)
class Answer:
    """What the networks say: mean probabilities (classes,), and votes (classes,): how many chose each class."""

    picture: Picture
    class_names: tuple[str, ...]
    probabilities: NDArray[np.float32]
    votes: NDArray[np.int64]

    @property
    def ranking(self) -> NDArray[np.int64]:
        """Classes, the likeliest first."""
        return np.argsort(-self.probabilities, kind="stable")

    @property
    def digit(self) -> str:
        """Name of the likeliest class."""
        return self.class_names[int(self.ranking[0])]

    @property
    def probability(self) -> float:
        return float(self.probabilities.max())

    @property
    def runner_up(self) -> str:
        """Name of the second likeliest class."""
        return self.class_names[int(self.ranking[1])]

    @property
    def runner_up_probability(self) -> float:
        return float(self.probabilities[self.ranking[1]])

    @property
    def unsure(self) -> bool:
        return self.probability < UNSURE_BELOW

    @property
    def right(self) -> bool | None:
        """Whether the digit is the folder's; None where no folder says."""
        return None if self.picture.label is None else self.digit == self.picture.label


def ask(records: Sequence[RunRecord], pictures: Sequence[Picture]) -> list[Answer]:
    """The answers of recorded networks that all expect such pictures (`expected_by`), one for each picture."""
    from cnnexp.evaluation import load_model

    images = np.stack([picture.image for picture in pictures])
    threads = records[0].threads  # one process serves one number of threads
    models = [load_model(one, threads) for one in records]
    found = np.stack(
        [
            probabilities(logits(model, images, one.config.evaluation.batch_size))
            for model, one in zip(models, records, strict=True)
        ]
    )
    choices = found.argmax(axis=2)
    return [
        Answer(picture, records[0].class_names, found[:, i].mean(axis=0), _votes(choices[:, i], found.shape[2]))
        for i, picture in enumerate(pictures)
    ]


def _votes(choices: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    return np.bincount(choices, minlength=classes)


def accuracy(answers: Sequence[Answer]) -> tuple[int, int] | None:
    """How many of the labelled pictures were read rightly, and how many there are; None without any."""
    told = [answer.right for answer in answers if answer.right is not None]
    return (sum(told), len(told)) if told else None

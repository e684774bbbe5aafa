"""What an experiment asks of its digits: all that does not go with them is told together, unread where it can be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from cnnexp.config.layers import conv_blocks
from cnnexp.config.schema import Data, ExperimentConfig, Training
from cnnexp.errors import ConfigError, Problem
from cnnexp.shapes import KNOWN_SHAPES, KNOWN_SIZES, LayerTable, ShapeError, check_shapes

MAX_UPDATES = 10_000_000
"""Most steps of a whole training: the learning rates of all are known before the first."""

MAX_PARAMETERS = 250_000_000
"""Most weights of a network: 1 GB of them, and three times that with what Adam keeps."""


@dataclass(frozen=True)
class Extent:
    """Of digits: (height, width, channels), the number of classes, and how many train and validate.

    The last two are None where `data` asks for more than there are, which is refused when they are read.
    """

    image_shape: tuple[int, int, int]
    classes: int
    train: int | None
    validation: int | None


def known_extent(data: Data) -> Extent | None:
    """The extent that is known without reading anything; None where it is not."""
    if data.source not in KNOWN_SIZES:
        return None
    both, usual = KNOWN_SIZES[data.source]
    validation = data.validation_size or usual
    train = both - validation
    there_are_enough = train >= 1 and (data.limit or 0) <= train
    sizes = (data.limit or train, validation) if there_are_enough else (None, None)
    return Extent(*KNOWN_SHAPES[data.source], *sizes)


def check_unread(config: ExperimentConfig) -> None:
    """Raise ConfigError for all that does not go with digits of a known extent."""
    extent = known_extent(config.data)
    if extent is not None:
        check(config, extent)


def check(config: ExperimentConfig, extent: Extent) -> None:
    """Raise ConfigError for a network that cannot be built on these digits, and all else that does not go with them."""
    try:
        table = check_shapes(config.model, extent.image_shape, max(extent.classes, 1))
    except ShapeError as error:
        raise ConfigError.of([*error.problems, *_problems(config, extent)]) from None
    check_built(config, extent, table)


def check_built(config: ExperimentConfig, extent: Extent, table: LayerTable) -> None:
    """The same, for a network that can be built, whose layers are known."""
    if problems := [*_too_many(table), *_problems(config, extent)]:
        raise ConfigError.of(problems)


def _too_many(table: LayerTable) -> Iterator[Problem]:
    if table.parameters > MAX_PARAMETERS:
        hint = "cnnexp shapes tells which layer has how many."
        yield Problem("model", f"{table.parameters:,} parameters", f"at most {MAX_PARAMETERS:,}", hint)


def _problems(config: ExperimentConfig, extent: Extent) -> Iterator[Problem]:
    if extent.classes < 2:
        yield Problem(
            "data.labels", f"{extent.classes} classes", "at least 2 classes to train on",
            "cnnexp inspect shows pictures without labels.",
        )  # fmt: skip
    size = config.training.batch_size
    if extent.train is not None and size > extent.train:
        expected = f"at most {extent.train}, the number of training digits"
        hint = f"Here that is training.batch_size={extent.train}, or a larger data.limit."
        yield Problem("training.batch_size", str(size), expected, hint)
    elif extent.train:
        yield from _too_long(config.training, extent.train)
    if extent.validation == 0:
        yield from _unwatched(config)
    yield from _not_to_be_shown(config, extent.classes)


def _too_long(training: Training, digits: int) -> Iterator[Problem]:
    steps = math.ceil(digits / training.batch_size)
    if training.epochs * steps > MAX_UPDATES:
        got = f"{training.epochs:,} epochs of {steps:,} steps"
        hint = f"Here that is training.epochs={MAX_UPDATES // steps}; a larger training.batch_size takes fewer steps."
        yield Problem("training.epochs", got, f"at most {MAX_UPDATES:,} steps in all", hint)


def _unwatched(config: ExperimentConfig) -> Iterator[Problem]:
    training = config.training
    watching = {
        "training.early_stopping": training.early_stopping is not None,
        "training.keep": training.keep == "best",
    }
    for key, watches in watching.items():
        if watches:
            hint = "Ask for some: data.validation_size=1"
            yield Problem(key, "no validation digits", "some to watch loss and accuracy on", hint)


def _not_to_be_shown(config: ExperimentConfig, classes: int) -> Iterator[Problem]:
    """Digits, epochs and layers of pictures that this run does not have."""
    figures, epochs = config.figures, config.training.epochs
    if figures.digits != "all" and (strange := [digit for digit in figures.digits if digit >= classes]):
        yield Problem("figures.digits", str(strange[0]), f"classes from 0 to {classes - 1}")
    if figures.epochs != "auto" and (strange := [epoch for epoch in figures.epochs if epoch > epochs]):
        yield Problem("figures.epochs", str(strange[0]), f"epochs from 0 to {epochs}, which is training.epochs")
    if figures.layers != "all":
        blocks = conv_blocks(config.model)
        known = [name for block in blocks for name in (block.name, block.pool.name if block.pool else "") if name]
        if strange_names := [name for name in figures.layers if name not in known]:
            yield Problem("figures.layers", strange_names[0], f"all, or names among {', '.join(known) or '(none)'}")

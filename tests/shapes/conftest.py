from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from cnnexp.config.schema import Model

Drawn = tuple[Model, tuple[int, int, int], int]


def draw_size(draw: random.Random, largest: int) -> int | list[int]:
    if draw.random() < 0.6:
        return draw.randint(1, largest)
    return [draw.randint(1, largest), draw.randint(1, largest)]


def draw_pool(draw: random.Random) -> Any:
    if draw.random() < 0.3:
        return "none"
    pool = {"type": draw.choice(["max", "average"]), "padding": draw.choice(["same", "valid"])}
    return {**pool, "pool_size": draw_size(draw, 3), "strides": draw.choice([None, draw_size(draw, 3)])}


def draw_part(draw: random.Random) -> dict[str, Any]:
    """What a model and a block have in common."""
    return {
        "kernel_size": draw_size(draw, 5),
        "strides": draw_size(draw, 3) if draw.random() < 0.5 else 1,
        "padding": draw.choice(["same", "valid"]),
        "use_bias": draw.random() < 0.7,
        "batch_normalization": draw.random() < 0.3,
        "pool": draw_pool(draw),
    }


def draw_block(draw: random.Random) -> dict[str, Any]:
    block = {key: value for key, value in draw_part(draw).items() if draw.random() < 0.4}
    block |= {"filters": draw.randint(1, 4), "dropout": draw.choice([0.0, 0.0, 0.5])}
    if draw.random() < 0.3:
        block["dilation_rate"] = draw_size(draw, 3)
    return block


@pytest.fixture(scope="session")
def drawn() -> Callable[[int], Drawn]:
    """A model, an image shape and a number of classes as a seed makes them; not always one that can be built."""

    def draw_model(seed: int) -> Drawn:
        draw = random.Random(seed)
        blocks = {f"conv_{i}": draw_block(draw) for i in range(draw.randint(0, 3))}
        dense = {f"dense_{i}": {"units": draw.randint(1, 6)} for i in range(draw.randint(0, 2))}
        pooling = draw.choice(["none", "none", "average", "max"])
        values = {**draw_part(draw), "dropout": draw.choice([0.0, 0.25]), "global_pooling": pooling}
        model = Model.model_validate({**values, "blocks": blocks, "dense": dense})
        image = (draw.randint(1, 24), draw.randint(1, 24), draw.choice([1, 3]))
        return model, image, draw.randint(2, 5)

    return draw_model

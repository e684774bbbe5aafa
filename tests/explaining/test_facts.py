from __future__ import annotations

import pytest

from cnnexp.config.compose import compose_config
from cnnexp.config.schema import Data
from cnnexp.data import load_digits
from cnnexp.explaining.facts import facts_of
from cnnexp.shapes import KNOWN_SIZES


def facts(*overrides: str):
    return facts_of(compose_config(overrides).config)


@pytest.mark.parametrize(
    ("overrides", "train", "validation", "steps"),
    [
        ((), 4000, 500, 40),
        (("data.validation_size=300", "training.batch_size=64"), 4200, 300, 66),
        (("data.limit=1000", "training.batch_size=300"), 1000, 500, 4),
        (("data=mnist",), 55000, 5000, 550),
        (("data.limit=5000",), None, None, None),
        (("data.validation_size=4500",), None, None, None),
    ],
)
def test_sizes_without_reading_mnist(overrides, train, validation, steps):
    found = facts(*overrides)
    assert (found.train, found.validation, found.steps) == (train, validation, steps)
    assert found.image_shape == (28, 28, 1)
    assert found.classes == 10


@pytest.mark.parametrize("validation_size", [None, 300])
def test_the_known_sizes_are_those_of_the_digits(validation_size):
    digits = load_digits(Data(validation_size=validation_size))
    both, usual = KNOWN_SIZES["mnist_5k"]
    assert len(digits.validation) == (validation_size or usual)
    assert len(digits.train) == both - len(digits.validation)


def test_other_sources_are_read():
    found = facts("experiments=toy")
    assert (found.image_shape, found.classes, found.train) == ((3, 3, 1), 0, 1)
    assert found.layer("conv_1").output == (2, 2, 3)


def test_data_that_cannot_be_read_is_said():
    found = facts("data=folder", "data.folder=nosuch")
    assert (found.table, found.train, found.steps) == (None, None, None)
    assert found.missing.startswith("nosuch: got no such folder")


def test_the_layer_behind():
    found = facts()
    assert found.after("conv_1").name == "conv_2"
    assert found.after("dense_2_dropout").name == "output"
    assert found.after("output") is found.after("nosuch") is None

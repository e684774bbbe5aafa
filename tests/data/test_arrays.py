from __future__ import annotations

import numpy as np
import pytest

from cnnexp.config.schema import Data
from cnnexp.data import load_digits
from cnnexp.errors import ConfigError

ROWS = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


@pytest.mark.parametrize(
    ("nested", "shape"),
    [(ROWS, (1, 3, 3, 1)), ([ROWS, ROWS], (2, 3, 3, 1)), ([[[[1, 2]], [[3, 4]]]], (1, 2, 1, 2))],
    ids=["one image", "images", "with channels"],
)
def test_nested_lists_become_float_images(nested, shape):
    digits = load_digits(Data(source="arrays", images=nested))
    assert digits.train.images.shape == shape
    assert digits.train.images.dtype == np.float32
    assert digits.train.images.reshape(-1).tolist() == np.array(nested, dtype=float).reshape(-1).tolist()
    assert digits.image_shape == shape[1:]
    assert (len(digits.validation), len(digits.test)) == (0, 0)


def test_without_labels_there_are_no_classes():
    digits = load_digits(Data(source="arrays", images=ROWS))
    assert digits.train.labels.tolist() == [-1]
    assert digits.class_names == ()
    assert digits.counts() == {"train": (), "validation": (), "test": ()}


def test_labels_name_the_classes():
    digits = load_digits(Data(source="arrays", images=[ROWS, ROWS, ROWS], labels=[2, 0, 2]))
    assert digits.train.labels.tolist() == [2, 0, 2]
    assert digits.class_names == ("0", "1", "2")


def test_some_can_be_set_aside_for_validation():
    digits = load_digits(Data(source="arrays", images=[ROWS] * 4, labels=[0, 0, 1, 1], validation_size=2))
    assert digits.validation.labels.tolist() == [0, 1]
    assert digits.train.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], r"got an array of shape \(0,\), expected numbers as \(height, width\), "),
        ([[1, 2], [3]], r"got what is not an array \(.*inhomogeneous.*expected numbers as"),
        ([["a"]], r"got what is not an array \(could not convert"),
        ([[{}]], r"got what is not an array \("),
        ([1, 2], r"got an array of shape \(2,\), expected numbers as"),
        ([[]], r"got an array of shape \(1, 0\)"),
        ([[float("nan")]], "got a number that is not finite"),
    ],
)
def test_what_is_no_image_is_refused(images, message):
    with pytest.raises(ConfigError, match=f"^data.images: {message}"):
        load_digits(Data(source="arrays", images=images))


def test_labels_must_be_as_many_as_images():
    with pytest.raises(ConfigError, match=r"^data.labels: got 2 labels, expected 1, one for each image"):
        load_digits(Data(source="arrays", images=ROWS, labels=[0, 1]))


def test_labels_are_not_negative():
    with pytest.raises(ConfigError, match=r"^data.labels: got -3, expected classes from 0 up"):
        load_digits(Data(source="arrays", images=ROWS, labels=[-3]))

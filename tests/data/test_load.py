from __future__ import annotations

import subprocess
import sys
from typing import get_args

import numpy as np
import pytest

from cnnexp.config.schema import Data
from cnnexp.data import SOURCES, load_digits, mnist
from cnnexp.errors import ConfigError


@pytest.fixture
def small_mnist(monkeypatch, small, write_idx):
    """A folder that is taken for MNIST; 8 of its 40 training digits are validation."""
    monkeypatch.setattr(mnist, "MD5", tuple(mnist.md5_of_idx(array) for array in small))
    monkeypatch.setattr(mnist, "VALIDATION_SIZE", 8)
    return str(write_idx(small))


@pytest.fixture(scope="module")
def default():
    return load_digits(Data())


def test_there_is_a_reader_for_every_source_of_the_schema():
    assert set(SOURCES) == set(get_args(Data.model_fields["source"].annotation))


def test_mnist_validation_is_the_first_of_the_training_file(small_mnist, small):
    digits = load_digits(Data(source="mnist", folder=small_mnist, validation_size=13))
    assert np.array_equal(digits.validation.images[..., 0], small[0][:13])
    assert np.array_equal(digits.train.images[..., 0], small[0][13:])
    assert np.array_equal(digits.train.labels, small[1][13:])
    assert np.array_equal(digits.test.images[..., 0], small[2])


def test_mnist_5k_validation_is_stratified(default):
    digits = load_digits(Data(validation_size=1005))
    assert sorted(digits.counts()["validation"]) == [100] * 5 + [101] * 5
    assert set(default.validation.digests.tolist()) < set(digits.validation.digests.tolist())
    assert digits.counts()["test"] == (50,) * 10
    both = np.concatenate([digits.validation.digests, digits.train.digests])
    before = np.concatenate([default.validation.digests, default.train.digests])
    assert np.array_equal(np.sort(both), np.sort(before))


def test_asking_for_the_number_that_is_the_default_changes_nothing(default):
    assert load_digits(Data(validation_size=500)).digest == default.digest


def test_limit_keeps_the_first_training_digits(default):
    digits = load_digits(Data(limit=300))
    assert np.array_equal(digits.train.digests, default.train.digests[:300])
    assert len(digits.validation) == len(digits.test) == 500
    assert digits.digest != default.digest


def test_limit_counts_what_validation_leaves(small_mnist):
    digits = load_digits(Data(source="mnist", folder=small_mnist, validation_size=30, limit=10))
    assert [len(split) for split in digits.splits.values()] == [10, 30, 10]
    with pytest.raises(
        ConfigError, match=r"^data.limit: got 11, expected at most 10\n    There are no more training digits"
    ):
        load_digits(Data(source="mnist", folder=small_mnist, validation_size=30, limit=11))


def test_a_limit_above_what_is_there():
    with pytest.raises(ConfigError, match=r"^data.limit: got 4001, expected at most 4000"):
        load_digits(Data(limit=4001))


def test_validation_leaves_one_digit_to_train_on(small_mnist):
    assert len(load_digits(Data(source="mnist", folder=small_mnist, validation_size=39)).train) == 1
    message = r"^data.validation_size: got 40, expected at most 39\n    There are no more digits if one is left"
    with pytest.raises(ConfigError, match=message):
        load_digits(Data(source="mnist", folder=small_mnist, validation_size=40))


@pytest.mark.slow
def test_loading_imports_no_heavy_library():
    script = (
        "import sys; from cnnexp.config.schema import Data; from cnnexp.data import load_digits\n"
        "load_digits(Data()); print(*sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"tensorflow", "keras", "mlflow", "matplotlib", "mlxtend", "pandas", "sklearn", "PIL"}
    assert heavy & set(shown.stdout.split()) == set()

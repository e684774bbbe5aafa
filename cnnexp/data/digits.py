"""What every source of pictures becomes: three splits of images with labels, and a digest of each image."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Images = NDArray[Any]  # uint8, or float32 from the `arrays` source
Labels = NDArray[np.int64]
Digests = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Split:
    """Images (n, height, width, channels) with labels (n,), -1 where there is none, and digests (n,)."""

    images: Images
    labels: Labels
    digests: Digests

    @classmethod
    def of(cls, images: Images, labels: NDArray[Any]) -> Split:
        return cls(images, labels.astype(np.int64), image_digests(images))

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, which: slice | NDArray[Any]) -> Split:
        """The images chosen by a slice (no copy), an index array or a mask, in that order."""
        return Split(self.images[which], self.labels[which], self.digests[which])


@dataclass(frozen=True, eq=False)
class Digits:
    """All data of one experiment. Labels index `class_names`."""

    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    source: str

    @property
    def splits(self) -> dict[str, Split]:
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)"""
        height, width, channels = self.train.images.shape[1:]
        return height, width, channels

    @property
    def classes(self) -> int:
        return len(self.class_names)

    @cached_property
    def digest(self) -> str:
        """16 hex characters that stand for the images, labels and order of all three splits."""
        return digits_digest(self.train, self.validation, self.test)

    def counts(self) -> dict[str, tuple[int, ...]]:
        """Images of each class, in the order of `class_names`, for each split by its name."""
        return {name: _class_counts(split, self.classes) for name, split in self.splits.items()}


def image_digests(images: Images) -> Digests:
    """One uint64 for each of (n, height, width, channels): the same picture has the same in any source.

    The first 8 bytes, big endian, of BLAKE2b over the image's type, its shape and its bytes in C order.
    """
    shape = images.shape[1:]
    start = hashlib.blake2b(json.dumps([images.dtype.str, *shape]).encode("ascii"))
    content = np.ascontiguousarray(images).reshape(-1).view(np.uint8).data
    size = math.prod(shape) * images.itemsize
    joined = bytearray()
    for first in range(0, len(content), size):
        hasher = start.copy()
        hasher.update(content[first : first + size])
        joined += hasher.digest()[:8]
    return np.frombuffer(joined, ">u8").astype(np.uint64)


def digits_digest(train: Split, validation: Split, test: Split) -> str:
    """16 hex characters of BLAKE2b over each split's length, image digests and labels, all in order."""
    hasher = hashlib.blake2b(digest_size=8)
    for split in (train, validation, test):
        hasher.update(len(split).to_bytes(8, "big"))
        hasher.update(split.digests.astype(">u8").tobytes())
        hasher.update(split.labels.astype(">i8").tobytes())
    return hasher.hexdigest()


def overlap(a: Digests, b: Digests) -> int:
    """How many images of `a` are also in `b`."""
    return int(np.isin(a, b).sum())


def _class_counts(split: Split, classes: int) -> tuple[int, ...]:
    return tuple(int((split.labels == label).sum()) for label in range(classes))

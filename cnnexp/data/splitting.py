"""Cutting one split in two without a random generator: no library's version changes a cut."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.data.digits import Digests, Split


def join(first: Split, second: Split) -> Split:
    return Split(
        np.concatenate([first.images, second.images]),
        np.concatenate([first.labels, second.labels]),
        np.concatenate([first.digests, second.digests]),
    )


def cut_first(split: Split, size: int) -> tuple[Split, Split]:
    """The first `size` images, and the others."""
    return split.take(slice(size)), split.take(slice(size, None))


def cut_stratified(split: Split, size: int) -> tuple[Split, Split]:
    """`size` images, the first of each class in proportion to the class, and the others; orders are kept."""
    _, classes, counts = np.unique(split.labels, return_inverse=True, return_counts=True)
    chosen = np.zeros(len(split), dtype=bool)
    for label, quota in enumerate(quotas(counts, size)):
        chosen[np.flatnonzero(classes == label)[:quota]] = True
    return split.take(chosen), split.take(~chosen)


def quotas(counts: NDArray[Any], total: int) -> NDArray[np.int64]:
    """`total` (0 to the sum of counts) shared among classes in proportion to their counts, whole numbers.

    Largest remainder method; the class that comes first wins a tie.
    """
    shares = counts.astype(np.int64) * total
    whole, remainder = np.divmod(shares, max(int(counts.sum()), 1))
    missing = total - int(whole.sum())
    whole[np.argsort(-remainder, kind="stable")[:missing]] += 1
    return whole


def shuffled(split: Split, seed: int) -> Split:
    """The same images ordered by the BLAKE2b digest of each one's digest, keyed with the seed."""
    return split.take(np.argsort(keyed(split.digests, seed), kind="stable"))


def keyed(digests: Digests, seed: int) -> Digests:
    key = str(seed).encode("ascii")
    words = (word.to_bytes(8, "big") for word in digests.tolist())
    joined = b"".join(hashlib.blake2b(word, digest_size=8, key=key).digest() for word in words)
    return np.frombuffer(joined, ">u8").astype(np.uint64)

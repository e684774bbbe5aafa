from __future__ import annotations

import hashlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnexp.data.digits import Split
from cnnexp.data.splitting import cut_first, cut_stratified, join, quotas, shuffled


def labelled(*labels: int) -> Split:
    """Image i is the number i."""
    images = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1)
    return Split.of(images, np.array(labels, dtype=np.int64))


def numbers(split: Split) -> list[int]:
    return [int(number) for number in split.images.reshape(-1)]


@pytest.mark.parametrize(
    ("counts", "total", "expected"),
    [
        ([500] * 10, 500, [50] * 10),
        ([1, 3], 2, [1, 1]),
        ([3, 3, 3], 4, [2, 1, 1]),
        ([5, 0], 5, [5, 0]),
        ([], 0, []),
    ],
)
def test_quotas_by_hand(counts, total, expected):
    assert quotas(np.array(counts, dtype=np.int64), total).tolist() == expected


@given(st.lists(st.integers(0, 60), min_size=1, max_size=12), st.data())
def test_quotas_are_within_one_of_the_exact_share(counts, data):
    total = data.draw(st.integers(0, sum(counts)))
    shared = quotas(np.array(counts), total).tolist()
    assert sum(shared) == total
    for quota, count in zip(shared, counts, strict=True):
        assert 0 <= quota <= count
        assert abs(quota - Fraction(count * total, max(sum(counts), 1))) < 1


def test_a_stratified_cut_takes_the_first_of_each_class_and_keeps_order():
    chosen, rest = cut_stratified(labelled(1, 1, 0, 1, 0, 1), 3)
    assert numbers(chosen) == [0, 1, 2]
    assert numbers(rest) == [3, 4, 5]
    chosen, rest = cut_stratified(labelled(7, 7, 7, 7, 3, 3), 3)
    assert numbers(chosen) == [0, 1, 4]
    assert chosen.labels.tolist() == [7, 7, 3]


def test_a_cut_in_order():
    first, rest = cut_first(labelled(0, 0, 1, 1), 1)
    assert (numbers(first), numbers(rest)) == ([0], [1, 2, 3])


def test_join_puts_the_second_behind_the_first():
    split = labelled(0, 1, 2)
    joined = join(split.take(slice(2, 3)), split.take(slice(0, 2)))
    assert numbers(joined) == [2, 0, 1]
    assert joined.labels.tolist() == [2, 0, 1]
    assert joined.digests.tolist() == [split.digests[2], split.digests[0], split.digests[1]]


def test_shuffled_orders_by_the_keyed_digest():
    split = labelled(*range(20))

    def key(number: int) -> bytes:
        word = int(split.digests[number]).to_bytes(8, "big")
        return hashlib.blake2b(word, digest_size=8, key=b"3").digest()

    assert numbers(shuffled(split, 3)) == sorted(range(20), key=key)
    assert numbers(shuffled(split, 4)) != numbers(shuffled(split, 3))


def test_shuffled_does_not_depend_on_the_order_before():
    split = labelled(*range(20))
    assert numbers(shuffled(split.take(np.arange(20)[::-1]), 0)) == numbers(shuffled(split, 0))

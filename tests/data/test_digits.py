from __future__ import annotations

import hashlib

import numpy as np
import pytest

from cnnexp.data import Digits, Split, digits_digest, image_digests, overlap


def split(*values: int, label: int = 0) -> Split:
    images = np.array(values, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 1), dtype=np.uint8)
    return Split.of(images, np.full(len(values), label))


def test_an_image_digest_is_the_first_eight_bytes_of_blake2b():
    images = np.arange(12, dtype=np.uint8).reshape(2, 2, 3, 1)
    oracle = [hashlib.blake2b(b'["|u1", 2, 3, 1]' + image.tobytes()).digest()[:8] for image in images]
    assert image_digests(images).tolist() == [int.from_bytes(digest, "big") for digest in oracle]
    assert image_digests(images).dtype == np.uint64


def test_digests_do_not_depend_on_memory_layout():
    images = np.arange(48, dtype=np.uint8).reshape(2, 4, 3, 2)
    assert np.array_equal(image_digests(np.asfortranarray(images)), image_digests(images))
    assert np.array_equal(image_digests(images[::-1]), image_digests(images)[::-1])


def test_digests_tell_shape_and_type():
    images = np.zeros((1, 2, 3, 1), dtype=np.uint8)
    others = [images.reshape(1, 3, 2, 1), images.astype(np.float32)]
    assert len({int(image_digests(each)[0]) for each in [images, *others]}) == 3


def test_no_image_has_no_digest():
    assert image_digests(np.zeros((0, 2, 3, 1), dtype=np.uint8)).shape == (0,)


def test_take_keeps_image_label_and_digest_together():
    taken = split(1, 2, 3).take(np.array([2, 0]))
    assert taken.images[:, 0, 0, 0].tolist() == [3, 1]
    assert np.array_equal(taken.digests, image_digests(taken.images))
    assert len(taken) == 2


@pytest.mark.parametrize(
    "changed",
    [
        (split(2, 1), split(3), split(4)),
        (split(1, 2), split(4), split(3)),
        (split(1), split(2, 3), split(4)),
        (split(1, 2, label=1), split(3), split(4)),
        (split(1, 9), split(3), split(4)),
    ],
    ids=["order", "splits swapped", "border moved", "labels", "an image"],
)
def test_the_digest_of_all_changes_with(changed):
    before = digits_digest(split(1, 2), split(3), split(4))
    assert digits_digest(split(1, 2), split(3), split(4)) == before
    assert len(before) == 16
    assert int(before, 16) >= 0
    assert digits_digest(*changed) != before


def test_digits_know_their_shape_classes_and_counts():
    digits = Digits(split(1, 2), split(3, label=1), split(), ("a", "b"), "folder")
    assert digits.image_shape == (2, 3, 1)
    assert digits.classes == 2
    assert digits.counts() == {"train": (2, 0), "validation": (0, 1), "test": (0, 0)}
    assert digits.digest == digits_digest(digits.train, digits.validation, digits.test)


def test_overlap_counts_images_of_the_first():
    assert overlap(split(1, 2, 2, 3).digests, split(2, 3, 4).digests) == 3
    assert overlap(split(1).digests, split().digests) == 0

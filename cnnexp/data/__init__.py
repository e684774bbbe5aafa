"""Pictures and labels from one of several sources, as one `Digits`."""

from __future__ import annotations

from cnnexp.data.digits import Digits, Split, digits_digest, image_digests, overlap
from cnnexp.data.known import KNOWN_SHAPES, KNOWN_SIZES, image_shape_and_classes
from cnnexp.data.load import SOURCES, load_digits
from cnnexp.data.pictures import read_picture

__all__ = [
    "KNOWN_SHAPES",
    "KNOWN_SIZES",
    "SOURCES",
    "Digits",
    "Split",
    "digits_digest",
    "image_digests",
    "image_shape_and_classes",
    "load_digits",
    "overlap",
    "read_picture",
]

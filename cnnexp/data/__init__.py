"""Pictures and labels from one of several sources, as one `Digits`."""

from __future__ import annotations

from cnnexp.data.digits import Digits, Split, digits_digest, image_digests, overlap
from cnnexp.data.load import SOURCES, load_digits
from cnnexp.data.pictures import read_picture

__all__ = [
    "SOURCES",
    "Digits",
    "Split",
    "digits_digest",
    "image_digests",
    "load_digits",
    "overlap",
    "read_picture",
]

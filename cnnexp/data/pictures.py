"""Picture files to arrays, exactly: what cannot become 8-bit grey or colour without a guess is refused."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnexp.errors import DataError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
GREY_MODES = frozenset({"1", "L", "LA"})
COLOUR_MODES = frozenset({"P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"})
OPAQUE = 255


def read_picture(path: Path) -> NDArray[np.uint8]:
    """(height, width, 1) of a grey picture, (height, width, 3) of a colour one, turned as its camera says.

    Raises DataError for a file that is broken, too large, transparent, or has more than 8 bits a channel.
    """
    from PIL import Image, ImageOps

    from cnnexp.data.picture_files import too_large

    damage = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)
    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file)
            picture.load()
    except Image.DecompressionBombError as error:
        raise too_large(path, error) from error
    except damage as error:
        raise DataError(str(path), f"a broken picture ({error})", "a whole PNG or JPEG file") from error
    if picture.mode not in GREY_MODES | COLOUR_MODES:
        hint = "Convert it to 8 bits a channel."
        raise DataError(str(path), f"pixels of kind {picture.mode}", "8-bit grey or colour", hint)
    grey = picture.mode in GREY_MODES
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        if np.asarray(picture)[..., 3].min() < OPAQUE:
            hint = "Flatten it onto the ground that the digits should have."
            raise DataError(str(path), "transparent pixels", "a picture without transparency", hint)
    pixels = np.asarray(picture.convert("L" if grey else "RGB"), dtype=np.uint8)
    return pixels[..., np.newaxis] if grey else pixels


def read_pictures(paths: Sequence[Path]) -> NDArray[np.uint8]:
    """(n, height, width, channels); grey among colour becomes colour. Raises DataError for mixed sizes."""
    pictures = [read_picture(path) for path in paths]
    expected = pictures[0].shape[:2]
    for path, picture in zip(paths, pictures, strict=True):
        if picture.shape[:2] != expected:
            got, wanted = (f"{width} x {height} pixels" for height, width in (picture.shape[:2], expected))
            hint = "Bring all pictures to one size first."
            raise DataError(str(path), got, f"{wanted} (width x height), as in {paths[0]}", hint)
    channels = max(picture.shape[2] for picture in pictures)
    return np.stack([np.broadcast_to(picture, (*expected, channels)) for picture in pictures])

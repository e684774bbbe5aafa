"""Any picture file to lightness: colour, alpha, 16 bits and a turned camera, where `pictures` would refuse to guess."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from cnnexp.data.picture_files import too_large
from cnnexp.errors import DataError

LONGEST = 512  # pixels: large pictures are reduced to this, by area
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".gif"})
KINDS = "a whole PNG, JPEG, TIFF, WebP, BMP or GIF file"
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # of linear red, green and blue: ITU-R BT.709

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A picture, upright and at most 512 pixels long: shown (h, w, 3) uint8, grey (h, w) lightness 0..1."""

    shown: NDArray[np.uint8]
    grey: Floats


def read_snapshot(path: Path, ground: str = "white") -> Snapshot:
    """The picture in a file, upright as its camera says, what is transparent over `ground`.

    More than 8 bits a pixel count up to the lightest pixel. Raises DataError for a file that is missing, broken or too
    large.
    """
    if not path.is_file():
        raise DataError(str(path), "no such file", KINDS)
    try:
        with Image.open(path) as file:
            file.draft(None, (2 * LONGEST, 2 * LONGEST))  # a large JPEG is decoded at a fraction of its size
            picture = ImageOps.exif_transpose(file)
            picture.load()
        deep = picture.mode.startswith(("I", "F"))
        return _from_deep(picture) if deep else _from_colours(picture, ground)
    except Image.DecompressionBombError as error:
        raise too_large(path, error) from error
    except DAMAGE as error:
        raise DataError(str(path), f"a broken picture ({_said(error, path)})", KINDS) from error


def _said(error: BaseException, path: Path) -> str:
    """The error's words without the path, which the message names already."""
    return str(error).replace(f" {str(path)!r}", "")


def _from_colours(picture: Image.Image, ground: str) -> Snapshot:
    if picture.has_transparency_data:
        under = Image.new("RGBA", picture.size, ground)
        under.alpha_composite(picture.convert("RGBA"))
        picture = under
    shown = np.asarray(_reduced(picture.convert("RGB")))
    return Snapshot(shown, lightness(shown))


def _from_deep(picture: Image.Image) -> Snapshot:
    values = np.asarray(picture, np.float32)
    if not np.isfinite(values).all() or values.min() < 0:
        raise ValueError("pixels below 0 or not finite")
    grey = np.asarray(_reduced(Image.fromarray(values / max(float(values.max()), 1e-9))))
    return Snapshot(np.repeat(np.rint(255 * grey).astype(np.uint8)[..., np.newaxis], 3, axis=2), grey)


def _reduced(picture: Image.Image) -> Image.Image:
    scale = LONGEST / max(picture.size)
    if scale >= 1:
        return picture
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BOX)


def lightness(colours: NDArray[np.uint8]) -> Floats:
    """sRGB colours (h, w, 3) as the sRGB grey (h, w) 0..1 of the same luminance (IEC 61966-2-1).

    The luminance is that of linear light; grey is encoded again, so that a half-covered pixel of a drawing counts half.
    """
    encoded = np.arange(256, dtype=np.float32) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(np.float32)
    luminance = linear[colours] @ LUMINANCE
    grey = np.where(luminance <= 0.0031308, 12.92 * luminance, 1.055 * luminance ** (1 / 2.4) - 0.055)
    return np.clip(grey, 0, 1).astype(np.float32)

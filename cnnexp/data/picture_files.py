"""What is told of a picture file beside its pixels: that it has too many of them, or further pictures."""

from __future__ import annotations

import re
import struct
from pathlib import Path

from PIL import Image

from cnnexp.errors import DataError

SERIES = frozenset({"GIF", "WEBP", "PNG", "TIFF"})
"""Formats that hold several pictures of equal rank; cameras put small previews into a JPEG."""


def too_large(path: Path, error: Image.DecompressionBombError) -> DataError:
    """The refusal of a picture with more pixels than Pillow reads."""
    found = re.search(r"\((\d+) pixels\)", str(error))
    got = f"{int(found[1]):,} pixels" if found else "too many pixels"
    most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
    return DataError(str(path), got, f"at most {most:,}", "It is too large: reduce it, or cut out what matters.")


def frames_told(path: Path) -> str:
    """Such as "first of 3 frames" for an animation, of which the first is read; nothing for a single picture."""
    try:
        with Image.open(path) as file:
            frames = getattr(file, "n_frames", 1) if file.format in SERIES else 1
    except (OSError, SyntaxError, ValueError, EOFError, struct.error):  # damaged after the first
        return ""
    return f"first of {frames} frames" if frames > 1 else ""

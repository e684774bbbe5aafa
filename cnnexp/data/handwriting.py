"""A person's own digit, any photo, scan or drawing, made like MNIST's: one light digit on black, 28×28, centred.

MNIST's authors (LeCun, Cortes and Burges, "The MNIST database of handwritten digits") scaled black and white digits
into 20×20 pixels "while preserving their aspect ratio", which left grey levels, and put each into 28×28 pixels with
the centre of mass in the middle. In the files that point lies on pixel 14 (counted from 0), to half a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from cnnexp.data.components import Component, Components, components, grown
from cnnexp.data.snapshots import read_snapshot
from cnnexp.data.strokes import cropped, scaled, wide_enough
from cnnexp.errors import DataError

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

SIDE, BOX, MIDDLE = 28, 20, 14
LEVELS = 64  # of contrast in Otsu's histogram
LIGHT_SIDE, PAPER_SIDE = 48, 24  # pixels of the small pictures that show the light on the paper, and its lightness
STROKE_SHARE = 0.4  # what is narrower than this share of the picture's shorter side is ink, not light
RIM = 0.06  # what lies this near to the edge has no say in whether ink is dark or light
NOISES = 5.0  # ink differs from the paper by at least so many standard deviations of the paper
FAINTEST = 0.08  # and by at least this share of the way from paper to black
SMALLEST = 0.05  # a digit is at least this share of the picture's shorter side long
STEEPEST_LIGHT = 0.25  # the rim of a shadow is less steep, as a share of its contrast a pixel, than that of a stroke
PART, NEAR = 0.04, 0.3  # another stroke of it: this share of its area at least, and no further away than this


@dataclass(frozen=True, eq=False)
class Handwriting:
    """A person's picture (h, w, 3), upright, and the digit in it as MNIST would hold it, (28, 28, 1); both uint8."""

    original: NDArray[np.uint8]
    digit: NDArray[np.uint8]


def read_handwriting(path: Path) -> Handwriting:
    """The digit in a picture file; what is transparent lies over white, or over black where white shows nothing.

    Raises DataError for a file that is missing or broken, and for a picture without a digit.
    """
    for ground in ("white", "black"):
        snapshot = read_snapshot(path, ground)
        digit = normalised(snapshot.grey)
        if digit is not None:
            return Handwriting(snapshot.shown, digit)
    hint = "Draw it larger or darker, or crop the picture around it."
    raise DataError(str(path), "no digit to be seen", "strokes that differ from the paper around them", hint)


def normalised(grey: Floats) -> NDArray[np.uint8] | None:
    """The digit in a picture (h, w) of lightness 0..1 as MNIST would hold it, (28, 28, 1); None where there is none."""
    ink = find_ink(grey)
    return None if ink is None else into_field(wide_enough(ink))


def find_ink(grey: Floats) -> Floats | None:
    """How much ink covers each pixel of the digit's box, (h, w) 0..1, specks and neighbours removed; None if blank."""
    contrast = _contrast(grey if ink_is_dark(grey) else 1 - grey)
    darkest, quarter = np.percentile(contrast, [5, 25])  # of paper, unless more than three quarters are ink
    noise = float(quarter - darkest) / 0.97  # so far apart they are in a normal distribution
    paper = float(quarter) + 0.67 * noise
    floor = paper + max(NOISES * noise, FAINTEST)
    kept = _digit(contrast, floor)
    if kept is None:
        return None
    low, full = paper + 3 * noise, float(np.percentile(contrast[kept], 75))
    ink: Floats = np.clip((contrast - low) / (full - low), 0, 1) * grown(kept)
    return cropped(ink)


def ink_is_dark(grey: Floats) -> bool:
    """Whether the strokes are darker than the paper around them, which is what lies along the edge of the picture.

    The paper is a running median over a window as large as the picture, so that most of it is edge, repeated outwards;
    what differs from it most, to either side, is ink.
    """
    coarse = _coarse(grey, PAPER_SIDE)
    paper = _resized(coarse.filter(ImageFilter.MedianFilter(min(coarse.size) // 2 * 2 + 1)), grey.shape)
    rim = max(1, round(RIM * min(grey.shape)))
    inner = (slice(rim, -rim), slice(rim, -rim)) if min(grey.shape) > 4 * rim else (slice(None), slice(None))
    return bool((((grey - paper)[inner]) ** 3).sum() <= 0)


def into_field(ink: Floats) -> NDArray[np.uint8]:
    """Ink (h, w) scaled into 20×20 pixels, its aspect kept, and moved so that its centre of mass is on pixel 14."""
    small = scaled(ink, BOX)
    field = np.zeros((SIDE, SIDE, 1), np.uint8)
    top, left = (_start(small.sum(axis=1 - axis)) for axis in (0, 1))
    height, width = small.shape
    field[top : top + height, left : left + width, 0] = np.rint(255 * np.clip(small, 0, 1))
    return field


def _start(mass: Floats) -> int:
    """Where a profile of mass begins, so that its centre falls on the middle and it stays in the field."""
    centre = float((mass * np.arange(len(mass))).sum() / mass.sum())
    return int(np.clip(round(MIDDLE - centre), 0, SIDE - len(mass)))


def _contrast(grey: Floats) -> Floats:
    """0 for paper to 1 for black, whatever light falls on the paper; below 0 where its grain is lighter.

    The paper's own lightness is the closing of the picture (the lowest of the highest values around): dark things
    narrower than the window vanish, the edges of shadows stay.
    """
    coarse = _coarse(grey, LIGHT_SIDE)
    window = max(3, round(STROKE_SHARE * min(coarse.size)) // 2 * 2 + 1)
    closed = coarse.filter(ImageFilter.MaxFilter(window)).filter(ImageFilter.MinFilter(window))
    paper = np.maximum(_resized(closed, grey.shape), np.float32(1 / 255))
    contrast: Floats = (1 - grey / paper).astype(np.float32)
    return contrast


def _coarse(grey: Floats, side: int) -> Image.Image:
    """The picture in 8 bits, at most `side` pixels along its shorter side."""
    factor = -(-min(grey.shape) // side)
    return Image.fromarray(np.rint(255 * grey).astype(np.uint8)).reduce(factor)


def _resized(picture: Image.Image, shape: tuple[int, ...]) -> Floats:
    height, width = shape
    large = picture.convert("F").resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(large, np.float32) / np.float32(255)


def _digit(contrast: Floats, floor: float) -> Mask | None:
    """The pixels of the digit's strokes. What touches the edge is taken only where nothing else is there."""
    threshold = _threshold(contrast, floor)
    found, large = _large_shapes(contrast, threshold)
    inner = _inner_strokes(found, large)
    if inner is not None or not large:
        return inner
    without = np.where(grown(found.mask_of(large)), 0, contrast)
    inner = _inner_strokes(*_large_shapes(without, _threshold(without, floor)))
    if inner is not None:
        return inner
    mask = found.mask_of(_strokes(large, large))
    return mask if _steepness(contrast, mask) > STEEPEST_LIGHT * threshold else None


def _large_shapes(contrast: Floats, threshold: float) -> tuple[Components, list[Component]]:
    found = components(contrast > threshold)
    shortest = max(4, SMALLEST * min(contrast.shape))
    return found, [part for part in found.parts if part.length >= shortest]


def _inner_strokes(found: Components, large: list[Component]) -> Mask | None:
    inner = [part for part in large if not part.touches]
    return found.mask_of(_strokes(inner, [part for part in found.parts if not part.touches])) if inner else None


def _steepness(contrast: Floats, mask: Mask) -> float:
    """Mean change of contrast from pixel to pixel along the outline of the mask."""
    outline = mask & grown(~mask)
    return float(np.hypot(*np.gradient(contrast))[outline].mean()) if outline.any() else 0.0


def _strokes(candidates: list[Component], parts: list[Component]) -> list[Component]:
    """The largest candidate and the other strokes near it."""
    main = max(candidates, key=lambda part: part.area)
    return [part for part in parts if part.area >= PART * main.area and part.gap(main) <= NEAR * main.length]


def _threshold(contrast: Floats, floor: float) -> float:
    """Half of the ink's contrast: the mean of the upper of the two classes of Otsu (1979) above the floor."""
    values = contrast[contrast > floor]
    if values.size == 0:
        return 1.0
    counts, edges = np.histogram(values, LEVELS)
    below, sums = np.cumsum(counts), np.cumsum(counts * (edges[1:] + edges[:-1]) / 2)
    above = values.size - below
    with np.errstate(invalid="ignore", divide="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    cut = edges[1:][np.argmax(np.nan_to_num(between))]
    return max(floor, float(values[values >= min(cut, values.max())].mean()) / 2)

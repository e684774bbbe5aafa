"""Digits drawn stroke by stroke, as hands and cameras make them: no font, no MNIST, all decided by a seed.

`draw(kind, digit, seed)` makes one picture file's bytes. STYLES holds several ways to write each digit, KINDS what
is done with a digit: pens, sizes, places, slants, papers, lights, file formats.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Floats = NDArray[np.float64]
Points = list[tuple[float, float]]
SUPERSAMPLING = 3


def curve(*points: tuple[float, float]) -> tuple[str, Points]:
    """A smooth stroke through all points (Catmull-Rom)."""
    return ("curve", list(points))


def line(*points: tuple[float, float]) -> tuple[str, Points]:
    """Straight pieces with corners."""
    return ("line", list(points))


# Each style is a list of strokes; x to the right, y downwards, both 0 to 1 over the digit's own box.
STYLES: dict[int, list[list[tuple[str, Points]]]] = {
    0: [
        [curve((0.5, 0), (0.12, 0.2), (0, 0.55), (0.2, 0.92), (0.55, 1), (0.9, 0.75), (1, 0.4), (0.82, 0.1), (0.5, 0))],
        [curve((0.6, 0.02), (0.25, 0.1), (0, 0.5), (0.25, 0.95), (0.7, 0.95), (1, 0.5), (0.8, 0.08), (0.5, 0.05))],
        [curve((0.7, 0), (0.2, 0.15), (0.02, 0.6), (0.3, 1), (0.8, 0.85), (1, 0.35), (0.75, 0.02), (0.45, 0.1))],
    ],
    1: [
        [line((0.5, 0), (0.5, 1))],
        [line((0.3, 0.2), (0.55, 0), (0.55, 1))],
        [line((0.25, 0.22), (0.5, 0), (0.5, 1)), line((0.25, 1), (0.75, 1))],
        [curve((0.62, 0), (0.52, 0.5), (0.42, 1))],
    ],
    2: [
        [curve((0.05, 0.25), (0.3, 0.02), (0.75, 0.05), (0.9, 0.3), (0.6, 0.65), (0.05, 1)), line((0.05, 1), (1, 1))],
        [curve((0, 0.2), (0.45, 0), (0.9, 0.25), (0.55, 0.65), (0, 0.98)), curve((0, 0.98), (0.5, 0.93), (1, 0.97))],
        [
            curve((0.1, 0.2), (0.5, 0), (0.88, 0.25), (0.5, 0.7), (0.12, 0.95), (0.1, 0.78), (0.35, 0.8), (0.65, 0.97),
                  (1, 0.9))
        ],
    ],
    3: [
        [
            curve((0.05, 0.12), (0.45, 0), (0.85, 0.2), (0.7, 0.42), (0.4, 0.48)),
            curve((0.4, 0.48), (0.8, 0.55), (0.95, 0.78), (0.55, 1), (0, 0.9)),
        ],
        [line((0.1, 0), (0.9, 0), (0.45, 0.4)), curve((0.45, 0.4), (0.85, 0.5), (0.9, 0.85), (0.45, 1), (0, 0.88))],
        [curve((0.1, 0.08), (0.6, 0), (0.85, 0.22), (0.35, 0.46), (0.9, 0.62), (0.85, 0.92), (0.4, 1), (0, 0.85))],
    ],
    4: [
        [line((0.2, 0), (0.05, 0.55), (1, 0.55)), line((0.7, 0.1), (0.7, 1))],
        [line((0.75, 1), (0.75, 0), (0, 0.65), (1, 0.65))],
        [curve((0.15, 0.02), (0.1, 0.35), (0.3, 0.52), (0.8, 0.48)), line((0.85, 0), (0.8, 0.5), (0.7, 1))],
    ],
    5: [
        [
            line((0.9, 0), (0.2, 0), (0.15, 0.42)),
            curve((0.15, 0.42), (0.6, 0.38), (0.95, 0.65), (0.7, 0.95), (0.3, 1), (0, 0.88)),
        ],
        [
            line((0.2, 0.02), (0.12, 0.45)), line((0.2, 0.02), (1, 0)),
            curve((0.12, 0.45), (0.65, 0.42), (0.85, 0.75), (0.45, 1), (0, 0.93)),
        ],
        [curve((1, 0.02), (0.55, 0.03), (0.3, 0.08), (0.2, 0.42), (0.65, 0.48), (0.8, 0.75), (0.5, 1), (0, 0.92))],
    ],
    6: [
        [curve((0.8, 0), (0.3, 0.25), (0.02, 0.65), (0.25, 0.98), (0.75, 0.95), (0.9, 0.68), (0.6, 0.5), (0.1, 0.68))],
        [curve((0.6, 0), (0.15, 0.4), (0.05, 0.8), (0.45, 1), (0.9, 0.8), (0.65, 0.56), (0.2, 0.66), (0.08, 0.78))],
        [curve((0.95, 0.05), (0.5, 0.1), (0.1, 0.5), (0.1, 0.85), (0.5, 1), (0.9, 0.75), (0.55, 0.52), (0.12, 0.7))],
    ],
    7: [
        [line((0, 0), (1, 0), (0.35, 1))],
        [line((0.02, 0.05), (0.95, 0), (0.4, 1)), line((0.3, 0.5), (0.95, 0.48))],
        [
            line((0, 0.15), (0.02, 0)), curve((0.02, 0), (0.5, 0.05), (0.95, 0)),
            curve((0.95, 0), (0.6, 0.45), (0.45, 1))
        ],
    ],
    8: [
        [
            curve((0.85, 0.15), (0.5, 0), (0.15, 0.2), (0.45, 0.46), (0.88, 0.72), (0.5, 1), (0.1, 0.75), (0.5, 0.48),
                  (0.85, 0.25), (0.8, 0.1))
        ],
        [
            curve((0.5, 0), (0.15, 0.2), (0.5, 0.45), (0.85, 0.22), (0.5, 0)),
            curve((0.5, 0.45), (0.05, 0.72), (0.5, 1), (0.95, 0.72), (0.5, 0.45)),
        ],
        [
            curve((0.7, 0.05), (0.25, 0.08), (0.2, 0.32), (0.7, 0.58), (0.75, 0.9), (0.3, 1), (0.1, 0.8), (0.45, 0.5),
                  (0.85, 0.22), (0.72, 0.04))
        ],
    ],
    9: [
        [curve((0.9, 0.15), (0.5, 0), (0.1, 0.25), (0.35, 0.5), (0.85, 0.3), (0.92, 0.1)), line((0.92, 0.1), (0.8, 1))],
        [curve((0.88, 0.25), (0.55, 0), (0.1, 0.2), (0.4, 0.48), (0.88, 0.22), (0.9, 0.65), (0.5, 1), (0.1, 0.9))],
        [
            curve((0.8, 0.08), (0.35, 0.02), (0.15, 0.3), (0.5, 0.45), (0.82, 0.1)),
            curve((0.82, 0.1), (0.75, 0.5), (0.6, 1)),
        ],
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Hand:
    """How a digit is put on paper. Lengths are shares of the canvas's shorter side; ranges are (low, high)."""

    canvas: tuple[int, int] = (320, 320)  # width, height in pixels
    height: tuple[float, float] = (0.5, 0.7)  # of the digit
    pen: tuple[float, float] = (0.05, 0.09)  # stroke width as a share of the digit's height
    offset: float = 0.08  # of the centre, either way
    slant: tuple[float, float] = (-0.15, 0.3)  # shift to the right of the top, as a share of the height
    rotation: float = 6.0  # degrees either way
    shake: float = 0.015  # standard deviation of each drawn point, as a share of the digit's height


Finish = Callable[[Floats, np.random.Generator], Image.Image]


def _blend(ink: Floats, colour: tuple[int, int, int], paper: Any) -> Image.Image:
    """Ink coverage (h, w) 0..1 in a colour over a paper of one colour or of (h, w, 3)."""
    ground = np.broadcast_to(np.asarray(paper, float), (*ink.shape, 3))
    pixels = ground + ink[..., np.newaxis] * (np.asarray(colour, float) - ground)
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def black_on_white(ink: Floats, rng: np.random.Generator) -> Image.Image:
    return _blend(ink, (0, 0, 0), 255).convert("L")


def white_on_black(ink: Floats, rng: np.random.Generator) -> Image.Image:
    return _blend(ink, (255, 255, 255), 0)


def coloured(ink: Floats, rng: np.random.Generator) -> Image.Image:
    """Inks and papers of a drawing program: blue, red, green on pale papers, pale inks on dark ones."""
    pairs = [
        ((20, 40, 200), (255, 255, 255)), ((200, 30, 30), (255, 250, 225)), ((20, 120, 60), (225, 240, 255)),
        ((255, 220, 60), (30, 40, 80)), ((255, 160, 200), (70, 30, 60)), ((240, 140, 20), (255, 255, 255)),
    ]  # fmt: skip
    return _blend(ink, *pairs[rng.integers(len(pairs))])


def transparent(ink: Floats, rng: np.random.Generator) -> Image.Image:
    """Ink on nothing: black with an alpha channel."""
    pixels = np.zeros((*ink.shape, 4), np.uint8)
    pixels[..., :3] = rng.integers(0, 60, 3)
    pixels[..., 3] = np.rint(ink * 255)
    return Image.fromarray(pixels)


def sixteen_bit(ink: Floats, rng: np.random.Generator) -> Image.Image:
    """A scan of 16 bits a pixel whose white is not quite white."""
    return Image.fromarray(np.rint((0.93 - 0.8 * ink) * 65535).astype(np.uint16))


def pencil(ink: Floats, rng: np.random.Generator) -> Image.Image:
    """Grey, grainy strokes on rough paper."""
    grain = _smooth_noise(ink.shape, 1.0, rng)
    paper = 238 + 5 * _smooth_noise(ink.shape, 1.0, rng)
    soft = ink * np.clip(0.62 + 0.13 * grain, 0, 1)
    return _blend(soft, (70, 70, 75), paper[..., np.newaxis])


def photo(ink: Floats, rng: np.random.Generator) -> Image.Image:
    """Paper in light from one side, darker in a corner, tinted, blurred, with noise."""
    light = _light(ink.shape, rng)
    blurred = np.asarray(_blend(ink, (45, 45, 70), (232, 226, 210)).filter(ImageFilter.GaussianBlur(1.2)), float)
    noisy = blurred * light[..., np.newaxis] + rng.normal(0, 4, (*ink.shape, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def shadow(ink: Floats, rng: np.random.Generator) -> Image.Image:
    """A photo with the edge of a shadow across the paper, as a hand or a phone throws it."""
    height, width = ink.shape
    y, x = np.mgrid[:height, :width]
    angle = rng.uniform(0, 2 * math.pi)
    across = (x - width / 2) * math.cos(angle) + (y - height / 2) * math.sin(angle)
    edge = (across - rng.uniform(-0.2, 0.2) * width) / (0.04 * width)
    dark = 1 - rng.uniform(0.25, 0.45) / (1 + np.exp(-np.clip(edge, -50, 50)))
    lit = np.asarray(photo(ink, rng), float) * dark[..., np.newaxis]
    return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))


def ruled(ink: Floats, rng: np.random.Generator) -> Image.Image:
    """A photo of squared paper: fine pale blue lines below the ink."""
    height, width = ink.shape
    paper = np.full((height, width, 3), (236, 234, 226), float)
    step, start = int(width * rng.uniform(0.07, 0.12)), int(rng.integers(0, 12))
    paper[start::step] = paper[:, start::step] = (170, 190, 222)
    drawn = np.asarray(_blend(ink, (35, 40, 95), paper).filter(ImageFilter.GaussianBlur(0.8)), float)
    noisy = drawn * _light(ink.shape, rng)[..., np.newaxis] + rng.normal(0, 3, drawn.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def specks(ink: Floats, rng: np.random.Generator) -> Image.Image:
    """A scan with dust, and a dark edge where the paper ended."""
    height, width = ink.shape
    picture = _blend(ink, (25, 25, 25), 240)
    pen = ImageDraw.Draw(picture)
    for _ in range(25):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.5, 2.0)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=(60, 60, 60))
    pen.rectangle((0, 0, int(width * rng.uniform(0.01, 0.04)), height), fill=(30, 28, 26))
    return picture


def blackboard(ink: Floats, rng: np.random.Generator) -> Image.Image:
    """Chalk: pale, broken strokes on a wiped board."""
    board = np.array([48.0, 72.0, 62.0]) + 10 * _smooth_noise(ink.shape, 25.0, rng)[..., np.newaxis]
    chalk = ink * np.clip(0.8 + 0.15 * _smooth_noise(ink.shape, 1.2, rng), 0, 1)
    return _blend(chalk, (232, 232, 224), board)


def _light(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    height, width = shape
    y, x = np.mgrid[:height, :width]
    x, y = x / width - 0.5, y / height - 0.5
    angle, slope, corner = rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 0.5), rng.uniform(0, 0.5)
    light: Floats = (0.8 + slope * (x * math.cos(angle) + y * math.sin(angle))) * (1 - corner * (x**2 + y**2))
    return light


def _smooth_noise(shape: tuple[int, ...], radius: float, rng: np.random.Generator) -> Floats:
    """(h, w) noise of mean 0 and standard deviation 1, correlated over `radius` pixels."""
    noise = Image.fromarray(rng.normal(128, 40, shape).clip(0, 255).astype(np.uint8))
    smooth = np.asarray(noise.filter(ImageFilter.GaussianBlur(radius)), float)
    centred: Floats = (smooth - smooth.mean()) / max(float(smooth.std()), 1e-9)
    return centred


@dataclass(frozen=True)
class Kind:
    """One way to make pictures: the hand, what becomes of its ink, and how it is saved."""

    hand: Hand = field(default_factory=Hand)
    finish: Finish = black_on_white
    suffix: str = ".png"
    quality: int = 90  # of a JPEG
    turned: bool = False  # stored on its side, with an EXIF note that says so


PLAIN = Hand()
PHONE = Hand(canvas=(900, 1200), height=(0.35, 0.6), pen=(0.04, 0.08), offset=0.15)
CLEAN: dict[str, Kind] = {
    "pen": Kind(),
    "thin pen": Kind(replace(PLAIN, pen=(0.015, 0.03))),
    "marker": Kind(replace(PLAIN, pen=(0.12, 0.18))),
    "big": Kind(replace(PLAIN, height=(0.85, 0.92), offset=0.01, rotation=3, slant=(-0.1, 0.1))),
    "small, off centre": Kind(replace(PLAIN, canvas=(640, 480), height=(0.1, 0.2), offset=0.35)),
    "slanted": Kind(replace(PLAIN, slant=(0.35, 0.6))),
    "shaky": Kind(replace(PLAIN, shake=0.035)),
    "tiny canvas": Kind(replace(PLAIN, canvas=(40, 40))),
    "wide canvas": Kind(replace(PLAIN, canvas=(700, 240), height=(0.5, 0.7), offset=0.1)),
    "white on black": Kind(finish=white_on_black),
    "coloured": Kind(finish=coloured),
    "transparent": Kind(finish=transparent),
    "16 bits": Kind(finish=sixteen_bit),
    "turned by EXIF": Kind(replace(PLAIN, canvas=(300, 400)), suffix=".jpg", turned=True),
    "JPEG": Kind(suffix=".jpg", quality=20),
}
ROUGH: dict[str, Kind] = {
    "pencil": Kind(finish=pencil),
    "photo": Kind(PHONE, photo, ".jpg", 70),
    "shadow": Kind(PHONE, shadow, ".jpg", 70),
    "squared paper": Kind(PHONE, ruled, ".jpg", 80),
    "specks and an edge": Kind(finish=specks),
    "blackboard": Kind(PHONE, blackboard, ".jpg", 80),
}
KINDS = CLEAN | ROUGH


def draw(kind: Kind, digit: int, seed: int) -> bytes:
    """The bytes of one picture file: the same for the same kind, digit and seed."""
    rng = np.random.default_rng([digit, seed])
    styles = STYLES[digit]
    picture = kind.finish(_ink(styles[seed % len(styles)], kind.hand, rng), rng)
    options: dict[str, Any] = (
        {"format": "PNG"} if kind.suffix == ".png" else {"format": "JPEG", "quality": kind.quality}
    )
    if kind.turned:
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = 6  # to be seen upright, turn a quarter clockwise
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    buffer = io.BytesIO()
    picture.save(buffer, **options)
    return buffer.getvalue()


def draw_folder(folder: Path, kind: Kind, each: int, seed: int = 0) -> Path:
    """FOLDER/<digit>/*.png: `each` pictures of every digit."""
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True)
        for number in range(each):
            path = folder / str(digit) / f"{digit}_{number}{kind.suffix}"
            path.write_bytes(draw(kind, digit, seed + number))
    return folder


def _ink(style: list[tuple[str, Points]], hand: Hand, rng: np.random.Generator) -> Floats:
    """Coverage (h, w) 0..1 of the canvas by the strokes."""
    width, height = (side * SUPERSAMPLING for side in hand.canvas)
    side = min(width, height)
    tall = side * rng.uniform(*hand.height)
    pen = max(tall * rng.uniform(*hand.pen), 1.0)
    shape = _shape(tall, hand, rng)
    middle = np.array([width, height]) / 2 + rng.uniform(-hand.offset, hand.offset, 2) * [width, height]
    sheet = Image.new("L", (width, height))
    for form, points in style:
        unit = np.array(points) - 0.5 + rng.normal(0, hand.shake, (len(points), 2))
        path = (_smooth(unit) if form == "curve" else _dense(unit)) @ shape.T
        _stroke(sheet, path + middle, pen)
    return np.asarray(sheet.reduce(SUPERSAMPLING), float) / 255


def _shape(tall: float, hand: Hand, rng: np.random.Generator) -> Floats:
    """The 2 x 2 matrix from the unit box to pixels: narrower than high, slanted, rotated."""
    narrow, slant, angle = rng.uniform(0.5, 0.75), rng.uniform(*hand.slant), rng.uniform(-hand.rotation, hand.rotation)
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    shape: Floats = tall * np.array([[cos, sin], [-sin, cos]]) @ np.array([[narrow, -slant], [0, 1]])
    return shape


def _stroke(sheet: Image.Image, path: Floats, pen: float) -> None:
    """A line along `path` (n, 2) with round joints and ends."""
    brush = ImageDraw.Draw(sheet)
    brush.line([tuple(point) for point in path.tolist()], fill=255, width=max(round(pen), 1), joint="curve")
    for x, y in path.tolist():
        brush.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=255)


def _smooth(points: Floats, steps: int = 16) -> Floats:
    """Catmull and Rom's spline (1974) through (n, 2) points."""
    around = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, steps)[:, np.newaxis]
    pieces = []
    for a, b, c, d in zip(around, around[1:], around[2:], around[3:], strict=False):
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate(pieces)


def _dense(points: Floats, steps: int = 16) -> Floats:
    """Points along straight pieces."""
    t = np.linspace(0, 1, steps)[:, np.newaxis]
    return np.concatenate([a + (b - a) * t for a, b in pairwise(points)])

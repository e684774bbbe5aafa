"""Which picture an inspection looks at: a file, a position in the data, or the first one of a class."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.config.schema import Data
from cnnexp.data import Digits, Split, load_digits, read_picture
from cnnexp.errors import ConfigError, DataError
from cnnexp.shapes import KNOWN_SHAPES

EIGHT_BITS = 255.0
NAMES_SHOWN = 20


@dataclass(frozen=True)
class Asked:
    """What a person asks to see; at most one of image (a file), index (a position) and digit (a class or its name).

    cell: (row, column[, channel]) of the output of `layer`, or of the first convolution where that is None.
    cell_word: what the person calls it.
    """

    image: str | None = None
    index: int | None = None
    digit: int | str | None = None
    split: str | None = None
    cell: tuple[int, ...] | None = None
    layer: str | None = None
    cell_word: str = field(default="cell", kw_only=True)


@dataclass(frozen=True)
class AskedOfRun(Asked):
    """What a person asks to see of a trained run; `cell` and `layer` name a unit, by default a strong one.

    filter: the channel that the unit stands in where `cell` has none, and the only one whose digits are looked for.
    epochs: also how the maps grew; patch: pixels of the square that covers the picture; as_is: a file is only resized.
    """

    filter: int | None = None
    epochs: bool = False
    patch: int | None = None
    as_is: bool = False


@dataclass(frozen=True, eq=False)
class Picture:
    """pixels (height, width, channels), what they are divided by, and in words where they come from."""

    pixels: NDArray[Any]
    divisor: float
    told: str

    @property
    def scaled(self) -> NDArray[np.float32]:
        """What goes into the first block."""
        return self.pixels.astype(np.float32) * np.float32(1 / self.divisor)


def choose_picture(data: Data, asked: Asked) -> Picture:
    """The picture that is asked for; a file is read without reading any data.

    Raises ConfigError for what excludes each other or is not in the data, DataError for files that cannot be read.
    """
    refuse_two(asked)
    if asked.image is not None:
        return _from_file(Path(asked.image).expanduser(), data)
    return _from_data(load_digits(data), data.divisor, asked)


def refuse_two(asked: Asked) -> None:
    """Raise ConfigError where more than one picture is named, or a split for a picture file."""
    given = {"image": asked.image, "index": asked.index, "digit": asked.digit}
    named = [name for name, value in given.items() if value is not None]
    if len(named) > 1:
        raise ConfigError(named[1], f"{named[0]} as well", "one of image, index and digit", "Each names one picture.")
    if asked.image is not None and asked.split is not None:
        hint = "A picture file belongs to no split."
        raise ConfigError("split", f"{asked.split} together with an image", "one of the two", hint)


def _from_file(path: Path, data: Data) -> Picture:
    if not path.is_file():
        raise DataError(str(path), "no such file", "a picture: a PNG or JPEG file")
    from cnnexp.data.picture_files import frames_told

    pixels = read_picture(path)
    told, divisor = ", ".join(filter(None, [path.name, frames_told(path)])), EIGHT_BITS
    if data.source in KNOWN_SHAPES:
        wanted = KNOWN_SHAPES[data.source][0]
        pixels, change = _brought_to(pixels, wanted)
        told = f"{told}, {change}" if change else told
    if data.source != "arrays" and data.scale is not None:
        divisor = data.scale
    return Picture(pixels, divisor, told)


def _brought_to(pixels: NDArray[np.uint8], wanted: tuple[int, int, int]) -> tuple[NDArray[np.uint8], str]:
    """The pixels in grey and in the size (height, width, 1) of the data, and in words what that changed."""
    from PIL import Image

    height, width, channels = pixels.shape
    picture = Image.fromarray(pixels if channels > 1 else pixels[..., 0]).convert("L")
    changes = ["made grey"] if channels > 1 else []
    if (height, width) != wanted[:2]:
        picture = picture.resize((wanted[1], wanted[0]), Image.Resampling.BICUBIC)
        stretched = " (stretched)" if height * wanted[1] != width * wanted[0] else ""
        changes.append(f"resized from {height}×{width} to {wanted[0]}×{wanted[1]}{stretched}")
    return np.asarray(picture, dtype=np.uint8)[..., np.newaxis], " and ".join(changes)


def _from_data(digits: Digits, divisor: float, asked: Asked) -> Picture:
    name = asked.split or "train"
    split = filled_split(digits, name)
    if asked.digit is None:
        index = checked_index(0 if asked.index is None else asked.index, split, name)
    else:
        index = first_of(class_of(digits, asked.digit), split.labels, f"digit {asked.digit}", name)
    return Picture(split.images[index], divisor, told_of(digits, name, index))


def filled_split(digits: Digits, name: str) -> Split:
    """The split of that name. Raises ConfigError where it has no pictures."""
    split = digits.splits[name]
    if len(split) == 0:
        have = ", ".join(part for part, other in digits.splits.items() if len(other))
        raise ConfigError("split", name, f"one that has pictures: {have}", f"{digits.source} has none in {name}.")
    return split


def checked_index(index: int, split: Split, name: str) -> int:
    """The position, if the split has it. Raises ConfigError otherwise."""
    if not 0 <= index < len(split):
        raise ConfigError("index", str(index), f"0 to {len(split) - 1}, a position in the {name} data")
    return index


def told_of(digits: Digits, name: str, index: int) -> str:
    """Such as "test image 17 of mnist_5k, class 7"."""
    label = int(digits.splits[name].labels[index])
    shown = f", class {digits.class_names[label]}" if label >= 0 else ""
    return f"{name} image {index} of {digits.source}{shown}"


def class_of(digits: Digits, digit: int | str) -> int:
    """The class that is meant by its name or its number. Raises ConfigError for none."""
    names = digits.class_names
    if str(digit) in names:
        return names.index(str(digit))
    if str(digit).isdecimal() and int(digit) < len(names):
        return int(digit)
    if not names:
        hint = "Name a picture by its position: --index 0"
        raise ConfigError("digit", str(digit), "data with labels", hint)
    more = ", …" if len(names) > NAMES_SHOWN else ""
    raise ConfigError("digit", str(digit), f"a class: one of {', '.join(names[:NAMES_SHOWN])}{more}")


def first_of(label: int, labels: NDArray[np.int64], where: str, split: str) -> int:
    """The first position with that label. Raises ConfigError where there is none."""
    found = np.flatnonzero(labels == label)
    if len(found) == 0:
        raise ConfigError("digit", f"{where}, which no picture in {split} has", f"a class that {split} has")
    return int(found[0])

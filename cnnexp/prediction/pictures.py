"""Files and folders that a person names, as the pictures that a network expects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnexp.data.handwriting import read_handwriting
from cnnexp.data.picture_files import frames_told
from cnnexp.data.pictures import read_picture
from cnnexp.data.snapshots import KINDS
from cnnexp.errors import DataError, Problem, RunError, printable
from cnnexp.prediction.folders import files_of
from cnnexp.runs.record import RunRecord

MNIST_SHAPE, TEN_DIGITS = (28, 28, 1), tuple("0123456789")
SHOWN = 256  # pixels of the longer side that are kept of a picture, to be shown


@dataclass(frozen=True)
class Expected:
    """What the asked networks know: pictures (height, width, channels) of classes, normalised as handwriting or not."""

    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    handwriting: bool


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture: its file, the class whose folder it lies in, as it is and as networks see it.

    original: (h, w, 3) uint8, at most 256 pixels long; image: (height, width, channels) uint8 of the expected shape;
    note: what was changed, in words.
    """

    path: Path
    label: str | None
    original: NDArray[np.uint8]
    image: NDArray[np.uint8]
    note: str = ""


def expected_by(records: Sequence[RunRecord], *, as_is: bool = False) -> Expected:
    """What all of the runs take: digits 0 to 9 of 28×28 pixels as handwriting, unless `as_is`.

    Raises RunError for a run without weights, one on numbers instead of pictures, and runs that differ in this.
    """
    found = {record.id: _expected(record, as_is) for record in records}
    first, *others = found.items()
    for name, other in others:
        if other != first[1]:
            hint = "Ask them one after the other."
            raise RunError(name, _told(other), f"{_told(first[1])}, as run {first[0]} knows", hint)
    return first[1]


def _expected(record: RunRecord, as_is: bool) -> Expected:
    if not (record.folder / "weights.npz").is_file():
        raise RunError(record.id, f"{record.status} without weights", "a run that trained its network to the end")
    if record.config.data.source == "arrays":
        hint = "From Python, give such arrays to find(RUN).model()."
        raise RunError(record.id, "a network for arrays of numbers", "one that was trained on pictures", hint)
    height, width, channels = record.data["image_shape"]
    shape, names = (height, width, channels), record.class_names
    return Expected(shape, names, (shape, names) == (MNIST_SHAPE, TEN_DIGITS) and not as_is)


def _told(expected: Expected) -> str:
    height, width, channels = expected.shape
    names, more = expected.class_names, ", …" if len(expected.class_names) > 10 else ""
    return f"pictures of {height}×{width}×{channels}, classes {', '.join(names[:10])}{more}"


def read_pictures_for(
    expected: Expected, words: Sequence[str], say: Callable[[str], None] = lambda text: None
) -> list[Picture]:
    """All pictures that the words name: files, and folders with what lies in them and one folder below.

    say: told what is left out of folders. Raises DataError with every file and folder that cannot be used, together.
    """
    pictures: list[Picture] = []
    problems: list[Problem] = []
    for word in words:
        try:
            files = files_of(Path(word).expanduser(), expected.class_names)
        except DataError as error:
            problems += error.problems
            continue
        for note in files.notes:
            say(printable(f"note: {note}"))
        for path, label in files.labelled:
            try:
                pictures.append(_read(path, label, expected))
            except DataError as error:
                problems += error.problems
    if problems:
        raise _together(problems)
    return pictures


def _together(problems: Sequence[Problem]) -> DataError:
    first = problems[0]
    error = DataError(first.where, first.got, first.expected, first.hint)
    error.problems = tuple(problems)
    return error


def _read(path: Path, label: str | None, expected: Expected) -> Picture:
    if expected.handwriting:
        found = read_handwriting(path)
        return Picture(path, label, _thumbnail(found.original), found.digit, frames_told(path))
    if not path.is_file():
        raise DataError(str(path), "no such file", KINDS)
    pixels = read_picture(path)
    colours: NDArray[np.uint8] = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
    image, changes = _brought_to(pixels, expected.shape)
    note = ", ".join(filter(None, [frames_told(path), *changes]))
    return Picture(path, label, _thumbnail(colours), image, note)


def _thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    picture = Image.fromarray(pixels)
    picture.thumbnail((SHOWN, SHOWN), Image.Resampling.BOX)
    return np.asarray(picture)


def _brought_to(pixels: NDArray[np.uint8], shape: tuple[int, int, int]) -> tuple[NDArray[np.uint8], list[str]]:
    """The pixels in the network's size and channels, and in words what that changed."""
    height, width, channels = shape
    picture = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[..., 0])
    changes = []
    if pixels.shape[2] != channels:
        picture = picture.convert("L" if channels == 1 else "RGB")
        changes.append("made grey" if channels == 1 else "grey in three channels")
    if picture.size != (width, height):
        changes.append(f"resized from {picture.height}×{picture.width} to {height}×{width}")
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    image: NDArray[Any] = np.asarray(picture)
    return image.reshape(shape), changes

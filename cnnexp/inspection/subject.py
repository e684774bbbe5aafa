"""Which picture the inspection of a trained run looks at: a digit of its data, one whose maps it kept, or a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.data import Digits, Split, image_digests
from cnnexp.errors import ConfigError, DataError, RunError
from cnnexp.inspection.network import Network
from cnnexp.inspection.question import AskedOfRun, checked_index, class_of, filled_split, first_of, refuse_two, told_of
from cnnexp.runs.record import RunRecord

SPLITS = ("test", "validation", "train")


@dataclass(frozen=True, eq=False)
class Subject:
    """A picture (height, width, channels) as the network sees it.

    told: where it comes from; note: why it was chosen, or how it was made; label: its class, None where nobody says.
    split, index: its place in the data, None for a file; original: the file as it is, (h, w, 3).
    """

    image: NDArray[Any]
    told: str
    note: str = ""
    label: int | None = None
    split: str | None = None
    index: int | None = None
    original: NDArray[np.uint8] | None = None

    @property
    def digest(self) -> int:
        """What tells the picture again in any data."""
        return int(image_digests(self.image[np.newaxis])[0])


def choose_subject(record: RunRecord, digits: Digits, asked: AskedOfRun, network: Network) -> Subject:
    """The picture that is asked for; else the first test digit (of the class) that the network reads right.

    With `epochs` the digit (of the class) whose maps the run kept. Raises ConfigError for what excludes each other, is
    not in the data or has no kept maps, DataError for a file that cannot be read, RunError for a run without maps.
    """
    refuse_two(asked)
    if asked.image is not None:
        subject = _of_file(record, asked)
    elif asked.epochs and asked.index is None and asked.split is None:
        return _kept(record, digits, asked)
    else:
        subject = _of_data(record, digits, asked, network)
    if asked.epochs:
        _refuse_without_maps(record, digits, subject)
    return subject


def filled_split_name(digits: Digits) -> str:
    """test, or where there is none validation or train."""
    return next(name for name in SPLITS if len(digits.splits[name]))


def place_of(record: RunRecord, subject: Subject) -> int | None:
    """Where the picture stands among the digits whose maps the run kept; None if it is none of them."""
    found = np.flatnonzero(record.digits()["digests"] == subject.digest)
    return int(found[0]) if len(found) else None


def _of_file(record: RunRecord, asked: AskedOfRun) -> Subject:
    from cnnexp.prediction import expected_by, read_pictures_for

    path = Path(str(asked.image)).expanduser()
    if path.is_dir():
        raise DataError(str(path), "a folder", "one picture file", "cnnexp predict reads folders.")
    expected = expected_by([record], as_is=asked.as_is)
    (picture,) = read_pictures_for(expected, [str(path)])
    made = "normalised as MNIST's digits were" if expected.handwriting else ""
    note = ", ".join(filter(None, [picture.note, made]))
    return Subject(picture.image, path.name, note, original=picture.original)


def _of_data(record: RunRecord, digits: Digits, asked: AskedOfRun, network: Network) -> Subject:
    name = asked.split or filled_split_name(digits)
    split = filled_split(digits, name)
    if asked.index is not None:
        return _at(digits, name, checked_index(asked.index, split, name))
    label, what = None, "digit"
    if asked.digit is not None:
        label = class_of(digits, asked.digit)
        first_of(label, split.labels, f"digit {asked.digit}", name)
        what = digits.class_names[label]
    which = np.arange(len(split)) if label is None else np.flatnonzero(split.labels == label)
    right = which[_answers(record, name, split.take(which), network) == split.labels[which]]
    if len(right) == 0:
        return _at(digits, name, int(which[0]), f"it reads none of the {len(which):,} right")
    return _at(digits, name, int(right[0]), f"the first {what} that it reads right")


def _at(digits: Digits, name: str, index: int, note: str = "") -> Subject:
    split = digits.splits[name]
    label = int(split.labels[index])
    return Subject(split.images[index], told_of(digits, name, index), note, label, name, index)


def _answers(record: RunRecord, name: str, some: Split, network: Network) -> NDArray[np.int64]:
    """The class that the network reads each picture as: as it was recorded, or asked now."""
    answers, found = dict[int, int](), record.predictions(name)
    if "probabilities" in found:  # of the training digits only digests are recorded
        answers = dict(zip(found["digests"].tolist(), found["probabilities"].argmax(axis=1).tolist(), strict=True))
    if all(digest in answers for digest in some.digests.tolist()):
        return np.array([answers[digest] for digest in some.digests.tolist()], np.int64)
    asked: NDArray[np.int64] = network.probabilities(some.images).argmax(axis=1)
    return asked


def _kept(record: RunRecord, digits: Digits, asked: AskedOfRun) -> Subject:
    """The digit of the class, or the first one, whose maps were kept."""
    kept = _kept_digits(record)
    labels = kept["labels"].tolist()
    label = class_of(digits, asked.digit) if asked.digit is not None else labels[0]
    if label not in labels:
        names = ", ".join(digits.class_names[each] for each in labels)
        raise ConfigError("digit", str(asked.digit), f"one whose maps were kept: {names}", _kept_hint(record))
    place = labels.index(label)
    split, index = _in_data(digits, int(kept["digests"][place])) or (None, None)
    note = "its maps were kept while it was trained"
    if split is None or index is None:
        return Subject(kept["images"][place], f"the kept digit of class {digits.class_names[label]}", note, label)
    return _at(digits, split, index, note)


def _kept_digits(record: RunRecord) -> dict[str, NDArray[Any]]:
    if not record.probed_epochs or not len(record.digits()["labels"]):
        raise RunError(record.id, "maps of no digit", "a run that kept some: figures.digits and figures.epochs say")
    return record.digits()


def _in_data(digits: Digits, digest: int) -> tuple[str, int] | None:
    for name, split in digits.splits.items():
        if len(found := np.flatnonzero(split.digests == digest)):
            return name, int(found[0])
    return None


def _refuse_without_maps(record: RunRecord, digits: Digits, subject: Subject) -> None:
    kept = _kept_digits(record)
    if place_of(record, subject) is None:
        expected = f"a digit whose maps were kept: {', '.join(_names(digits, kept))}"
        raise ConfigError("epochs", f"{subject.told}: no maps of it were kept", expected, _kept_hint(record))


def _names(digits: Digits, kept: dict[str, NDArray[Any]]) -> Iterator[str]:
    """Such as "7 (validation image 12)"."""
    for label, digest in zip(kept["labels"].tolist(), kept["digests"].tolist(), strict=True):
        place = _in_data(digits, digest)
        yield digits.class_names[label] + (f" ({place[0]} image {place[1]})" if place else "")


def _kept_hint(record: RunRecord) -> str:
    return (
        f"cnnexp inspect {record.id} --epochs --digit D finds the one of a class; figures.digits says which are kept."
    )

"""Answers as files: sheets of pictures beside what the networks saw, and answers.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cnnexp.errors import RunError
from cnnexp.prediction.answers import Answer, accuracy
from cnnexp.prediction.pictures import Picture
from cnnexp.runs.files import write_bytes, write_text
from cnnexp.runs.record import RunRecord

PREDICTIONS = "predictions"
A_SHEET, SHEETS = 12, 20


def prediction_folder(records: Sequence[RunRecord], pictures: Sequence[Picture], home: Path) -> Path:
    """predictions/<id>-<hash> below `home`: the same for the same runs and pictures."""
    hasher = hashlib.blake2b(digest_size=4)
    for record in records:
        hasher.update(f"{record.id}\n".encode())
    for picture in pictures:
        hasher.update(f"{picture.path.name}\n".encode() + picture.image.tobytes())
    more = f"-and-{len(records) - 1}-more" if len(records) > 1 else ""
    return home / PREDICTIONS / f"{records[0].id}{more}-{hasher.hexdigest()}"


def as_json(answer: Answer) -> dict[str, Any]:
    """One answer as plain values; a class that is named by its own index is a number."""
    names = [_plain(name, index) for index, name in enumerate(answer.class_names)]
    first, second = (int(index) for index in answer.ranking[:2])
    return {
        "image": str(answer.picture.path),
        "digit": names[first],
        "probability": answer.probability,
        "runner_up": names[second],
        "runner_up_probability": answer.runner_up_probability,
        "unsure": answer.unsure,
        "label": None if answer.picture.label is None else names[answer.class_names.index(answer.picture.label)],
        "votes": {name: int(count) for name, count in zip(answer.class_names, answer.votes, strict=True) if count},
        "probabilities": dict(zip(answer.class_names, map(float, answer.probabilities), strict=True)),
        "note": answer.picture.note,
    }


def _plain(name: str, index: int) -> str | int:
    return index if name == str(index) else name


def write_sheets(answers: Sequence[Answer], title: str, folder: Path) -> list[Path]:
    """Write sheet_01.png, … and answers.json into the folder; returns the sheets' paths.

    Twelve pictures a sheet, at most 20 sheets: where there are more pictures, the wrong and the unsure ones come first.
    Raises RunError where the folder cannot be written.
    """
    from cnnexp.figures.predictions import predictions
    from cnnexp.figures.render import png_bytes

    most = A_SHEET * SHEETS
    shown = list(answers) if len(answers) <= most else sorted(answers, key=_rank)[:most]
    parts = [shown[start : start + A_SHEET] for start in range(0, len(shown), A_SHEET)]
    paths = []
    try:
        write_text(folder / "answers.json", json.dumps([*map(as_json, answers)], indent=2, ensure_ascii=False) + "\n")
        for number, part in enumerate(parts, 1):
            paths.append(folder / f"sheet_{number:02d}.png")
            write_bytes(paths[-1], png_bytes(predictions([*map(_shown, part)], title, _counts(answers))))
    except OSError as error:
        hint = "Name another: --folder FOLDER"
        raise RunError(str(folder), error.strerror or str(error), "a folder that can be written", hint) from None
    return paths


def _rank(answer: Answer) -> tuple[bool, bool]:
    return answer.right is not False, not answer.unsure


def _shown(answer: Answer) -> Any:
    from cnnexp.figures.predictions import Shown

    picture = answer.picture
    name = picture.path.name if picture.label is None else f"{picture.label}/{picture.path.name}"
    return Shown(
        name, picture.original, picture.image, answer.probabilities, answer.class_names, answer.unsure, picture.label
    )


def _counts(answers: Sequence[Answer]) -> str:
    """Such as "20 pictures, 3 unsure, 18 of 20 labelled ones right"."""
    unsure, right = sum(answer.unsure for answer in answers), accuracy(answers)
    words = [f"{len(answers):,} picture" + "s" * (len(answers) != 1)]
    if unsure:
        words.append(f"{unsure:,} unsure")
    if right:
        words.append(f"{right[0]:,} of {right[1]:,} labelled ones right")
    return ", ".join(words)

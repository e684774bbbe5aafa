"""Which pictures of a folder are meant: those in it and one folder below; and in words which are left out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cnnexp.data.snapshots import SUFFIXES
from cnnexp.errors import DataError

MOST_WALKED = 1000
"""Folders that are looked through for pictures that lie too deep."""
NAMED = 5
LEVEL = "one level of folders is looked into"


@dataclass(frozen=True)
class Files:
    """Picture files in order, each with its label, the class that its folder is named as; notes: what is left out."""

    labelled: tuple[tuple[Path, str | None], ...]
    notes: tuple[str, ...] = ()


def files_of(path: Path, class_names: Sequence[str]) -> Files:
    """A file, or the pictures in a folder and in the folders in it.

    Raises DataError for a folder without such pictures, or that cannot be read.
    """
    if not path.is_dir():
        return Files(((path, None),))
    try:
        folders = _folders_in(path)
        below = {folder.name: found for folder in folders if (found := _pictures_in(folder))}
        own = _pictures_in(path)
        deeper = [inner for folder in folders for inner in _folders_in(folder) if _has_pictures(inner)]
    except OSError as error:
        raise DataError(str(path), error.strerror or str(error), "a folder that can be read") from error
    left_out = _few([str(folder.relative_to(path)) for folder in deeper])
    if not own and not below:
        hint = f"Only {LEVEL}; deeper ones with pictures: {left_out}" if deeper else ""
        raise DataError(str(path), "no pictures", f"files that end in {', '.join(sorted(SUFFIXES))}", hint)
    labels = {name: name for name in below if name in class_names}
    labelled = [(file, labels.get(name)) for name, files in below.items() for file in files]
    strange = [name for name in below if labels and name not in labels]
    notes = [f"{path}: {LEVEL}, so not into {left_out}"] if deeper else []
    if strange:
        notes.append(f"{path}: {_few(strange)}: no class, left out of the accuracy")
    return Files((*((file, None) for file in own), *labelled), tuple(notes))


def _folders_in(folder: Path) -> list[Path]:
    return [child for child in sorted(folder.iterdir()) if child.is_dir() and not child.name.startswith(".")]


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _is_picture(path.name) and path.is_file())


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def _has_pictures(folder: Path) -> bool:
    """Whether there is a picture anywhere below; so many folders are looked through, and none that is hidden."""
    for _, folders, files in islice(os.walk(folder), MOST_WALKED):
        if any(map(_is_picture, files)):
            return True
        folders[:] = [name for name in folders if not name.startswith(".")]
    return False


def _few(names: Sequence[str]) -> str:
    return ", ".join([*names[:NAMED], *["…"] * (len(names) > NAMED)])

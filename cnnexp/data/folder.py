"""Data of one's own: a folder of IDX files (so Fashion-MNIST works), or one sub-folder of pictures a class.

Pictures lie in FOLDER/<class>/*.png, or in FOLDER/train/<class>/*.png with validation/ and test/ beside it.
A part that is not there is a tenth of the training pictures: stratified, decided by `data.split_seed` and the
pictures alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cnnexp.config.schema import Data
from cnnexp.data.digits import Digits, Images, Split
from cnnexp.data.idx import has_idx_files, read_idx_folder
from cnnexp.data.pictures import SUFFIXES, read_pictures
from cnnexp.data.splitting import cut_stratified, shuffled
from cnnexp.errors import DataError

SHARE = 10  # a part that is not there is one picture in ten
PARTS = ("train", "validation", "test")
LAYOUT = "IDX files, or one sub-folder of PNG or JPEG pictures for each class"
IDX_HINT = "A folder of IDX files has all four of them."


def read_folder(data: Data) -> Digits:
    """What lies in `data.folder`. Raises DataError with the file or folder at fault."""
    folder = Path(str(data.folder)).expanduser()  # the schema wants one for this source
    if not folder.is_dir():
        hint = "It is named by data.folder."
        raise DataError(str(folder), "no such folder", f"a folder with {LAYOUT}", hint)
    read = _from_idx if has_idx_files(folder) else _from_pictures
    return read(folder, data.split_seed)


def _from_idx(folder: Path, seed: int) -> Digits:
    found = read_idx_folder(folder, IDX_HINT)
    train_images, train_labels, test_images, test_labels = found.arrays
    classes = int(train_labels.max()) + 1
    _refuse_one_class(str(found.files[1]), len(np.unique(train_labels)))
    if test_labels.max() >= classes:
        expected = f"0 to {classes - 1}, as in {found.files[1].name}"
        raise DataError(str(found.files[3]), f"label {test_labels.max()}", expected)
    pool = shuffled(Split.of(train_images[..., np.newaxis], train_labels), seed)
    test = Split.of(test_images[..., np.newaxis], test_labels)
    validation, train = _cut(pool, _share(pool), str(found.files[0]))
    return Digits(train, validation, test, tuple(map(str, range(classes))), "folder")


def _from_pictures(folder: Path, seed: int) -> Digits:
    parts = {name: folder / name for name in PARTS if (folder / name).is_dir()}
    if "train" not in parts:
        parts = {"train": folder}
    class_names = tuple(path.name for path in _sub_folders(parts["train"]))
    _refuse_one_class(str(parts["train"]), len(class_names))
    listed = {name: _labelled_files(part, class_names) for name, part in parts.items()}
    images = read_pictures([path for files in listed.values() for path, _ in files])
    splits = _splits(images, listed)
    train = shuffled(splits["train"], seed)
    size = _share(train)
    for name in ("test", "validation"):
        if name not in splits:
            splits[name], train = _cut(train, size, str(folder))
    return Digits(train, splits["validation"], splits["test"], class_names, "folder")


def _splits(images: Images, listed: dict[str, list[tuple[Path, int]]]) -> dict[str, Split]:
    splits, start = {}, 0
    for name, files in listed.items():
        end = start + len(files)
        splits[name] = Split.of(images[start:end], np.array([label for _, label in files]))
        start = end
    return splits


def _share(pool: Split) -> int:
    return max(1, len(pool) // SHARE)


def _cut(pool: Split, size: int, where: str) -> tuple[Split, Split]:
    """`size` images, stratified, and the others: at least one of each class."""
    share, rest = cut_stratified(pool, size)
    if len(np.unique(rest.labels)) < len(np.unique(pool.labels)):
        hint = "Give each class more, or a train/, a validation/ and a test/ folder."
        raise DataError(where, f"{len(pool)} images", "enough to leave each class one to train on", hint)
    return share, rest


def _labelled_files(part: Path, class_names: tuple[str, ...]) -> list[tuple[Path, int]]:
    """The pictures below `part`, by class and then by name, each with the index of its class."""
    files = []
    for folder in _sub_folders(part):
        if folder.name not in class_names:
            hint = "Every class needs pictures to train on."
            raise DataError(str(folder), "a class of its own", f"one of {', '.join(class_names)}", hint)
        pictures = sorted(path for path in folder.iterdir() if _is_picture(path))
        if not pictures:
            raise DataError(str(folder), "no pictures", f"files that end in {', '.join(sorted(SUFFIXES))}")
        files += [(path, class_names.index(folder.name)) for path in pictures]
    if not files:
        raise DataError(str(part), "no pictures", "one sub-folder of pictures for each class")
    return files


def _sub_folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _refuse_one_class(where: str, classes: int) -> None:
    if classes < 2:
        got = "one class" if classes else "no images"
        raise DataError(where, got, f"{LAYOUT}, and at least two classes")

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnexp.config.schema import Data
from cnnexp.data import load_digits, overlap
from cnnexp.errors import DataError


def load(folder: Path, **keys):
    return load_digits(Data(source="folder", folder=str(folder), **keys))


def fill(folder: Path, first: int, count: int, size: tuple[int, int] = (4, 5)) -> None:
    """`count` grey pictures, each of one pixel value: first, first + 1, …"""
    folder.mkdir(parents=True)
    for value in range(first, first + count):
        Image.fromarray(np.full(size, value, dtype=np.uint8)).save(folder / f"{value:03}.png")


@pytest.fixture
def two_classes(tmp_path):
    folder = tmp_path / "pictures"
    fill(folder / "나무", 100, 30)
    fill(folder / "집", 0, 20)
    return folder


def values(split) -> list[int]:
    return [int(value) for value in split.images[:, 0, 0, 0]]


def refused(place: Path, message: str):
    return pytest.raises(DataError, match=f"^{re.escape(str(place))}: {message}")


def test_a_folder_a_class(two_classes):
    digits = load(two_classes)
    assert digits.class_names == ("나무", "집")
    assert digits.image_shape == (4, 5, 1)
    assert digits.counts() == {"train": (24, 16), "validation": (3, 2), "test": (3, 2)}
    found = [value for split in digits.splits.values() for value in values(split)]
    assert sorted(found) == [*range(20), *range(100, 130)]
    for split in digits.splits.values():
        assert split.labels.tolist() == [0 if value >= 100 else 1 for value in values(split)]


def test_the_split_depends_on_its_seed_alone(two_classes):
    assert load(two_classes).digest == load(two_classes, split_seed=0).digest == "286906aa8b974b4e"
    assert set(values(load(two_classes).test)) != set(values(load(two_classes, split_seed=1).test))


def test_renamed_files_are_split_alike(two_classes):
    before = load(two_classes).digest
    for path in two_classes.glob("*/*.png"):
        path.rename(path.with_name(f"{999 - int(path.stem)}.PNG"))
    assert load(two_classes).digest == before


def test_classes_are_mixed_in_the_training_digits(two_classes):
    assert set(load(two_classes, limit=15).train.labels.tolist()) == {0, 1}


def test_parts_of_its_own(tmp_path):
    for part, first in (("train", 0), ("validation", 50), ("test", 100)):
        fill(tmp_path / part / "a", first, 4)
        fill(tmp_path / part / "b", first + 10, 2)
    digits = load(tmp_path)
    assert sorted(values(digits.train)) == [0, 1, 2, 3, 10, 11]
    assert values(digits.validation) == [50, 51, 52, 53, 60, 61]
    assert values(digits.test) == [100, 101, 102, 103, 110, 111]
    assert digits.test.labels.tolist() == [0, 0, 0, 0, 1, 1]


def test_a_part_that_is_not_there_comes_from_the_training_pictures(tmp_path):
    fill(tmp_path / "train" / "a", 0, 20)
    fill(tmp_path / "train" / "b", 20, 20)
    fill(tmp_path / "test" / "a", 100, 3)
    digits = load(tmp_path)
    assert digits.counts() == {"train": (18, 18), "validation": (2, 2), "test": (3, 0)}
    assert sorted(values(digits.train) + values(digits.validation)) == list(range(40))


def test_colour(tmp_path):
    for name in ("a", "b"):
        fill(tmp_path / name, 0, 3)
    Image.fromarray(np.full((4, 5, 3), (1, 2, 3), dtype=np.uint8)).save(tmp_path / "a" / "colour.jpeg")
    assert load(tmp_path).image_shape == (4, 5, 3)


def test_what_is_hidden_or_no_picture_is_left_out(two_classes):
    before = load(two_classes).digest
    (two_classes / ".cache").mkdir()
    (two_classes / "집" / "._000.png").write_bytes(b"made by a file manager")
    (two_classes / "집" / "notes.txt").write_text("houses", encoding="utf-8")
    assert load(two_classes).digest == before


def test_idx_files_of_other_things(small, write_idx):
    digits = load(write_idx(small, ".", ".gz"))
    assert digits.class_names == ("0", "1", "2", "3")
    assert digits.counts() == {"train": (4, 7, 11, 14), "validation": (0, 1, 1, 2), "test": (1, 2, 3, 4)}
    assert np.array_equal(digits.test.images[..., 0], small[2])
    assert np.array_equal(digits.test.labels, small[3])
    assert overlap(digits.train.digests, digits.validation.digests) == 0


def test_idx_validation_depends_on_the_seed(small, write_idx):
    folder = write_idx(small)
    first, second = load(folder), load(folder, split_seed=1)
    assert set(first.validation.digests.tolist()) != set(second.validation.digests.tolist())
    assert np.array_equal(first.test.digests, second.test.digests)


def test_no_such_folder(tmp_path):
    with refused(tmp_path / "nowhere", "got no such folder, expected a folder with .*\n    It is named by data.folder"):
        load(tmp_path / "nowhere")


def test_an_empty_folder(tmp_path):
    with refused(tmp_path, "got no images, expected IDX files, or one sub-folder .*, and at least two classes"):
        load(tmp_path)


def test_one_class(tmp_path):
    fill(tmp_path / "a", 0, 3)
    with refused(tmp_path, "got one class, expected .* and at least two classes"):
        load(tmp_path)


def test_a_class_without_pictures(two_classes):
    (two_classes / "car").mkdir()
    with refused(two_classes / "car", r"got no pictures, expected files that end in \.jpeg, \.jpg, \.png"):
        load(two_classes)


def test_a_part_without_pictures(tmp_path):
    fill(tmp_path / "train" / "a", 0, 3)
    fill(tmp_path / "train" / "b", 3, 3)
    (tmp_path / "test").mkdir()
    with refused(tmp_path / "test", "got no pictures, expected one sub-folder of pictures for each class"):
        load(tmp_path)


def test_a_class_that_is_not_trained(tmp_path):
    fill(tmp_path / "train" / "a", 0, 3)
    fill(tmp_path / "train" / "b", 3, 3)
    fill(tmp_path / "test" / "c", 6, 3)
    with refused(tmp_path / "test" / "c", "got a class of its own, expected one of a, b\n    Every class"):
        load(tmp_path)


def test_too_few_pictures_to_split(tmp_path):
    fill(tmp_path / "a", 0, 1)
    fill(tmp_path / "b", 1, 1)
    with refused(tmp_path, "got 2 images, expected enough to leave each class one to train on\n    Give each"):
        load(tmp_path)


def test_mixed_sizes(two_classes):
    path = two_classes / "집" / "020.png"
    Image.fromarray(np.zeros((4, 6), dtype=np.uint8)).save(path)
    with refused(path, r"got 6 x 4 pixels, expected 5 x 4 pixels \(width x height\), as in .*100\.png"):
        load(two_classes)


def test_a_broken_picture(two_classes):
    path = two_classes / "집" / "020.png"
    path.write_bytes(b"\x89PNG")
    with refused(path, "got a broken picture"):
        load(two_classes)


def test_idx_of_one_class(small, write_idx):
    folder = write_idx((small[0], small[1] * 0 + 3, small[2], small[3]))
    with refused(folder / "train-labels-idx1-ubyte", "got one class, expected .*at least two classes"):
        load(folder)


def test_idx_test_label_that_is_not_trained(small, write_idx):
    folder = write_idx((*small[:3], small[3] + np.uint8(1)))
    with refused(folder / "t10k-labels-idx1-ubyte", "got label 4, expected 0 to 3, as in train-labels-idx1-ubyte"):
        load(folder)


def test_idx_label_file_of_another_length(small, write_idx):
    folder = write_idx((*small[:3], small[3][:9]))
    with refused(folder / "t10k-labels-idx1-ubyte", "got 9 labels, expected 10, one for each image"):
        load(folder)


def test_idx_files_that_are_not_all_there(small, write_idx):
    folder = write_idx(small)
    (folder / "train-labels-idx1-ubyte").unlink()
    with refused(folder, "got no train-labels-idx1-ubyte, expected .*\n    A folder of IDX files has all four"):
        load(folder)

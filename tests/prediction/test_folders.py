"""Which files of a folder are meant, and what is said of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnexp.errors import DataError
from cnnexp.prediction.folders import files_of

TEN = tuple("0123456789")


def filled(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def labels(folder: Path) -> dict[str, str | None]:
    return {path.relative_to(folder).as_posix(): label for path, label in files_of(folder, TEN).labelled}


def test_what_lies_deeper_is_named_where_there_are_pictures(tmp_path: Path) -> None:
    folder = filled(
        tmp_path, "mixed/a.png", "mixed/sub/deep/b.png", "mixed/texts/c.txt", "mixed/.git/d.png", "e/.f/g.png"
    )
    assert labels(folder) == {"mixed/a.png": None}
    told = f"{folder}: one level of folders is looked into, so not into {Path('mixed/sub')}"
    assert files_of(folder, TEN).notes == (told,)


def test_of_many_that_lie_deeper_a_few_are_named(tmp_path: Path) -> None:
    filled(tmp_path, "a.png", *(f"b/{number}/c.png" for number in range(7)))
    (note,) = files_of(tmp_path, TEN).notes
    assert note.endswith(f"so not into {', '.join(str(Path('b', str(number))) for number in range(5))}, …")


def test_where_all_lies_deeper_the_refusal_says_so(tmp_path: Path) -> None:
    filled(tmp_path, "a/b/c.png", "a/d/e.txt")
    with pytest.raises(DataError) as refused:
        files_of(tmp_path, TEN)
    assert str(refused.value).startswith(f"{tmp_path}: got no pictures, expected files that end in ")
    deeper = f"Only one level of folders is looked into; deeper ones with pictures: {Path('a/b')}"
    assert refused.value.problems[0].hint == deeper


def test_without_any_picture_nothing_is_said_of_levels(tmp_path: Path) -> None:
    filled(tmp_path, "a/b/c.txt")
    with pytest.raises(DataError) as refused:
        files_of(tmp_path, TEN)
    assert refused.value.problems[0].hint == ""


def test_a_folder_that_is_no_class_is_left_out_of_the_accuracy(tmp_path: Path) -> None:
    filled(tmp_path, "4/a.png", "other/b.png", "7/c.png", "empty/d.txt", "e.png")
    assert labels(tmp_path) == {"e.png": None, "4/a.png": "4", "7/c.png": "7", "other/b.png": None}
    assert files_of(tmp_path, TEN).notes == (f"{tmp_path}: other: no class, left out of the accuracy",)


def test_where_no_folder_is_a_class_there_is_no_accuracy_to_speak_of(tmp_path: Path) -> None:
    filled(tmp_path, "one/a.png", "two/b.png")
    assert set(labels(tmp_path).values()) == {None}
    assert files_of(tmp_path, TEN).notes == ()


def test_a_file_is_itself(tmp_path: Path) -> None:
    assert files_of(tmp_path / "a.txt", TEN).labelled == ((tmp_path / "a.txt", None),)


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DataError, match="got Permission denied, expected a folder that can be read"):
        files_of(tmp_path, TEN)

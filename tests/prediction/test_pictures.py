from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnexp.errors import DataError, RunError
from cnnexp.prediction import Expected, expected_by, read_pictures_for
from cnnexp.runs.record import RunRecord
from tests.drawn_digits import KINDS, draw
from tests.runs.records import create_run

TEN = tuple("0123456789")
DIGITS = Expected((28, 28, 1), TEN, True)


def finished(tmp_path: Path, *overrides: str, weights: bool = True) -> RunRecord:
    writer = create_run(tmp_path / "runs", overrides)
    if weights:
        (writer.folder / "weights.npz").write_bytes(b"weights")
    writer.close()
    return writer.read()


def add(path: Path, digit: int = 7) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(draw(KINDS["tiny canvas"], digit, 0))
    return path


@pytest.mark.slow
def test_digits_of_28_by_28_are_handwriting_unless_told_otherwise(tmp_path: Path) -> None:
    record = finished(tmp_path)
    assert expected_by([record, finished(tmp_path, "seed=1")]) == DIGITS
    assert expected_by([record], as_is=True) == Expected((28, 28, 1), TEN, False)


def test_runs_that_cannot_be_asked(tmp_path: Path) -> None:
    bare = finished(tmp_path, weights=False)
    with pytest.raises(RunError, match=f"{bare.id}: got RUNNING without weights, expected a run that trained"):
        expected_by([finished(tmp_path), bare])
    arrays = finished(tmp_path, "data=arrays", "data.images=[[[1,2],[3,4]]]", "data.labels=[0]", "model=empty")
    with pytest.raises(RunError, match=f"{arrays.id}: got a network for arrays of numbers"):
        expected_by([arrays])


@pytest.mark.slow
def test_runs_that_expect_different_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = finished(tmp_path), finished(tmp_path, "seed=1")
    changed = {**other.header, "data": {**other.data, "class_names": ["coat", "boot"], "image_shape": [8, 9, 3]}}
    monkeypatch.setitem(other.__dict__, "header", changed)
    with pytest.raises(RunError) as refused:
        expected_by([one, other])
    assert str(refused.value).splitlines() == [
        f"{other.id}: got pictures of 8×9×3, classes coat, boot, expected pictures of 28×28×1, classes 0, 1, 2, 3, 4, "
        f"5, 6, 7, 8, 9, as run {one.id} knows",
        "    Ask them one after the other.",
    ]


def test_files_and_folders_one_level_deep_in_order(tmp_path: Path) -> None:
    single, folder = add(tmp_path / "ten.of.them"), tmp_path / "folder"
    expected = [add(folder / name) for name in ("a.png", "b.PNG", "first/c.png", "second/d.png")]
    add(folder / "first" / "deeper" / "e.png")
    add(folder / ".hidden.png")
    add(folder / ".git" / "f.png")
    (folder / "notes.txt").write_text("none", encoding="utf-8")
    found = read_pictures_for(DIGITS, [str(single), str(folder), str(single)])
    assert [picture.path for picture in found] == [single, *expected, single]
    assert {picture.label for picture in found} == {None}


def test_folders_named_as_classes_are_labels(tmp_path: Path) -> None:
    paths = [add(tmp_path / "3" / "a.png", 3), add(tmp_path / "7" / "b.png"), add(tmp_path / "7" / "c.png")]
    loose = add(tmp_path / "z.png")
    (tmp_path / "empty").mkdir()
    found = {picture.path: picture.label for picture in read_pictures_for(DIGITS, [str(tmp_path)])}
    assert found == {loose: None, paths[0]: "3", paths[1]: "7", paths[2]: "7"}


def test_what_is_left_out_of_folders_is_said_before_the_pictures(tmp_path: Path) -> None:
    add(tmp_path / "3" / "a.png")
    add(tmp_path / "seven" / "b.png")
    add(tmp_path / "seven" / "more" / "c.png")
    said: list[str] = []
    assert [picture.label for picture in read_pictures_for(DIGITS, [str(tmp_path)], said.append)] == ["3", None]
    assert said == [
        f"note: {tmp_path}: one level of folders is looked into, so not into {Path('seven/more')}",
        f"note: {tmp_path}: seven: no class, left out of the accuracy",
    ]


def test_a_handwritten_digit_comes_with_its_original(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(draw(KINDS["coloured"], 4, 0))
    (found,) = read_pictures_for(DIGITS, [str(path)])
    assert (found.image.shape, found.image.dtype) == ((28, 28, 1), np.uint8)
    assert found.original.shape == (256, 256, 3)
    assert found.image[0, 0] == 0


def test_everything_that_is_wrong_is_told_together(tmp_path: Path) -> None:
    add(tmp_path / "good.png")
    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    (tmp_path / "cut.jpg").write_bytes(b"")
    (tmp_path / "bare").mkdir()
    words = [str(tmp_path), str(tmp_path / "bare"), str(tmp_path / "missing.png")]
    with pytest.raises(DataError) as refused:
        read_pictures_for(DIGITS, words)
    told = str(refused.value)
    assert told.startswith("4 problems\n")
    for name, got in (("blank.png", "no digit to be seen"), ("cut.jpg", "a broken picture"), ("bare", "no pictures"),
                      ("missing.png", "no such file")):  # fmt: skip
        assert re.search(rf"{name}: got {got}", told), name
    assert "good.png" not in told


GREY = np.arange(64, dtype=np.uint8).reshape(8, 8)


def test_as_is_a_picture_of_the_right_size_is_untouched(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    (found,) = read_pictures_for(Expected((8, 8, 1), ("a", "b"), False), [str(tmp_path / "a.png")])
    assert np.array_equal(found.image[..., 0], GREY)
    assert np.array_equal(found.original, np.stack([GREY] * 3, axis=2))
    assert found.note == ""


@pytest.mark.parametrize(
    ("colour", "shape", "note"),
    [
        (False, (8, 8, 3), "grey in three channels"),
        (True, (8, 8, 1), "made grey"),
        (True, (4, 6, 3), "resized from 8×8 to 4×6"),
        (True, (4, 4, 1), "made grey, resized from 8×8 to 4×4"),
    ],
)
def test_as_is_says_what_it_changed(tmp_path: Path, colour: bool, shape: tuple[int, int, int], note: str) -> None:
    Image.fromarray(np.stack([GREY] * 3, axis=2) if colour else GREY).save(tmp_path / "a.png")
    (found,) = read_pictures_for(Expected(shape, ("a", "b"), False), [str(tmp_path / "a.png")])
    assert (found.image.shape, found.note) == (shape, note)
    if shape[:2] == (8, 8):
        assert np.array_equal(found.image[..., 0], GREY)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tif"])
def test_of_an_animation_the_first_picture_is_taken_and_it_is_said(tmp_path: Path, suffix: str) -> None:
    digit = Image.open(BytesIO(draw(KINDS["tiny canvas"], 7, 0))).convert("L")
    frames = [digit.rotate(90 * turns) for turns in (1, 2)]
    digit.save(tmp_path / f"a{suffix}", save_all=True, append_images=frames)
    words = [str(tmp_path / f"a{suffix}")]
    assert read_pictures_for(DIGITS, words)[0].note == "first of 3 frames"
    (found,) = read_pictures_for(Expected((9, 9, 1), TEN, False), words)
    assert re.fullmatch(r"first of 3 frames(, made grey)?, resized from \d+×\d+ to 9×9", found.note)


def test_as_is_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_pictures_for(Expected((8, 8, 1), ("a", "b"), False), [str(tmp_path / "a.png")])

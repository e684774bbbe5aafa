"""Pictures that are too large, and files with several."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnexp.data.picture_files import frames_told, too_large
from cnnexp.data.pictures import read_picture
from cnnexp.data.snapshots import read_snapshot
from cnnexp.errors import DataError


@pytest.mark.parametrize("read", [read_picture, read_snapshot])
def test_too_many_pixels_are_told_with_the_most_allowed(read, tmp_path, monkeypatch):
    Image.fromarray(np.zeros((50, 60), np.uint8)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(DataError) as refused:
        read(tmp_path / "a.png")
    assert str(refused.value) == (
        f"{tmp_path / 'a.png'}: got 3,000 pixels, expected at most 2,000\n"
        "    It is too large: reduce it, or cut out what matters."
    )


def test_words_of_another_pillow_are_told_as_well_as_can_be():
    told = str(too_large(Path("a.png"), Image.DecompressionBombError("other words")))
    assert told.startswith("a.png: got too many pixels, expected at most 178,956,970\n")


def test_frames_of_an_animation_are_counted(tmp_path):
    pictures = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    for name in ("a.gif", "a.webp", "a.png", "a.tif"):
        pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:])
        assert frames_told(tmp_path / name) == "first of 3 frames", name
        pictures[0].save(tmp_path / name)
        assert frames_told(tmp_path / name) == "", name


def test_the_previews_of_a_camera_are_no_frames(tmp_path):
    pictures = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green")]
    pictures[0].save(tmp_path / "a.mpo", save_all=True, append_images=pictures[1:])
    (tmp_path / "a.mpo").rename(tmp_path / "a.jpg")
    assert frames_told(tmp_path / "a.jpg") == ""


def test_what_is_damaged_or_missing_tells_nothing(tmp_path):
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    assert frames_told(tmp_path / "a.gif") == frames_told(tmp_path / "b.gif") == ""

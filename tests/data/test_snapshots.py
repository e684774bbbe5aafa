from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnexp.data.snapshots import LONGEST, lightness, read_snapshot
from cnnexp.errors import DataError

GREY = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40


def saved(path: Path, pixels: Any, **more: Any) -> Path:
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(path, **more)
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".gif", ".webp"])
def test_grey_is_the_same_in_every_format(tmp_path: Path, suffix: str) -> None:
    more = {"lossless": True} if suffix == ".webp" else {}
    found = read_snapshot(saved(tmp_path / f"숫자{suffix}", GREY, **more))
    assert found.grey == pytest.approx(GREY / 255, abs=1e-3)
    assert np.array_equal(found.shown, np.stack([GREY] * 3, axis=2))


@pytest.mark.parametrize(
    ("colour", "expected"),
    # relative luminance by hand from IEC 61966-2-1: 0.2126, 0.7152, 0.0722, and 1 - 0.0722, encoded again
    [
        ((255, 0, 0), 0.4984), ((0, 255, 0), 0.8625), ((0, 0, 255), 0.2979), ((255, 255, 0), 0.9681),
        ((77, 77, 77), 77 / 255),
    ],
)  # fmt: skip
def test_colours_become_the_grey_of_the_same_luminance(colour: tuple[int, int, int], expected: float) -> None:
    assert lightness(np.array([[colour]], np.uint8))[0, 0] == pytest.approx(expected, abs=2e-3)


def test_transparency_lies_over_the_ground(tmp_path: Path) -> None:
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, :, 3] = 0, 51, 255
    path = saved(tmp_path / "a.png", pixels)
    assert read_snapshot(path).grey[0] == pytest.approx([1, 0.8, 0], abs=2e-3)
    assert read_snapshot(path, "black").grey[0].tolist() == [0, 0, 0]


def test_a_transparent_colour_of_a_palette(tmp_path: Path) -> None:
    picture = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    picture.putpalette([10, 10, 10, 40, 40, 40])
    path = saved(tmp_path / "a.png", picture, transparency=0)
    assert read_snapshot(path).grey[0] == pytest.approx([1, 40 / 255], abs=2e-3)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_count_up_to_the_lightest_pixel(tmp_path: Path, suffix: str) -> None:
    path = saved(tmp_path / f"a{suffix}", np.array([[0, 10_000, 40_000]], np.uint16))
    found = read_snapshot(path)
    assert found.grey[0] == pytest.approx([0, 0.25, 1])
    assert found.shown[0, :, 2].tolist() == [0, 64, 255]


def test_a_picture_lies_as_its_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned a quarter
    path = saved(tmp_path / "a.png", GREY, exif=exif)
    assert read_snapshot(path).shown[..., 0].tolist() == np.rot90(GREY, -1).tolist()


def test_large_pictures_are_reduced_by_area(tmp_path: Path) -> None:
    pixels = np.zeros((LONGEST * 4, LONGEST * 2), np.uint8)
    pixels[:, ::2] = 255  # the finest lines that there are
    found = read_snapshot(saved(tmp_path / "a.png", pixels))
    assert found.grey.shape == (LONGEST, LONGEST // 2)
    assert np.unique(found.shown).tolist() == [128]


def test_a_large_jpeg_is_decoded_small_and_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.zeros((1500, 3000), np.uint8)
    pixels[:, :1500] = 255
    found = read_snapshot(saved(tmp_path / "a.jpg", pixels, exif=exif))
    assert found.grey.shape == (LONGEST, LONGEST // 2)
    assert found.grey[: LONGEST // 2 - 2].min() > 0.99
    assert found.grey[LONGEST // 2 + 2 :].max() < 0.01


@pytest.mark.parametrize("mode", ["1", "LA", "CMYK", "LAB", "HSV"])
def test_every_kind_of_pixel(tmp_path: Path, mode: str) -> None:
    picture = Image.new("RGB", (4, 4), "white").convert("L" if mode in ("1", "LA") else "RGB")
    if mode == "LAB":
        from PIL import ImageCms

        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        converted = ImageCms.profileToProfile(picture, srgb, lab, outputMode="LAB")
        assert converted is not None
        picture = converted
    elif mode == "HSV":
        picture = picture.convert("HSV").convert("RGB")
    else:
        picture = picture.convert(mode)
    assert read_snapshot(saved(tmp_path / "a.tif", picture)).grey.min() > 0.98


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n"], ids=["empty", "text", "only a header"])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(
        DataError, match=rf"^{re.escape(str(path))}: got a broken picture \(cannot identify image file\)"
    ):
        read_snapshot(path)


def test_a_file_that_was_cut(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", np.random.default_rng(0).integers(0, 256, (50, 50), np.uint8))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match="got a broken picture"):
        read_snapshot(path)


def test_a_file_that_is_not_there_and_pixels_that_are_no_light(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="got no such file, expected a whole PNG, JPEG"):
        read_snapshot(tmp_path / "a.png")
    path = saved(tmp_path / "a.tif", np.array([[np.nan, 1]], np.float32))
    with pytest.raises(DataError, match="pixels below 0 or not finite"):
        read_snapshot(path)

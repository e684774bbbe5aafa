from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from cnnexp.data.pictures import read_picture, read_pictures
from cnnexp.errors import DataError

GREY = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
COLOUR = np.arange(18, dtype=np.uint8).reshape(2, 3, 3) * 14


def with_alpha(pixels, alpha):
    channels = pixels if pixels.ndim == 3 else pixels[..., None]
    return np.concatenate([channels, np.full((*channels.shape[:2], 1), alpha, dtype=np.uint8)], axis=2)


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (GREY, GREY[..., None]),
        (with_alpha(GREY, 255), GREY[..., None]),
        (COLOUR, COLOUR),
        (with_alpha(COLOUR, 255), COLOUR),
        (GREY > 100, (GREY[..., None] > 100) * 255),
    ],
    ids=["grey", "opaque grey", "colour", "opaque colour", "black and white"],
)
def test_png_pixels_are_exact(tmp_path, pixels, expected):
    Image.fromarray(pixels).save(tmp_path / "a.png")
    read = read_picture(tmp_path / "a.png")
    assert read.dtype == np.uint8
    assert np.array_equal(read, expected)


def test_a_palette_is_looked_up(tmp_path):
    picture = Image.fromarray(np.array([[0, 1], [1, 0]], dtype=np.uint8), mode=None).convert("P")
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").tolist() == [
        [[10, 20, 30], [40, 50, 60]],
        [[40, 50, 60], [10, 20, 30]],
    ]


def test_a_flat_jpeg(tmp_path):
    Image.fromarray(np.full((8, 16), 77, dtype=np.uint8)).save(tmp_path / "a.jpg")
    assert np.array_equal(read_picture(tmp_path / "a.jpg"), np.full((8, 16, 1), 77))


def test_a_photograph_is_turned_as_its_camera_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned a quarter
    Image.fromarray(GREY).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_picture(tmp_path / "a.png")[..., 0], np.rot90(GREY, -1))


def test_a_name_in_any_script(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "숫자 일곱.png")
    assert read_picture(tmp_path / "숫자 일곱.png").shape == (2, 3, 1)


def refused(path, message):
    return pytest.raises(DataError, match=f"^{re.escape(str(path))}: {message}")


@pytest.mark.parametrize("kept", [0, 20, 60])
def test_a_broken_file(tmp_path, kept):
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with refused(path, r"got a broken picture \(.+\), expected a whole PNG or JPEG file"):
        read_picture(path)


def test_a_missing_file(tmp_path):
    with refused(tmp_path / "a.png", r"got a broken picture \(.*No such file"):
        read_picture(tmp_path / "a.png")


def test_sixteen_bits(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(GREY.astype(np.uint16) * 200).save(path)
    with refused(path, "got pixels of kind I;16, expected 8-bit grey or colour\n    Convert it"):
        read_picture(path)


@pytest.mark.parametrize("pixels", [GREY, COLOUR], ids=["grey", "colour"])
def test_transparency(tmp_path, pixels):
    path = tmp_path / "a.png"
    Image.fromarray(with_alpha(pixels, 254)).save(path)
    with refused(path, "got transparent pixels, expected a picture without transparency\n    Flatten"):
        read_picture(path)


def test_grey_among_colour_becomes_colour(tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    Image.fromarray(GREY).save(paths[0])
    Image.fromarray(COLOUR).save(paths[1])
    both = read_pictures(paths)
    assert np.array_equal(both[0], np.stack([GREY] * 3, axis=2))
    assert np.array_equal(both[1], COLOUR)


def test_mixed_sizes(tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    Image.fromarray(GREY).save(paths[0])
    Image.fromarray(GREY.T).save(paths[1])
    with refused(
        paths[1],
        r"got 2 x 3 pixels, expected 3 x 2 pixels \(width x height\), as in .*a\.png\n    Bring all",
    ):
        read_pictures(paths)

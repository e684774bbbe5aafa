from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnexp.config.schema import Data
from cnnexp.data import load_digits
from cnnexp.data.handwriting import find_ink, ink_is_dark, into_field, normalised, read_handwriting
from cnnexp.errors import DataError
from tests.drawn_digits import KINDS, Kind, black_on_white, draw

SHAPES = {"light": lambda grey: grey, "dark": lambda grey: 1 - grey}


def read(tmp_path: Path, kind: Kind, digit: int) -> np.ndarray:
    path = tmp_path / f"{digit}{kind.suffix}"
    path.write_bytes(draw(kind, digit, seed=0))
    return read_handwriting(path).digit


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The largest correlation of two fields, one of them moved by at most a pixel."""
    moved = [np.roll(other, (i, j), (0, 1)).ravel() for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return max(float(np.corrcoef(one.ravel(), pixels)[0, 1]) for pixels in moved)


def centre_of_mass(field: np.ndarray) -> np.ndarray:
    return (np.argwhere(field[..., 0] >= 0) * field[..., 0].reshape(-1, 1)).sum(axis=0) / field.sum()


@pytest.fixture(scope="module")
def mnist() -> np.ndarray:
    return load_digits(Data()).test.images


@pytest.mark.slow
@pytest.mark.parametrize("ink", SHAPES)
def test_digits_of_mnist_stay_what_they_are(mnist: np.ndarray, ink: str) -> None:
    found = [normalised(SHAPES[ink](image[..., 0].astype(np.float32) / 255)) for image in mnist[::5]]
    alike = [likeness(digit, image) for digit, image in zip(found, mnist[::5], strict=True) if digit is not None]
    assert len(alike) == 100
    assert np.median(alike) > 0.999
    assert np.quantile(alike, 0.02) > 0.97  # a few lose a stroke that hangs loose


@pytest.mark.slow
def test_digits_of_mnist_on_a_large_sheet_are_found_again(mnist: np.ndarray) -> None:
    for number, image in enumerate(mnist[::25]):
        sheet = np.ones((400, 300), np.float32)
        large = np.asarray(Image.fromarray(image[..., 0]).resize((140, 140), Image.Resampling.BICUBIC), np.float32)
        sheet[20 + 4 * number : 160 + 4 * number, 10:150] -= large / 255
        digit = normalised(np.clip(sheet, 0, 1))
        assert digit is not None
        assert likeness(digit, image) > 0.9


def test_twenty_pixels_high_and_centred_by_mass() -> None:
    ink = np.zeros((100, 50), np.float32)
    ink[:, :10] = ink[80:, :] = 1  # the letter L: its mass is low and to the left of its box
    field = into_field(ink)
    rows, columns = np.flatnonzero(field.any(axis=(1, 2))), np.flatnonzero(field.any(axis=(0, 2)))
    assert (len(rows), len(columns)) == (20, 10)
    assert np.abs(centre_of_mass(field) - 14).max() <= 0.5
    # by hand: rows 0 to 15 hold 2 pixels each, rows 16 to 19 hold 10: (2 * 120 + 10 * 70) / 72 = 13.06; 14 - 13.06 -> 1
    # columns 0 and 1 hold 20 pixels, columns 2 to 9 hold 4: (20 * 1 + 4 * 44) / 72 = 2.72; 14 - 2.72 -> 11
    assert (rows[0], columns[0]) == (1, 11)


def test_a_wide_digit_is_twenty_pixels_wide() -> None:
    field = into_field(np.ones((10, 40), np.float32))
    assert field[..., 0].any(axis=0).sum() == 20
    assert field[..., 0].any(axis=1).sum() == 5
    assert field.max() == 255


@pytest.mark.slow
@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.finish is not black_on_white])
def test_papers_lights_and_formats_do_not_change_the_digit(tmp_path: Path, kind: str) -> None:
    """What is done to the same ink is undone: it becomes what black ink on white paper becomes."""
    plain = replace(KINDS[kind], finish=black_on_white, suffix=".png")
    for digit in (2, 8):
        assert likeness(read(tmp_path, KINDS[kind], digit), read(tmp_path, plain, digit)) > 0.85


def test_a_picture_on_its_side_is_the_same_digit(tmp_path: Path) -> None:
    turned = KINDS["turned by EXIF"]
    assert likeness(read(tmp_path, turned, 7), read(tmp_path, replace(turned, turned=False), 7)) > 0.99


def square(inner: float, outer: float) -> np.ndarray:
    grey = np.full((60, 60), outer, np.float32)
    grey[20:40, 25:35] = inner
    return grey


@pytest.mark.parametrize(("inner", "outer"), [(0, 1), (0.4, 0.6), (0.8, 0.95), (0, 0.2)])
def test_ink_differs_from_the_edge(inner: float, outer: float) -> None:
    assert ink_is_dark(square(inner, outer))
    assert not ink_is_dark(square(outer, inner))
    for grey in (square(inner, outer), square(outer, inner)):
        ink = find_ink(grey)
        assert ink is not None
        assert ink.shape == (20, 10)
        assert ink.min() == 1


def test_specks_the_edge_of_the_paper_and_other_things_are_left_out() -> None:
    grey = square(0, 1)
    alone = normalised(grey)
    grey[5, 5] = grey[50, 52] = 0
    grey[:, :4] = 0
    grey[10:16, 50:56] = 0.1
    assert np.array_equal(normalised(grey), alone)


def test_a_second_stroke_nearby_belongs_to_the_digit() -> None:
    grey = square(0, 1)
    grey[15:18, 25:35] = 0
    ink = find_ink(grey)
    assert ink is not None
    assert ink.shape == (25, 10)


def test_a_digit_that_reaches_the_edge_is_read_all_the_same() -> None:
    grey = square(0, 1)
    grey[40:, 25:35] = 0
    ink = find_ink(grey)
    assert ink is not None
    assert ink.shape == (40, 10)


def blank(name: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    slope = np.linspace(0.3, 0.9, 200)
    return {
        "white": np.ones((200, 200)), "black": np.zeros((200, 200)), "grey": np.full((200, 200), 0.5),
        "paper": np.clip(0.8 + rng.normal(0, 0.03, (200, 200)), 0, 1), "noise": rng.random((200, 200)),
        "light from one side": np.tile(slope, (200, 1)), "light from a corner": np.add.outer(slope, slope) / 2,
        "one pixel": np.ones((1, 1)), "a line of pixels": np.ones((1, 300)),
        "a speck": 1 - np.eye(200) * (np.arange(200) < 3),
    }[name].astype(np.float32)  # fmt: skip


BLANK = ("white", "black", "grey", "paper", "noise", "light from one side", "light from a corner", "one pixel",
         "a line of pixels", "a speck")  # fmt: skip


@pytest.mark.parametrize("name", BLANK)
def test_nothing_is_found_where_nothing_is(name: str) -> None:
    assert normalised(blank(name)) is None


def test_a_blank_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("L", (60, 60), 255).save(path)
    with pytest.raises(DataError, match=r"a\.png: got no digit to be seen, expected strokes that differ"):
        read_handwriting(path)


def test_white_ink_on_nothing_is_seen_over_black(tmp_path: Path) -> None:
    pixels = np.full((60, 60, 4), 255, np.uint8)
    pixels[..., 3] = 0
    pixels[20:40, 25:35, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = read_handwriting(tmp_path / "a.png")
    assert np.array_equal(found.digit, normalised(square(1, 0)))
    assert found.original[0, 0].tolist() == [0, 0, 0]


def test_drawings_are_the_same_again_and_no_two_alike() -> None:
    files = {(name, digit, seed): draw(KINDS[name], digit, seed) for name in ("pen", "JPEG") for digit in (3, 4)
             for seed in (0, 1)}  # fmt: skip
    assert all(draw(KINDS[name], digit, seed) == content for (name, digit, seed), content in files.items())
    assert len(set(files.values())) == len(files)
    assert Image.open(io.BytesIO(files["pen", 3, 0])).size == (320, 320)

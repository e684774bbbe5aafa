from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from cnnexp.figures.contact_sheet import contact_sheet


def sheet_of(channels: int = 3, names: tuple[str, ...] = ("kernel_size=3", "strides=2")) -> tuple[Any, Figure, Any]:
    """The pictures drawn, the figure, and the maps of two runs, of 8×8 and of 4×4 cells."""
    generator = np.random.default_rng(0)
    maps = {
        name: generator.random((2, size, size, 5)).astype(np.float32) for name, size in zip(names, (8, 4), strict=True)
    }
    maps[names[0]][..., 4] += 10  # the strongest channel of the first run
    images = generator.integers(0, 256, (2, 8, 8, 1), dtype=np.uint8)
    figure = contact_sheet(maps, images, title="conv_1", labels=["7", "2"], channels=channels)
    return [image for axes in figure.axes for image in axes.images], figure, maps


def test_each_run_is_a_row_of_its_strongest_channels_on_one_scale() -> None:
    drawn, _, maps = sheet_of()
    shown = [image for image in drawn if image.get_array().shape in ((8, 8), (4, 4)) and image.norm.vmax > 5]
    assert len(shown) == 2 * 2 * 3  # runs, digits, channels
    assert len({(image.norm.vmin, image.norm.vmax) for image in shown}) == 1
    first = maps["kernel_size=3"][0, ..., 4]
    assert np.array_equal(shown[0].get_array(), first)


def test_fewer_channels_than_asked_for() -> None:
    drawn, _, _ = sheet_of(channels=9)
    assert len([image for image in drawn if image.norm.vmax and image.norm.vmax > 5]) == 2 * 2 * 5


@pytest.mark.parametrize("name", ["한글=3", "a very long name " * 8])
def test_names_of_any_script_and_length(name: str) -> None:
    _, figure, _ = sheet_of(names=(name, "b"))
    assert figure.get_size_inches()[0] < 16
    figure.canvas.draw()


def texts_of(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_what_is_left_out_and_what_overflowed_is_told() -> None:
    maps = {name: np.full((1, 4, 4, 2), 3e38, np.float32) for name in ("a", "b")}
    images = np.zeros((1, 8, 8, 1), np.uint8)
    foot = "left out: c"
    told = texts_of(contact_sheet(maps, images, title="conv_1", labels=["7"], foot=foot))  # warnings are errors
    assert foot in told
    assert not any("grey" in text for text in told)
    maps["b"][0, 0, 0, 0] = np.inf
    told = texts_of(contact_sheet(maps, images, title="conv_1", labels=["7"], foot=foot))
    assert "grey: the output overflowed, no finite number" in told

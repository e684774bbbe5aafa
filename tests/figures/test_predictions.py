from __future__ import annotations

import matplotlib.colors
import numpy as np
import pytest
from matplotlib.patches import Rectangle

from cnnexp.figures.predictions import Shown, predictions
from cnnexp.figures.style import GREEN, ORANGE, RED, SKY

TEN = tuple("0123456789")


def shown(*shares: float, names=TEN, label=None, unsure=False, name="a.png", shape=(28, 28, 1)) -> Shown:
    probabilities = np.zeros(len(names), np.float32)
    probabilities[: len(shares)] = shares
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return Shown(name, np.full((90, 60, 3), (200, 10, 30), np.uint8), image, probabilities, names, unsure, label)


def bars(figure) -> dict[str, float]:
    """Colour to the widths of the coloured bars, as shares of the widest grey one."""
    patches = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle) and patch.get_fill()]
    whole = max(patch.get_width() for patch in patches)
    return {matplotlib.colors.to_hex(patch.get_facecolor()).upper(): round(patch.get_width() / whole, 3)
            for patch in reversed(patches)}  # fmt: skip


def test_the_picture_what_the_network_saw_and_the_likeliest_first(check_figure):
    figure = predictions([shown(0.05, 0.2, 0.6, 0.1, 0.03, 0.02, name="seven.png")], "Run 3f9a", "1 picture")
    texts = check_figure(figure)
    assert texts[:2] == ["Run 3f9a", "1 picture. Left: the picture, right: what the network saw"]
    assert texts[2:4] == ["seven.png", "2"]
    assert texts[4:] == ["2", "0.60", "1", "0.20", "3", "0.10", "0", "0.05", "4", "0.03"]
    original, seen = figure.axes[0].images
    assert np.asarray(original.get_array())[0, 0] * 255 == pytest.approx((200, 10, 30), abs=0.01)
    assert np.asarray(seen.get_array()) * 255 == pytest.approx(shown().image[..., 0], abs=0.01)
    assert seen.to_rgba(1.0)[:3] == (1, 1, 1)  # light ink on black, as it is


@pytest.mark.parametrize(
    ("one", "verdict", "colour"),
    [
        (shown(0.25, 0.75), "1", SKY),
        (shown(0.25, 0.75, unsure=True), "1, unsure", ORANGE),
        (shown(0.25, 0.75, label="1"), "1", GREEN),
        (shown(0.25, 0.75, label="0", unsure=True), "1, unsure: wrong", RED),
    ],
    ids=["plain", "unsure", "right", "wrong"],
)
def test_the_answer_and_its_colour(one, verdict, colour, check_figure):
    figure = predictions([one], "Run", "1 picture")
    assert verdict in check_figure(figure)
    assert bars(figure)[colour.upper()] == 0.75


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 3, 12])
def test_two_columns(count, check_figure):
    figure = predictions([shown(1.0, name=f"{i}.png") for i in range(count)], "Run", "pictures")
    texts = check_figure(figure)
    assert [text for text in texts if text.endswith(".png")] == [f"{i}.png" for i in range(count)]
    lefts = {round(image.get_extent()[0], 3) for image in figure.axes[0].images}
    assert len(lefts) == 4


def test_long_names_few_classes_and_colours(check_figure):
    names = ("Ankle boot of the finest leather", "가방")
    figure = predictions(
        [shown(0.4, 0.6, names=names, name="x" * 90, label=names[0], shape=(8, 20, 3))], "Run " + "y" * 200, "1 picture"
    )
    texts = check_figure(figure)
    assert any(text.startswith("xxx") and text.endswith("…") for text in texts)
    assert any(text.startswith("Ankle") and text.endswith("…") for text in texts)

"""One output cell worked out with NumPy alone, and what the Python face gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnexp
from cnnexp.config.compose import compose_config
from cnnexp.data import load_digits
from cnnexp.inspection.passage import Inspection, inspect_picture
from cnnexp.inspection.question import Asked


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def look(*overrides: str, **asked: Any) -> Inspection:
    """The arrays alone: nothing is drawn or written."""
    return inspect_picture(compose_config(overrides), Asked(**asked))


def cell_by_hand(image: np.ndarray, kernel: np.ndarray, place: tuple[int, int, int], step: int, before: int) -> float:
    """Σ image·kernel over the cells that lie inside; `before` cells of padding at the top and left."""
    total, (row, column, filter_) = 0.0, place
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            y, x = row * step + i - before, column * step + j - before
            if 0 <= y < image.shape[0] and 0 <= x < image.shape[1]:
                total += float((image[y, x].astype(np.float64) * kernel[i, j, :, filter_].astype(np.float64)).sum())
    return total


@pytest.mark.slow
@pytest.mark.parametrize("cell", [(0, 0, 0), (13, 13, 4), (6, 7, 2), (0, 13, 1)])
def test_a_strided_cell_with_even_and_uneven_padding(cell):
    found = look("experiments=first_look", digit=7, cell=cell)
    conv = found.steps[0]
    by_hand = cell_by_hand(found.picture.pixels / 255, conv.kernel, cell, step=2, before=0)
    assert conv.cell == cell
    assert conv.output == pytest.approx(by_hand, abs=1e-5)
    assert conv.products().sum() == pytest.approx(by_hand, abs=1e-5)


@pytest.mark.slow
def test_bias_batch_normalization_and_activation_follow_the_sum():
    found = look(
        "model=small", "model.batch_normalization=true", "model.activation=tanh", "model.kernel_size=5",
        "model.bias_initializer={type: constant, value: 0.25}", "model.dropout=0.9", "model.blocks.conv_1.dropout=0.9",
        index=3, layer="conv_2", cell=(0, 5, 2),
    )  # fmt: skip
    conv = found.steps[2]
    assert [step.name for step in found.steps] == ["conv_1", "conv_1_pool", "conv_2", "conv_2_pool"]
    assert [step.name for step in found.shown] == ["conv_2"]
    by_hand = cell_by_hand(found.maps["conv_1_pool"], conv.kernel, (0, 5, 2), step=1, before=2) + 0.25
    assert conv.output == pytest.approx(np.tanh(by_hand / np.sqrt(1 + 1e-3)), abs=1e-5)
    assert conv.bias.tolist() == [0.25] * 16
    pooled = found.maps["conv_1"].reshape(14, 2, 14, 2, 8).max(axis=(1, 3))
    assert (found.maps["conv_1_pool"] == pooled).all()


@pytest.mark.slow
def test_dilated_patches_skip_cells():
    found = look("model=small", "model.blocks.conv_1.dilation_rate=3", digit=2, cell=(14, 14, 5))
    patch, inside = found.steps[0].patch()
    assert inside.all()
    assert (patch == found.picture.scaled[11:18:3, 11:18:3]).all()
    assert found.steps[0].products().sum() == pytest.approx(found.steps[0].output, abs=1e-5) or (
        found.steps[0].output == 0 and found.steps[0].products().sum() < 0
    )


@pytest.mark.slow
def test_the_kernels_are_those_that_a_training_with_this_seed_starts_from():
    from cnnexp.nn.model import build_model

    config = cnnexp.compose("model=small", "seed=4")
    found = look("model=small", "seed=4")
    built = build_model(config.model, (28, 28, 1), 10, 255.0, 4)
    assert (found.steps[2].kernel == built.get_layer("conv_2").kernel.numpy()).all()


@pytest.mark.slow
def test_index_digit_and_split_choose_the_picture():
    digits = load_digits(cnnexp.compose().data)
    quick = ("model=empty", "model.blocks.a={filters: 1}")
    assert (look(*quick).picture.pixels == digits.train.images[0]).all()
    assert (look(*quick, index=5, split="test").picture.pixels == digits.test.images[5]).all()
    first = int(np.flatnonzero(digits.validation.labels == 8)[0])
    found = look(*quick, digit=8, split="validation")
    assert (found.picture.pixels == digits.validation.images[first]).all()
    assert found.picture.told == f"validation image {first} of mnist_5k, class 8"


@pytest.mark.slow
def test_from_python_it_leaves_the_same_folder_and_tells_where():
    found = cnnexp.inspect("experiments=toy", folder="toy")
    assert found.maps["conv_1_pool"][0, 0].tolist() == [28, 280, -12]
    assert Path("toy/arithmetic_conv_1.png").is_file()
    assert found.pictures[0] == "input.png"
    assert repr(found) == "<Inspection of train image 0 of arrays in toy>"
    with pytest.raises(cnnexp.ConfigError, match="layer: got 'x', expected one of conv_1, conv_1_pool"):
        cnnexp.inspect("experiments=toy", layer="x")


def test_without_a_cell_a_telling_one_is_shown():
    conv, pool = look("experiments=toy").steps
    assert conv.cell == (1, 1, 0)
    assert pool.cell == (1, 1, 2)
    assert pool.output == -28


@pytest.mark.slow
def test_layers_are_those_of_shapes():
    table = cnnexp.layers("model.strides=2")
    assert [layer.output for layer in table.layers if layer.name in ("conv_1", "conv_2")] == [(14, 14, 32), (4, 4, 64)]
    with pytest.raises(cnnexp.ConfigError, match="Any one of these makes it fit"):
        cnnexp.layers("model=no_padding", "model.kernel_size=11")

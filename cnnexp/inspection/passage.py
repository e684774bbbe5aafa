"""One picture through the blocks of a config, nothing trained: refusals first, then arrays, then a folder of files."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.analysis.windows import patch_at, reaches_outside
from cnnexp.config.compose import Composed
from cnnexp.config.identity import variant_of
from cnnexp.config.layers import ConvBlock, conv_blocks
from cnnexp.config.schema import Model, Output
from cnnexp.data import image_digests
from cnnexp.errors import ConfigError, DataError
from cnnexp.inspection.question import Asked, Picture, choose_picture
from cnnexp.shapes import Axis, Layer, check_shapes

INSPECTIONS = "inspections"
ARRAYS, CONFIG = "arrays.npz", "config.yaml"
MOST_NUMBERS = 50_000_000
WINDOWED = ("Conv2D", "MaxPooling2D", "AveragePooling2D")
Cell = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Step:
    """A convolution (its activation included) or a pool, with what goes in and what comes out.

    before, values: (height, width, channels). kernel: (height, width, channels in, filters), bias: (filters,), both
    None for a pool and bias also where there is none. cell: (row, column, channel) whose arithmetic is shown.
    """

    layer: Layer
    block: ConvBlock
    before: NDArray[np.float32]
    values: NDArray[np.float32]
    kernel: NDArray[np.float32] | None
    bias: NDArray[np.float32] | None
    cell: Cell

    @property
    def name(self) -> str:
        return self.layer.name

    @property
    def window(self) -> tuple[Axis, Axis]:
        """Height and width of the kernel or pool."""
        if self.layer.window is None:  # pragma: no cover
            raise ValueError(self.name)
        return self.layer.window

    @property
    def padding(self) -> str:
        """same or valid"""
        return self.window[0].padding

    def patch(self) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """What the shown cell's window reads, and which of it lies inside."""
        return patch_at(self.before, self.window, *self.cell[:2])

    def products(self) -> NDArray[np.float64]:
        """(height, width, channels in) of a convolution: patch times kernel for the shown cell; float64."""
        kernel = np.zeros((1, 1, 1, self.cell[2] + 1)) if self.kernel is None else self.kernel
        return self.patch()[0].astype(np.float64) * kernel[..., self.cell[2]].astype(np.float64)

    @property
    def output(self) -> float:
        """The value of the shown cell."""
        return float(self.values[self.cell])


@dataclass(frozen=True, eq=False, repr=False)
class Inspection:
    """A picture and every step that it took; `shown` are those that were asked for.

    folder: where its files are, or will be; pictures: their names, once written; mlflow: the store's URI, experiment
    id and run id, once published.
    """

    composed: Composed
    picture: Picture
    asked: Asked
    steps: tuple[Step, ...]
    folder: Path
    pictures: tuple[str, ...] = ()
    mlflow: tuple[str, str, str] | None = None

    def __repr__(self) -> str:
        return f"<Inspection of {self.picture.told} in {self.folder}>"

    @property
    def maps(self) -> dict[str, NDArray[np.float32]]:
        """What comes out of each convolution (activation included) and pool: (height, width, channels) by name."""
        return {step.name: step.values for step in self.steps}

    @property
    def shown(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if self.asked.layer in (None, step.name))


def without_head(model: Model) -> Model:
    """The same blocks, with one number as head: the cheapest that can be built on any size."""
    return model.model_copy(update={"dense": {}, "global_pooling": "average", "output": Output()})


def inspect_picture(composed: Composed, asked: Asked, folder: str | None = None) -> Inspection:
    """The picture that is asked for, through the blocks; nothing is written yet.

    folder: where `cnnexp.inspection.files` will put it (None: inspections/NAME-HASH in the working folder).
    Raises ConfigError, DataError or ShapeError, each before TensorFlow is imported.
    """
    config = composed.config
    if not config.model.blocks:
        hint = "Choose a network (model=article), or add a block: model.blocks.conv_1.filters=8"
        raise ConfigError("model.blocks", "no blocks", "at least one to go through", hint)
    picture = choose_picture(config.data, asked)
    height, width, channels = picture.pixels.shape
    model = without_head(config.model)
    layers = [layer for layer in check_shapes(model, (height, width, channels), 1).layers if layer.kind in WINDOWED]
    _check_size(layers, picture)
    _check_layer_and_cell(layers, asked)
    target = Path(folder).expanduser() if folder is not None else _named(composed, picture, asked)
    check_folder(target)
    steps = _steps(composed, model, layers, picture, asked)
    return Inspection(composed, picture, asked, steps, target)


def check_folder(folder: Path) -> None:
    """Raise DataError where an inspection must not be put: on a file, or on a folder with something else in it."""
    if folder.is_dir() and any(folder.iterdir()) and not all((folder / name).is_file() for name in (ARRAYS, CONFIG)):
        hint = "Nothing was written. Name another one: --folder DIR"
        raise DataError(str(folder), "a folder with other files in it", "a new folder, or an earlier inspection", hint)
    if folder.exists() and not folder.is_dir():
        raise DataError(str(folder), "a file", "a new folder, or an earlier inspection")


def _check_size(layers: list[Layer], picture: Picture) -> None:
    numbers = sum(layer.numbers for layer in layers)
    if numbers > MOST_NUMBERS:
        height, width, _ = picture.pixels.shape
        got = f"{height}×{width} pixels, {numbers:,} numbers in all layers"
        raise DataError(picture.told, got, f"at most {MOST_NUMBERS:,} numbers", "Make the picture smaller first.")


def _check_layer_and_cell(layers: list[Layer], asked: Asked) -> None:
    names = [layer.name for layer in layers]
    if asked.layer is not None and asked.layer not in names:
        raise ConfigError("layer", repr(asked.layer), f"one of {', '.join(names)}")
    if asked.cell is None:
        return
    layer = layers[names.index(asked.layer) if asked.layer else 0]
    check_cell(asked.cell, layer, asked.cell_word)


def check_cell(cell: tuple[int, ...], layer: Layer, key: str) -> None:
    """Raise ConfigError, of that key, for a cell (row, column[, channel]) that the layer's output does not have."""
    if len(cell) in (2, 3) and all(0 <= n < m for n, m in zip(cell, layer.output, strict=False)):
        return
    height, width, channels = layer.output
    expected = f"ROW,COLUMN[,CHANNEL] from 0,0,0 to {height - 1},{width - 1},{channels - 1}"
    raise ConfigError(key, ",".join(map(str, cell)), f"{expected}, the output of {layer.name}")


def _named(composed: Composed, picture: Picture, asked: Asked) -> Path:
    """The same question gets the same folder, another one another."""
    name = composed.choices.get("experiments") or composed.choices.get("model", "config")
    config, digest = composed.config, int(image_digests(picture.pixels[np.newaxis])[0])
    parts = [variant_of(config), config.seed, digest, picture.divisor, asked.cell, asked.layer]
    short = hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()[:8]
    return Path.cwd() / INSPECTIONS / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}-{short}"


def _steps(composed: Composed, model: Model, layers: list[Layer], picture: Picture, asked: Asked) -> tuple[Step, ...]:
    from cnnexp.nn.seeding import make_deterministic

    config = composed.config
    make_deterministic(config.seed, config.training.threads)
    from cnnexp.nn.headless import pass_through

    passed = pass_through(model, picture.pixels, picture.divisor, config.seed)
    blocks = {block.name: block for block in conv_blocks(model)}
    before, steps = picture.scaled, []
    for layer in layers:
        values = passed.maps[layer.name]
        given = asked.cell if layer.name == (asked.layer or layers[0].name) else None
        cell = _cell(layer, values, given)
        kernel, bias = passed.kernels.get(layer.name), passed.biases.get(layer.name)
        steps.append(Step(layer, blocks[layer.owner], before, values, kernel, bias, cell))
        before = values
    return tuple(steps)


def _cell(layer: Layer, values: NDArray[np.float32], given: tuple[int, ...] | None) -> Cell:
    """The cell that was given; else, of a convolution, the strongest of channel 0, of a pool a telling one."""
    if given is not None:
        return given[0], given[1], given[2] if len(given) > 2 else 0
    if layer.kind == "Conv2D":
        row, column = np.unravel_index(_finite(np.abs(values[..., 0])).argmax(), values.shape[:2])
        return int(row), int(column), 0
    return _telling_cell(layer, _finite(values))


def _telling_cell(layer: Layer, values: NDArray[np.float32]) -> Cell:
    """The lowest value if it is below 0, else the highest; where windows reach outside, one of those that do."""
    if layer.window is None:  # pragma: no cover
        raise ValueError(layer.name)
    height, width = layer.window
    outside = reaches_outside(height)[:, None] | reaches_outside(width)[None, :]
    eligible = outside if np.abs(values[outside]).any() else np.ones_like(outside)
    low = np.where(eligible[..., None], values, np.inf)
    high = np.where(eligible[..., None], values, -np.inf)
    chosen = low.argmin() if low.min() < 0 else high.argmax()
    row, column, channel = np.unravel_index(chosen, values.shape)
    return int(row), int(column), int(channel)


def _finite(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)

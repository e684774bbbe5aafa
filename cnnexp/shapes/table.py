"""Every layer that a model config leads to, by arithmetic: sizes, padding, parameters, work, receptive field."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from cnnexp.config.layers import ConvBlock, PoolLayer, conv_blocks, dense_layers
from cnnexp.config.schema import Model
from cnnexp.shapes.arithmetic import Pair, Shape
from cnnexp.shapes.misfits import (
    Axes,
    Impossible,
    Misfit,
    check_initializer,
    kernel_axes,
    key_of,
    pool_axes,
    size_misfit,
)

BYTES_PER_NUMBER = 4
POOLS = {"max": "MaxPooling2D", "average": "AveragePooling2D"}
GLOBAL_POOLS = {"max": "GlobalMaxPooling2D", "average": "GlobalAveragePooling2D"}


@dataclass(frozen=True)
class Layer:
    """One Keras layer; shapes are (height, width, channels), or (numbers,) once the maps are flattened.

    name             the layer's name everywhere; `kind` is its Keras class
    owner            the block or hidden dense layer that it belongs to; "" if none
    window           height and width of a kernel or pool; None where nothing slides
    kernel           shape of the weights that are multiplied with the input; () if there are none
    vectors, moving  numbers a channel besides the kernel: trainable (bias 1, batch normalization 2) and not (2)
    receptive_field  (height, width) in pixels of the image that one cell of the output depends on, pixels outside
                     the image included: r + (reach - 1)·jump; None where a cell depends on all cells before it
    jump             (height, width) in pixels of the image between neighbouring cells: jump·stride; None likewise
                     (Araujo, Norris and Sim, 2019: Computing receptive fields of convolutional neural networks)
    """

    name: str
    kind: str
    input: Shape
    output: Shape
    receptive_field: Pair | None
    jump: Pair | None
    owner: str = ""
    window: Axes | None = None
    kernel: Shape = ()
    vectors: int = 0
    moving: int = 0

    @property
    def padding(self) -> tuple[int, int, int, int]:
        """Cells outside the maps that windows reach: (top, bottom, left, right)."""
        if self.window is None:
            return (0, 0, 0, 0)
        height, width = self.window
        return (height.before, height.after, width.before, width.after)

    @property
    def parameters(self) -> int:
        return self.trainable_parameters + self.moving * self.output[-1]

    @property
    def trainable_parameters(self) -> int:
        return (math.prod(self.kernel) if self.kernel else 0) + self.vectors * self.output[-1]

    @property
    def multiply_adds(self) -> int:
        """Products of a weight and an input for one digit, each added to a sum; products with padding count too.

        Only kernels of convolutions and dense layers are counted: not biases, normalization, activations or pools.
        """
        return math.prod(self.kernel) * math.prod(self.output[:-1]) if self.kernel else 0

    @property
    def numbers(self) -> int:
        """Numbers that come out for one digit."""
        return math.prod(self.output)

    @property
    def activation_bytes(self) -> int:
        """Memory of the output for one digit, as float32."""
        return self.numbers * BYTES_PER_NUMBER


@dataclass(frozen=True)
class LayerTable:
    """The layers of a model, first to last; up to the first one that cannot be built where there is a `misfit`."""

    layers: tuple[Layer, ...]
    misfit: Misfit | None = None

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def trainable_parameters(self) -> int:
        return sum(layer.trainable_parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """For one digit, forward; `Layer.multiply_adds` says what is counted."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def activation_bytes(self) -> int:
        """All outputs of one digit together, as training keeps them (flatten, which copies nothing, included)."""
        return sum(layer.activation_bytes for layer in self.layers)


def layer_table(model: Model, image_shape: tuple[int, int, int], classes: int) -> LayerTable:
    """The layers of `model` on images of (height, width, channels), as Keras would build and name them.

    It never fails: a model that cannot be built gives the layers before the impossible one, and a `misfit`.
    """
    layers: list[Layer] = []
    parameters = numbers = 0
    try:
        for layer in _layers(model, image_shape, classes):
            parameters, numbers = parameters + layer.parameters, numbers + layer.numbers
            if misfit := size_misfit(model, layer.name, layer.owner, layer.kernel, (parameters, numbers)):
                return LayerTable(tuple(layers), misfit)
            layers.append(layer)
    except Impossible as impossible:
        return LayerTable(tuple(layers), impossible.misfit)
    return LayerTable(tuple(layers))


def _layers(model: Model, image_shape: tuple[int, int, int], classes: int) -> Iterator[Layer]:
    last = Layer("rescaling", "Rescaling", image_shape, image_shape, (1, 1), (1, 1))
    yield last
    for block in conv_blocks(model):
        for layer in _block_layers(model, block, last):
            last = layer
            yield layer
    last = _flat(model, last)
    yield last
    for dense in dense_layers(model):
        key = f"model.dense.{dense.name}"
        check_initializer(dense.name, dense.name, f"{key}.kernel_initializer", dense.kernel_initializer,
                          (last.output[0], dense.units))  # fmt: skip
        check_initializer(dense.name, dense.name, f"{key}.bias_initializer", dense.bias_initializer, (dense.units,))
        last = _dense(dense.name, dense.name, last, dense.units)
        yield last
        if dense.dropout > 0:
            yield _following(last, "dropout", "Dropout")
    inputs, output = last.output[0], model.output
    check_initializer("output", "", "model.output.kernel_initializer", output.kernel_initializer, (inputs, classes))
    check_initializer("output", "", "model.output.bias_initializer", output.bias_initializer, (classes,))
    yield _dense("output", "", last, classes)


def _block_layers(model: Model, block: ConvBlock, last: Layer) -> Iterator[Layer]:
    last = _convolution(model, block, last)
    yield last
    if block.batch_normalization:
        yield replace(_following(last, "batch_normalization", "BatchNormalization"), vectors=2, moving=2)
        yield _following(last, "activation", "Activation")
    if block.pool is not None:
        last = _pool(model, block.pool, last)
        yield last
    if block.dropout > 0:
        yield _following(last, "dropout", "Dropout")


def _convolution(model: Model, block: ConvBlock, last: Layer) -> Layer:
    name, kernel = block.name, (*block.kernel_size, last.output[2], block.filters)
    window = kernel_axes(model, block, last.output)
    initializer_key = key_of(model, name, "kernel_initializer")
    check_initializer(name, name, initializer_key, block.kernel_initializer, kernel)
    if block.use_bias:
        bias_key = key_of(model, name, "bias_initializer")
        check_initializer(name, name, bias_key, block.bias_initializer, (block.filters,))
    layer = _windowed(Layer(name, "Conv2D", last.output, last.output, last.receptive_field, last.jump, name), window)
    output = (*layer.output[:2], block.filters)
    return replace(layer, output=output, kernel=kernel, vectors=int(block.use_bias))


def _pool(model: Model, pool: PoolLayer, last: Layer) -> Layer:
    window = pool_axes(model, last.owner, pool, last.output)
    layer = Layer(pool.name, POOLS[pool.kind], last.output, last.output, last.receptive_field, last.jump, last.owner)
    return _windowed(layer, window)


def _windowed(layer: Layer, window: Axes) -> Layer:
    """The layer with what a window does to size, receptive field and jump of the layer before."""
    height, width = window
    field, jump = layer.receptive_field or (1, 1), layer.jump or (1, 1)
    return replace(
        layer,
        window=window,
        output=(height.output, width.output, *layer.output[2:]),
        receptive_field=(field[0] + (height.reach - 1) * jump[0], field[1] + (width.reach - 1) * jump[1]),
        jump=(jump[0] * height.stride, jump[1] * width.stride),
    )


def _following(last: Layer, part: str, kind: str) -> Layer:
    """A layer that changes numbers but no shape, named after its block or dense layer."""
    name = f"{last.owner}_{part}"
    return Layer(name, kind, last.output, last.output, last.receptive_field, last.jump, last.owner)


def _flat(model: Model, last: Layer) -> Layer:
    if model.global_pooling == "none":
        flattened = (math.prod(last.output),)
        return Layer("flatten", "Flatten", last.output, flattened, last.receptive_field, last.jump)
    return Layer("global_pooling", GLOBAL_POOLS[model.global_pooling], last.output, last.output[2:], None, None)


def _dense(name: str, owner: str, last: Layer, units: int) -> Layer:
    kernel = (last.output[0], units)
    return Layer(name, "Dense", last.output, (units,), None, None, owner, kernel=kernel, vectors=1)

"""A checked config becomes a Keras model that takes raw pixels and gives one logit a class."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import Any

import keras

from cnnexp.config.choices import Initializer
from cnnexp.config.layers import MOVING_MOMENTUM, ConvBlock, DenseLayer, PoolLayer, conv_blocks, dense_layers
from cnnexp.config.schema import Model, Output
from cnnexp.nn.initializers import build_initializer
from cnnexp.nn.seeding import derive

POOLS = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}
GLOBAL_POOLS = {"max": keras.layers.GlobalMaxPooling2D, "average": keras.layers.GlobalAveragePooling2D}
FLOAT32 = "float32"

Tensor = Any  # a symbolic Keras tensor


def build_model(
    model: Model, image_shape: tuple[int, int, int], classes: int, divisor: float, seed: int, dtype: str = FLOAT32
) -> keras.Model:
    """The network with its initial weights.

    In: pixels (n, height, width, channels), divided by `divisor` in the first layer. Out: logits (n, classes), float32.
    `dtype` is a Keras dtype policy and reaches the layers only, no global state. Each variable's seed
    comes from (seed, layer, kind), so that a change of one layer does not move the others.
    Raises ConfigError for written-out initial values that do not fit.
    """
    build = _Builder(seed, dtype)
    inputs = keras.Input(image_shape, dtype=FLOAT32, name="input")
    x = keras.layers.Rescaling(1.0 / divisor, dtype=FLOAT32, name="rescaling")(inputs)
    for block in conv_blocks(model):
        x = build.block(block, x)
    if model.global_pooling == "none":
        x = keras.layers.Flatten(dtype=dtype, name="flatten")(x)
    else:
        x = GLOBAL_POOLS[model.global_pooling](dtype=dtype, name="global_pooling")(x)
    for dense in dense_layers(model):
        x = build.dense(dense, x)
    return keras.Model(inputs, build.output(model.output, classes, x), name="cnnexp")


def forget_models() -> None:
    """Give back what Keras keeps of all models, so that memory stays bounded and layer names stay ours."""
    keras.backend.clear_session()
    gc.collect()


@dataclass(frozen=True)
class _Builder:
    seed: int
    dtype: str

    def block(self, block: ConvBlock, x: Tensor) -> Tensor:
        name = block.name
        x = self._convolution(block, x)
        if block.batch_normalization:
            x = keras.layers.BatchNormalization(
                momentum=MOVING_MOMENTUM, dtype=self.dtype, name=f"{name}_batch_normalization"
            )(x)
            x = keras.layers.Activation(block.activation, dtype=self.dtype, name=f"{name}_activation")(x)
        if block.pool is not None:
            x = self._pool(block.pool, x)
        return self._dropout(name, block.dropout, x)

    def _convolution(self, block: ConvBlock, x: Tensor) -> Tensor:
        where = f"model.blocks.{block.name}"
        kernel = (*block.kernel_size, x.shape[-1], block.filters)
        layer = keras.layers.Conv2D(
            block.filters,
            block.kernel_size,
            strides=block.strides,
            padding=block.padding,
            dilation_rate=block.dilation_rate,
            use_bias=block.use_bias,
            activation="linear" if block.batch_normalization else block.activation,
            kernel_initializer=self._initializer(block.kernel_initializer, kernel, where, "kernel"),
            bias_initializer=self._initializer(block.bias_initializer, (block.filters,), where, "bias"),
            dtype=self.dtype,
            name=block.name,
        )
        return layer(x)

    def _pool(self, pool: PoolLayer, x: Tensor) -> Tensor:
        layer = POOLS[pool.kind](
            pool.pool_size, strides=pool.strides, padding=pool.padding, dtype=self.dtype, name=pool.name
        )
        return layer(x)

    def dense(self, dense: DenseLayer, x: Tensor) -> Tensor:
        layer = keras.layers.Dense(
            dense.units,
            activation=dense.activation,
            **self._dense_initializers(dense, (x.shape[-1], dense.units), f"model.dense.{dense.name}"),
            dtype=self.dtype,
            name=dense.name,
        )
        return self._dropout(dense.name, dense.dropout, layer(x))

    def output(self, output: Output, classes: int, x: Tensor) -> Tensor:
        initializers = self._dense_initializers(output, (x.shape[-1], classes), "model.output")
        return keras.layers.Dense(classes, **initializers, dtype=FLOAT32, name="output")(x)

    def _dense_initializers(self, layer: DenseLayer | Output, kernel: tuple[int, int], where: str) -> dict[str, Any]:
        return {
            "kernel_initializer": self._initializer(layer.kernel_initializer, kernel, where, "kernel"),
            "bias_initializer": self._initializer(layer.bias_initializer, kernel[1:], where, "bias"),
        }

    def _initializer(self, choice: Initializer, shape: tuple[int, ...], where: str, kind: str) -> Any:
        layer = where.rpartition(".")[2]
        return build_initializer(choice, shape, derive(self.seed, layer, kind), f"{where}.{kind}_initializer")

    def _dropout(self, name: str, rate: float, x: Tensor) -> Tensor:
        if rate == 0:
            return x
        seed = derive(self.seed, name, "dropout")
        return keras.layers.Dropout(rate, seed=seed, dtype=self.dtype, name=f"{name}_dropout")(x)

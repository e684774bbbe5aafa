"""Blocks and dense layers with everything that they inherit filled in: what shapes, nn and identity read."""

from __future__ import annotations

from dataclasses import dataclass

from cnnexp.config.choices import Initializer, NoPool, Padding, WindowPool
from cnnexp.config.schema import Model

Pair = tuple[int, int]
MOVING_MOMENTUM = 0.9
"""What batch normalization's moving averages keep of themselves at each step. Keras's default of 0.99 needs some 500
steps before validation means anything; a run on the embedded digits has 200."""


@dataclass(frozen=True)
class PoolLayer:
    """A pool: `kind` is max or average; window and step are (height, width) in cells."""

    name: str
    kind: str
    pool_size: Pair
    strides: Pair
    padding: Padding


@dataclass(frozen=True)
class ConvBlock:
    """One convolution with all that follows it; sizes are (height, width) in cells."""

    name: str
    filters: int
    kernel_size: Pair
    strides: Pair
    padding: Padding
    dilation_rate: Pair
    use_bias: bool
    activation: str
    kernel_initializer: Initializer
    bias_initializer: Initializer
    batch_normalization: bool
    pool: PoolLayer | None
    dropout: float

    @property
    def output_name(self) -> str:
        """The layer whose output is the convolution's, activation included."""
        return f"{self.name}_activation" if self.batch_normalization else self.name


@dataclass(frozen=True)
class DenseLayer:
    """One hidden dense layer and the dropout after it."""

    name: str
    units: int
    activation: str
    kernel_initializer: Initializer
    bias_initializer: Initializer
    dropout: float


def conv_blocks(model: Model) -> tuple[ConvBlock, ...]:
    """The model's blocks in order, each with what it inherits filled in."""
    return tuple(_conv_block(model, name) for name in model.blocks)


def _conv_block(model: Model, name: str) -> ConvBlock:
    block = model.blocks[name]
    pool = block.pool if block.pool is not None else model.pool
    return ConvBlock(
        name=name,
        filters=block.filters,
        kernel_size=block.kernel_size or model.kernel_size,
        strides=block.strides or model.strides,
        padding=block.padding or model.padding,
        dilation_rate=block.dilation_rate,
        use_bias=model.use_bias if block.use_bias is None else block.use_bias,
        activation=block.activation or model.activation,
        kernel_initializer=block.kernel_initializer or model.kernel_initializer,
        bias_initializer=block.bias_initializer or model.bias_initializer,
        batch_normalization=(
            model.batch_normalization if block.batch_normalization is None else block.batch_normalization
        ),
        pool=_pool_layer(f"{name}_pool", pool),
        dropout=block.dropout,
    )


def _pool_layer(name: str, pool: NoPool | WindowPool) -> PoolLayer | None:
    if isinstance(pool, NoPool):
        return None
    return PoolLayer(name, pool.type, pool.pool_size, pool.strides or pool.pool_size, pool.padding)


def dense_layers(model: Model) -> tuple[DenseLayer, ...]:
    """The model's hidden dense layers in order, each with what it inherits filled in."""
    return tuple(
        DenseLayer(
            name=name,
            units=layer.units,
            activation=layer.activation or model.activation,
            kernel_initializer=layer.kernel_initializer,
            bias_initializer=layer.bias_initializer,
            dropout=model.dropout if layer.dropout is None else layer.dropout,
        )
        for name, layer in model.dense.items()
    )

"""The choices that carry options of their own: initializers, pools, optimizers, schedules.

Each is a mapping with a `type`; a bare word stands for `{type: word}`. Names and meanings are Keras's.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from cnnexp.errors import show


class Strict(BaseModel):
    """What every part of a config is: frozen, without unknown keys, without silent conversions, NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Choice(Strict):
    """A choice with options; written back as its bare word when it has none set."""

    @model_serializer(mode="wrap")
    def _as_word(self, handler: SerializerFunctionWrapHandler) -> Any:
        fields: dict[str, Any] = handler(self)
        return fields["type"] if list(fields) == ["type"] else fields


def combination(key: str, got: object, expected: str) -> PydanticCustomError:
    """What a validator raises where values that are fine alone do not go together.

    key: below what is validated; empty where that itself is at fault.
    """
    return PydanticCustomError("combination", "{expected}", {"key": key, "got": show(got), "expected": expected})


def from_word(value: Any) -> Any:
    """`adam` → `{type: adam}`; anything else unchanged."""
    return {"type": value} if isinstance(value, str) else value


SIZE_EXPECTED = "a whole number from 1 up, or a pair [height, width] of them"


def _as_pair(value: Any) -> tuple[int, int]:
    pair = (value, value) if type(value) is int else value
    if not isinstance(pair, list | tuple) or len(pair) != 2 or any(type(n) is not int or n < 1 for n in pair):
        raise PydanticCustomError("size", SIZE_EXPECTED)
    return (pair[0], pair[1])


def _pair_as_written(pair: tuple[int, int]) -> int | list[int]:
    return pair[0] if pair[0] == pair[1] else list(pair)


Size = Annotated[tuple[int, int], BeforeValidator(_as_pair), PlainSerializer(_pair_as_written)]
"""(height, width) in cells, each at least 1; written as one number where both are equal."""

Padding = Literal["same", "valid"]
Activation = Literal[
    "linear", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "relu6", "tanh", "sigmoid", "softplus", "softsign"
]  # fmt: skip


class PlainInitializer(Choice):
    """An initializer without options (Keras's defaults)."""

    type: Literal[
        "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "zeros", "ones"
    ]  # fmt: skip


class NormalInitializer(Choice):
    """A normal distribution. Keras's default stddev is 0.05; TensorFlow 1's was 1.0."""

    type: Literal["random_normal", "truncated_normal"]
    mean: float = Field(0.0, description="centre of the distribution")
    stddev: float = Field(0.05, gt=0, description="standard deviation (TensorFlow 1's default was 1.0)")


class UniformInitializer(Choice):
    """A uniform distribution over [minval, maxval)."""

    type: Literal["random_uniform"]
    minval: float = Field(-0.05, description="lower end of the range")
    maxval: float = Field(0.05, description="upper end of the range")

    @model_validator(mode="after")
    def _is_a_range(self) -> UniformInitializer:
        if self.minval >= self.maxval:
            raise combination("maxval", self.maxval, f"a number above minval ({self.minval:g})")
        return self


class OrthogonalInitializer(Choice):
    """A random orthogonal matrix."""

    type: Literal["orthogonal"]
    gain: float = Field(1.0, gt=0, description="factor the matrix is multiplied by")


class ConstantInitializer(Choice):
    """One value everywhere."""

    type: Literal["constant"]
    value: float = Field(0.0, description="the value")


class ValuesInitializer(Choice):
    """Values written out, as nested lists; broadcast to the variable's shape (NumPy's rules, last axis first)."""

    type: Literal["values"]
    values: float | list[Any] = Field(
        description="nested lists of numbers that broadcast to the variable's shape; a convolution's kernel has "
        "height, width, channels in, filters"
    )


Initializer = Annotated[
    PlainInitializer | NormalInitializer | UniformInitializer | OrthogonalInitializer
    | ConstantInitializer | ValuesInitializer,
    Field(discriminator="type"),
    BeforeValidator(from_word),
]  # fmt: skip


class NoPool(Choice):
    """No pooling after the convolution."""

    type: Literal["none"] = "none"


class WindowPool(Choice):
    """The largest or the mean value of each window."""

    type: Literal["max", "average"]
    pool_size: Size = Field((2, 2), description="window in cells")
    strides: Size | None = Field(None, description="step of the window in cells (null: the window's own size)")
    padding: Padding = Field("same", description="same: windows may reach over the edge; valid: they may not")


Pool = Annotated[NoPool | WindowPool, Field(discriminator="type"), BeforeValidator(from_word)]


class Adam(Choice):
    """Adam (Kingma & Ba, 2015)."""

    type: Literal["adam"] = "adam"
    beta_1: float = Field(0.9, ge=0, lt=1, description="decay of the mean of gradients")
    beta_2: float = Field(0.999, ge=0, lt=1, description="decay of the mean of squared gradients")
    epsilon: float = Field(1e-7, gt=0, description="added to the root of the mean of squares")
    weight_decay: float = Field(0.0, ge=0, description="decoupled weight decay per step, times the learning rate")


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter, 2019)."""

    type: Literal["adamw"] = "adamw"  # type: ignore[assignment]
    weight_decay: float = Field(0.004, ge=0, description="decoupled weight decay per step, times the learning rate")


class Sgd(Choice):
    """Stochastic gradient descent."""

    type: Literal["sgd"] = "sgd"
    momentum: float = Field(0.0, ge=0, lt=1, description="share of the last update that is kept")
    nesterov: bool = Field(False, description="look ahead along the momentum (needs momentum above 0)")
    weight_decay: float = Field(0.0, ge=0, description="decoupled weight decay per step, times the learning rate")

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Sgd:
        if self.nesterov and self.momentum == 0:
            raise combination("momentum", self.momentum, "a number above 0 and below 1 where nesterov is true")
        return self


class Rmsprop(Choice):
    """RMSprop (Hinton, 2012)."""

    type: Literal["rmsprop"] = "rmsprop"
    rho: float = Field(0.9, ge=0, lt=1, description="decay of the mean of squared gradients")
    momentum: float = Field(0.0, ge=0, lt=1, description="share of the last update that is kept")
    epsilon: float = Field(1e-7, gt=0, description="added to the mean of squares")
    weight_decay: float = Field(0.0, ge=0, description="decoupled weight decay per step, times the learning rate")


Optimizer = Annotated[Adam | AdamW | Sgd | Rmsprop, Field(discriminator="type"), BeforeValidator(from_word)]


class _Schedule(Choice):
    warmup_epochs: float = Field(0.0, ge=0, description="epochs over which the rate first rises from 0, in a line")


class Constant(_Schedule):
    """The same learning rate throughout."""

    type: Literal["constant"] = "constant"


class Step(_Schedule):
    """The rate times `factor` after every `every` epochs."""

    type: Literal["step"] = "step"
    every: int = Field(10, ge=1, description="epochs between two drops")
    factor: float = Field(0.5, gt=0, lt=1, description="what the rate is multiplied by at each drop")


class Cosine(_Schedule):
    """Half a cosine from the full rate to `final` of it at the last step (Loshchilov & Hutter, 2017)."""

    type: Literal["cosine"] = "cosine"
    final: float = Field(0.0, ge=0, lt=1, description="share of the rate that is left at the end")


class OneCycle(_Schedule):
    """Up along a cosine to the full rate, then down to almost nothing (Smith, 2018)."""

    type: Literal["one_cycle"] = "one_cycle"
    rise: float = Field(0.3, gt=0, lt=1, description="share of all steps in which the rate rises")
    start: float = Field(0.04, gt=0, lt=1, description="share of the rate at the first step")
    final: float = Field(0.0001, ge=0, lt=1, description="share of the rate at the last step")


Schedule = Annotated[Constant | Step | Cosine | OneCycle, Field(discriminator="type"), BeforeValidator(from_word)]

"""What makes a layer impossible: windows that do not fit, written values of another shape, sizes beyond any memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cnnexp.config.choices import Initializer, OrthogonalInitializer, ValuesInitializer
from cnnexp.config.layers import ConvBlock, PoolLayer
from cnnexp.config.schema import Model
from cnnexp.errors import Problem
from cnnexp.shapes.arithmetic import Axis, Pair, Shape, axes, broadcasts, by, nested_shape

MAX_NUMBERS = 10**9
"""The most parameters of a model, and the most numbers that one digit may leave in it (4 GB each)."""

MAX_STEP = 2**31 - 1
"""The largest step that TensorFlow's kernels can hold."""

Part = Literal["kernel", "pool", "strides", "initializer", "size"]
Axes = tuple[Axis, Axis]


@dataclass(frozen=True)
class Misfit:
    """The first thing that cannot be built: at which layer, in whose part of the config, and what is wrong."""

    layer: str
    owner: str
    part: Part
    problem: Problem
    window: Axes | None = None
    shape: Shape | None = None


class Impossible(Exception):
    """Ends the laying out of a model's layers; never leaves this package."""

    def __init__(self, misfit: Misfit) -> None:
        super().__init__(misfit)
        self.misfit = misfit


def key_of(model: Model, block: str, field: str) -> str:
    """The key that decides a block's `field`: its own where it has one, else the model's."""
    own = getattr(model.blocks[block], field) is not None
    return f"model.blocks.{block}.{field}" if own else f"model.{field}"


def kernel_axes(model: Model, block: ConvBlock, maps: Shape) -> Axes:
    """The block's kernel on maps of shape (height, width, channels).

    Raises Impossible where it does not fit, where steps and dilation exclude each other, or where it is absurdly large.
    """
    window = axes(maps, block.kernel_size, block.strides, block.dilation_rate, block.padding)
    if max(block.strides) > 1 and max(block.dilation_rate) > 1:
        key = key_of(model, block.name, "strides")
        got = f"strides {_pair(block.strides)} and dilation_rate {_pair(block.dilation_rate)} in {block.name}"
        expected = "one of them to be 1 (TensorFlow does not take both)"
        raise Impossible(Misfit(block.name, block.name, "strides", Problem(key, got, expected)))
    if max(block.strides) > MAX_STEP:
        problem = Problem(key_of(model, block.name, "strides"), by(block.strides), f"at most {MAX_STEP:,} cells")
        raise Impossible(Misfit(block.name, block.name, "strides", problem))
    key = key_of(model, block.name, "kernel_size")
    if misfit := window_problem(key, "kernel", block.name, window, maps):
        raise Impossible(Misfit(block.name, block.name, "kernel", misfit, window))
    return window


def pool_axes(model: Model, block: str, pool: PoolLayer, maps: Shape) -> Axes:
    """The pool's window on maps of shape (height, width, channels).

    Raises Impossible where it does not fit or is absurdly large.
    """
    window = axes(maps, pool.pool_size, pool.strides, (1, 1), pool.padding)
    key = key_of(model, block, "pool")
    if max(pool.strides) > MAX_STEP:
        problem = Problem(f"{key}.strides", by(pool.strides), f"at most {MAX_STEP:,} cells")
        raise Impossible(Misfit(pool.name, block, "pool", problem, window))
    if misfit := window_problem(f"{key}.pool_size", "pool", pool.name, window, maps):
        raise Impossible(Misfit(pool.name, block, "pool", misfit, window))
    return window


def window_problem(key: str, what: str, layer: str, window: Axes, maps: Shape) -> Problem | None:
    """What keeps a window from being laid over maps of shape (height, width, channels); None if nothing does."""
    met, size = by(maps[:2]), by([axis.kernel for axis in window])
    dilated = any(axis.dilation > 1 for axis in window)
    spread = f", spread over {by([axis.reach for axis in window])} cells by its dilation" if dilated else ""
    got = f"a {what} of {size}{spread}, where {layer} meets {met} cells"
    if not all(axis.fits for axis in window):
        limit = by([axis.largest_kernel for axis in window])
        return Problem(key, got, f"at most {limit} (padding valid: the window lies inside)")
    height, width = (axis.before + axis.size + axis.after for axis in window)
    if height * width * maps[2] > MAX_NUMBERS:
        key = f"model.blocks.{layer}.dilation_rate" if dilated else key
        return Problem(key, got, f"a window that reaches over fewer than {MAX_NUMBERS:,} numbers, padding included")
    return None


def check_initializer(layer: str, owner: str, key: str, initializer: Initializer, target: Shape) -> None:
    """Raise Impossible unless `initializer` (at `key`) can fill a variable of shape `target`."""
    where, got, shape = f"{key}.values", "", None
    expected = f"numbers in a shape that broadcasts to {by(target)} ({_axis_names(target)}) of {layer}"
    if isinstance(initializer, OrthogonalInitializer) and len(target) < 2:
        where, got, expected = key, "orthogonal", f"an initializer for a list of numbers, as a bias of {layer} is"
    elif isinstance(initializer, ValuesInitializer):
        try:
            shape = nested_shape(initializer.values)
        except ValueError as error:
            got = str(error)
        else:
            got = "" if broadcasts(shape, target) else f"values of shape {by(shape)}"
    if got:
        raise Impossible(Misfit(layer, owner, "initializer", Problem(where, got, expected), shape=shape))


def _axis_names(target: Shape) -> str:
    names = {4: "height, width, channels in, filters", 2: "inputs, units", 1: "one a channel"}
    return names[len(target)]


def size_misfit(model: Model, layer: str, owner: str, kernel: Shape, totals: Pair) -> Misfit | None:
    """The misfit of a model that has grown beyond any memory at `layer`; None while it has not.

    kernel: shape of the layer's weights, or (). totals: parameters, and numbers that one digit leaves, up to here.
    """
    parameters, numbers = totals
    if max(parameters, numbers) <= MAX_NUMBERS:
        return None
    key = "model.global_pooling"
    if owner in model.blocks:
        large_kernel = parameters > MAX_NUMBERS and kernel[0] * kernel[1] > kernel[3]
        key = key_of(model, owner, "kernel_size") if large_kernel else f"model.blocks.{owner}.filters"
    elif owner in model.dense:
        key = f"model.dense.{owner}.units"
    elif model.blocks and model.global_pooling != "none":
        key = f"model.blocks.{list(model.blocks)[-1]}.filters"
    what = "parameters" if parameters > MAX_NUMBERS else "numbers a digit"
    got = f"{max(parameters, numbers):,} {what} up to {layer}"
    return Misfit(layer, owner, "size", Problem(key, got, f"at most {MAX_NUMBERS:,}"))


def _pair(size: Pair) -> str:
    return str(size[0]) if size[0] == size[1] else f"[{size[0]}, {size[1]}]"

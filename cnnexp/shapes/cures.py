"""Changes that make an impossible model buildable: each is tried on the arithmetic before it is offered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from cnnexp.config.choices import ValuesInitializer
from cnnexp.config.layers import ConvBlock, conv_blocks
from cnnexp.config.schema import Model
from cnnexp.shapes.arithmetic import Pair
from cnnexp.shapes.misfits import Axes, Misfit, key_of
from cnnexp.shapes.table import layer_table

CURES = 3
MAX_STEPS = 20

Images = tuple[int, int, int]


@dataclass(frozen=True)
class Change:
    """One override: `key=value`, or `~key` where the value is None."""

    key: str
    value: str | int | Pair | list[Any] | None

    def __str__(self) -> str:
        if self.value is None:
            return f"~{self.key}"
        if isinstance(self.value, tuple | list):
            return f"'{self.key}={json.dumps(self.value, separators=(',', ':'))}'"
        return f"{self.key}={'false' if self.value is False else self.value}"


Kind = Iterable[Change]
"""Changes of one kind, the least intrusive first."""


def find_cures(model: Model, image_shape: Images, classes: int, misfit: Misfit) -> tuple[str, ...]:
    """Up to three changes, different in kind, each of which alone makes `model` buildable, as words for a shell.

    The least intrusive first: one override where one is enough, else several that go together.
    """
    single: list[str] = []
    several: list[tuple[Change, ...]] = []
    for number, kind in enumerate(_kinds(model, misfit)):
        change = next((c for c in kind if _builds(applied(model, c), image_shape, classes)), None)
        if change is not None:
            single.append(str(change))
        elif steps := _repeated(model, image_shape, classes, number):
            several.append(steps)
    together = [" ".join(map(str, steps)) for steps in sorted(several, key=len)]
    return tuple(dict.fromkeys([*single, *together]))[:CURES]


def applied(model: Model, change: Change) -> Model:
    """The model with one override applied, merged and checked as a composed config is."""
    values: dict[str, Any] = model.model_dump()
    _, *parents, last = change.key.split(".")
    node = values
    for parent in parents:
        node[parent] = {} if node[parent] is None else node[parent]
        node = node[parent]
    if change.value is None:
        del node[last]
    else:
        node[last] = change.value
    return Model.model_validate(values)


def _builds(model: Model, image_shape: Images, classes: int) -> bool:
    return layer_table(model, image_shape, classes).misfit is None


def _repeated(model: Model, image_shape: Images, classes: int, number: int) -> tuple[Change, ...]:
    """A change at one impossible layer after another, of one kind where it has that, until all can be built."""
    steps: dict[str, Change] = {}
    for _ in range(MAX_STEPS):
        misfit = layer_table(model, image_shape, classes).misfit
        if misfit is None:
            return tuple(steps.values())
        firsts = [change for kind in _kinds(model, misfit) for change in islice(kind, 1)]
        if not firsts:
            return ()
        change = firsts[min(number, len(firsts) - 1)]
        steps[change.key] = change
        model = applied(model, change)
    return ()


def _kinds(model: Model, misfit: Misfit) -> list[Kind]:
    if misfit.part == "kernel" and misfit.window:
        return _kernel_kinds(model, misfit.owner, misfit.window)
    if misfit.part == "pool" and misfit.window:
        return _pool_kinds(model, misfit.owner, misfit.window)
    if misfit.part == "strides":
        dilation = [Change(f"model.blocks.{misfit.owner}.dilation_rate", 1)]
        return [dilation, _everywhere(model, misfit.owner, "strides", 1), _removal(model, misfit.owner)]
    return _initializer_kinds(model, misfit) if misfit.part == "initializer" else _size_kinds(model, misfit.owner)


def _kernel_kinds(model: Model, block: str, window: Axes) -> list[Kind]:
    padding = _everywhere(model, block, "padding", "same")
    dilation = [Change(f"model.blocks.{block}.dilation_rate", 1)] if any(a.dilation > 1 for a in window) else []
    return [
        padding,
        _smaller(model, block, "kernel_size", window),
        dilation,
        _sizes_kept_before(model, block),
        _removal(model, block),
    ]


def _pool_kinds(model: Model, block: str, window: Axes) -> list[Kind]:
    padding = _everywhere(model, block, "pool.padding", "same")
    steps = _everywhere(model, block, "pool.strides", 1)
    none = _everywhere(model, block, "pool", "none")
    return [padding, _smaller(model, block, "pool.pool_size", window), none, steps, _removal(model, block)]


def _everywhere(model: Model, block: str, field: str, value: str | int | Pair) -> list[Change]:
    """A change at the block; then, where the block inherits the field, at the model."""
    own = Change(f"model.blocks.{block}.{field}", value)
    inherited = Change(f"{key_of(model, block, field.split('.')[0])}{_rest(field)}", value)
    return list(dict.fromkeys([own, inherited]))


def _rest(field: str) -> str:
    return field[field.index(".") :] if "." in field else ""


def _smaller(model: Model, block: str, field: str, window: Axes) -> Iterator[Change]:
    """The field's window made smaller, at the block and then at the model, from the largest that fits down to 1."""
    limits = [min(axis.kernel, axis.largest_kernel) for axis in window]
    sizes = [(min(limits[0], n), min(limits[1], n)) for n in range(max(limits), 0, -1)]
    changes = [_everywhere(model, block, field, _size(s)) for s in dict.fromkeys(sizes)]
    return chain((c[0] for c in changes), (c[1] for c in changes if len(c) > 1))


def _size(pair: Pair) -> int | Pair:
    return pair[0] if pair[0] == pair[1] else pair


def _sizes_kept_before(model: Model, block: str) -> Iterator[Change]:
    """Blocks before this one left without their pool or step, the nearest first."""
    blocks = conv_blocks(model)
    before = [b for b in blocks[: [b.name for b in blocks].index(block)] if _shrinks(b)]
    for earlier in reversed(before):
        key = f"model.blocks.{earlier.name}"
        shrinking_pool = earlier.pool is not None and max(earlier.pool.strides) > 1
        yield Change(f"{key}.pool", "none") if shrinking_pool else Change(f"{key}.strides", 1)


def _shrinks(block: ConvBlock) -> bool:
    return max(block.strides) > 1 or (block.pool is not None and max(block.pool.strides) > 1)


def _removal(model: Model, owner: str) -> list[Change]:
    """The block or dense layer taken out; then all of its sort."""
    group = "blocks" if owner in model.blocks else "dense"
    return [Change(f"model.{group}.{owner}", None), Change(f"model.{group}", None)] if owner else []


def _initializer_kinds(model: Model, misfit: Misfit) -> list[Kind]:
    key = misfit.problem.where.removesuffix(".values")
    bias = key.endswith("bias_initializer")
    kinds: list[Kind] = [[Change(key, "zeros" if bias else "glorot_uniform")]]
    shape, owner = misfit.shape or (), misfit.owner
    if owner in model.blocks:
        block = f"model.blocks.{owner}"
        kinds.append(_for_every_channel_and_filter(model, owner, key) if len(shape) == 2 and not bias else [])
        kinds.append([Change(f"{block}.filters", shape[-1])] if shape and shape[-1] else [])
        kinds.append(
            [Change(f"{block}.kernel_size", _size((shape[0], shape[1])))] if len(shape) == 4 and all(shape) else []
        )
        kinds.append([Change(f"{block}.use_bias", False)] if bias else [])
    elif owner in model.dense:
        kinds.append([Change(f"model.dense.{owner}.units", shape[-1])] if shape and shape[-1] else [])
    values = [Change(f"{key}.values", 1)] if misfit.problem.where.endswith(".values") else []
    return [*kinds, values, _removal(model, owner)[:1]]


def _for_every_channel_and_filter(model: Model, owner: str, key: str) -> list[Change]:
    """A kernel written as rows and columns, nested as Keras wants it."""
    (written,) = (block.kernel_initializer for block in conv_blocks(model) if block.name == owner)
    if not isinstance(written, ValuesInitializer) or not isinstance(written.values, list):
        return []
    return [Change(f"{key}.values", [[[[number]] for number in row] for row in written.values])]


def _size_kinds(model: Model, owner: str) -> list[Kind]:
    pooled = [Change("model.global_pooling", "average")] if model.global_pooling == "none" else []
    if owner in model.blocks:
        block = next(b for b in conv_blocks(model) if b.name == owner)
        height, width = block.kernel_size
        kernels = [_size((min(n, height), min(n, width))) for n in (7, 5, 3, 1)]
        return [
            _fewer(f"model.blocks.{owner}.filters", block.filters),
            list(chain.from_iterable(_everywhere(model, owner, "kernel_size", k) for k in kernels)),
            pooled,
            [Change(f"model.blocks.{owner}.strides", n) for n in (2, 4)],
            _removal(model, owner),
        ]
    if owner in model.dense:
        fewer = _fewer(f"model.dense.{owner}.units", model.dense[owner].units)
        return [pooled, fewer, _last_strided(model), _removal(model, owner)]
    filters = [
        c
        for name in list(model.blocks)[-1:]
        for c in _fewer(f"model.blocks.{name}.filters", model.blocks[name].filters)
    ]
    return [pooled, filters, _last_strided(model)]


def _fewer(key: str, number: int) -> list[Change]:
    """The powers of 2 below the number, the largest first."""
    return [Change(key, 1 << n) for n in reversed(range((number - 1).bit_length()))]


def _last_strided(model: Model) -> list[Change]:
    """The last block made to step by 2, then 4."""
    last = list(model.blocks)[-1:]
    return [Change(f"model.blocks.{name}.strides", n) for name in last for n in (2, 4)]

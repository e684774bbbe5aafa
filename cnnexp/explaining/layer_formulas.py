"""The formulas that keys of the model enter, with the numbers of one config put in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from cnnexp.config.choices import Initializer
from cnnexp.config.layers import MOVING_MOMENTUM, conv_blocks, dense_layers
from cnnexp.explaining.facts import Facts
from cnnexp.shapes import formulas

SIZE = ("height and width", "height", "width", "reach", "padding", "field")
WORK = ("parameters", "multiply-adds")
SIZE_RULE = (
    "same:  output = ceil(size / stride)",
    "valid: output = floor((size - reach) / stride) + 1",
    "reach = (kernel - 1)·dilation + 1",
    "same:  cells outside = max((output - 1)·stride + reach - size, 0), half of them (rounded down) at the top or left",
)
LABELS = {
    "kernel_size": SIZE + WORK,
    "strides": (*SIZE, "multiply-adds"),
    "padding": ("height and width", "height", "width", "padding"),
    "dilation_rate": SIZE,
    "filters": WORK,
    "units": WORK,
    "use_bias": ("parameters",),
    "pool": SIZE,
    "global_pooling": ("numbers",),
    "blocks": SIZE + WORK,
    "dense": WORK,
}
"""Which lines of a layer's formulas a key changes, by the key's last part (`pool` for all of a pool's)."""
ACTIVATIONS = {
    "linear": "y = x",
    "relu": "y = max(x, 0)",
    "leaky_relu": "y = x for x > 0, else 0.2·x",
    "elu": "y = x for x > 0, else exp(x) - 1",
    "selu": "y = 1.0507·x for x > 0, else 1.0507·1.6733·(exp(x) - 1)",
    "gelu": "y = x·(1 + erf(x / sqrt(2))) / 2",
    "silu": "y = x / (1 + exp(-x))",
    "relu6": "y = min(max(x, 0), 6)",
    "tanh": "y = (exp(x) - exp(-x)) / (exp(x) + exp(-x))",
    "sigmoid": "y = 1 / (1 + exp(-x))",
    "softplus": "y = ln(1 + exp(x))",
    "softsign": "y = x / (1 + |x|)",
}
POOLS = {
    "max": "y = the largest value of the window; cells outside the maps never are",
    "average": "y = the mean of the window's cells; cells outside the maps are not counted",
}
FANS = {
    "glorot_uniform": ("uniform", 6, ("in", "out")),
    "glorot_normal": ("normal", 2, ("in", "out")),
    "he_uniform": ("uniform", 6, ("in",)),
    "he_normal": ("normal", 2, ("in",)),
    "lecun_uniform": ("uniform", 3, ("in",)),
    "lecun_normal": ("normal", 1, ("in",)),
}
"""Distribution, number over the fans, and which fans are added: Glorot & Bengio, 2010; He et al., 2015; LeCun, 1998."""


def model_formula(facts: Facts, key: str, layers: Sequence[str]) -> list[str]:
    """The lines of a key below `model`, for the layers (blocks, pools, dense layers, output) that it reaches."""
    parts = [*key.split(".")[1:], ""]
    named = parts[0] in ("blocks", "dense") and len(parts) > 3
    leaf = parts[2] if named else parts[0]
    if parts[0] == "output":
        leaf = parts[1]
    if leaf in ("kernel_initializer", "bias_initializer"):
        return list(_initializer_lines(facts, leaf.partition("_")[0], layers))
    rules = {"activation": _activation_lines, "dropout": _dropout_lines, "batch_normalization": _normalization_lines}
    if leaf in rules:
        return list(rules[leaf](facts, layers))
    lines = list(_layer_lines(facts, layers, LABELS.get(leaf, ())))
    if leaf in ("kernel_size", "strides", "padding", "dilation_rate"):
        return [*SIZE_RULE, *lines]
    if leaf == "pool":
        return [*_pool_rule(facts, layers), *SIZE_RULE[:2], *lines] if layers else []
    return [*lines, *_next_lines(facts, layers)] if leaf in ("filters", "units") else lines


def _layer_lines(facts: Facts, names: Sequence[str], labels: Sequence[str]) -> Iterator[str]:
    for name in names:
        layer = facts.layer(name)
        lines = [line for line in formulas(layer) if line.strip().startswith(tuple(labels))] if layer and labels else []
        if lines:
            yield name
            yield from (f"  {line}" for line in lines)
    misfit = facts.table.misfit if facts.table is not None else None
    if misfit is not None:
        yield f"{misfit.layer} cannot be built: {misfit.problem.got}; expected {misfit.problem.expected}"


def _next_lines(facts: Facts, names: Sequence[str]) -> Iterator[str]:
    """What the number of channels or units means for the layer behind."""
    behind = {
        layer.name: layer for name in names if (layer := facts.after(name)) is not None and layer.name not in names
    }
    for layer in behind.values():
        lines = [line for line in formulas(layer) if line.startswith("parameters")]
        yield f"{layer.name}, which takes them in"
        yield from (f"  {line}" for line in lines)


def _activation_lines(facts: Facts, layers: Sequence[str]) -> Iterator[str]:
    model = facts.config.model
    own = {block.output_name: block.activation for block in conv_blocks(model)}
    own |= {dense.name: dense.activation for dense in dense_layers(model)}
    for word in dict.fromkeys(own[name] for name in layers if name in own):
        yield f"{word}: {ACTIVATIONS[word]}"


def _pool_rule(facts: Facts, layers: Sequence[str]) -> Iterator[str]:
    kinds = dict.fromkeys(b.pool.kind for b in conv_blocks(facts.config.model) if b.pool and b.pool.name in layers)
    for kind in kinds:
        yield f"{kind}: {POOLS[kind]}"


def _normalization_lines(facts: Facts, layers: Sequence[str]) -> Iterator[str]:
    yield "y = scale·(x - mean) / sqrt(variance + 0.001) + shift, for each channel"
    kept = MOVING_MOMENTUM
    averages = f"m ← {kept:g}·m + {1 - kept:.2g}·(the batch's)"
    yield f"training: mean and variance of the batch; else of moving averages, {averages}"
    yield from _layer_lines(facts, layers, ("parameters",))


def _dropout_lines(facts: Facts, layers: Sequence[str]) -> Iterator[str]:
    """Of the layers `<name>_dropout`; the number of values is that of the layer's output."""
    yield "training: y = 0 with probability rate, else x / (1 - rate); in validation and test y = x"
    rates: dict[str, float] = {f"{name}_dropout": block.dropout for name, block in facts.config.model.blocks.items()}
    rates |= {f"{dense.name}_dropout": dense.dropout for dense in dense_layers(facts.config.model)}
    for name in layers:
        layer, rate = facts.layer(name), rates.get(name, 0.0)
        if rate > 0:
            of = f"; about {rate * layer.numbers:,.0f} of {layer.numbers:,} values are 0 in each step" if layer else ""
            yield f"{name}: x / (1 - {rate:g}) = {1 / (1 - rate):.4g}·x{of}"


def _initializer_lines(facts: Facts, kind: str, layers: Sequence[str]) -> Iterator[str]:
    """kind: kernel or bias."""
    model = facts.config.model
    own = {block.name: getattr(block, f"{kind}_initializer") for block in conv_blocks(model)}
    own |= {dense.name: getattr(dense, f"{kind}_initializer") for dense in dense_layers(model)}
    own["output"] = getattr(model.output, f"{kind}_initializer")
    for name in layers:
        layer = facts.layer(name)
        if layer is not None:
            shape = layer.kernel if kind == "kernel" else layer.output[-1:]
            yield f"{name} {'×'.join(map(str, shape))}: {initial_values(own[name], shape)}"


def initial_values(choice: Initializer, shape: Sequence[int]) -> str:
    """What numbers an initializer draws for a variable of `shape`, in words."""
    if choice.type in FANS:
        return _scaled(choice.type, shape)
    match choice.type:
        case "zeros" | "ones":
            return f"every number is {0 if choice.type == 'zeros' else 1}"
        case "constant":
            return f"every number is {choice.value:g}"
        case "random_normal":
            return f"normal, mean {choice.mean:g}, standard deviation {choice.stddev:g}"
        case "truncated_normal":
            return f"normal, mean {choice.mean:g}, standard deviation {choice.stddev:g}, redrawn beyond two of them"
        case "random_uniform":
            return f"uniform from {choice.minval:g} to {choice.maxval:g}"
        case "orthogonal":
            rows, columns = math.prod(shape[:-1]), shape[-1]
            return f"{choice.gain:g} times a matrix of {rows}×{columns} with orthogonal rows or columns"
    return "the numbers that are written out, repeated along axes of 1 (last axis first)"


def _scaled(word: str, shape: Sequence[int]) -> str:
    """Fans: weights that go into one output, and out of one input; a vector's are its length."""
    distribution, over, which = FANS[word]
    window = math.prod(shape[:-2])
    fans = {"in": shape[0] if len(shape) == 1 else window * shape[-2], "out": window * shape[-1]}
    numbers = " + ".join(str(fans[name]) for name in which)
    root = math.sqrt(over / sum(fans[name] for name in which))
    symbol = f"sqrt({over} / ({numbers}))" if len(which) > 1 else f"sqrt({over} / {numbers})"
    if distribution == "uniform":
        return f"uniform within ±{symbol} = ±{root:.3g}"
    return f"normal, cut at two standard deviations; what is left has {symbol} = {root:.3g}"

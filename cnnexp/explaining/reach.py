"""Which layers a key reaches, and which blocks or dense layers say their own instead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cnnexp.config.layers import conv_blocks, dense_layers
from cnnexp.config.provenance import DENSE_INHERITED, Provenance
from cnnexp.config.schema import INHERITED, ExperimentConfig, Model

WEIGHTED = ("training.optimizer", "training.learning_rate", "training.schedule", "training.gradient_clip")
"""Keys of training that act on each layer with weights."""


@dataclass(frozen=True)
class Reach:
    """layers: Keras layers that change with the key. own: the block's or dense layer's key that stands in its way."""

    layers: tuple[str, ...] = ()
    own: tuple[str, ...] = ()


def reach(config: ExperimentConfig, provenance: Provenance, key: str) -> Reach:
    """Where `key` counts. Keys that reach no layer (tracking, figures, …) give an empty one."""
    model = config.model
    parts = key.split(".")
    if key.startswith(WEIGHTED):
        return Reach((*model.blocks, *model.dense, "output"))
    if key == "data.scale":
        return Reach(("rescaling",))
    if key == "training.dtype":
        return Reach((*model.blocks, *model.dense))
    if parts[0] != "model" or len(parts) == 1:
        return Reach()
    if parts[1] in ("blocks", "dense"):
        return _named(model, parts)
    if parts[1] == "output":
        return Reach(("output",))
    if parts[1] == "global_pooling":
        return Reach(("flatten" if model.global_pooling == "none" else "global_pooling",))
    return _inherited(model, provenance, parts[1:])


def _named(model: Model, parts: Sequence[str]) -> Reach:
    """model.blocks, model.blocks.conv_1, model.blocks.conv_1.pool.pool_size, …; `<name>` stands for all of them."""
    names = list(getattr(model, parts[1]))
    if len(parts) > 2 and parts[2] in names:
        names = [parts[2]]
    leaf = parts[3] if len(parts) > 3 else ""
    return Reach(tuple(layer for name in names if (layer := _layer(model, name, leaf))))


def _inherited(model: Model, provenance: Provenance, rest: Sequence[str]) -> Reach:
    """Blocks and dense layers that take `model.REST`, and the keys of those that do not."""
    key = ".".join(["model", *rest])
    paths = [f"model.blocks.{name}" for name in model.blocks if rest[0] in INHERITED]
    paths += [f"model.dense.{name}" for name in model.dense if rest[0] in DENSE_INHERITED]
    own = [f"{path}.{'.'.join(rest)}" for path in paths]
    reached = [o for o in own if provenance.decides(o) == key]
    layers = (_layer(model, o.split(".")[2], rest[0]) for o in reached)
    return Reach(tuple(filter(None, layers)), tuple(o for o in own if o not in reached))


def _layer(model: Model, name: str, leaf: str) -> str:
    """The Keras layer of a block or dense layer that a key's last part is about; empty where it is not there."""
    block = next((block for block in conv_blocks(model) if block.name == name), None)
    dropout = next((dense.dropout for dense in dense_layers(model) if dense.name == name), None)
    if block is not None:
        dropout = block.dropout
    parts: dict[str, Callable[[], str]] = {
        "dropout": lambda: f"{name}_dropout" if dropout else "",
        "pool": lambda: block.pool.name if block is not None and block.pool is not None else "",
        "batch_normalization": lambda: f"{name}_batch_normalization" if block and block.batch_normalization else "",
        "activation": lambda: block.output_name if block is not None else name,
    }
    return parts.get(leaf, lambda: name)()

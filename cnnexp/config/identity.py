"""Which runs are the same: variant, recipe and run key, and what differs between two configs."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from cnnexp.config.layers import conv_blocks, dense_layers
from cnnexp.config.schema import ExperimentConfig

HORIZON_BOUND = ("cosine", "one_cycle")
"""Schedules whose every step depends on how many epochs there are in all."""

NOT_THE_VARIANT = {
    "data": {"folder"},
    "training": {"epochs", "threads", "report_every", "checkpoint_every", "keep_checkpoints"},
}
"""Keys that change neither what is learned nor from what: paths, places, what is saved, and how a run is told."""


@dataclass(frozen=True)
class Identity:
    """Three short hashes: what one groups by, what one repeats, and what need not be run again.

    variant: model, training and data, no seed. recipe: the variant, its seed and the digest of the data.
    run_key: the recipe, the epochs, the versions of keras and tensorflow, and the code that makes numbers.
    """

    variant: str
    recipe: str
    run_key: str


def identity(config: ExperimentConfig, data_digest: str) -> Identity:
    """The identity of a config on data with this digest."""
    variant = variant_of(config)
    recipe = _hash([variant, config.seed, data_digest])
    run_key = _hash([recipe, config.training.epochs, version("keras"), version("tensorflow"), code_digest()])
    return Identity(variant, recipe, run_key)


def variant_of(config: ExperimentConfig) -> str:
    """A hash of model (blocks in order, inherited values filled in), training and data, without the seed."""
    values = config.model_dump(mode="json")
    parts = {
        group: {key: value for key, value in values[group].items() if key not in left_out}
        for group, left_out in NOT_THE_VARIANT.items()
    }
    parts["data"]["scale"] = config.data.divisor
    if config.training.schedule.type in HORIZON_BOUND:
        parts["training"]["epochs"] = config.training.epochs
    model = config.model
    parts["model"] = {
        "blocks": [_plain(block) for block in conv_blocks(model)],
        "dense": [_plain(layer) for layer in dense_layers(model)],
        "global_pooling": model.global_pooling,
        "output": model.output.model_dump(mode="json"),
    }
    return _hash(parts)


def _plain(record: Any) -> dict[str, Any]:
    return {k: v.model_dump(mode="json") if isinstance(v, BaseModel) else v for k, v in asdict(record).items()}


def _hash(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@cache
def code_digest() -> str:
    """A hash of the sources of data/ and nn/ without comments, docstrings and layout: 12 hex digits."""
    package = Path(__file__).resolve().parent.parent
    files = [file for folder in ("data", "nn") for file in sorted((package / folder).glob("*.py"))]
    return _hash([[file.name, normalized_source(file.read_text(encoding="utf-8"))] for file in files])


def normalized_source(source: str) -> str:
    """Python source reduced to what it does: comments, docstrings and layout gone."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
            ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)


def to_yaml(config: ExperimentConfig) -> str:
    """The whole config as canonical YAML: every key, in the schema's order."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values as dotted keys; lists stay values."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat.update(flattened(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def difference(a: ExperimentConfig, b: ExperimentConfig) -> dict[str, tuple[Any, Any]]:
    """Dotted keys whose values differ, with both values (None where a key is missing)."""
    left, right = flattened(a.model_dump(mode="json")), flattened(b.model_dump(mode="json"))
    keys = dict.fromkeys([*left, *right])
    return {key: (left.get(key), right.get(key)) for key in keys if left.get(key) != right.get(key)}

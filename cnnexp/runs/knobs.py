"""What MLflow is told of a run's config: few params, because its image cards list them all; the other knobs as tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnexp.config.choices import Choice, Strict, WindowPool
from cnnexp.config.schema import Block, Dense, ExperimentConfig, Model

MOST, MOST_TAGS = 8, 40
LONGEST = 60
KNOBS = ("model.kernel_size", "model.strides", "model.padding", "seed")
"""What every run tells as params. Not more: MLflow writes all params in one line above a picture, and where that line
is wider than half the window, two runs no longer stand side by side."""

FURTHER_KNOBS = (
    "model.pool", "model.dropout", "training.epochs", "training.batch_size", "training.optimizer",
    "training.learning_rate",
)  # fmt: skip
NOT_SHOWN = ("schema_version", "tracking", "figures", "evaluation")
SIZES = (".filters", ".units")


def knobs(config: ExperimentConfig, varied: Mapping[str, str] | None = None) -> dict[str, str]:
    """The params. Dotted key → short text: the main knobs, then what differs from the defaults, at most 8 of them.

    varied: what a sweep varied (key → word); all of it is told, before the others.
    """
    values = _leaves(config)
    told = {key: values.get(key, short(word)) for key, word in (varied or {}).items()}
    return told | _first(MOST, {key: values[key] for key in KNOBS} | _differing(config))


def knob_tags(config: ExperimentConfig) -> dict[str, str]:
    """The same and more as tags, at most 40: all knobs that one turns, what differs, the size of each layer."""
    values = _leaves(config)
    sizes = {key: text for key, text in values.items() if key.endswith(SIZES)}
    return _first(MOST_TAGS, {key: values[key] for key in (*KNOBS, *FURTHER_KNOBS)} | _differing(config) | sizes)


def _first(most: int, texts: dict[str, str]) -> dict[str, str]:
    return dict(list(texts.items())[:most])


def _differing(config: ExperimentConfig) -> dict[str, str]:
    """What differs from the defaults, but for the sizes of layers."""
    defaults = _leaves(_plain(config))
    return {key: text for key, text in _leaves(config).items() if text != defaults.get(key) and not key.endswith(SIZES)}


def _plain(config: ExperimentConfig) -> ExperimentConfig:
    """The default config, with a plain block or dense layer for each that `config` has."""
    model = Model(
        blocks={name: Block(filters=block.filters) for name, block in config.model.blocks.items()},
        dense={name: Dense(units=layer.units) for name, layer in config.model.dense.items()},
    )
    return ExperimentConfig(model=model)


def _leaves(config: ExperimentConfig) -> dict[str, str]:
    leaves: dict[str, str] = {}
    for name in ExperimentConfig.model_fields:
        if name not in NOT_SHOWN:
            leaves |= _below(name, getattr(config, name))
    return leaves


def _below(path: str, value: object) -> dict[str, str]:
    if isinstance(value, Choice) or not isinstance(value, Strict | dict):
        return {path: short(value)}
    parts = value if isinstance(value, dict) else {name: getattr(value, name) for name in type(value).model_fields}
    return {key: text for name, part in parts.items() for key, text in _below(f"{path}.{name}", part).items()}


def short(value: object) -> str:
    """A value in few characters: `5`, `1×7`, `max 2 /2 same`, `sgd momentum=0.9`."""
    text = _text(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _text(value: object) -> str:
    if isinstance(value, WindowPool):
        return f"{value.type} {_text(value.pool_size)} /{_text(value.strides or value.pool_size)} {value.padding}"
    if isinstance(value, Choice):
        return _choice(value)
    if isinstance(value, tuple) and len(value) == 2:
        return str(value[0]) if value[0] == value[1] else f"{value[0]}×{value[1]}"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _choice(choice: Any) -> str:
    fields = type(choice).model_fields.items()
    told = {name: getattr(choice, name) for name, field in fields if name != "type"}
    options = [f"{name}={_text(value)}" for name, value in told.items()
               if value != type(choice).model_fields[name].default]  # fmt: skip
    return " ".join([str(choice.type), *options])

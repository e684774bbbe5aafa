"""The few params of a run in MLflow: the knobs that one turns, and what else differs from the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnexp.config.choices import Choice, Strict, WindowPool
from cnnexp.config.schema import Block, Dense, ExperimentConfig, Model

MOST = 20
LONGEST = 60
KNOBS = (
    "seed", "model.kernel_size", "model.strides", "model.padding", "model.pool", "model.dropout", "training.epochs",
    "training.batch_size", "training.optimizer", "training.learning_rate",
)  # fmt: skip
"""What every run tells. Not more: MLflow's image cards list all params above the picture, and push it out of sight."""

NOT_SHOWN = ("schema_version", "tracking", "figures", "evaluation")


def knobs(config: ExperimentConfig, varied: Mapping[str, str] | None = None) -> dict[str, str]:
    """Dotted key → short text, at most 20: the main knobs, then what differs, then the size of each layer.

    Before them all that a sweep varied (key → word).
    """
    values, defaults = _leaves(config), _leaves(_plain(config))
    sizes = {key: text for key, text in values.items() if key.endswith((".filters", ".units"))}
    main = {key: values[key] for key in KNOBS}
    differing = {key: text for key, text in values.items() if text != defaults.get(key) and key not in sizes}
    told = {key: values.get(key, short(word)) for key, word in (varied or {}).items()}
    return dict(list((told | main | differing | sizes).items())[:MOST])


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

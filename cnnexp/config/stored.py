"""A stored run's config with keys changed: what rerun, resume and explain take beside a RUN."""

from __future__ import annotations

from collections.abc import Sequence

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from cnnexp.config import overrides as words
from cnnexp.config.compose import hydra_session, is_group, told_as_config_errors
from cnnexp.config.problems import checked
from cnnexp.config.schema import ExperimentConfig
from cnnexp.errors import ConfigError


def changed(config: ExperimentConfig, overrides: Sequence[str]) -> ExperimentConfig:
    """`config` with `key=value` and `~key` applied as Hydra would.

    Raises ConfigError for a choice of a group (a stored config is whole: there is no file to choose), for several
    values of one key, and for values that the schema refuses.
    """
    if not overrides:
        return config
    values = OmegaConf.create(config.model_dump(mode="json"))
    with hydra_session(None), told_as_config_errors():
        parsed = words.parse(overrides)
        for override in parsed:
            _refuse_group(override)
        words.one_value_each(parsed)
        for override in words.parse(words.rewritten(parsed, lambda key: False)):
            _apply(values, override)
        plain = OmegaConf.to_container(values, resolve=True)
    return checked({str(key): value for key, value in plain.items()} if isinstance(plain, dict) else {})


def _refuse_group(override: Override) -> None:
    key = override.key_or_group
    if is_group(key):
        raise ConfigError(
            key, f"`{override.input_line}`", f"single keys, as in {key}.KEY=VALUE",
            "Beside a run no file of a group can be chosen: its config is whole.",
        )  # fmt: skip


def _apply(values: DictConfig, override: Override) -> None:
    key = override.key_or_group
    if not override.is_delete():
        OmegaConf.update(values, key, override.value(), merge=True, force_add=True)
        return
    parent, _, last = key.rpartition(".")
    node = OmegaConf.select(values, parent) if parent else values
    if not isinstance(node, DictConfig) or last not in node:
        raise ConfigError(key, "~ before it", "a key that exists in the run's config")
    del node[last]

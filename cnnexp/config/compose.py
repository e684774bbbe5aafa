"""The border with Hydra: words from a command line become a checked ExperimentConfig, or one ConfigError."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from cnnexp.config import overrides as words
from cnnexp.config.keys import nearest_key
from cnnexp.config.problems import checked
from cnnexp.config.schema import ExperimentConfig
from cnnexp.config.sources import GROUP, register, shipped
from cnnexp.errors import ConfigError, show

CONFIG_NAME = "config"
CODE_KEYS = ("_target_", "()", "class")
LOGGING_CLASSES = ("logging.StreamHandler", "logging.FileHandler", "logging.NullHandler")
SHIPPED_TARGETS = (
    "hydra._internal.core_plugins.basic_launcher.BasicLauncher",
    "hydra._internal.core_plugins.basic_sweeper.BasicSweeper",
)


@dataclass(frozen=True)
class Composed:
    """A composed experiment: the checked config, and the overrides as Hydra takes them."""

    config: ExperimentConfig
    overrides: tuple[str, ...]
    hydra_overrides: tuple[str, ...]
    choices: Mapping[str, str]


def compose_config(overrides: Sequence[str], config_dir: str | None = None) -> Composed:
    """Compose and check the experiment that `overrides` ask for.

    config_dir: a further folder of YAML (Hydra's --config-dir). Raises ConfigError with all problems together.
    """
    with hydra_session(config_dir) as loader_overrides, told_as_config_errors():
        forced = words.rewritten(words.parse(overrides), is_group)
        composed = compose(CONFIG_NAME, [*forced, *loader_overrides], return_hydra_config=True)
        values = plain_values(composed)
        chosen = composed.hydra.runtime.choices.items()
        choices = {str(k): str(v) for k, v in chosen if v is not None and not str(k).startswith("hydra/")}
    return Composed(checked(values), tuple(overrides), tuple(forced), choices)


@contextmanager
def hydra_session(config_dir: str | None) -> Iterator[tuple[str, ...]]:
    """Hydra set up on cnnexp's folders; yields the overrides that make it see `config_dir` too."""
    if config_dir is not None and not Path(config_dir).is_dir():
        raise ConfigError("--config-dir", show(config_dir), "a folder that exists")
    register()
    with initialize_config_dir(str(shipped("conf")), job_name="cnnexp", version_base="1.3"):
        yield (f"hydra.searchpath=['file://{Path(config_dir).resolve()}']",) if config_dir is not None else ()


def is_group(key: str) -> bool:
    """Whether a key chooses a file of a config group, such as `model` or `experiments`."""
    loader = GlobalHydra.instance().config_loader()
    return key == GROUP or bool(key and loader.get_group_options(key, ObjectType.CONFIG))


def plain_values(composed: DictConfig) -> dict[str, Any]:
    """The job's part of a composed config as plain values, after Hydra's own part was found harmless."""
    _check_hydra_node(OmegaConf.to_container(composed.hydra, resolve=False), "hydra")
    job = OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"])
    values = OmegaConf.to_container(job, resolve=True, throw_on_missing=True)
    return {str(key): value for key, value in values.items()} if isinstance(values, dict) else {}


def _check_hydra_node(node: object, path: str) -> None:
    """Refuse whatever Hydra would import or call, except what ships with it and with cnnexp."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            _check_hydra_key(str(key), value, path)
            _check_hydra_node(value, f"{path}.{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            _check_hydra_node(value, f"{path}.{i}")


def _check_hydra_key(key: str, value: object, path: str) -> None:
    harmless = value in SHIPPED_TARGETS if key == "_target_" else value in LOGGING_CLASSES
    if key in CODE_KEYS and not harmless:
        raise ConfigError(
            f"{path}.{key}", show(value), "nothing that names code",
            "Launchers and sweepers are chosen by name: hydra/launcher=serial.",
        )  # fmt: skip


@contextmanager
def told_as_config_errors() -> Iterator[None]:
    """Hydra's, OmegaConf's and YAML's errors as a ConfigError with key, got, expected and cure."""
    try:
        yield
    except MissingConfigException as error:
        raise _unknown_choice(error) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise ConfigError("YAML", f"{getattr(error, 'problem', error)}{line}", "YAML that can be read") from None
    except (HydraException, OmegaConfBaseException) as error:
        raise _not_composed(error) from None


def _unknown_choice(error: MissingConfigException) -> ConfigError:
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    options = sorted(error.options or ())
    if not group or not options:
        return ConfigError("config", str(error).splitlines()[0], "a file that exists")
    close = difflib.get_close_matches(name, options, n=1)
    return ConfigError(group, show(name), f"one of {', '.join(options)}", f"Did you mean {close[0]}?" if close else "")


def _not_composed(error: Exception) -> ConfigError:
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    deleted = re.match(r"Could not delete from config\. '(.+)' does not exist\.", lines[0])
    if deleted:
        near = nearest_key(deleted[1].split("."))
        return ConfigError(deleted[1], "~ before it", "a key that exists", f"Did you mean {near}?" if near else "")
    several = re.match(r"Ambiguous value for argument '\+*([^=']+)=(.*?)'", lines[0])
    several = several or re.match(r"Sweep parameters '\+*([^=']+)=?(.*?)' requires --multirun", lines[0])
    if several:
        return ConfigError(
            several[1], f"`{several[2]}`", "one value",
            "For a sweep over them add -m: cnnexp train -m KEY=A,B. For a list write KEY=[A,B].",
        )  # fmt: skip
    cause = error.__cause__
    more = f" ({str(cause).splitlines()[0]})" if cause and str(cause) and str(cause) not in str(error) else ""
    return ConfigError("config", f"{lines[0]}{more}", "overrides and files that Hydra can compose")

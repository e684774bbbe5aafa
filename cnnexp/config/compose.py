"""The border with Hydra: words from a command line become a checked ExperimentConfig, or one ConfigError."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from cnnexp.config import overrides as words
from cnnexp.config.keys import nearest_key, what_is_allowed
from cnnexp.config.launchers import LAUNCHER, LAUNCHERS, check_settings
from cnnexp.config.problems import checked
from cnnexp.config.schema import ExperimentConfig
from cnnexp.config.sources import GROUP, FolderSource, add_folder, register, shipped
from cnnexp.errors import MAX_PROBLEMS, ConfigError, Problem, show
from cnnexp.interrupts import held_back

CONFIG_NAME = "config"
CODE_KEYS = ("_target_", "()", "class")
LOGGING_CLASSES = ("logging.StreamHandler", "logging.FileHandler", "logging.NullHandler")
SHIPPED_TARGETS = (
    "hydra._internal.core_plugins.basic_launcher.BasicLauncher",
    "hydra._internal.core_plugins.basic_sweeper.BasicSweeper",
)


HYDRA_LETS_THROUGH = (AssertionError, AttributeError, KeyError, OSError, TypeError, ValueError)
"""What Hydra raises for files and words that it never expected."""


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
    return compose_tree(overrides, config_dir)[0]


def compose_tree(overrides: Sequence[str], config_dir: str | None = None) -> tuple[Composed, DictConfig]:
    """The same, and the tree as Hydra composed it, its own node included."""
    with hydra_session(config_dir):
        forced, problems = _sorted_out(overrides)
        try:
            tree = _tree(forced)
            with told_as_config_errors():
                values = job_values(job_part(tree))
            check_settings(str(tree.hydra.runtime.choices[LAUNCHER]), launcher_settings(tree))
        except ConfigError as error:
            raise ConfigError.of(problems or error.problems) from None
        own_files = _own_files()
    try:
        config = checked(values)
    except ConfigError as error:
        found = _with_files(error.problems, overrides, config_dir) if own_files and not problems else error.problems
        raise ConfigError.of([*problems, *(p for p in found if not problems or _is_of_a_word(p, forced))]) from None
    if problems:
        raise ConfigError.of(problems)
    return Composed(config, tuple(overrides), tuple(forced), choices_of(tree)), tree


def launcher_settings(tree: DictConfig) -> dict[str, Any]:
    """What stands below `hydra.launcher`, as plain values."""
    values = OmegaConf.to_container(tree.hydra.launcher, resolve=False)
    return {str(key): value for key, value in values.items()} if isinstance(values, dict) else {}


def _tree(forced: Sequence[str]) -> DictConfig:
    """Raises ConfigError; for keys that cannot be taken away because they are not there, with the names that are."""
    try:
        with told_as_config_errors():
            return compose(CONFIG_NAME, [*forced], return_hydra_config=True)
    except ConfigError as error:
        raise ConfigError.of([*_not_there(forced)] or error.problems) from None


def _not_there(forced: Sequence[str]) -> Iterator[Problem]:
    """The `~key` words whose key the config does not have."""
    keys = [key for word in forced if word.startswith("~") and not is_group(key := word[1:].partition("=")[0])]
    if not keys:
        return
    tree = _tree([word for word in forced if not word.startswith("~")])
    for key in keys:
        parent, _, last = key.rpartition(".")
        beside = OmegaConf.select(tree, parent) if parent else tree
        names = [str(name) for name in beside if name != "hydra"] if isinstance(beside, DictConfig) else []
        if last not in names:
            near = nearest_key(key.split("."), names)
            hint = f"Did you mean {near}?" if near else (f"Known here: {', '.join(names)}." if names else "")
            yield Problem(key, "~ before it", "a key that exists", hint)


def _sorted_out(overrides: Sequence[str]) -> tuple[list[str], list[Problem]]:
    """The overrides for Hydra of all words that can be composed, and the problems of the others."""
    forced, problems = list[str](), list[Problem]()
    for word in overrides:
        try:
            parsed = words.parse([word])
            words.one_value_each(parsed)
            rewritten = words.rewritten(parsed, is_group)
            _check_choice(parsed[0])
            forced.extend(rewritten)
        except ConfigError as error:
            problems.extend(error.problems)
    return forced, problems


def _check_choice(override: Override) -> None:
    """Raise ConfigError for a file that its group does not have."""
    group = override.key_or_group
    if override.is_delete() or not is_group(group):
        return
    name = override.value()
    if isinstance(name, str) and not _exists(group, name):
        raise _no_such_choice(group, name, _loader().get_group_options(group, ObjectType.CONFIG))


def _exists(group: str, name: str) -> bool:
    """Whether a group has this file; of launchers, cnnexp's own alone can be run."""
    if group == LAUNCHER:
        return name in LAUNCHERS
    return bool(_loader().repository.config_exists(f"{group}/{name}"))  # type: ignore[attr-defined]


def _is_of_a_word(problem: Problem, forced: Sequence[str]) -> bool:
    """Whether a word that was understood is to blame, not the lack of one that was not."""
    keys = [word.partition("=")[0].lstrip("+~") for word in forced]
    return problem.got != "nothing" and any(problem.where == key or problem.where.startswith(f"{key}.") for key in keys)


def _with_files(problems: Sequence[Problem], overrides: Sequence[str], config_dir: str | None) -> list[Problem]:
    """The problems, each with the person's file that its key came from."""
    from cnnexp.config.provenance import trace

    if len(problems) > MAX_PROBLEMS:
        return list(problems)
    given = trace(overrides, config_dir)
    files = {p.where: [s.source.where for s in given.in_force(p.where) if s.source.kind == "file"] for p in problems}
    return [replace(p, got=f"{p.got} in {files[p.where][-1]}") if files[p.where] else p for p in problems]


def _own_files() -> bool:
    """Whether Hydra looks into folders of a person's own."""
    sources = _loader().get_sources()
    own = [s for s in sources if s.scheme() in (FolderSource.scheme(), GROUP) and s.available()]
    return any(Path(source.path) != shipped(GROUP) for source in own)


@contextmanager
def hydra_session(config_dir: str | None) -> Iterator[tuple[str, ...]]:
    """Hydra set up on cnnexp's folders and `config_dir`; yields the further overrides that this takes (none).

    Inside signals wait: what an interruption raises in Hydra and OmegaConf may come out as an error of a config.
    """
    if config_dir is not None and not (config_dir and Path(config_dir).is_dir()):
        raise ConfigError("--config-dir", show(config_dir), "a folder that exists")
    register()
    with held_back(), initialize_config_dir(str(shipped("conf")), job_name="cnnexp", version_base="1.3"):
        if config_dir is not None:
            search_path = _loader().get_search_path()
            add_folder(search_path, Path(config_dir).resolve())
            _loader().repository.initialize_sources(search_path)  # type: ignore[attr-defined]
        yield ()


def _loader() -> ConfigLoader:
    return GlobalHydra.instance().config_loader()


def is_group(key: str) -> bool:
    """Whether a key chooses a file of a config group, such as `model` or `experiments`."""
    return key == GROUP or ("." not in key and bool(_loader().repository.group_exists(key)))  # type: ignore[attr-defined]


def job_part(composed: DictConfig) -> DictConfig:
    """The job's part of a composed config, after Hydra's own part was found harmless."""
    _check_hydra_node(OmegaConf.to_container(composed.hydra, resolve=False), "hydra")
    return OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"])


def job_values(job: DictConfig) -> dict[str, Any]:
    """A job's config as plain values, interpolations resolved."""
    if missing := sorted(OmegaConf.missing_keys(job)):
        raise ConfigError.of([Problem(key, "???", what_is_allowed(key.split(".")), "It must be given.")
                              for key in missing])  # fmt: skip
    values = OmegaConf.to_container(job, resolve=True)
    return {str(key): value for key, value in values.items()} if isinstance(values, dict) else {}


def choices_of(composed: DictConfig) -> dict[str, str]:
    """Which file of each config group was chosen."""
    chosen = composed.hydra.runtime.choices.items()
    return {str(k): str(v) for k, v in chosen if v is not None and not str(k).startswith("hydra/")}


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
    except RecursionError:
        raise ConfigError("config", "files or values that contain themselves", "files and values that end") from None
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, *HYDRA_LETS_THROUGH) as error:
        raise _not_composed(error) from None


def _unknown_choice(error: MissingConfigException) -> ConfigError:
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    options = list(error.options or ())
    if not group or not options:
        return ConfigError("config", str(error).splitlines()[0], "a file that exists")
    return _no_such_choice(group, name, options)


def _no_such_choice(group: str, name: str, options: Sequence[str]) -> ConfigError:
    options = list(LAUNCHERS) if group == LAUNCHER else options
    close = difflib.get_close_matches(name, options, n=1)
    hint = f"Did you mean {close[0]}?" if close else ""
    return ConfigError(group, show(name), f"one of {', '.join(sorted(options))}", hint)


def _not_composed(error: Exception) -> ConfigError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    if key := getattr(error, "full_key", None):
        return ConfigError(str(key), lines[0], "a value, or an interpolation that resolves to one")
    merged = re.match(r"Error merging override \+*([^=]+)=(.*)$", lines[0])
    if merged:
        return ConfigError(merged[1], merged[2], what_is_allowed(merged[1].split(".")))
    file = re.match(r"In '(.+)': .* raised while composing config:$", lines[0])
    if file and len(lines) > 1:
        return ConfigError(file[1], lines[1], "keys and values that Hydra can merge")
    cause = error.__cause__
    more = f" ({str(cause).splitlines()[0]})" if cause and str(cause) and str(cause) not in str(error) else ""
    return ConfigError("config", f"{lines[0]}{more}", "overrides and files that Hydra can compose")

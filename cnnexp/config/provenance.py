"""Which file or override set each key of a composed config: Hydra's own list of files, merged again with a note."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.default_element import ResultDefault
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Override
from hydra.plugins.config_source import ConfigResult
from hydra.types import RunMode
from omegaconf import OmegaConf

from cnnexp.config import overrides as words
from cnnexp.config.compose import CONFIG_NAME, hydra_session, is_group, told_as_config_errors
from cnnexp.config.keys import is_choice
from cnnexp.config.schema import INHERITED, ExperimentConfig
from cnnexp.config.sources import GROUP, shipped

MISSING = "???"
"""OmegaConf's word for a value that another file or override must give: it sets nothing."""
DENSE_INHERITED = ("activation", "dropout")
"""What a hidden dense layer takes from the model unless it says its own."""


@dataclass(frozen=True)
class Source:
    """What sets keys: a YAML file, an override or a stored run; `where` is how a person finds it.

    chosen_by: the override or file that chose this file of its group; empty where conf/config.yaml did.
    """

    kind: Literal["file", "override", "run"]
    where: str
    chosen_by: str = ""


@dataclass(frozen=True)
class Setting:
    """One value given to one key (a whole list, a word, a number). removes: it took the key away instead."""

    key: str
    value: Any
    source: Source
    in_force: bool
    removes: bool = False


@dataclass(frozen=True)
class Provenance:
    """Every value that was given to a key, in the order of composition."""

    settings: tuple[Setting, ...]

    def of(self, key: str) -> tuple[Setting, ...]:
        """What was given to `key`, to a part of it, or to the whole that it is a part of; first to last."""
        return tuple(s for s in self.settings if touches(s.key, key))

    def in_force(self, key: str) -> tuple[Setting, ...]:
        """Those of them that count; none where the schema's default does. null given to a block inherits: not here."""
        inherits = inherited_from(key) != ""
        return tuple(s for s in self.of(key) if s.in_force and not (inherits and s.value is None))

    def decides(self, key: str) -> str:
        """The key whose settings decide `key`: itself, or the model's where a block or dense layer inherits it."""
        above = inherited_from(key)
        if not above or self.in_force(key):
            return key
        choice = ".".join(key.split(".")[:4])
        own = self.in_force(choice)
        if any(s.key in (choice, f"{choice}.type") for s in own):
            return key  # a choice of its own: what it does not say is the schema's default
        return above


def touches(a: str, b: str) -> bool:
    """Whether two dotted keys are the same, or one is a part of the other."""
    return a == b or a.startswith(f"{b}.") or b.startswith(f"{a}.")


def inherited_from(key: str) -> str:
    """The model's key that stands in for a block's or dense layer's; empty if there is none."""
    parts = key.split(".")
    if len(parts) < 4 or parts[0] != "model":
        return ""
    inherited = {"blocks": INHERITED, "dense": DENSE_INHERITED}.get(parts[1], ())
    return ".".join(["model", *parts[3:]]) if parts[3] in inherited else ""


def trace(overrides: Sequence[str], config_dir: str | None = None) -> Provenance:
    """Where each key of the experiment that `overrides` ask for comes from.

    Raises ConfigError as `compose_config` does for what Hydra cannot compose; values are not checked.
    """
    merge = _Merge()
    with hydra_session(config_dir) as loader, told_as_config_errors():
        parsed = words.parse(overrides)
        for source, package, values in _files(parsed, loader, config_dir):
            merge.add(package, values, source)
        _add_overrides(merge, parsed, is_group, "")
    return merge.provenance()


def trace_stored(config: ExperimentConfig, stored: Sequence[str], changes: Sequence[str], run: str) -> Provenance:
    """Where each key of a stored run's config comes from; it is whole, so only its overrides tell more than that.

    stored: the overrides that the run was started with; changes: those given now (`key=value`, no group choices).
    """
    merge = _Merge()
    merge.add("", config.model_dump(mode="json"), Source("run", f"runs/{run}/config.yaml"))
    with hydra_session(None), told_as_config_errors():
        _add_overrides(merge, words.parse(stored), is_group, f"run {run}")
        _add_overrides(merge, words.parse(changes), is_group, "")
    return merge.provenance()


def _files(
    parsed: Sequence[Override], loader: Sequence[str], config_dir: str | None
) -> Iterator[tuple[Source, str, Any]]:
    """Source, package and values of each YAML file of the job, in the order in which Hydra merges them."""
    config_loader = GlobalHydra.instance().config_loader()
    forced = words.rewritten(parsed, is_group)
    composed = config_loader.compute_defaults_list(CONFIG_NAME, [*forced, *loader], RunMode.RUN)
    chosen_by = {o.key_or_group: str(o.input_line) for o in parsed if is_group(o.key_or_group)}
    for group, choice in composed.overrides.override_metadata.items():
        if group not in chosen_by and choice.containing_config_path:
            chosen_by[group] = f"{choice.containing_config_path}.yaml"
    for default in composed.defaults:
        if default.config_path is None or default.config_path.startswith("hydra/"):
            continue
        result = _load(default, config_dir)
        group = default.config_path.rpartition("/")[0]
        source = Source("file", shown_path(_path_of(result, default.config_path)), chosen_by.get(group, ""))
        yield source, default.package or "", OmegaConf.to_container(result.config, resolve=False)


def _load(default: ResultDefault, config_dir: str | None) -> ConfigResult:
    path = str(default.config_path)
    result = GlobalHydra.instance().config_loader().repository.load_config(path)  # type: ignore[attr-defined]
    if result is not None:
        return result  # type: ignore[no-any-return]
    return FileConfigSource("config-dir", f"file://{Path(config_dir or '.').resolve()}").load_config(path)


def _path_of(result: ConfigResult, config_path: str) -> Path:
    folder = Path(result.path.partition("://")[2])
    inside = config_path.removeprefix(f"{GROUP}/") if result.path.startswith(f"{GROUP}://") else config_path
    return folder / f"{inside}.yaml"


def shown_path(path: Path) -> str:
    """A YAML file as a person finds it: below the working folder, among the shipped ones, or by its whole path."""
    for folder in ("conf", GROUP):
        if path.is_relative_to(shipped(folder)):
            name = f"{folder}/{path.relative_to(shipped(folder)).as_posix()}"
            return name if shipped(folder).parent == Path.cwd() else f"{name} (shipped)"
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else str(path)


def _add_overrides(merge: _Merge, parsed: Sequence[Override], is_group: Callable[[str], bool], run: str) -> None:
    for override in parsed:
        key, line = override.key_or_group, str(override.input_line)
        if key.split(".")[0].split("/")[0] == "hydra" or is_group(key):
            continue
        source = Source("override", f"{line} of {run}" if run else line)
        if override.is_delete():
            merge.remove(key, source)
            continue
        if is_choice(key.split(".")) or key in words.WHOLE_MAPPINGS:
            merge.remove(key, source)
        value = override.value()
        choice_word = isinstance(value, str) and is_choice(key.split("."))
        merge.add(key, {"type": value} if choice_word else value, source)


class _Merge:
    """OmegaConf's merge of mappings, with a note of who gave what: mappings are merged, all else replaces."""

    def __init__(self) -> None:
        self._log: list[tuple[str, Any, Source, bool]] = []
        self._live: dict[str, int] = {}

    def add(self, key: str, value: Any, source: Source) -> None:
        if isinstance(value, Mapping) and (value or self._parts(key)):
            for name, inner in value.items():
                self.add(f"{key}.{name}" if key else str(name), inner, source)
        elif value != MISSING:
            self._drop(key)
            self._live[key] = len(self._log)
            self._log.append((key, value, source, False))

    def _parts(self, key: str) -> bool:
        return any(live.startswith(f"{key}.") for live in self._live)

    def remove(self, key: str, source: Source) -> None:
        if self._drop(key):
            self._log.append((key, None, source, True))

    def _drop(self, key: str) -> bool:
        """Forget what was given to the key, to its parts, and to a word or null that now becomes a mapping."""
        gone = [live for live in self._live if touches(live, key)]
        for live in gone:
            del self._live[live]
        return bool(gone)

    def provenance(self) -> Provenance:
        live = set(self._live.values())
        return Provenance(tuple(Setting(k, v, s, i in live, r) for i, (k, v, s, r) in enumerate(self._log)))

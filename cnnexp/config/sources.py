"""Where Hydra looks for YAML: a person's ./conf and ./experiments first, then the shipped ones, and nothing else.

The working folder itself is never on Hydra's search path: a stray ./model/article.yaml would replace the default.
"""

from __future__ import annotations

import os
from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

GROUP = "experiments"
PACKAGE = Path(__file__).resolve().parent.parent


def shipped(name: str) -> Path:
    """The shipped folder `conf` or `experiments`: inside the installed package, else beside it in a checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


class ExperimentsSource(ConfigSource):
    """A folder of named studies, seen by Hydra as the config group `experiments`."""

    def __init__(self, provider: str, path: str) -> None:
        super().__init__(provider=provider, path=path)

    @staticmethod
    def scheme() -> str:
        return GROUP

    def _file(self, config_path: str) -> Path:
        """The file behind `experiments/NAME`; a path that leaves the folder or another group is no file of it."""
        parts = Path(self._normalize_file_name(config_path)).parts
        if len(parts) != 2 or parts[0] != GROUP:
            return Path(os.devnull, "none")
        return Path(self.path) / parts[1]

    def load_config(self, config_path: str) -> ConfigResult:
        file = self._file(config_path)
        if not file.is_file():
            raise ConfigLoadError(f"Config not found: {file}")
        text = file.read_text(encoding="utf-8")
        return ConfigResult(
            provider=self.provider,
            path=f"{self.scheme()}://{self.path}",
            config=OmegaConf.create(text) if text.strip() else OmegaConf.create({}),
            header={"package": "_global_", **ConfigSource._get_header_dict(text)},
        )

    def available(self) -> bool:
        return Path(self.path).is_dir()

    def is_group(self, config_path: str) -> bool:
        return config_path in ("", GROUP)

    def is_config(self, config_path: str) -> bool:
        return self._file(config_path).is_file()

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        if config_path == "":
            return [GROUP] if results_filter in (None, ObjectType.GROUP) else []
        if config_path != GROUP or results_filter == ObjectType.GROUP:
            return []
        return sorted(file.stem for file in Path(self.path).glob("*.yaml"))


class UserFolders(SearchPathPlugin):
    """Puts ./conf before the shipped conf, and both folders of experiments behind them."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        own_conf = Path.cwd() / "conf"
        if own_conf.is_dir() and own_conf.resolve() != shipped("conf").resolve():
            search_path.prepend("user", f"file://{own_conf}", "main")
        folders = [Path.cwd() / GROUP, shipped(GROUP)]
        for folder in dict.fromkeys(f.resolve() for f in folders):
            search_path.append(GROUP, f"{GROUP}://{folder}")


def register() -> None:
    """Make Hydra know both plugins (again and again does no harm)."""
    plugins = Plugins.instance()
    plugins.register(ExperimentsSource)
    plugins.register(UserFolders)

"""Where Hydra looks for YAML: a person's ./conf and ./experiments first, then the shipped ones, and nothing else.

The working folder itself is never on Hydra's search path: a stray ./model/article.yaml would replace the default.
"""

from __future__ import annotations

import os
from pathlib import Path

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from cnnexp.config.reading import shown, yaml_text
from cnnexp.errors import ConfigError

GROUP = "experiments"
HYDRAS_LAST = "schema"
"""The provider that Hydra wants to stand last on its search path."""
PACKAGE = Path(__file__).resolve().parent.parent


def shipped(name: str) -> Path:
    """The shipped folder `conf` or `experiments`: inside the installed package, else beside it in a checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


class FolderSource(FileConfigSource):
    """A person's folder of config groups; its files are looked at before Hydra merges them."""

    @staticmethod
    def scheme() -> str:
        return "conf"

    def load_config(self, config_path: str) -> ConfigResult:
        file = Path(self.path) / self._normalize_file_name(config_path)
        if not file.is_file():
            raise ConfigLoadError(f"Config not found: {file}")
        return _result(file, self, {"package": None})


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
        return _result(file, self, {"package": "_global_"})

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
        return sorted(file.stem for file in Path(self.path).glob("*.yaml") if file.is_file())


def _result(file: Path, source: ConfigSource, header: dict[str, str | None]) -> ConfigResult:
    """What Hydra wants to know of a YAML file; `header` is what holds where the file's first lines do not say.

    Raises ConfigError for a file that is broken or that names code.
    """
    text = yaml_text(file)
    return ConfigResult(
        provider=source.provider,
        path=f"{source.scheme()}://{source.path}",
        config=OmegaConf.create(text) if text.strip() else OmegaConf.create({}),
        header=header | {key: value for key, value in _header(text, file).items() if value is not None},
    )


def _header(text: str, file: Path) -> dict[str, str | None]:
    try:
        header = ConfigSource._get_header_dict(text)
    except ValueError as error:
        raise ConfigError(shown(file), str(error), "`# @package NAME` in its first lines, or nothing") from None
    if str(header.get("package")).split(".")[0] == "hydra":
        raise ConfigError(shown(file), f"# @package {header['package']}", "a package of the experiment's own")
    return header


class UserFolders(SearchPathPlugin):
    """Puts ./conf before the shipped conf, and both folders of experiments behind them."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        own_conf = Path.cwd() / "conf"
        if own_conf.is_dir() and own_conf.resolve() != shipped("conf").resolve():
            search_path.prepend("user", f"{FolderSource.scheme()}://{own_conf}", "main")
        folders = [Path.cwd() / GROUP, shipped(GROUP)]
        for folder in dict.fromkeys(f.resolve() for f in folders):
            search_path.append(GROUP, f"{GROUP}://{folder}")


def add_folder(search_path: ConfigSearchPath, folder: Path) -> None:
    """Look into `folder` too, last (Hydra's --config-dir); its experiments/ are named studies like one's own."""
    search_path.prepend(GROUP, f"{GROUP}://{folder / GROUP}", HYDRAS_LAST)
    search_path.prepend("command-line", f"{FolderSource.scheme()}://{folder}", HYDRAS_LAST)


def register() -> None:
    """Make Hydra know these plugins (again and again does no harm)."""
    plugins = Plugins.instance()
    plugins.register(FolderSource)
    plugins.register(ExperimentsSource)
    plugins.register(UserFolders)
    _keep_launchers_ours()


def _keep_launchers_ours() -> None:
    """Take away what plugins registered under names of ours: Hydra would merge our files into it as into a schema."""
    registered = ConfigStore.instance().repo.get("hydra", {}).get("launcher", {})
    for file in (shipped("conf") / "hydra" / "launcher").glob("*.yaml"):
        registered.pop(file.name, None)

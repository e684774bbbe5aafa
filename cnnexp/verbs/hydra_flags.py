"""Hydra's flags for the verbs that take overrides: --cfg, --info, --config-dir, …"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from cnnexp.errors import ConfigError, show

if TYPE_CHECKING:
    from omegaconf import DictConfig

INFO_CHOICES = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")


def add_flags(
    parser: argparse.ArgumentParser, words: str = "KEY=VALUE", told: str = "override a key of the config"
) -> None:
    """The overrides, called `words`, and the flags of Hydra that cnnexp passes on."""
    parser.add_argument("overrides", nargs="*", metavar=words, help=told)
    parser.add_argument("-c", "--cfg", choices=["job", "hydra", "all"], help="show the composed config instead")
    parser.add_argument("--resolve", action="store_true", help="with --cfg: resolve interpolations")
    parser.add_argument("-p", "--package", help="with --cfg: only this part, such as model")
    parser.add_argument("-i", "--info", nargs="?", const="all", choices=INFO_CHOICES, help="show what Hydra found")
    parser.add_argument("-cd", "--config-dir", help="a further folder of config files")


def wants_to_look(args: argparse.Namespace) -> bool:
    """Whether a flag asks to show something instead of running."""
    return bool(args.cfg or args.info)


def show_what_is_asked(args: argparse.Namespace) -> int:
    """Print the composed config, or Hydra's view of it, after the schema found it good.

    Raises ConfigError for a config that cannot be, a --package that it does not have, or --resolve beyond the job.
    """
    from cnnexp.config.compose import compose_tree

    composed, tree = compose_tree(args.overrides, args.config_dir)
    if args.info:
        _show_info(args, composed.hydra_overrides)
    else:
        if args.resolve and args.cfg != "job":
            hint = "Hydra's own part has interpolations whose values it does not know yet."
            raise ConfigError("--resolve", f"--cfg {args.cfg}", "--cfg job", hint)
        print(_as_text(_part(tree, args.cfg), args.package, args.resolve))
    return 0


def _show_info(args: argparse.Namespace, hydra_overrides: Sequence[str]) -> None:
    from hydra._internal.hydra import Hydra
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import RunMode

    from cnnexp.config.compose import CONFIG_NAME, hydra_session

    with hydra_session(args.config_dir) as more:
        hydra = cast(Hydra, GlobalHydra.instance().hydra)
        hydra.show_info(args.info, CONFIG_NAME, [*hydra_overrides, *more], run_mode=RunMode.RUN)


def _part(tree: DictConfig, which: str) -> DictConfig:
    """What --cfg asks for: the job's part, Hydra's own, or all."""
    from omegaconf import OmegaConf

    keys = [str(key) for key in tree if which == "all" or (key == "hydra") == (which == "hydra")]
    return OmegaConf.masked_copy(tree, keys)


def _as_text(tree: DictConfig, package: str | None, resolve: bool) -> str:
    from omegaconf import Container, OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from cnnexp.config.keys import nearest_key

    if package in (None, "_global_"):
        part: object = tree
    else:
        try:
            part = OmegaConf.select(tree, str(package))
        except OmegaConfBaseException:
            part = None
        if part is None:
            near = nearest_key(str(package).split("."))
            hint = f"Did you mean {near}?" if near else ""
            raise ConfigError("--package", show(package), "a key of the config that has a value", hint)
    return OmegaConf.to_yaml(part, resolve=resolve).rstrip("\n") if isinstance(part, Container) else str(part)

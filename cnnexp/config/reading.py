"""A person's YAML, looked at before anything is made of it: plain text, mappings, lists and values, and no code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from cnnexp.errors import ConfigError, Problem, show

MAX_DEPTH = 40
MAX_VALUES = 100_000
CORE = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "map", "seq", "timestamp"))
TEXT, BOOL, MERGE = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "bool", "merge"))
HYDRA_KEYS = ("launcher", "sweeper", "verbose")
"""What a person's file may say below `hydra`; all else can run code or move files about."""


def yaml_text(file: Path) -> str:
    """The text of a YAML file that is harmless.

    Raises ConfigError for a file that cannot be read, and as `check_yaml` does.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(shown(file), f"byte {error.start} that is no UTF-8", "YAML in UTF-8") from None
    except OSError as error:
        raise ConfigError(shown(file), error.strerror or str(error), "a file that can be read") from None
    check_yaml(text, shown(file))
    return text


def shown(file: Path) -> str:
    """A file below the working folder by its short path, another one by its whole path."""
    return file.relative_to(Path.cwd()).as_posix() if file.is_relative_to(Path.cwd()) else str(file)


def check_yaml(text: str, where: str) -> None:
    """Raise ConfigError for YAML that is broken, no mapping, too large, or that names code; `where` is its file."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{where}, line {mark.line + 1}" if mark else where
        told = ", ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(place, f"broken YAML ({told})", "YAML that can be read") from None
    except yaml.YAMLError as error:
        raise ConfigError(where, f"broken YAML ({str(error).splitlines()[0]})", "YAML that can be read") from None
    except RecursionError:
        raise _too_deep(where) from None
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError(where, _kind(root), "a mapping of keys to values")
    if problems := _Walk(where).problems(root):
        raise ConfigError.of(problems)


def _too_deep(where: str) -> ConfigError:
    return ConfigError(where, f"more than {MAX_DEPTH} levels", "values that do not contain themselves, few levels deep")


def _kind(node: yaml.Node) -> str:
    return "a list" if isinstance(node, yaml.SequenceNode) else show(node.value)


class _Walk:
    """One walk over a YAML document as it was written; what an alias repeats counts each time."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._values = 0

    def problems(self, root: yaml.MappingNode) -> list[Problem]:
        """All problems, in order; a document that is too large or too deep raises ConfigError at once."""
        return list(self._of(root, ()))

    def _of(self, node: yaml.Node, path: tuple[str, ...]) -> Iterator[Problem]:
        self._values += 1
        if self._values > MAX_VALUES:
            raise ConfigError(self._where, f"more than {MAX_VALUES:,} values, aliases written out", "fewer")
        if len(path) > MAX_DEPTH:
            raise _too_deep(self._where)
        if node.tag not in CORE:
            yield self._problem(node, path, f"the tag {node.tag}", "plain YAML without tags")
        elif node.tag == BOOL and path[:1] == ("defaults",):
            hint = f"YAML reads this word so; quote it: '{node.value}'"
            yield self._problem(node, path, "a truth value", "the name of a file", hint)
        elif isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                yield from self._of(item, (*path, str(number)))
        elif isinstance(node, yaml.MappingNode):
            yield from self._of_mapping(node, path)

    def _of_mapping(self, node: yaml.MappingNode, path: tuple[str, ...]) -> Iterator[Problem]:
        seen = set[str]()
        for key, value in node.value:
            if key.tag == MERGE:
                yield from self._of(value, path)
                continue
            if key.tag != TEXT:
                got = f"the key {_kind(key)}"
                yield self._problem(key, path, got, "keys that are text", "Quote a key that looks like a number.")
                continue
            inner = (*path, str(key.value))
            if key.value in seen:
                yield self._problem(key, inner, "the same key twice", "each key once")
            seen.add(key.value)
            yield from self._code(key, value, inner)
            yield from self._of(value, inner)

    def _code(self, key: yaml.Node, value: yaml.Node, path: tuple[str, ...]) -> Iterator[Problem]:
        if str(key.value).startswith("_target_"):
            hint = "A config names choices; it never names code."
            yield self._problem(key, path, _kind(value), "no _target_ anywhere", hint)
        elif path[0] == "hydra" and (len(path) == 2 and path[1] not in HYDRA_KEYS):
            hint = "Launchers and sweepers are chosen in defaults: - override /hydra/launcher: NAME"
            yield self._problem(key, path, "a key of Hydra's own", f"only {', '.join(HYDRA_KEYS)} below hydra", hint)
        elif path == ("hydra",) and not isinstance(value, yaml.MappingNode):
            yield self._problem(key, path, _kind(value), "a mapping")

    def _problem(self, node: yaml.Node, path: tuple[str, ...], got: str, expected: str, hint: str = "") -> Problem:
        place = f"{self._where}, line {node.start_mark.line + 1}"
        return Problem(f"{place}: {'.'.join(path)}" if path else place, got, expected, hint)

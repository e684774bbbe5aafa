"""Imports go downward only, and heavy libraries are imported in their own rooms only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "cnnexp"
FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors", "interrupts", "shares"),
    ("config",),
    ("shapes",),
    ("checks",),
    ("data",),
    ("nn",),
    ("runs",),
    ("analysis", "figures"),
    ("drawing", "evaluation", "probing", "checkpoints", "explaining"),
    ("prediction", "report"),
    ("inspection", "comparing", "experiment"),
    ("resuming", "rerunning"),
    ("study",),
    ("cli",),
    ("verbs",),
    ("api",),
    ("__init__",),
)
"""Every module and sub-package of cnnexp, lowest first: each may import itself and what stands on a lower floor."""

ROOMS = {
    "tensorflow": ("cnnexp.nn.",),
    "keras": ("cnnexp.nn.", "cnnexp.runs.models"),
    "matplotlib": ("cnnexp.figures.",),
    "mlflow": tuple(
        f"cnnexp.runs.{name}"
        for name in (
            "store",
            "links",
            "models",
            "fetch",
            "publication",
            "publish",
            "publish_comparison",
            "publish_sweep",
        )
    ),
    "hydra": ("cnnexp.config.", "cnnexp.study.", "cnnexp.verbs.hydra_flags", "cnnexp.verbs.completion"),
    "pydantic": ("cnnexp.config.", "cnnexp.explaining."),
}
"""Where each library that takes long to import, or that the design binds to one place, may be imported."""


def module_name(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)


MODULES = {module_name(file): ast.parse(file.read_text("utf-8")) for file in sorted(PACKAGE.rglob("*.py"))}
FLOOR_OF = {unit: number for number, units in enumerate(FLOORS) for unit in units}


def imported(node: ast.AST) -> Iterator[str]:
    """Every module that is imported when the code runs, also inside functions; not what only type checkers import."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            names = [f"{child.module}.{alias.name}" for alias in child.names]
            yield from (name if name in MODULES else str(child.module) for name in names)
        yield from imported(child)


def unit_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def test_every_module_has_its_floor_and_every_floor_its_modules() -> None:
    assert {unit_of(module) for module in MODULES} == set(FLOOR_OF)
    assert sum(map(len, FLOORS)) == len(FLOOR_OF)


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_downward_only(module: str) -> None:
    own = unit_of(module)
    targets = {unit_of(name) for name in imported(MODULES[module]) if name.split(".")[0] == "cnnexp"}
    upward = {target for target in targets if target != own and FLOOR_OF[target] >= FLOOR_OF[own]}
    assert not upward, f"{module} imports {upward}, which are no lower than {own}"


@pytest.mark.parametrize("library", ROOMS)
def test_heavy_libraries_stay_in_their_rooms(library: str) -> None:
    users = {
        module for module, tree in MODULES.items() if any(name.split(".")[0] == library for name in imported(tree))
    }
    assert users, f"nothing imports {library}: the room is empty"
    strangers = {user for user in users if not user.startswith(ROOMS[library])}
    assert not strangers, f"{strangers} import {library}"


def test_imports_inside_functions_are_seen() -> None:
    tree = ast.parse("if TYPE_CHECKING:\n    import a\ndef f():\n    import b.c\n    from cnnexp.runs import find\n")
    assert list(imported(tree)) == ["b.c", "cnnexp.runs.find"]

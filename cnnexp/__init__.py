"""cnnexp: YAML in, a compared and repeatable CNN experiment out.

import cnnexp

run = cnnexp.train("model.kernel_size=5", "training.epochs=3")
run.metrics["accuracy/test"], run.maps("conv_1", digit=7).shape
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnexp.api import (
        Comparison,
        Run,
        Sweep,
        compare,
        compose,
        diff,
        find,
        find_sweep,
        inspect,
        layers,
        list_runs,
        rerun,
        resume,
        sweep,
        train,
    )
    from cnnexp.errors import CnnexpError, ConfigError, DataError, RunError, StoreError, TrainingError

_ERRORS = ("CnnexpError", "ConfigError", "DataError", "RunError", "StoreError", "TrainingError")
__all__ = [
    "CnnexpError",
    "Comparison",
    "ConfigError",
    "DataError",
    "Run",
    "RunError",
    "StoreError",
    "Sweep",
    "TrainingError",
    "compare",
    "compose",
    "diff",
    "find",
    "find_sweep",
    "inspect",
    "layers",
    "list_runs",
    "rerun",
    "resume",
    "sweep",
    "train",
]


def __getattr__(name: str) -> Any:
    """The public names, imported when they are first asked for: `import cnnexp` itself stays light."""
    if name in __all__:
        return getattr(import_module("cnnexp.errors" if name in _ERRORS else "cnnexp.api"), name)
    raise AttributeError(f"module 'cnnexp' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

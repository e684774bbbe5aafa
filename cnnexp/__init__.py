"""cnnexp: YAML in, a compared and repeatable CNN experiment out.

import cnnexp

run = cnnexp.train("model.kernel_size=5", "training.epochs=3")
run.metrics["accuracy/test"], run.maps("conv_1", digit=7).shape
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnexp.api import Run, Sweep, compose, find, inspect, layers, list_runs, rerun, resume, sweep, train
    from cnnexp.errors import CnnexpError, ConfigError, DataError, RunError, StoreError, TrainingError

_FROM = {
    "cnnexp.api": (
        "Run",
        "Sweep",
        "compose",
        "find",
        "inspect",
        "layers",
        "list_runs",
        "rerun",
        "resume",
        "sweep",
        "train",
    ),
    "cnnexp.errors": ("CnnexpError", "ConfigError", "DataError", "RunError", "StoreError", "TrainingError"),
}
__all__ = [
    "CnnexpError",
    "ConfigError",
    "DataError",
    "Run",
    "RunError",
    "StoreError",
    "Sweep",
    "TrainingError",
    "compose",
    "find",
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
    for module, names in _FROM.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'cnnexp' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

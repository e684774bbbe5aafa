"""cnnexp from Python: `run = cnnexp.train("model.kernel_size=5")`, `run.history`, `run.maps("conv_1", digit=7)`."""

from cnnexp.api.calls import (
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
from cnnexp.api.comparison import Comparison
from cnnexp.api.run import Run
from cnnexp.api.sweep import Sweep

__all__ = [
    "Comparison",
    "Run",
    "Sweep",
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

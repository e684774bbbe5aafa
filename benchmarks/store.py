"""What a folder with many finished runs costs a plan, the list of runs, and the answer of a sweep of them all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path

from benchmarks.measure import pairs, python
from cnnexp.study.request import request_sweep
from tests.study.made import TINY, made_sweep

MANY_RUNS, FEW_RUNS = 1000, 100
IN_FOLDER = "import os, sys; os.chdir(sys.argv[1]); from cnnexp.cli import main; sys.exit(main(sys.argv[2:]))"


def sweep_store(count: int) -> None:
    """Each command on a sweep of 1,000 finished runs, never trained, against the same command on one of 100."""
    with ExitStack() as stack:
        (many, few) = (stack.enter_context(_swept(runs)) for runs in (MANY_RUNS, FEW_RUNS))
        for name in many:
            title = f"{name}: a sweep of {MANY_RUNS:,} finished runs against one of {FEW_RUNS:,}"
            pairs(title, many[name], few[name], count, {"seconds": lambda measured: measured.seconds})


@contextmanager
def _swept(runs: int) -> Iterator[dict[str, list[str]]]:
    """What is called how on a finished sweep of so many seeds, in a folder of its own."""
    words = (*TINY, f"seed=range({runs})", "tracking=off")
    with tempfile.TemporaryDirectory() as folder:
        with chdir(folder):
            sweep = made_sweep(request_sweep(words, None), Path(folder) / "runs", [0.5] * runs)
        asked = {
            "train -m … --plan": ("train", "-m", *words, "--plan"),
            "runs": ("runs",),
            "show SWEEP": ("show", sweep.id),
            "show SWEEP --draw": ("show", sweep.id, "--draw"),
        }
        yield {name: python("-c", IN_FOLDER, folder, *command) for name, command in asked.items()}

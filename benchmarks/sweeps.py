"""A sweep of tiny runs: its cost against a bare Keras loop, and its memory over many runs."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.measure import cnnexp, pairs
from benchmarks.training import plain_script
from cnnexp.config.schema import Data
from cnnexp.runs.sweep_record import all_sweeps

DIGITS, EPOCHS, WORKERS = 500, 1, 2
TINY_RUNS, MANY_RUNS = 100, 200
SAMPLE_SECONDS = 0.25


def _command(runs: int) -> list[str]:
    return cnnexp(
        "train", "-m", f"data.limit={DIGITS}", f"training.epochs={EPOCHS}", f"seed=range({runs})",
        f"sweep.workers={WORKERS}",
    )  # fmt: skip


def sweep(count: int) -> None:
    """100 tiny runs with 2 workers, record, MLflow and summary included, against 100 trainings in a bare loop."""
    with plain_script(Data(source="mnist_5k", limit=DIGITS), EPOCHS, TINY_RUNS) as plain:
        pairs(f"{TINY_RUNS} tiny runs with {WORKERS} workers, against a bare Keras loop in one process",
              _command(TINY_RUNS), plain, count, {"seconds": lambda measured: measured.seconds})  # fmt: skip


def sweep_memory(count: int) -> None:
    """The memory of all processes of a sweep: its peak in the last quarter of the runs against that in the first."""
    print(f"\n{MANY_RUNS} tiny runs with {WORKERS} workers: memory of all processes")
    for _ in range(count):
        samples = _memory_over_runs()
        quarter = MANY_RUNS // 4
        first = max(memory for done, memory in samples if done <= quarter)
        last = max(memory for done, memory in samples if done >= MANY_RUNS - quarter)
        print(f"  peak MiB: {last:.0f} in the last quarter against {first:.0f} in the first; ratio {last / first:.3f}")


def _memory_over_runs() -> list[tuple[int, float]]:
    """Pairs of runs done and MiB in use."""
    samples = []
    with tempfile.TemporaryDirectory() as folder:
        process = psutil.Popen(_command(MANY_RUNS), cwd=folder, env={**os.environ, "PYTHONPATH": os.getcwd()},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        while process.poll() is None:
            done = sum(len(record.outcomes) for record in all_sweeps(Path(folder) / "runs"))
            samples.append((done, _memory(process)))
            time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        raise RuntimeError(f"the sweep ended with exit code {process.returncode}")
    return samples


def _memory(process: psutil.Popen) -> float:
    """MiB of a process and its descendants; what several of them share counts once (USS)."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.Error):
            total += one.memory_full_info().uss
    return total / 2**20

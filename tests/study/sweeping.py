"""Real sweeps: the command as a process of its own, and what it left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from cnnexp.runs.find import all_runs
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import open_store
from cnnexp.runs.sweep_record import SweepRecord, all_sweeps
from tests.conftest import working_in

ROOT = Path(__file__).parents[2]
TINY = ("model=small", "data.limit=100", "training.batch_size=50", "evaluation.train_size=50")
PATIENCE = 300


def start(home: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """`cnnexp train -m WORDS` in the folder `home`."""
    hidden = ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "PYTHONPATH")
    own = {key: value for key, value in os.environ.items() if key not in hidden}
    return subprocess.Popen(
        [sys.executable, "-m", "cnnexp.cli", "train", "-m", *TINY, *words],
        cwd=home, env=own | {"PYTHONPATH": str(ROOT)} | environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=_listen,
    )  # fmt: skip


def resume(home: Path, sweep: str) -> subprocess.CompletedProcess[str]:
    """`cnnexp resume SWEEP` in the folder `home`."""
    hidden = ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "PYTHONPATH")
    own = {key: value for key, value in os.environ.items() if key not in hidden}
    return subprocess.run(
        [sys.executable, "-m", "cnnexp.cli", "resume", sweep], cwd=home, env=own | {"PYTHONPATH": str(ROOT)}, text=True,
        capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


def _listen() -> None:
    """A process started by one that ignores Ctrl-C would ignore it too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def sweep(home: Path, *words: str, code: int = 0, **environment: str) -> tuple[SweepRecord, str]:
    """A sweep that ends with this exit code: its record, and what it told on standard error."""
    process = start(home, *words, **environment)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, err
    assert "Traceback" not in err
    return SweepRecord(home / "runs" / out.strip()), err


def until(holds: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    """Wait until something holds while `process` goes on."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)


def runs_of(home: Path) -> list[RunRecord]:
    """All runs in a folder."""
    return all_runs(home / "runs")


def only_sweep(home: Path) -> SweepRecord:
    (found,) = all_sweeps(home / "runs")
    return found


def under_way(home: Path, epochs: int = 1) -> list[RunRecord]:
    """The runs that say RUNNING and have done so many epochs."""
    return [record for record in runs_of(home) if record.status == "RUNNING" and record.epochs_done >= epochs]


def processes_in(home: Path) -> list[psutil.Process]:
    """Everything that works in a folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cwd() == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def workers_in(home: Path, parent: int) -> list[psutil.Process]:
    """The worker processes of a sweep."""
    return [one for one in processes_in(home) if one.ppid() == parent and "spawn_main" in " ".join(one.cmdline())]


def mlflow_runs(home: Path) -> dict[str, Any]:
    """cnnexp.run → MLflow's run, of everything in the store."""
    with working_in(home):
        store = open_store(runs_of(home)[0].config.tracking, create=False)
        ids = [experiment.experiment_id for experiment in store.client.search_experiments()]
        return {run.data.tags["cnnexp.run"]: run for run in store.client.search_runs(ids)}


def hashes(home: Path) -> dict[tuple[str, int], str]:
    """(name, epoch) → hash of the weights, over all runs in a folder."""
    return {(record.name, event["epoch"]): event["weights"] for record in runs_of(home) for event in record.epochs}

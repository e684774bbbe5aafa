"""Eight processes that start at once in a folder where no store is yet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.study.made import TINY, record
from tests.study.sweeping import ROOT, mlflow_runs

ROUNDS, PROCESSES = 10, 8


@pytest.mark.slow
def test_eight_processes_meet_an_empty_folder_at_once_and_lose_nothing(tmp_path: Path) -> None:
    hidden = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    for number in range(ROUNDS):
        home = tmp_path / str(number)
        runs = [record(home / "runs", *TINY, f"seed={seed}") for seed in range(PROCESSES)]
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "cnnexp.cli", "sync", run], cwd=home, env=hidden | {"PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for run in runs
        ]  # fmt: skip
        told = [process.communicate() for process in started]
        assert [process.returncode for process in started] == [0] * PROCESSES, told
        published = mlflow_runs(home)
        assert set(published) == set(runs)
        assert all(run.data.metrics["accuracy/val"] == 0.5 for run in published.values())
        assert {run.info.status for run in published.values()} == {"FINISHED"}

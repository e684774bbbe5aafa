"""Real trainings as processes of their own, and real disks that fill up."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from cnnexp.config.schema import Tracking
from cnnexp.runs.journal import milliseconds
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import open_store
from tests.conftest import SMALL, working_in

ROOT = Path(__file__).parents[2]
PATIENCE = 900
FOR_HOURS = ("training.epochs=100000", "training.report_every=1", "figures=off")


class Training:
    """`cnnexp train WORDS` on a few digits in the folder `home`; ended with the test, whatever happens."""

    def __init__(self, home: Path, *words: str, limit: Any = None, **environment: str) -> None:
        own = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
        self.home = home
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cnnexp.cli", "train", *SMALL, *words], cwd=home, text=True,
            env=own | {"PYTHONPATH": str(ROOT)} | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=limit or _listen,
        )  # fmt: skip

    def line(self) -> str:
        """The next line that it tells; it must not end before."""
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert line, "".join(self.lines)
        self.lines.append(line)
        return line

    def until(self, text: str) -> None:
        """Read on until a line holds `text`."""
        while text not in self.line():
            pass

    def epochs(self, number: int) -> None:
        """Read on until so many further epochs were told."""
        for _ in range(number):
            self.until("epoch ")

    def goes_on(self, seconds: float = 0.1) -> bool:
        """Whether it still goes on after so long."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def end(self, number: signal.Signals | None = None) -> tuple[int, str, str]:
        """Exit code and all that it told, after `number` was sent or of itself."""
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        self.lines.append(err)
        return self.process.returncode, out, "".join(self.lines)

    def __enter__(self) -> Training:
        return self

    def __exit__(self, *of: object) -> None:
        self.process.kill()
        self.process.communicate()


def _listen() -> None:
    """A process started by one that ignores Ctrl-C would ignore it too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def only_record(home: Path) -> RunRecord:
    (folder,) = (path.parent for path in (home / "runs").glob("*/run.json"))
    return RunRecord(folder)


def told_epochs(text: str) -> list[int]:
    """The epochs that a training told of."""
    return [int(number) for number in re.findall(r"^epoch +(\d+)/", text, flags=re.MULTILINE)]


def in_mlflow(home: Path, record: RunRecord, uri: str | None = None) -> dict[str, Any]:
    """All that MLflow has of a record's only run: status, times, every point of every metric, files."""
    named = {"MLFLOW_TRACKING_URI": uri} if uri else {}  # where credentials may go
    with working_in(home), patch.dict(os.environ, named):
        client = open_store(Tracking(uri=uri), create=False).client
        ids = [experiment.experiment_id for experiment in client.search_experiments()]
        (run,) = client.search_runs(ids, f"tags.`cnnexp.run` = '{record.id}'")
        run_id = run.info.run_id
        points = {
            (key, point.step): (point.value, point.timestamp)
            for key in run.data.metrics
            for point in _each_once(client.get_metric_history(run_id, key))
        }
        files = {file.path for file in client.list_artifacts(run_id)}
        return {"status": run.info.status, "points": points, "files": files,
                "times": (run.info.start_time, run.info.end_time)}  # fmt: skip


def _each_once(history: Any) -> Any:
    steps = [point.step for point in history]
    assert len(steps) == len(set(steps)), "a point is there twice"
    return history


def in_record(record: RunRecord) -> dict[str, Any]:
    """The same, as the record has it."""
    points = {
        (key, event["epoch"]): (value, milliseconds(event["time"]))
        for event in record.epochs
        for key, value in event["metrics"].items()
    }
    assert record.ended is not None
    times = (milliseconds(record.created), milliseconds(record.ended))
    return {"status": record.status, "points": points, "times": times}


def assert_all_is_there(home: Path, record: RunRecord, uri: str | None = None) -> None:
    """MLflow has what the record has: each point once, dated as it was measured."""
    there, here = in_mlflow(home, record, uri), in_record(record)
    assert there["status"] == here["status"]
    assert there["times"] == here["times"]
    assert {key: there["points"].get(key) for key in here["points"]} == here["points"]
    assert {"config.yaml", "events.jsonl", "run.json"} <= there["files"]


@contextlib.contextmanager
def mounted(place: Path, *words: str) -> Iterator[Path]:
    """Something mounted at `place`; skips where this process may not mount."""
    place.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *words, str(place)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting needs root: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte of a disk free; the file that takes them."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(65536))
    return filler

"""Running commands and telling their ratio."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measured:
    """One command that ran: wall-clock seconds, peak memory in MiB, and what it printed last as JSON (or None)."""

    seconds: float
    memory: float
    printed: Any


def run(command: Sequence[str]) -> Measured:
    """Run a command in an empty folder of its own. Raises RuntimeError with its errors where it fails."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(list(command), cwd=folder, stdout=out, stderr=err, env=_environment())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        out.seek(0)
        err.seek(0)
        if process.returncode not in (0, 2):
            raise RuntimeError(f"{' '.join(command)}: exit {process.returncode}\n{err.read().decode()[-2000:]}")
        lines = out.read().decode().strip().splitlines()
    return Measured(seconds, usage.ru_maxrss / 1024, _as_json(lines[-1]) if lines else None)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.getcwd(), "TF_CPP_MIN_LOG_LEVEL": "3"}


def _as_json(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def python(*words: str) -> list[str]:
    """A command of this Python."""
    return [sys.executable, *words]


def cnnexp(*words: str) -> list[str]:
    """A command of cnnexp."""
    return python("-m", "cnnexp.cli", *words)


Value = Callable[[Measured], float]


def pairs(title: str, ours: Sequence[str], plain: Sequence[str], count: int, values: dict[str, Value]) -> None:
    """Run both commands in turn, `count` times each, and print the ratio ours / plain of each value."""
    rows = [(run(ours), run(plain)) if i % 2 else tuple(reversed((run(plain), run(ours)))) for i in range(count)]
    print(f"\n{title}")
    for name, value in values.items():
        ratios = [value(a) / value(b) for a, b in rows]
        mine, other = (statistics.median(value(row[i]) for row in rows) for i in (0, 1))
        shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"  {name}: {mine:.2f} against {other:.2f}; ratios {shown}; median {statistics.median(ratios):.3f}")

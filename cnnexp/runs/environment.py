"""What a run ran on: machine, packages, the switches that decide bits, git commit and what differs from it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cnnexp.config.identity import code_digest

PACKAGES = ("cnnexp", "tensorflow", "keras", "numpy", "hydra-core", "omegaconf", "mlflow", "matplotlib", "mlxtend")
BITS_DEPEND_ON_VARIABLES = (
    "TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "TF_XLA_FLAGS", "XLA_FLAGS",
)  # fmt: skip
"""Switches of TensorFlow and its libraries. No other variable is ever read into a record."""

MAX_PATCH_BYTES = 1_000_000


def environment(threads: int) -> dict[str, Any]:
    """The machine, the packages and the code, as plain values. threads: inside one operation."""
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "cores_usable": usable_cores(),
        "threads": threads,
        "host": platform.node(),
        **{name: os.environ[name] for name in BITS_DEPEND_ON_VARIABLES if name in os.environ},
        "executable": Path(sys.executable).name,
        "git": git_state(Path.cwd()),
        "sources": code_digest(),
    }


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def cpu_model() -> str:
    """The processor's name (bits may depend on it)."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def git_state(folder: Path) -> dict[str, Any]:
    """Commit and whether anything tracked differs from it; empty outside a git checkout."""
    commit = _git(folder, "rev-parse", "HEAD").strip()
    return {"commit": commit, "dirty": bool(_git(folder, "status", "--porcelain", "-uno").strip())} if commit else {}


def code_patch(folder: Path) -> str:
    """`git diff HEAD` of the working folder; empty outside a checkout, cut at a megabyte."""
    patch = _git(folder, "diff", "HEAD")
    return (
        patch if len(patch) <= MAX_PATCH_BYTES else f"{patch[:MAX_PATCH_BYTES]}\n… cut after {MAX_PATCH_BYTES} bytes\n"
    )


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=10, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""

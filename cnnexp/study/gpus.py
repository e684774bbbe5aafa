"""GPUs for the workers of a sweep: each its own, or a bounded share of one. Without TensorFlow."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

from filelock import FileLock, Timeout

RESERVED = 0.1
"""Share of a GPU's memory that is left to the driver and to others."""


@dataclass(frozen=True)
class GpuShare:
    """A GPU by its index, and the memory in MiB that one worker may take of it (None: all)."""

    device: str
    memory: int | None
    slot: int


def gpu_shares(workers: int) -> tuple[GpuShare, ...]:
    """One share a worker, spread evenly over the GPUs that this process may use; empty without a GPU."""
    gpus = visible_gpus()
    if not gpus:
        return ()
    sharing = -(-workers // len(gpus))
    shares = []
    for number in range(workers):
        device, memory = gpus[number % len(gpus)]
        limit = None if sharing == 1 else int(memory * (1 - RESERVED) / sharing)
        shares.append(GpuShare(device, limit, number // len(gpus)))
    return tuple(shares)


def visible_gpus() -> list[tuple[str, int]]:
    """(index, memory in MiB) of the GPUs that nvidia-smi lists and CUDA_VISIBLE_DEVICES allows."""
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=index,uuid,memory.total", "--format=csv,noheader,nounits"],
            capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [[part.strip() for part in line.split(",")] for line in listed.stdout.splitlines() if line.strip()]
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = None if allowed is None else [name.strip() for name in allowed.split(",")]
    return [(index, int(memory)) for index, uuid, memory in rows if names is None or {index, uuid} & set(names)]


def claim(shares: tuple[GpuShare, ...], owner: int) -> tuple[GpuShare, FileLock] | None:
    """The first share that no living worker of the sweep of process `owner` holds, and the lock that holds it.

    The lock goes with the process, so that a worker that replaces another finds its share free.
    """
    for share in shares:
        lock = FileLock(Path(gettempdir()) / f"cnnexp-{owner}-gpu-{share.device}-{share.slot}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        return share, lock
    return None

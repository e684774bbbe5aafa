from __future__ import annotations

import os
from pathlib import Path

import pytest

from cnnexp.study.gpus import GpuShare, claim, gpu_shares

TWO = "0, GPU-aa, 10000\\n1, GPU-bb, 20000\\n"


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name that lists two GPUs."""
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\nprintf '{TWO}'\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return program


@pytest.mark.usefixtures("nvidia_smi")
def test_each_worker_gets_its_own_or_a_bounded_share() -> None:
    assert gpu_shares(1) == (GpuShare("0", None, 0),)
    assert gpu_shares(2) == (GpuShare("0", None, 0), GpuShare("1", None, 0))
    assert gpu_shares(3) == (GpuShare("0", 4500, 0), GpuShare("1", 9000, 0), GpuShare("0", 4500, 1))


@pytest.mark.usefixtures("nvidia_smi")
@pytest.mark.parametrize(("allowed", "devices"), [("1", {"1"}), ("GPU-aa", {"0"}), ("1, 0", {"0", "1"}), ("", set())])
def test_only_those_that_this_process_may_use(allowed: str, devices: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
    assert {share.device for share in gpu_shares(2)} == devices


def test_no_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, nvidia_smi: Path) -> None:
    nvidia_smi.write_text("#!/bin/sh\nexit 9\n", encoding="utf-8")
    assert gpu_shares(2) == ()
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert gpu_shares(2) == ()


def test_a_share_is_held_once_and_free_again_afterwards() -> None:
    shares = (GpuShare("0", 100, 0), GpuShare("0", 100, 1))
    owner = os.getpid()
    taken = [claim(shares, owner) for _ in range(3)]
    held = [one for one in taken if one is not None]
    assert [share for share, _ in held] == list(shares)
    assert taken[2] is None
    held[0][1].release()
    again = claim(shares, owner)
    assert again is not None
    assert again[0] == shares[0]
    for _, lock in (held[1], again):
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)

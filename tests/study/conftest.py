"""Points without a Hydra session of one's own, and records that were never trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cnnexp.study.plan import PlannedPoint
from cnnexp.study.request import SweepRequest, request_sweep

Request = Callable[..., SweepRequest]


@pytest.fixture
def request_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    """What a sweep over these words is, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return lambda *words: request_sweep(words, None)


def names(planned: Sequence[PlannedPoint]) -> list[str]:
    return [one.point.name for one in planned]

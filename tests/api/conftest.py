"""A run that was trained for real, found from Python."""

from __future__ import annotations

import pytest

import cnnexp
from tests.conftest import Trained


@pytest.fixture
def run(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> cnnexp.Run:
    monkeypatch.chdir(trained.home)
    return cnnexp.find()

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from cnnexp.config.compose import compose_config
from cnnexp.config.provenance import Provenance, trace
from cnnexp.explaining import Explanation, Facts, explain, facts_of

Composed = Callable[..., tuple[Facts, Provenance]]


@cache
def compose_once(overrides: tuple[str, ...]) -> tuple[Facts, Provenance]:
    return facts_of(compose_config(overrides).config), trace(overrides)


@pytest.fixture
def composed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Composed:
    """Facts and provenance of the config that overrides make, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *overrides: compose_once(overrides)


@pytest.fixture
def explained(composed: Composed) -> Callable[..., Explanation]:
    """Explains a key in the config that overrides make."""
    return lambda key, *overrides: explain(*composed(*overrides), key)

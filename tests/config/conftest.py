"""An empty working folder, and a way to say what a config was refused for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cnnexp.config.compose import compose_config
from cnnexp.errors import ConfigError

Refused = Callable[..., ConfigError]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(home: Path) -> Refused:
    """Compose what must be refused: one message of at most 12 lines, and nothing is left behind."""

    def compose(*words: str, config_dir: str | None = None) -> ConfigError:
        before = sorted(home.rglob("*"))
        with pytest.raises(ConfigError) as caught:
            compose_config(words, config_dir)
        assert len(str(caught.value).splitlines()) <= 12
        assert sorted(home.rglob("*")) == before
        return caught.value

    return compose

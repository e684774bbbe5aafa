"""The fixtures of runs/ serve here too."""

from __future__ import annotations

from tests.runs.conftest import finished, home, make_run, migrated

__all__ = ["finished", "home", "make_run", "migrated"]

"""The fixtures of runs/ serve the verbs too."""

from __future__ import annotations

from tests.runs.conftest import finished, home, make_run, migrated

__all__ = ["finished", "home", "make_run", "migrated"]

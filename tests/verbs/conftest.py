"""The fixtures of runs/ and study/ serve the verbs too."""

from __future__ import annotations

from tests.runs.conftest import finished, home, make_run, migrated
from tests.study.conftest import request_of

__all__ = ["finished", "home", "make_run", "migrated", "request_of"]

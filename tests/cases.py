"""How many random configs and records the slow ring tries: 2,000 of each, or $CNNEXP_CASES others."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

MANY = int(os.environ.get("CNNEXP_CASES", "2000"))


def cases(count: int) -> settings:
    """Settings for so many cases, however long each takes and whatever fixtures they share; told as they were found."""
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    return settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck), phases=phases)

"""Who carries out the jobs of a sweep: `hydra/launcher=NAME`."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cnnexp.errors import ConfigError, show
from cnnexp.study.worker import Job, Outcome

ON_THIS_MACHINE = ("parallel", "serial")
ON_CLUSTERS = ("ray", "slurm")
NAMES = (*ON_THIS_MACHINE, *ON_CLUSTERS)


@dataclass(frozen=True)
class Launcher:
    """A launcher by its name, and its settings in conf/hydra/launcher/."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raise ConfigError where cnnexp does not have it, or the extra that it needs is not installed."""
        if self.name not in NAMES:
            raise ConfigError("hydra/launcher", show(self.name), f"one of {', '.join(sorted(NAMES))}")
        if self.name in ON_CLUSTERS:
            from cnnexp.study.clusters import check_installed

            check_installed(self.name)

    @property
    def is_serial(self) -> bool:
        return self.name == "serial"

    @property
    def is_a_cluster(self) -> bool:
        """Whether runs may be on other machines: they are told from their records, and all at once."""
        return self.name in ON_CLUSTERS

    def launch(self, jobs: Iterable[Job], workers: int) -> Generator[Outcome, None, None]:
        """Outcomes as jobs end, so many at a time. Closing it stops all workers."""
        if self.is_a_cluster:
            from cnnexp.study.clusters import run_on_cluster

            return run_on_cluster(self.name, self.settings, jobs, workers)
        from cnnexp.study.pool import run_in_pool

        return run_in_pool(jobs, workers)

"""A recorded sweep from Python: its runs, the one that it chose, and the pictures of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnexp.api.run import Run
from cnnexp.runs.sweep_record import SweepRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Sweep:
    """A recorded sweep: what it tried, and which run it chose by validation."""

    def __init__(self, record: SweepRecord) -> None:
        self.record = record

    def __repr__(self) -> str:
        return f"<Sweep {self.id} {self.record.name!r} {self.status} {len(self.runs)} runs>"

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def status(self) -> str:
        """RUNNING, FINISHED, FAILED (also where a single run of it failed) or KILLED."""
        return self.record.status

    @property
    def runs(self) -> list[Run]:
        """The runs of its points, in the order of the points; impossible points have none."""
        return [Run(record) for _, record in self.record.runs()]

    @property
    def chosen(self) -> Run | None:
        """The run that validation chose, which alone met the test digits; None where no run finished,
        or where they validated on different digits."""
        run = self.record.result.get("run")
        return next((one for one in self.runs if one.id == run), None)

    def figures(self) -> dict[str, Figure]:
        """The pictures of its answer, contact sheets among them, drawn from the records."""
        from cnnexp.study.summary import figures_of, swept_runs

        return dict(figures_of(self.record, swept_runs(self.record)))

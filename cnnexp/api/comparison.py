"""Runs held side by side from Python: what differs, what can be said of it, and the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cnnexp.api.run import Run

if TYPE_CHECKING:
    from cnnexp.analysis import comparison as analysis


class Comparison:
    """Two runs or more; `print(comparison)` is the table and the statements of `cnnexp compare`.

    `details` holds the values behind them: scores, pairs (McNemar's test), recipes, the digits that all share.
    """

    def __init__(self, details: analysis.Comparison) -> None:
        self.details = details

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(run.id for run in self.runs)}>"

    def __str__(self) -> str:
        from cnnexp.verbs.compare import lines

        return "\n".join(lines(self.details))

    @property
    def runs(self) -> list[Run]:
        return [Run(run.record) for run in self.details.runs]

    @property
    def differing(self) -> dict[str, tuple[str, ...]]:
        """Key → what each run has there, as text; only the keys in which they differ."""
        return {one.key: one.values for one in (*self.details.settings, *self.details.circumstances)}

    @property
    def statements(self) -> dict[str, list[str]]:
        """Question → sentences: of these weights, of these recipes, of what so many digits can tell at all."""
        from cnnexp.analysis.verdicts import verdicts

        return verdicts(self.details)

    def report(self, folder: str | Path | None = None) -> Path:
        """Write report.html, one file that needs nothing else, and return its path.

        folder: None stands for one in ./comparisons that is named by the runs. Raises RunError when it cannot be
        written there.
        """
        from cnnexp.comparing import comparison_folder, write_report

        return write_report(self.details, Path(folder) if folder else comparison_folder(self.details, Path.cwd()))

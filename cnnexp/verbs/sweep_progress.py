"""How a sweep is told while it goes: one bar and the runs in progress on a terminal, one line a run elsewhere."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from cnnexp.runs.journal import FINISHED, PRUNED, RUNNING
from cnnexp.runs.record import RunRecord
from cnnexp.runs.sweep_record import SweepRecord
from cnnexp.study.plan import Verdict
from cnnexp.study.request import SweepRequest
from cnnexp.study.worker import Outcome
from cnnexp.verbs.sweep_plan import counts_of, duration, impossible_lines

if TYPE_CHECKING:
    from rich.console import RenderableType

REFRESH_SECONDS = 1.0


def sweep_progress_for(stream: TextIO) -> SweepLines:
    """The listener that suits the stream."""
    return SweepBar(stream) if stream.isatty() else SweepLines(stream)


class SweepLines:
    """A line at the start, a line a run, in the order in which they end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.total, self.trained, self.failed = 0, 0, 0
        self.needless, self._reasons = Counter[str](), set[str]()
        self.best: tuple[float, str] | None = None
        self._folder, self._said = Path(), set[str]()
        self._began = time.monotonic()

    def planned(self, sweep: SweepRecord, request: SweepRequest) -> None:
        self._folder = sweep.folder.parent
        self._began = time.monotonic()
        self.total = request.expected
        what = f"{request.expected} trials" if request.space else counts_of(request.planned)
        threads = f"{request.threads} thread{'s' if request.threads > 1 else ''}"
        self.say(f"sweep {sweep.id}  {sweep.name}: {what}; {request.workers} at a time, {threads} each")
        for line in impossible_lines(sweep.points):
            self.say(line)

    @property
    def ended_runs(self) -> int:
        """Runs that have come to an end, and trials that needed none."""
        return self.trained + self.needless.total()

    def spared(self, trials: Mapping[str, int]) -> None:
        """Tell how many trials of a search needed no training since the last time; trials: why → how many so far."""
        new, self.needless = Counter(trials) - self.needless, Counter(trials)
        if new:
            many, why = new.total(), ", ".join(f"{number} {word}" for word, number in new.items())
            told = f"{many} trial{'s' if many > 1 else ''} needed no training"
            self.say(f"{self.ended_runs}/{self.total}  {told}: {why}")

    def impossible(self, name: str, reason: str) -> None:
        """Tell a draw of a search that cannot be, each reason once."""
        if reason not in self._reasons:
            self._reasons.add(reason)
            self.say(f"impossible  {name}: {reason}")

    def point(self, name: str, outcome: Outcome, log: str) -> None:
        self.trained += 1
        if outcome.outcome == PRUNED:
            self.say(f"{self.ended_runs}/{self.total}  {PRUNED}  {name}: {outcome.message}  ({outcome.run})")
            return
        if outcome.status != FINISHED:
            self.failed += 1
            where = f"  (log: {log})" if log else ""
            self.say(f"{self.ended_runs}/{self.total}  {outcome.status}  {name}: {outcome.message}{where}")
            return
        metrics = RunRecord(self._folder / outcome.run).metrics
        accuracy = metrics.get("best/accuracy_val")
        if accuracy is not None and (self.best is None or accuracy > self.best[0]):
            self.best = (accuracy, name)
        shown = f"validation {accuracy:.2%}" if accuracy is not None else "no validation digits"
        self.say(f"{self.ended_runs}/{self.total}  {name}  {shown}  ({outcome.run})")

    def say(self, text: str) -> None:
        """Tell a text, once: a store that is away is away for each run."""
        if text not in self._said:
            self._said.add(text)
            self._print(text)

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def ended(self) -> None:
        """Nothing to put away."""


class SweepBar(SweepLines):
    """The same lines, above a bar (n of N, failed, best so far, time left) and the runs in progress."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        from rich.console import Console
        from rich.live import Live

        self._live = Live(console=Console(file=stream), transient=True, auto_refresh=False)
        self._stop = threading.Event()
        self._before = set[str]()
        """folders in runs/ that are no run under way"""
        self._thread = threading.Thread(target=self._keep_fresh, daemon=True)

    def planned(self, sweep: SweepRecord, request: SweepRequest) -> None:
        self._before = {path.name for path in sweep.folder.parent.iterdir()}
        self._before -= {one.run for one in request.planned if one.verdict is Verdict.RESUME}
        super().planned(sweep, request)
        self._live.start()
        self._thread.start()

    def point(self, name: str, outcome: Outcome, log: str) -> None:
        super().point(name, outcome, log)
        self._before.add(outcome.run)

    def _print(self, text: str) -> None:
        self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def ended(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._live.stop()

    def _keep_fresh(self) -> None:
        while not self._stop.wait(REFRESH_SECONDS):
            self._live.update(self.picture(), refresh=True)

    def picture(self) -> RenderableType:
        """The bar and what is under way, as they now are."""
        from rich.console import Group
        from rich.padding import Padding
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        best = f"  best {self.best[0]:.2%} ({self.best[1]})" if self.best else ""
        failed = f"  {self.failed} failed" if self.failed else ""
        line = f"{self.ended_runs} of {self.total}{failed}{best}  {self._left()}"
        bar = ProgressBar(total=max(self.total, 1), completed=self.ended_runs, width=60)
        return Group(Text(line), Padding(bar), *(Text(f"  {text}") for text in self._in_progress()))

    def _left(self) -> str:
        if not self.trained:
            return "time left unknown"
        seconds = (time.monotonic() - self._began) / self.trained * (self.total - self.ended_runs)
        return f"about {duration(seconds)} left"

    def _in_progress(self) -> list[str]:
        new = sorted(path for path in self._folder.iterdir() if path.name not in self._before)
        records = [RunRecord(path) for path in new if (path / "run.json").is_file()]
        return [
            f"{record.name}  epoch {record.epochs_done}/{record.config.training.epochs}"
            + (f"  validation {record.metrics['accuracy/val']:.2%}" if "accuracy/val" in record.metrics else "")
            for record in records
            if record.status == RUNNING
        ]

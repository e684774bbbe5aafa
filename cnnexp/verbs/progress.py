"""How a run is told while it goes: a bar on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from cnnexp.config.schema import ExperimentConfig
from cnnexp.runs.record import RunRecord
from cnnexp.verbs.report import loss_text

if TYPE_CHECKING:
    from rich.progress import Progress

REFRESH_SECONDS = 0.1
BEFORE_TRAINING, AFTER_TRAINING = "starting", "measuring, drawing, publishing"


def progress_for(stream: TextIO, config: ExperimentConfig) -> LineProgress:
    """The listener that suits the stream."""
    kind = BarProgress if stream.isatty() else LineProgress
    return kind(stream, config.training.epochs, config.training.report_every)


class LineProgress:
    """One line an epoch (every `report_every` epochs, the first and the last always)."""

    def __init__(self, stream: TextIO, epochs: int, report_every: int) -> None:
        self._stream, self._epochs, self._every = stream, epochs, report_every
        self._unsaid = ""

    def started(self, record: RunRecord) -> None:
        sizes = record.data["sizes"]
        self.say(f"run {record.id}  {record.name}")
        self.say(f"{record.data['source']}: {sizes['train']:,} training, {sizes['validation']:,} validation, "
                 f"{sizes['test']:,} test digits")  # fmt: skip

    def batch(self, done: int, total: int, loss: float) -> None:
        """Not told line by line."""

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        line = epoch_line(epoch, self._epochs, metrics)
        told = epoch % self._every == 0 or epoch in (1, self._epochs)
        self._unsaid = "" if told else line
        if told:
            self.say(line)

    def say(self, text: str) -> None:
        try:
            print(text, file=self._stream, flush=True)
        except BrokenPipeError:  # nobody reads any more, as after `| head`: that ends no training
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def ended(self) -> None:
        """The last epoch is told in any case."""
        if self._unsaid:
            self.say(self._unsaid)


class BarProgress(LineProgress):
    """A bar over the batches of the epoch below the lines of the epochs done."""

    def __init__(self, stream: TextIO, epochs: int, report_every: int) -> None:
        super().__init__(stream, epochs, report_every)
        self._progress = self._bar(stream)
        self._task = self._progress.add_task(BEFORE_TRAINING, total=None, batches="")
        self._now, self._shown = 1, 0.0

    @staticmethod
    def _bar(stream: TextIO) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[batches]}"))
        return Progress(*columns, console=Console(file=stream), transient=True)

    def started(self, record: RunRecord) -> None:
        super().started(record)
        self._now = record.epochs_done + 1
        self._progress.start()

    def batch(self, done: int, total: int, loss: float) -> None:
        if done < total and time.monotonic() - self._shown < REFRESH_SECONDS:
            return
        self._shown = time.monotonic()
        description = f"epoch {self._now}/{self._epochs}  loss {loss_text(loss)}"
        self._progress.update(
            self._task, description=description, completed=done, total=total, batches=f"{done}/{total}"
        )

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        super().epoch(epoch, metrics)
        self._now = epoch + 1
        if epoch == self._epochs:
            self._progress.update(self._task, description=AFTER_TRAINING, total=None, batches="")

    def say(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def ended(self) -> None:
        super().ended()
        self._progress.stop()


def epoch_line(epoch: int, epochs: int, metrics: Mapping[str, float]) -> str:
    """`epoch 3/5 | loss 0.1021  accuracy 96.90% | validation 0.1310  96.20% | 0.6 s`."""
    parts = []
    if "loss/train" in metrics:
        parts.append(f"loss {loss_text(metrics['loss/train'])}  accuracy {metrics['accuracy/train']:6.2%}")
    if "loss/val" in metrics:
        parts.append(f"validation {loss_text(metrics['loss/val'])}  {metrics['accuracy/val']:6.2%}")
    if "time/epoch_seconds" in metrics:
        parts.append(f"{metrics['time/epoch_seconds']:.1f} s")
    start = f"epoch {epoch:>{len(str(epochs))}}/{epochs}" if epoch else "before training"
    return " | ".join([start, *parts])

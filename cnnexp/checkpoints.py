"""The training states of a run: saved every few epochs, at the end, and when it is interrupted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cnnexp.config.schema import Training
from cnnexp.errors import RunError
from cnnexp.interrupts import Pruned, Terminated
from cnnexp.nn.checkpoint import load_latest, save
from cnnexp.runs.record import CHECKPOINT
from cnnexp.runs.writer import RunWriter

if TYPE_CHECKING:
    from cnnexp.nn.state import TrainingState


class Checkpoints:
    """Those of one run, at any time the last two.

    start: the newest that is whole when this is made, None where there is none. damaged: the names of those after it.
    Raises RunError where all are damaged, or where they belong to another training or to more epochs than it has.
    """

    def __init__(self, run: RunWriter, training: Training) -> None:
        self._folder, self._training = run.folder / CHECKPOINT, training
        self._recipe = str(run.read().header["identity"]["recipe"])
        self._unsaved: TrainingState | None = None
        self.start = load_latest(self._folder, self._recipe)
        if self.start is not None and self.start.epoch > training.epochs:
            got = f"a checkpoint of epoch {self.start.epoch}"
            raise RunError(str(self._folder), got, f"at most the {training.epochs} of training.epochs")
        taken = f"checkpoint_{self.start.epoch:06d}" if self.start else ""
        self.damaged = [path.name for path in run.read().checkpoints if path.stem > taken]

    @property
    def after(self) -> int | None:
        """The epoch that training goes on after; None where it starts from nothing."""
        return self.start.epoch if self.start else None

    def keep(self, state: TrainingState) -> None:
        """Save this epoch's state if it is its turn, or the last; else it waits for an interruption."""
        self._unsaved = state
        is_last = state.progress.stopped or state.epoch >= self._training.epochs
        if is_last or state.epoch % self._training.checkpoint_every == 0:
            self._save()

    @contextmanager
    def saved_when_interrupted(self) -> Iterator[None]:
        """An interruption inside costs the epoch that is under way, never one that was kept."""
        try:
            yield
        except (KeyboardInterrupt, Terminated, Pruned):
            self._save()
            raise

    def _save(self) -> None:
        if self._unsaved is not None:
            save(self._folder, self._unsaved, self._recipe)
            self._unsaved = None

    def clear(self) -> None:
        """What nobody needs once the run is FINISHED, unless the config keeps it."""
        if not self._training.keep_checkpoints:
            shutil.rmtree(self._folder, ignore_errors=True)

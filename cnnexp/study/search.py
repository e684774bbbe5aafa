"""Bayesian search by Optuna's ask and tell. The study is a journal file: workers see it, and a kill ends nothing.

Optuna's TPE (Bergstra et al., 2011) proposes, its median rule gives up: a run whose best validation accuracy so far is
below the median of the earlier trials' at the same epoch.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnexp.study.space import Dimension
from cnnexp.study.worker import TrialRef

if TYPE_CHECKING:
    import optuna

JOURNAL = "study.journal"
NAME = "sweep"
STARTUP_TRIALS = 10
"""Trials that are drawn evenly before the sampler has something to go by."""
BEFORE_PRUNING = 5
"""Trials that must have ended before another is given up."""
LOST = "lost"
"""Marks a proposal that was under way when its sweep was killed."""


@dataclass(frozen=True)
class Trial:
    """One proposal: its number in the study and key → word. accuracy: known already, from before a restart."""

    number: int
    draw: dict[str, str]
    accuracy: float | None = None


class Search:
    """A study in the folder of a sweep."""

    def __init__(self, folder: Path, space: Sequence[Dimension], *, seed: int, prune: bool) -> None:
        self._journal, self._space, self._prune = folder / JOURNAL, space, prune
        self._study = _opened(self._journal)
        seen = len(self._study.get_trials(deepcopy=False))  # after a restart, not the same draws once more
        self._study.sampler = _sampler(seed + seen)

    @classmethod
    def continued(
        cls, folder: Path, before: Path | None, space: Sequence[Dimension], *, seed: int, prune: bool
    ) -> Search:
        """A study that goes on from the one in the folder `before`: what was under way there is proposed again."""
        if before is not None and (before / JOURNAL).is_file():
            shutil.copy(before / JOURNAL, folder / JOURNAL)
        search = cls(folder, space, seed=seed, prune=prune)
        search._enqueue_what_was_lost()
        return search

    def known(self) -> Iterator[Trial]:
        """The trials that ended well before a restart."""
        from optuna.trial import TrialState

        for trial in self._study.get_trials(states=(TrialState.COMPLETE,)):
            yield Trial(trial.number, self._words(trial.params), trial.value)

    @property
    def ended(self) -> int:
        """How many proposals have come to an end, good or bad; those lost in a kill do not count."""
        states = [trial for trial in self._study.get_trials() if trial.state.is_finished()]
        return sum(LOST not in trial.user_attrs for trial in states)

    def ask(self) -> Trial:
        """The next proposal."""
        trial = self._study.ask(_distributions(self._space))
        return Trial(trial.number, self._words(trial.params))

    def tell(self, number: int, accuracy: float | None, *, pruned: bool = False) -> None:
        """What became of a proposal: its validation accuracy, or None where it has none."""
        from optuna.trial import TrialState

        if accuracy is not None:
            self._study.tell(number, accuracy)
        else:
            self._study.tell(number, state=TrialState.PRUNED if pruned else TrialState.FAIL)

    def reference(self, number: int) -> TrialRef:
        """What a worker needs to report to the study."""
        return TrialRef(self._journal, number, self._prune)

    def _words(self, params: dict[str, Any]) -> dict[str, str]:
        return {dimension.key: dimension.word(params[dimension.key]) for dimension in self._space}

    def _enqueue_what_was_lost(self) -> None:
        from optuna.trial import TrialState

        for trial in self._study.get_trials(states=(TrialState.RUNNING,)):
            _at(self._study, trial.number).set_user_attr(LOST, True)
            self._study.tell(trial.number, state=TrialState.FAIL)
            self._study.enqueue_trial(trial.params)


def looks_hopeless(reference: TrialRef, epoch: int, accuracy: float) -> bool:
    """Report a trial's validation accuracy after an epoch; whether it should be given up."""
    trial = _at(_opened(reference.journal), reference.number)
    trial.report(accuracy, epoch)
    return reference.prune and bool(trial.should_prune())


def _at(study: optuna.Study, number: int) -> optuna.Trial:
    import optuna

    return optuna.Trial(study, study.get_trials(deepcopy=False)[number]._trial_id)


def _sampler(seed: int) -> optuna.samplers.BaseSampler:
    import optuna

    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS)


def _opened(journal: Path) -> optuna.Study:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        study_name=NAME,
        storage=JournalStorage(JournalFileBackend(str(journal))),
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=BEFORE_PRUNING),
        load_if_exists=True,
    )


def _distributions(space: Sequence[Dimension]) -> dict[str, optuna.distributions.BaseDistribution]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: dict[str, optuna.distributions.BaseDistribution] = {}
    for dimension in space:
        values = dimension.values
        if not isinstance(values, tuple):
            whole = values.integer
            found[dimension.key] = (
                IntDistribution(round(values.low), round(values.high), log=values.log)
                if whole
                else FloatDistribution(values.low, values.high, log=values.log)
            )
        else:
            found[dimension.key] = CategoricalDistribution(values)
    return found

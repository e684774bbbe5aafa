"""Bayesian search by Optuna's ask and tell. The study is a journal file: workers see it, and a kill ends nothing.

Optuna's TPE (Bergstra et al., 2011) proposes, its median rule gives up: a run whose best validation accuracy so far is
below the median of the earlier trials' at the same epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
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
IMPOSSIBLE = "impossible"
"""Marks a proposal that no network can be built from."""


class End(Enum):
    """How a proposal came to an end. An impossible one does not count as a trial, but the sampler learns from it."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True)
class Trial:
    """One proposal: its number in its study, key → word, and key → value as it was drawn, not yet rounded."""

    number: int
    draw: Mapping[str, str]
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Known:
    """What became of an earlier proposal: its end, or None where it is to be trained (again).

    accuracy: of a complete one, on the validation digits, 0 to 1. epochs: epoch → that accuracy after it.
    """

    params: Mapping[str, Any]
    end: End | None = None
    accuracy: float | None = None
    epochs: Mapping[int, float] = field(default_factory=dict)


class Search:
    """A study in the folder of a sweep. It begins with what is known of earlier proposals, in order."""

    def __init__(
        self, folder: Path, space: Sequence[Dimension], *, seed: int, prune: bool, known: Sequence[Known] = ()
    ) -> None:
        self._journal, self._space, self._prune = folder / JOURNAL, space, prune
        if known:
            _write(self._journal, space, known)
        self._study = _opened(self._journal)
        self._study.sampler = _sampler(seed + self.drawn)  # after a restart, not the same draws once more

    @property
    def drawn(self) -> int:
        """How many proposals there are, of any kind."""
        return len(self._study.get_trials(deepcopy=False))

    @property
    def ended(self) -> int:
        """How many proposals have come to an end, good or bad; those that are impossible do not count."""
        trials = self._study.get_trials(deepcopy=False)
        return sum(trial.state.is_finished() and IMPOSSIBLE not in trial.user_attrs for trial in trials)

    def ask(self) -> Trial:
        """The next proposal; those known before that are to be trained come first, in order."""
        trial = self._study.ask(_distributions(self._space))
        return Trial(trial.number, _words(self._space, trial.params), trial.params)

    def tell(self, number: int, end: End, accuracy: float | None = None) -> None:
        """What became of a proposal; accuracy: of a complete one, on the validation digits, 0 to 1."""
        if end is End.IMPOSSIBLE:
            _at(self._study, number).set_user_attr(IMPOSSIBLE, True)
        self._study.tell(number, accuracy, state=_state(end))

    def reference(self, number: int) -> TrialRef:
        """What a worker needs to report to the study."""
        return TrialRef(self._journal, number, self._prune)


def earlier_trials(folder: Path, space: Sequence[Dimension]) -> list[Trial]:
    """The proposals of the study in a folder, in order, also those under way or not begun; none without a study.

    A proposal that was only half written when its sweep was killed is none.
    """
    import optuna

    if not (folder / JOURNAL).is_file():
        return []
    storage = _storage(folder / JOURNAL)
    if NAME not in [study.study_name for study in storage.get_all_studies()]:
        return []
    found = [
        (trial.number, trial.params or trial.system_attrs.get("fixed_params", {}))
        for trial in optuna.load_study(study_name=NAME, storage=storage).get_trials(deepcopy=False)
    ]
    keys = {dimension.key for dimension in space}
    return [Trial(number, _words(space, params), params) for number, params in found if params.keys() >= keys]


def looks_hopeless(reference: TrialRef, epoch: int, accuracy: float) -> bool:
    """Report a trial's validation accuracy after an epoch; whether it should be given up."""
    trial = _at(_opened(reference.journal), reference.number)
    trial.report(accuracy, epoch)
    return reference.prune and bool(trial.should_prune())


def _write(journal: Path, space: Sequence[Dimension], known: Sequence[Known]) -> None:
    """A journal of a study with these proposals: all of them, or none where the process is killed meanwhile."""
    import optuna

    part, distributions = journal.with_suffix(".part"), _distributions(space)
    study = _opened(part)
    for one in known:
        if one.end is None:
            study.enqueue_trial(dict(one.params))
            continue
        ended = optuna.trial.create_trial(
            state=_state(one.end), value=one.accuracy, params=dict(one.params), distributions=distributions,
            intermediate_values=dict(one.epochs), user_attrs={IMPOSSIBLE: True} if one.end is End.IMPOSSIBLE else {},
        )  # fmt: skip
        study.add_trial(ended)
    part.replace(journal)


def _state(end: End) -> optuna.trial.TrialState:
    """TPE passes over trials that failed. One pruned before its first epoch is the worst of all to it."""
    from optuna.trial import TrialState

    states = {End.COMPLETE: TrialState.COMPLETE, End.PRUNED: TrialState.PRUNED, End.FAILED: TrialState.FAIL}
    return states.get(end, TrialState.PRUNED)


def _words(space: Sequence[Dimension], params: Mapping[str, Any]) -> dict[str, str]:
    return {dimension.key: dimension.word(params[dimension.key]) for dimension in space}


def _at(study: optuna.Study, number: int) -> optuna.Trial:
    import optuna

    return optuna.Trial(study, study.get_trials(deepcopy=False)[number]._trial_id)


def _sampler(seed: int) -> optuna.samplers.BaseSampler:
    import optuna

    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS)


def _opened(journal: Path) -> optuna.Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        study_name=NAME,
        storage=_storage(journal),
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=BEFORE_PRUNING),
        load_if_exists=True,
    )


def _storage(journal: Path) -> optuna.storages.JournalStorage:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(str(journal)))


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

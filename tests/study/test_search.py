"""Optuna's real study behind ask and tell, a journal file that outlives its process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cnnexp.config.schema import Range
from cnnexp.study.search import JOURNAL, End, Known, Search, earlier_trials, looks_hopeless
from cnnexp.study.space import Dimension

SPACE = (
    Dimension("training.learning_rate", Range(low=0.001, high=0.1, log=True)),
    Dimension("model.kernel_size", ("3", "[1,7]")),
    Dimension("model.blocks.conv_1.filters", Range(low=2, high=9, integer=True)),
)


def search(folder: Path, known: Sequence[Known] = (), seed: int = 0, prune: bool = True) -> Search:
    folder.mkdir(exist_ok=True)
    return Search(folder, SPACE, seed=seed, prune=prune, known=known)


def test_proposals_are_words_of_the_space_and_come_again_with_the_seed(tmp_path: Path) -> None:
    def asked(name: str, seed: int) -> list[dict[str, str]]:
        one, draws = search(tmp_path / name, seed=seed), []
        for _ in range(6):
            trial = one.ask()
            draws.append(trial.draw)
            one.tell(trial.number, End.COMPLETE, float(trial.draw["training.learning_rate"]))
        return draws

    draws = asked("a", 0)
    assert draws == asked("b", 0) != asked("c", 1)
    for draw in draws:
        assert 0.001 <= float(draw["training.learning_rate"]) <= 0.1
        assert draw["model.kernel_size"] in ("3", "[1,7]")
        assert 2 <= int(draw["model.blocks.conv_1.filters"]) <= 9


@pytest.mark.slow
def test_it_finds_the_better_end(tmp_path: Path) -> None:
    one = search(tmp_path / "a")
    rates = []
    for _ in range(40):
        trial = one.ask()
        rates.append(float(trial.draw["training.learning_rate"]))
        one.tell(trial.number, End.COMPLETE, rates[-1])
    first, last = sorted(rates[:10])[5], sorted(rates[-10:])[5]
    assert last > first


def test_a_killed_search_goes_on(tmp_path: Path) -> None:
    killed = search(tmp_path / "killed")
    trials = done, pruned, failed, lost, never = [killed.ask() for _ in range(5)]
    killed.tell(done.number, End.COMPLETE, 0.9)
    killed.tell(pruned.number, End.PRUNED)
    killed.tell(failed.number, End.FAILED)
    killed.tell(never.number, End.IMPOSSIBLE)
    assert (killed.drawn, killed.ended) == (5, 3)
    written = (tmp_path / "killed" / JOURNAL).read_bytes()
    assert earlier_trials(tmp_path / "killed", SPACE) == trials
    assert (tmp_path / "killed" / JOURNAL).read_bytes() == written
    known = [Known(done.params, End.COMPLETE, 0.9, {1: 0.8, 2: 0.9}), Known(pruned.params, End.PRUNED),
             Known(failed.params), Known(lost.params), Known(never.params, End.IMPOSSIBLE)]  # fmt: skip
    again = search(tmp_path / "again", known=known)
    assert [trial.draw for trial in earlier_trials(tmp_path / "again", SPACE)] == [trial.draw for trial in trials]
    assert (again.drawn, again.ended) == (5, 2)
    assert [again.ask().draw for _ in range(2)] == [failed.draw, lost.draw]  # what is to be trained comes first
    fresh = [again.ask().draw for _ in range(3)]
    assert not any(draw in [trial.draw for trial in trials] for draw in fresh)


def test_a_study_that_was_never_begun_has_no_trials(tmp_path: Path) -> None:
    assert earlier_trials(tmp_path, SPACE) == []
    (tmp_path / JOURNAL).touch()
    assert earlier_trials(tmp_path, SPACE) == []


@pytest.mark.slow
def test_what_cannot_be_is_no_trial_but_the_sampler_learns_from_it(tmp_path: Path) -> None:
    one, impossible = search(tmp_path / "a"), list[bool]()
    for _ in range(60):
        trial = one.ask()
        rate = float(trial.draw["training.learning_rate"])
        impossible.append(rate > 0.002)
        one.tell(trial.number, End.IMPOSSIBLE if rate > 0.002 else End.COMPLETE, None if rate > 0.002 else 0.5)
    assert (one.drawn, one.ended) == (60, 60 - sum(impossible))
    assert sum(impossible[-20:]) <= 10  # of even draws 17 of 20 are


@pytest.mark.parametrize("prune", [True, False])
def test_what_is_worse_than_half_of_those_before_it_is_given_up(tmp_path: Path, prune: bool) -> None:
    one = search(tmp_path / "a", prune=prune)
    for accuracy in (0.5, 0.6, 0.7, 0.8, 0.9):
        trial = one.ask()
        assert not looks_hopeless(one.reference(trial.number), 1, accuracy)  # nothing to go by yet
        one.tell(trial.number, End.COMPLETE, accuracy)
    good, bad = one.ask(), one.ask()
    assert not looks_hopeless(one.reference(good.number), 1, 0.71)
    assert looks_hopeless(one.reference(bad.number), 1, 0.69) is prune

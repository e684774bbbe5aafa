"""Optuna's real study behind ask and tell, a journal file that outlives its process."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnexp.config.schema import Range
from cnnexp.runs.sweep_writer import SweepHeader, SweepWriter
from cnnexp.study.plan import Planner
from cnnexp.study.proposals import Proposed
from cnnexp.study.search import Search, looks_hopeless
from cnnexp.study.space import Dimension
from cnnexp.study.worker import Outcome
from tests.study.conftest import Request
from tests.study.made import TINY, record

SPACE = (
    Dimension("training.learning_rate", Range(low=0.001, high=0.1, log=True)),
    Dimension("model.kernel_size", ("3", "[1,7]")),
    Dimension("model.blocks.conv_1.filters", Range(low=2, high=9, integer=True)),
)


def search(folder: Path, before: Path | None = None, seed: int = 0, prune: bool = True) -> Search:
    folder.mkdir(exist_ok=True)
    return Search.continued(folder, before, SPACE, seed=seed, prune=prune)


def test_proposals_are_words_of_the_space_and_come_again_with_the_seed(tmp_path: Path) -> None:
    def asked(name: str, seed: int) -> list[dict[str, str]]:
        one, draws = search(tmp_path / name, seed=seed), []
        for _ in range(6):
            trial = one.ask()
            draws.append(trial.draw)
            one.tell(trial.number, float(trial.draw["training.learning_rate"]))
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
        one.tell(trial.number, rates[-1])
    first, last = sorted(rates[:10])[5], sorted(rates[-10:])[5]
    assert last > first


def test_a_killed_search_goes_on(tmp_path: Path) -> None:
    killed = search(tmp_path / "killed")
    done, pruned, failed, lost = (killed.ask() for _ in range(4))
    killed.tell(done.number, 0.9)
    killed.tell(pruned.number, None, pruned=True)
    killed.tell(failed.number, None)
    assert killed.ended == 3
    again = search(tmp_path / "again", tmp_path / "killed")
    assert [(trial.draw, trial.number) for trial in again.known()] == [(done.draw, done.number)]
    assert again.ended == 3  # the lost one does not count
    assert again.ask().draw == lost.draw  # and is proposed first
    fresh = [again.ask().draw for _ in range(3)]
    assert not any(draw in (done.draw, pruned.draw, failed.draw, lost.draw) for draw in fresh)
    assert (tmp_path / "killed" / "study.journal").read_bytes() != (tmp_path / "again" / "study.journal").read_bytes()


@pytest.mark.slow
def test_trials_without_training_are_counted(request_of: Request, tmp_path: Path) -> None:
    request = request_of(*TINY, "sweep.search=bayes", "model.padding=same,valid", "sweep.trials=6")
    sweep = SweepWriter.create(tmp_path / "runs", SweepHeader("x", (), "", [], request.config.tracking))
    found = Search.continued(sweep.folder, None, request.space, seed=0, prune=True)
    source = Proposed(sweep, found, Planner([], again=False), request.compose, trials=6, threads=1)
    trained = 0
    for job in source.jobs():
        run = record(tmp_path / "runs", *TINY, *job.composed.overrides[-1:])
        source.ended(Outcome(job.number, run, "FINISHED"))
        trained += 1
    sweep.close()
    assert (trained, source.spared) == (2, 4)


@pytest.mark.parametrize("prune", [True, False])
def test_what_is_worse_than_half_of_those_before_it_is_given_up(tmp_path: Path, prune: bool) -> None:
    one = search(tmp_path / "a", prune=prune)
    for accuracy in (0.5, 0.6, 0.7, 0.8, 0.9):
        trial = one.ask()
        assert not looks_hopeless(one.reference(trial.number), 1, accuracy)  # nothing to go by yet
        one.tell(trial.number, accuracy)
    good, bad = one.ask(), one.ask()
    assert not looks_hopeless(one.reference(good.number), 1, 0.71)
    assert looks_hopeless(one.reference(bad.number), 1, 0.69) is prune

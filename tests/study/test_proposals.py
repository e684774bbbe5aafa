"""What a search proposes by the runs that there are: nothing twice, nothing lost, and nothing that cannot be."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator, Mapping
from io import StringIO
from pathlib import Path

import pytest

from cnnexp.runs.record import RunRecord
from cnnexp.runs.sweep_writer import SweepHeader, SweepWriter
from cnnexp.study.launchers import Launcher
from cnnexp.study.proposals import Proposed, is_missing
from cnnexp.study.request import SweepRequest
from cnnexp.study.search import JOURNAL
from cnnexp.study.sweep import run_sweep
from cnnexp.study.worker import Job, Outcome
from cnnexp.verbs.sweep_progress import SweepLines
from tests.study.conftest import Request
from tests.study.made import TINY, record

pytestmark = pytest.mark.slow
FEW = (*TINY, "sweep.search=bayes", "model.padding=same,valid")
MANY = (*TINY, "sweep.search=bayes", "training.learning_rate=tag(log,interval(0.001,0.1))", "sweep.trials=4")
WIDE = (*TINY, "sweep.search=bayes", "model.padding=valid")


class Searched:
    """A search of which each job became a record that was never trained, of these endings in turn.

    before: the one that it goes on from.
    """

    def __init__(self, request: SweepRequest, before: Searched | None = None, endings: tuple[str, ...] = ()) -> None:
        runs = Path.cwd() / "runs"
        writer = SweepWriter.create(runs, SweepHeader("x", (), "", [], request.config.tracking))
        self.told = list[tuple[str, str]]()
        source = Proposed(
            writer, request, before.folder if before else None, lambda name, reason: self.told.append((name, reason))
        )
        self.jobs = list[Job]()
        for job in source.jobs():
            ending = endings[len(self.jobs)] if len(self.jobs) < len(endings) else "FINISHED"
            own = [word for word in job.composed.overrides if not word.startswith("sweep.")]
            run = record(runs, *own, ending=ending, checkpoint=ending in ("KILLED", "pruned"))
            ended = RunRecord(runs / run).ending
            source.ended(Outcome(job.number, run, ended.status if ended else "", "", ended.outcome if ended else ""))
            self.jobs.append(job)
        writer.close()
        self.request, self.folder, self.record = request, writer.folder, writer.read()
        self.spared: Mapping[str, int] = dict(source.spared)
        self.note = source.note

    @property
    def draws(self) -> list[Mapping[str, str]]:
        varied = {point["number"]: point["varied"] for point in self.record.points}
        return [varied[job.number] for job in self.jobs]

    @property
    def verdicts(self) -> list[str]:
        return sorted(point["verdict"] for point in self.record.points)

    def run(self, number: int) -> Path:
        """The folder of the run that a draw became."""
        (found,) = [
            path.parent
            for path in self.folder.parent.glob("*/config.yaml")
            if f"learning_rate: {self.draws[number]['training.learning_rate']}" in path.read_text(encoding="utf-8")
        ]
        return found


def test_trials_without_training_are_counted(request_of: Request) -> None:
    found = Searched(request_of(*FEW, "sweep.trials=6"))
    assert (len(found.jobs), found.spared) == (2, {"the same as another": 4})


def test_a_run_that_is_gone_is_trained_again_and_no_other(request_of: Request) -> None:
    request = request_of(*MANY)
    first = Searched(request, endings=("FINISHED", "FINISHED", "FINISHED", "pruned"))
    assert (len(first.jobs), first.spared) == (4, {})
    assert not is_missing(request, first.record)
    again = Searched(request, first)
    assert (again.jobs, again.spared) == ([], {"done before": 3, "pruned before": 1})
    assert not is_missing(request, again.record)
    shutil.rmtree(first.run(1))
    assert is_missing(request, again.record)
    third = Searched(request, again)
    assert third.draws == [first.draws[1]]
    assert third.spared == {"done before": 2, "pruned before": 1}
    assert len(third.record.points) == 4


def test_by_other_code_every_draw_is_trained_again(request_of: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    request = request_of(*MANY)
    first = Searched(request, endings=("FINISHED", "pruned", "FAILED"))
    monkeypatch.setattr("cnnexp.config.identity.code_digest", lambda: "another")
    assert is_missing(request, first.record)
    again = Searched(request, first)
    assert (again.draws, again.spared) == (first.draws, {})
    assert again.verdicts == ["will run"] * 4


def test_a_failed_run_is_trained_again_and_a_killed_one_goes_on(request_of: Request) -> None:
    request = request_of(*MANY)
    first = Searched(request, endings=("FINISHED", "FAILED", "KILLED"))
    again = Searched(request, first)
    assert again.draws == [first.draws[1], first.draws[2]]
    assert [bool(job.resume) for job in again.jobs] == [False, True]
    assert again.spared == {"done before": 2}


def test_without_pruning_what_was_given_up_goes_on(request_of: Request) -> None:
    first = Searched(request_of(*MANY), endings=("FINISHED", "pruned"))
    again = Searched(request_of(*MANY, "sweep.prune=false"), first)
    assert (again.draws, bool(again.jobs[0].resume)) == ([first.draws[1]], True)


def test_fewer_trials_than_before_train_no_more_than_that(request_of: Request) -> None:
    first = Searched(request_of(*MANY))
    for number in (0, 1, 2):
        shutil.rmtree(first.run(number))
    fewer = Searched(request_of(*MANY, "sweep.trials=2"), first)
    assert (fewer.draws, fewer.spared) == ([first.draws[0]], {"done before": 1})
    assert fewer.verdicts == ["done", "will run"]  # nothing that is not going to be trained
    rest = Searched(first.request, fewer)
    assert sorted(draw["training.learning_rate"] for draw in rest.draws) == sorted(
        draw["training.learning_rate"] for draw in first.draws[1:3]
    )


def test_a_search_killed_before_it_had_begun_what_was_missing_loses_none_of_it(request_of: Request) -> None:
    request = request_of(*MANY)
    first = Searched(request)
    for number in (0, 1, 2):
        shutil.rmtree(first.run(number))
    writer = SweepWriter.create(first.folder.parent, SweepHeader("x", (), "", [], request.config.tracking))
    killed = Proposed(writer, request, first.folder, lambda name, reason: None)
    next(iter(killed.jobs()))
    writer.close()
    assert (writer.folder / JOURNAL).is_file()
    first.folder = writer.folder
    again = Searched(request, first)
    assert len(again.jobs) == 3
    assert again.spared == {"done before": 1}


def test_a_sweep_is_not_finished_where_points_were_not_trained(
    request_of: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(launcher: Launcher, jobs: Iterator[Job], workers: int) -> Generator[Outcome, None, None]:
        next(jobs)
        yield from ()

    monkeypatch.setattr(Launcher, "launch", lose)
    swept = run_sweep(request_of(*MANY, "tracking=off"), SweepLines(StringIO()))
    assert swept.status == "FAILED"
    assert swept.ending is not None
    assert swept.ending.message == "1 of 1 points were not trained"


def test_what_cannot_be_takes_no_trial_and_is_told(request_of: Request) -> None:
    request = request_of(*WIDE, "model.kernel_size=int(interval(3,40))", "sweep.trials=4", "data.limit=100")
    found = Searched(request)
    assert (len(found.jobs) + sum(found.spared.values()), found.note) == (4, "")
    assert len(found.told) == found.verdicts.count("impossible") > 0
    assert all("model.kernel_size: got a kernel of" in reason for _, reason in found.told)
    again = Searched(request, found)
    assert (again.jobs, again.told) == ([], found.told)
    assert again.spared["done before"] == len(found.jobs)


def test_a_space_where_nothing_can_be_comes_to_an_end(request_of: Request) -> None:
    request = request_of(*WIDE, "model.kernel_size=int(interval(29,40))", "sweep.trials=2")
    found = Searched(request)
    assert (found.jobs, found.spared, len(found.record.points)) == ([], {}, 20)
    assert found.note == "the search ends with 0 of 2 trials: too few of its 20 draws are possible"
    again = Searched(request, found)
    assert (again.note, len(again.record.points)) == (found.note, 20)
